"""What becomes of a job that an earlier try of the task launched, and left when its process ended without a word?

It goes on, under the records and in the folder of the try that launched it, if it computes what is needed now. Otherwise it is ended, that
try's record is closed, and a new try begins.
"""

from __future__ import annotations

from copy import copy

from airflow_amlpipe.operators.job_note import JobNote, StateStore
from airflow_amlpipe.workspace.assessment import Assessment
from airflow_amlpipe.workspace.step_run import StepRun

__all__ = ["end_job", "end_unnoted_jobs", "find_left_job", "why_not_needed"]


def find_left_job(notes: StateStore, run: StepRun) -> tuple[JobNote, StepRun] | None:
    """Return the job that an earlier try of ``run``'s task left, and that try; ``None`` when there is none.

    :raises ProtocolError: a note of one is there and cannot be read
    """
    note = JobNote.find(notes)
    if note is None:
        return None
    left = copy(run)
    left.try_number, left.step_run_id, left.started_at, left.source = note.try_number, note.step_run_id, note.started_at, note.source
    # Where its record is closed, another try has taken over: the note is of no use any more.
    is_closed = any(item.finished for item in run.workspace.runs.tries(run.run_id, run.step.id) if item.folder == left.folder)
    return None if is_closed else (note, left)


def end_unnoted_jobs(run: StepRun, grace_seconds: float) -> None:
    """End what earlier tries of ``run``'s task launched on this machine and were lost before they could note it: nobody will take that up."""
    lost = [item for item in run.workspace.runs.tries(run.run_id, run.step.id) if item.finished is None]
    for item in lost:
        if item.started.try_number < run.try_number:
            from airflow_amlpipe.compute.processes import end_processes_called

            end_processes_called(item.started.step_run_id, grace_seconds)


def why_not_needed(job: JobNote, run: StepRun, assessment: Assessment) -> str | None:
    """Return why the job that ``run`` launched does not answer what is asked now, or ``None`` if it does.

    :raises BackendUnavailableError: nobody can say how the job is
    """
    result = assessment.decision.result
    if result is not None and result.step_run_id == run.step_run_id:
        return None  # that try stored its result and was lost before it could say so
    from airflow_amlpipe.compute.backend import JobHandle, JobState, open_backend

    handle = JobHandle.from_json(job.handle)
    state = open_backend(handle.kind).status(handle).state
    if state is JobState.GONE:
        return "its job was lost"
    # Logs that were moved mean that its outputs may have been moved, too.
    is_collected = run.workspace.store.exists(f"{run.folder}/logs")
    is_sound = state in {JobState.PENDING, JobState.RUNNING, JobState.SUCCEEDED}
    if result is None and job.key == assessment.key and is_sound and not is_collected:
        return None
    return f"its job was {state.value}" if state.is_final else "its job is not needed any more"


def end_job(job: JobNote, grace_seconds: float) -> None:
    """End the job's processes; one that has ended already is left as it is.

    :raises BackendUnavailableError: nobody can reach it
    """
    from airflow_amlpipe.compute.backend import JobHandle, open_backend

    handle = JobHandle.from_json(job.handle)
    open_backend(handle.kind).terminate(handle, grace_seconds)
