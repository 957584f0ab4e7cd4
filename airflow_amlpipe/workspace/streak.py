"""Is one thing all that changed since the step ran before, and for how many runs has it been so?

Each record carries the count on from the one before it, so that however long it is, one earlier record is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.reuse.decision import Reason
from airflow_amlpipe.reuse.explain import compare_keys
from airflow_amlpipe.reuse.streak import Streak, continue_streak
from airflow_amlpipe.reuse.subject import Subject, subjects_of
from airflow_amlpipe.spec.data import StepOutputSource
from airflow_amlpipe.workspace.assessment import Assessment
from airflow_amlpipe.workspace.history import StepHistory, key_manifest_of
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["count_streak"]

# Runs of other pipelines lie between those of a pipeline; one that has not run for that long has no streak.
_MOST_RUNS_BACK: Final = 8


def count_streak(workspace: WorkspaceStore, assessment: Assessment, *, pipeline: str, run_id: str) -> Streak | None:
    """Return the streak of the one thing that made the step run; ``None`` if it ran for another reason, or for more than one.

    Costs a listing of the runs, one of each run looked at, and a handful of reads.

    :raises DatastoreUnavailableError: something could not be read
    """
    if assessment.decision.reason is not Reason.NO_RECORD:
        return None
    before = StepHistory(workspace, pipeline, before_run_id=run_id, most_runs=_MOST_RUNS_BACK).previous(assessment.step.id)
    manifest = None if before is None else key_manifest_of(before)
    if before is None or manifest is None:
        return None
    differences = compare_keys(manifest, assessment.key_manifest, workspace.find_listing)
    subject = _one_of(workspace, assessment, subjects_of(differences, assessment.key_manifest), (before.run_id, run_id))
    return None if subject is None else continue_streak(subject, before.streak)


def _one_of(workspace: WorkspaceStore, assessment: Assessment, subjects: Sequence[Subject], runs: tuple[str, str]) -> Subject | None:
    if subjects and all(subject.component == "inputs" for subject in subjects):
        return _unsteady_output(workspace, assessment, subjects, runs)
    return subjects[0] if len(subjects) == 1 else None


def _unsteady_output(
    workspace: WorkspaceStore, assessment: Assessment, subjects: Sequence[Subject], runs: tuple[str, str]
) -> Subject | None:
    """Return the output of an earlier step that ran with the same key in both runs and wrote other bytes; new data is no streak."""
    names = {subject.where.partition("/")[0].partition(".")[0] for subject in subjects}
    sources = [item.source for item in assessment.step.inputs if item.name in names and isinstance(item.source, StepOutputSource)]
    if len(names) != 1 or len(sources) != 1:
        return None
    writer = sources[0]
    written = [workspace.runs.output_of(run_id, writer.step) for run_id in runs]
    if any(finished is None or finished.reused for finished in written) or len({finished and finished.key for finished in written}) != 1:
        return None
    return Subject("inputs", names.pop(), f"output {shorten(repr(writer.output), 80)} of step {shorten(repr(writer.step), 80)}")
