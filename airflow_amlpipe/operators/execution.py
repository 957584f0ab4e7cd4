"""How is one try of a step carried out, from its first record to its last?

The verbs of ``step.py``, without Airflow: what they need of it are plain values, a place for notes and a way to say something. So this is
tested without a DAG, and a step behaves the same under every executor.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_amlpipe.exceptions import AmlPipeError, DefinitionError, InfrastructureError
from airflow_amlpipe.fingerprint.source import SourceSnapshot
from airflow_amlpipe.operators.before import outputs_before
from airflow_amlpipe.operators.collecting import begin_collecting, finished_by_another, is_being_collected
from airflow_amlpipe.operators.job_note import JobNote
from airflow_amlpipe.operators.left_job import end_unnoted_jobs, find_left_job, why_not_needed
from airflow_amlpipe.operators.single_flight import claim_of, take_up_wait
from airflow_amlpipe.operators.trying import StepTrying
from airflow_amlpipe.operators.watching import watch_streak
from airflow_amlpipe.reuse.decision import Reason
from airflow_amlpipe.reuse.result import StepResult
from airflow_amlpipe.storage.crash_points import crash_point
from airflow_amlpipe.workspace.assessment import Assessment, assess_step, enforce
from airflow_amlpipe.workspace.records import StepFinished
from airflow_amlpipe.workspace.sources import read_source, store_source

if TYPE_CHECKING:
    from airflow_amlpipe.compute.backend import JobHandle

__all__ = ["StepExecution"]


@dataclass
class StepExecution(StepTrying):
    """One try of one step. Call :meth:`identify`, :meth:`decide`, then :meth:`reuse`, or :meth:`carry_out` (:meth:`launch`, :meth:`wait` and
    :meth:`record`);
    where somebody else computes the step already (``obstacle``), :meth:`pause`, and another execution of the try goes on from the beginning.
    """

    _snapshot: SourceSnapshot | None = field(default=None, init=False)

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
                upstream=outputs_before(self.workspace, self.request.run_id, self.step),
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
        from airflow_amlpipe.operators.preparing import git_state_of, prepare_job, run_facts

        if self._job is not None:
            self._note("the job that an earlier try of this task launched is taken up again")
            return JobHandle.from_json(self._job.handle)
        if self._snapshot is not None:
            self.run.source = git_state_of(self.step, self.source_base)
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
        handle, request = self._handover.launch(backend, request)
        crash_point("job-launched")
        shown = {view.name for view in request.views if not view.is_pinned}
        self._job = JobNote.of(handle.to_json(), self.assessment.key, self.run, shown=shown)
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
        from airflow_amlpipe.operators.answers import answers_for

        self._watch_changes()  # while the job runs: nobody waits for it
        try:
            answers = answers_for(self.run, self.assessment, self.outline.workspace, self.request.experiment, say=self._note)
            with answering(self._folder, answers, self._note):
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
        from airflow_amlpipe.compute.places import written_place
        from airflow_amlpipe.operators.answering import asked_so_far
        from airflow_amlpipe.operators.keeping import keep_files
        from airflow_amlpipe.workspace.asked import answers_of
        from airflow_amlpipe.workspace.showing import refuse_changed, refuse_written
        from airflow_amlpipe.workspace.staging import place_of_nothing

        crash_point("job-ended")
        if not begin_collecting(self._folder):
            return self._recorded_by_another()
        collected = keep_files(self.workspace, self.run, self._folder, say=self._note)
        crash_point("files-kept")
        shown = () if self._job is None else tuple(self._job.shown)
        self._job = None  # its files are moved from here on, so nobody can take it up again
        for name in shown:
            refuse_changed(self.workspace, self.assessment.inputs[name])
        for each in self.step.inputs:
            resolved = self.assessment.inputs[each.name]
            if resolved.empty_place is not None:
                nothing = place_of_nothing(resolved, self._folder.inputs / each.name)
                refuse_written(self._where, resolved, written_place(each, nothing, self._folder))
        if collected.run.cancel_requested or collected.parent.cancel_requested:
            self._is_canceled = True
            raise DefinitionError(f"{self._where}: its script asked for the run to be cancelled")
        produced = {name: output.path for name, output in collected.outputs.items()}
        told = answers_of(asked_so_far(self._folder))
        finished = self.run.finish_ran(self.assessment, produced, told=told, say=self._note)
        self._clean()
        return finished

    def _identify_source(self) -> str:
        if not self.step.reads_folder:
            return self.step.source.snapshot or ""
        limits = {"limit_bytes": self.settings.source_limit_bytes, "limit_files": self.settings.source_limit_files}
        self._snapshot = read_source(self.workspace, self.step, self.source_base, **limits)
        for warning in self._snapshot.warnings:
            self._note(f"{self._where}: {warning}")
        return self._snapshot.digest

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
        warning = watch_streak(self.run, self.assessment, self.settings.changed_streak_warning)
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
