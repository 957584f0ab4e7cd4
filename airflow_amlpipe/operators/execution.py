"""How is one try of a step carried out, from its first record to its last?

The verbs of ``step.py``, without Airflow: what they need of it are plain values, a place for notes and a way to say something. So this is
tested without a DAG, and a step behaves the same under every executor.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from airflow_amlpipe.compute.folder import StepFolder
from airflow_amlpipe.exceptions import AmlPipeError, DefinitionError, InfrastructureError, ViewRefusedError, shorten
from airflow_amlpipe.fingerprint.source import SourceSnapshot
from airflow_amlpipe.operators.collecting import begin_collecting, finished_by_another, is_being_collected
from airflow_amlpipe.operators.job_note import JobNote, StateStore
from airflow_amlpipe.operators.left_job import end_job, end_unnoted_jobs, find_left_job, why_not_needed
from airflow_amlpipe.operators.outline import PipelineOutline
from airflow_amlpipe.operators.run_record import record_run
from airflow_amlpipe.operators.run_request import RunRequest
from airflow_amlpipe.operators.single_flight import SingleFlight, Waited, claim_of, take_up_wait
from airflow_amlpipe.reuse.decision import Reason
from airflow_amlpipe.reuse.result import StepResult, StoredOutput
from airflow_amlpipe.settings import Settings
from airflow_amlpipe.spec.data import StepOutputSource
from airflow_amlpipe.spec.step import StepSpec
from airflow_amlpipe.storage.crash_points import crash_point
from airflow_amlpipe.workspace.assessment import Assessment, assess_step, enforce
from airflow_amlpipe.workspace.records import StepFinished
from airflow_amlpipe.workspace.sources import read_source, store_source
from airflow_amlpipe.workspace.step_run import StepRun
from airflow_amlpipe.workspace.try_files import keep_logs
from airflow_amlpipe.workspace.workspace import WorkspaceStore

if TYPE_CHECKING:
    from airflow_amlpipe.compute.backend import JobHandle
    from airflow_amlpipe.operators.answering import AnswerQuestion
    from airflow_amlpipe.operators.handover import Handover

__all__ = ["StepExecution"]

# Airflow kills a task process 5 seconds after it asked it to end; what still runs then would be left behind.
_GRACE_WHEN_STOPPED_SECONDS: Final = 3.5


@dataclass
class StepExecution:
    """One try of one step. Call :meth:`identify`, :meth:`decide`, then :meth:`reuse`, or :meth:`carry_out` (:meth:`launch`, :meth:`wait` and
    :meth:`record`);
    where somebody else computes the step already (``obstacle``), :meth:`pause`, and another execution of the try goes on from the beginning.

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
    _snapshot: SourceSnapshot | None = field(default=None, init=False)
    _handover: Handover | None = field(default=None, init=False)
    _is_stopped: bool = field(default=False, init=False)
    _is_canceled: bool = field(default=False, init=False)
    _is_refused: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self.run = self._new_run()
        self.flight = SingleFlight(self.workspace, self.settings, self.waited)

    def identify(self) -> None:
        """Write down that the run and this try of the step exist, and find the job that an earlier try may have left running.

        :raises DefinitionError: the run was cancelled, or the run id that it was given is that of another run
        """
        self._record_run()
        crash_point("run-recorded")
        self._take_up_job()
        may_have_waited = self.waited is not None or self.try_number > 1
        if self._job is None and not (may_have_waited and take_up_wait(self.run, came_back=self.waited is not None)):
            self.run.start()
        crash_point("try-begun")
        if self.workspace.runs.cancel_requested(self.request.run_id):
            self._is_canceled = True
            raise DefinitionError(
                f"run {self.request.run_id} was cancelled before {self._where} started; submit it again if it is still wanted"
            )

    def decide(self) -> Assessment:
        """Return the step's key in this run, and whether an earlier result stands in for it; if none does, claim the step, or see who has.

        :raises DefinitionError: source, script or data are not there
        :raises ReuseRequiredError: the policy is ``require`` and the step would have to run
        """
        self._assess()
        while self._is_shared:
            forced = self.assessment.decision.reason is Reason.FORCED
            may_wait = self._job is None and not forced
            self.obstacle = self.flight.enter(self.assessment.key, claim_of(self.run), may_wait=may_wait)
            newest_seen = self.assessment.decision.newest_seen
            if forced or self.obstacle is not None or not self.flight.has_news(self.assessment.key, newest_seen=newest_seen):
                break
            self._assess()
        crash_point("decided")
        return self.assessment

    def pause(self) -> None:
        """Write down that the try waits for somebody else; the task ends its process, and another one goes on with the same try."""
        self._refuse_when_stopped()
        self.workspace.runs.pause_step(self.run.folder, self.obstacle or "")

    @property
    def _is_shared(self) -> bool:
        """Whether what the step computes will be offered to others, so that they may wait for it."""
        return self.settings.single_flight and self.step.allow_reuse and not self.assessment.decision.is_reused

    def _assess(self) -> None:
        policy = self.request.policy
        while True:
            self.assessment = assess_step(
                self.workspace,
                self.step,
                snapshot=self._identify_source(),
                parameters=self.request.parameters,
                upstream=self._upstream(),
                policy=policy,
                ancestors=self.ancestors() if policy.mode == "refresh-from" else (),
                run_id=self.request.run_id,
            )
            crash_point("key-known")
            # A result that is cleared away in this very moment is no hit: ask again, and it is not found.
            if self.assessment.decision.result is None or self.run.take(self.assessment.decision.result):
                break
        enforce(self.workspace, self.assessment, policy)
        self._settle_job()

    def reuse(self, result: StepResult) -> StepFinished:
        """Hand on an earlier result as if the step had run."""
        finished = self.run.finish_reused(self.assessment, result)
        self._clean()
        return finished

    def carry_out(self) -> StepFinished:
        """Compute the step: launch its job, wait for it and record what it left, or make the copy that the step is.

        :raises AmlPipeError: whatever one of the three raises
        """
        if self.step.command.has_code:
            self.wait(self.launch())
            return self.record()
        from airflow_amlpipe.operators.transferring import carry_out_transfer

        self._watch_changes()
        finished = carry_out_transfer(
            self.workspace, self.assessment, self.run, self._folder, say=self._note, go_on=self._refuse_when_stopped
        )
        self._clean()
        return finished

    def launch(self) -> JobHandle:
        """Start the step's job, or find again the one that an earlier try started; the handle is kept before it is returned.

        :raises DefinitionError: it can never be started
        :raises InfrastructureError: it could not be started now
        """
        # What only a step that runs needs is imported when one does: a reused step's task is over before that would be.
        from airflow_amlpipe.compute.backend import JobHandle, open_backend
        from airflow_amlpipe.operators.handover import Handover
        from airflow_amlpipe.operators.preparing import prepare_job, run_facts

        if self._job is not None:
            self._note("the job that an earlier try of this task launched is taken up again")
            return JobHandle.from_json(self._job.handle)
        if self._snapshot is not None:
            self.run.source = self._git_state()
            store_source(self.workspace, self.step, self.source_base, self._snapshot)
            crash_point("source-stored")
        backend = open_backend(self.workspace.computes.get(self.step.compute).kind)
        shows_data = backend.shows_views and self.settings.mount_inputs
        self._handover = Handover(
            self.workspace,
            self.assessment,
            self._folder,
            self._note,
            shows_data=shows_data,
            mounts_remote=shows_data and self.settings.mount_remote_inputs,
        )
        request = prepare_job(
            self.workspace,
            self.assessment,
            self._folder,
            facts=run_facts(self.workspace, self.run, self.request.experiment, self.outline.workspace),
            say=self._note,
            conda_packages_from_pypi=self.settings.conda_packages_from_pypi,
            python_downloads=self.settings.python_downloads,
            handover=self._handover,
        )
        self._refuse_when_stopped()
        crash_point("job-prepared")
        try:
            handle = backend.launch(request)
        except ViewRefusedError as error:
            self._note(f"inputs are copied instead of mounted: {error}")
            request = self._handover.copy_instead(request)
            handle = backend.launch(request)
        crash_point("job-launched")
        run = self.run
        self._job = JobNote(
            handle.to_json(),
            self.assessment.key,
            run.step_run_id,
            run.try_number,
            run.started_at,
            launched_at=time.time(),
            source=run.source,
            shown=sorted({view.name for view in request.views if not view.is_pinned}),
        )
        try:
            self._job.keep(self.notes)
        except InfrastructureError as error:
            # Better a job that the next try cannot find than none: what it computes is stored all the same.
            self._note(f"{error}: should this process die, the next try will not find the step's job")
        crash_point("job-noted")
        if self._is_stopped:
            self.stop()
        return handle

    def wait(self, handle: JobHandle) -> None:
        """Follow the job to its end; every line it prints goes to the task's log.

        :raises StepFailedError: the script failed, or ran longer than its time-out
        :raises BackendUnavailableError: nobody can say how it is
        """
        from airflow_amlpipe.compute.backend import open_backend
        from airflow_amlpipe.compute.waiting import follow_job
        from airflow_amlpipe.operators.answering import answering

        self._watch_changes()  # while the job runs: nobody waits for it
        try:
            with answering(self._folder, self._answers(), self._note):
                follow_job(
                    open_backend(handle.kind),
                    handle,
                    on_line=self._tell,
                    what=self._where,
                    timeout_seconds=self.step.timeout_seconds,
                    running_seconds=0.0 if self._job is None else self._job.running_seconds,
                    poll_interval_seconds=self.settings.poll_interval_seconds,
                    terminate_grace_seconds=self.settings.terminate_grace_seconds,
                )
        except AmlPipeError:
            self._refuse_when_stopped()
            raise
        finally:
            self._unmount()

    def record(self) -> StepFinished:
        """Commit what the script left, and write down that the step ended well.

        :raises DefinitionError: an output holds what cannot be data, or the script asked for the run to be cancelled
        :raises SourceChangedError: data that the script read where it lies is not what it was; nothing was committed
        :raises CommitUnknownError: nobody can say whether the result was stored; the next try finds out
        """
        from airflow_amlpipe.operators.answering import asked_so_far
        from airflow_amlpipe.operators.keeping import keep_files
        from airflow_amlpipe.workspace.asked import answers_of
        from airflow_amlpipe.workspace.showing import refuse_changed, refuse_written

        crash_point("job-ended")
        if not begin_collecting(self._folder):
            return self._recorded_by_another()
        collected = keep_files(self.workspace, self.run, self._folder, say=self._note)
        crash_point("files-kept")
        shown = () if self._job is None else tuple(self._job.shown)
        self._job = None  # its files are moved from here on, so nobody can take it up again
        for name in shown:
            refuse_changed(self.workspace, self.assessment.inputs[name])
        for name, item in self.assessment.inputs.items():
            if item.empty_place is not None:
                refuse_written(self._where, item, self._folder.inputs / name)
        if collected.run.cancel_requested or collected.parent.cancel_requested:
            self._is_canceled = True
            raise DefinitionError(f"{self._where}: its script asked for the run to be cancelled")
        produced = {name: output.path for name, output in collected.outputs.items()}
        told = answers_of(asked_so_far(self._folder))
        finished = self.run.finish_ran(self.assessment, produced, told=told, say=self._note)
        self._clean()
        return finished

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

    def _identify_source(self) -> str:
        if not self.step.reads_folder:
            return self.step.source.snapshot or ""
        limits = {"limit_bytes": self.settings.source_limit_bytes, "limit_files": self.settings.source_limit_files}
        self._snapshot = read_source(self.workspace, self.step, self.source_base, **limits)
        for warning in self._snapshot.warnings:
            self._note(f"{self._where}: {warning}")
        return self._snapshot.digest

    def _git_state(self) -> dict[str, dict[str, Any]]:
        from airflow_amlpipe.workspace.git_state import git_state

        directory = self.step.source.directory
        state = git_state(self.source_base / directory)
        return {} if state is None else {directory: state}

    def _upstream(self) -> dict[str, Mapping[str, StoredOutput]]:
        producers = {item.source.step for item in self.step.inputs if isinstance(item.source, StepOutputSource)}
        return {step_id: self._outputs_of(step_id) for step_id in sorted(producers)}

    def _outputs_of(self, step_id: str) -> Mapping[str, StoredOutput]:
        finished = self.workspace.runs.output_of(self.request.run_id, step_id)
        if finished is None:
            raise DefinitionError(
                f"{self._where} reads what step {step_id!r} writes, but that step has not ended well in run {self.request.run_id}; "
                "it was marked as success by hand, or left out: clear it, so that it runs"
            )
        return finished.outputs

    def _take_up_job(self) -> None:
        """Go on as the try that launched a job and ended without a word, until it is clear what becomes of the job."""
        if self.try_number == 1:
            return
        left = find_left_job(self.notes, self.run)
        if left is None:
            end_unnoted_jobs(self.run, self.settings.terminate_grace_seconds)
        else:
            self._job, self.run = left

    def _watch_changes(self) -> None:
        """Warn when one thing alone has made the step run, again and again."""
        at_least = self.settings.changed_streak_warning
        if not at_least:
            return
        from airflow_amlpipe.workspace.streak import count_streak

        # A hint: trouble in finding it must not fail the step.
        with suppress(AmlPipeError):
            self.run.streak = count_streak(self.workspace, self.assessment, pipeline=self.outline.name, run_id=self.request.run_id)
        warning = self.run.streak.sentence(at_least) if self.run.streak else None
        if warning:
            self._note(f"warning: {self._where}: {warning}")

    def _recorded_by_another(self) -> StepFinished:
        """Wait until the process that stores what the job left has written down how the try ended, and go on with that."""
        self._job, self._is_refused = None, True
        self._note("another process of this try, which was believed dead, stores what the job left; this one waits for its records")
        finished = finished_by_another(
            self.workspace.runs, self.run.folder, self._folder, self.settings.poll_interval_seconds, meanwhile=self._refuse_when_stopped
        )
        if finished is not None and finished.status == "Finished":
            return finished
        self._is_refused = finished is not None
        raise InfrastructureError(f"{self._where}: the process that stored what its job left did not end well; retry it")

    def _settle_job(self) -> None:
        """Keep the job that an earlier try launched if it computes what is needed now; end it, and begin a new try, if it does not."""
        why = None if self._job is None else why_not_needed(self._job, self.run, self.assessment)
        if why is None:
            return
        if is_being_collected(self._folder):
            # Not dead after all: its files and its records are its own.
            self._job, self.run = None, self._new_run()
            self.run.start()
            return
        self._end_job(self.settings.terminate_grace_seconds)
        self._keep_logs()
        self.run.finish_failed(InfrastructureError(f"the task process ended before this try did; {why}"), status="Canceled")
        self._clean()
        self.flight.ended.add(self.run.step_run_id)
        self._job, self.run = None, self._new_run()
        self.run.start()

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

    def _answers(self) -> AnswerQuestion:
        from airflow_amlpipe.hooks.secrets import find_secret
        from airflow_amlpipe.operators.answers import Answers
        from airflow_amlpipe.operators.preparing import workspace_names

        names = workspace_names(self.workspace, self.outline.workspace)
        keyed = {item.digest for item in self.assessment.inputs.values()}
        return Answers(self.run, names, self.request.experiment, self._note, find_secret, keyed)

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
