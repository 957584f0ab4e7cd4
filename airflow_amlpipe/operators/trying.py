"""What does a try of a step have in hands, whichever verb it is at, and what is written down when it ends badly?"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from airflow_amlpipe.compute.folder import StepFolder
from airflow_amlpipe.exceptions import AmlPipeError, DefinitionError, InfrastructureError, shorten
from airflow_amlpipe.operators.job_note import JobNote, StateStore
from airflow_amlpipe.operators.left_job import end_job
from airflow_amlpipe.operators.outline import PipelineOutline
from airflow_amlpipe.operators.run_record import record_run
from airflow_amlpipe.operators.run_request import RunRequest
from airflow_amlpipe.operators.single_flight import SingleFlight, Waited
from airflow_amlpipe.settings import Settings
from airflow_amlpipe.spec.step import StepSpec
from airflow_amlpipe.storage.crash_points import crash_point
from airflow_amlpipe.workspace.assessment import Assessment
from airflow_amlpipe.workspace.step_run import StepRun
from airflow_amlpipe.workspace.try_files import keep_logs
from airflow_amlpipe.workspace.workspace import WorkspaceStore

if TYPE_CHECKING:
    from airflow_amlpipe.operators.handover import Handover

__all__ = ["StepTrying"]

# Airflow kills a task process 5 seconds after it asked it to end; what still runs then would be left behind.
_GRACE_WHEN_STOPPED_SECONDS: Final = 3.5


@dataclass
class StepTrying:
    """What :class:`StepExecution` does its verbs with.

    :ivar source_base: what a relative source folder is relative to
    :ivar ancestors: gives the ids of all steps this one follows from; asked only where the policy needs them
    :ivar airflow: the task that carries this out
    :ivar is_last_try: whether nobody will come back for a job that is left running
    :ivar notes: outlives this process
    :ivar say: takes a sentence, or a line that the script printed, for the task's log
    :ivar waited: set when the task comes back from waiting
    :ivar obstacle: once decided, for whom the step has to wait; ``None`` if for nobody
    """

    workspace: WorkspaceStore
    settings: Settings
    outline: PipelineOutline
    request: RunRequest
    step: StepSpec
    source_base: Path
    ancestors: Callable[[], Collection[str]]
    airflow: dict[str, str]
    try_number: int
    is_last_try: bool
    notes: StateStore
    say: Callable[[str], None]
    waited: Waited | None = None

    run: StepRun = field(init=False)
    assessment: Assessment = field(init=False)
    obstacle: str | None = field(default=None, init=False)
    flight: SingleFlight = field(init=False)
    _job: JobNote | None = field(default=None, init=False)
    _handover: Handover | None = field(default=None, init=False)
    _is_stopped: bool = field(default=False, init=False)
    _is_canceled: bool = field(default=False, init=False)
    _is_refused: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self.run = self._new_run()
        self.flight = SingleFlight(self.workspace, self.settings, self.waited)

    @contextmanager
    def bad_end_recorded(self) -> Iterator[None]:
        """Write down what went wrong when an error leaves the block, and end the job, unless the next try can take it up again.

        However the block ends, nobody is left waiting for this try any longer than need be.
        """
        try:
            yield
        except BaseException as error:
            # The error itself matters more than trouble in writing it down.
            with suppress(AmlPipeError):
                self._end_badly(error)
            raise
        finally:
            self.flight.leave()

    def stop(self) -> None:
        """End the job, if one runs, and what databases are asked; called by a signal handler while another method is at work. Twice is fine."""
        self._is_stopped = True
        self.workspace.datastores.stop_queries()
        if self._job is not None:
            self._end_job(min(self.settings.terminate_grace_seconds, _GRACE_WHEN_STOPPED_SECONDS))

    @property
    def _where(self) -> str:
        return f"step {shorten(repr(self.step.name))}"

    @property
    def _folder(self) -> StepFolder:
        return StepFolder(self.workspace.home / "tries" / self.run.step_run_id)

    def _new_run(self) -> StepRun:
        return StepRun(self.workspace, self.outline.name, self.request.run_id, self.step, self.try_number, self.airflow)

    def _record_run(self) -> None:
        """:raises DefinitionError: the run's id is another run's."""
        problem = record_run(self.workspace.runs, self.outline, self.request, self.airflow)
        if problem:
            self._is_refused = True
            raise DefinitionError(f"{self._where}: {problem}")

    def _refuse_when_stopped(self) -> None:
        if self._is_stopped:
            if self.workspace.runs.cancel_requested(self.request.run_id):
                raise InfrastructureError(f"{self._where} was stopped, because its run was cancelled")
            raise InfrastructureError(
                f"{self._where} was stopped by Airflow: cancelled, cleared, marked by hand, timed out, or its worker shuts down"
            )

    def _end_badly(self, error: BaseException) -> None:
        if self._is_refused:
            return  # the run is another's, and so are its records
        may_go_on = isinstance(error, InfrastructureError) and not self._is_stopped and not self.is_last_try
        if self._job is not None and may_go_on:
            self._note("the step's job is left as it is: the next try of this task takes it up again")
            self.flight.leave_to_next_try()
            return
        if self._job is not None:
            self._end_job(self.settings.terminate_grace_seconds)
            self._job = None
            # Before logs are stored: Airflow may end this process any moment.
            self.flight.leave()
            from airflow_amlpipe.operators.keeping import keep_files

            with suppress(AmlPipeError):
                keep_files(self.workspace, self.run, self._folder, say=self._note)
        self._keep_logs()
        canceled = self._is_stopped or self._is_canceled or isinstance(error, KeyboardInterrupt)
        # The run is recorded first, if the store was in trouble when that was tried: nobody finds the tries of a run that is not.
        self._record_run()
        self.run.finish_failed(error, getattr(self, "assessment", None), status="Canceled" if canceled else "Failed")
        self._clean()

    def _tell(self, _stream: str, line: str) -> None:
        crash_point("script-heard")
        self.say(line)

    def _note(self, sentence: str) -> None:
        """Say something of ours, also to whoever follows the run without Airflow's log."""
        self.say(sentence)
        self._folder.note(sentence)

    def _keep_logs(self) -> None:
        keep_logs(self.workspace, self.run.folder, self._folder.logs)

    def _end_job(self, grace_seconds: float) -> None:
        if self._job is not None:
            end_job(self._job, grace_seconds)

    def _unmount(self) -> None:
        if self._handover is not None:
            self._handover.close()

    def _clean(self) -> None:
        self._unmount()
        shutil.rmtree(self._folder.root, ignore_errors=True)
