"""Where in Airflow can people see whether a step was reused, and what it produced?"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import InfrastructureError, UnknownNameError
from airflow_amlpipe.operators.assets import dataset_asset
from airflow_amlpipe.operators.job_note import NOTE_KEY
from airflow_amlpipe.operators.links import task_page
from airflow_amlpipe.operators.notes import TaskNotes

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

    from airflow_amlpipe.operators.execution import StepExecution
    from airflow_amlpipe.operators.step import StepOperator
    from airflow_amlpipe.workspace.records import Origin, StepFinished
    from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["show_decision", "show_end"]

_SHORT = 12


def show_decision(task: StepOperator, step: StepExecution) -> None:
    """Say what was decided, and why, before the step goes on; or for whom it waits."""
    assessment = step.assessment
    sentence = step.obstacle or assessment.sentence
    task.log.info("step %r: %s", assessment.step.name, sentence)
    task.reuse_status = f"{sentence} (fingerprint {assessment.key[:_SHORT]})"


def show_end(task: StepOperator, context: Context, workspace: WorkspaceStore, finished: StepFinished) -> dict[str, Any]:
    """Link a reused result to its producer, tell of registered datasets, and return what the task hands to other tasks."""
    origin = finished.reused_from
    if origin is not None:
        with suppress(InfrastructureError):
            TaskNotes(context["task_state_store"]).set(NOTE_KEY, {"reused": True, "fingerprint": finished.key})
        task.reuse_status += f"; produced by step {origin.step_id} of run {origin.run_id}"
        task.produced_by_url = _page_of(workspace, origin)
        if task.produced_by_url:
            task.operator_extra_links = type(task).operator_extra_links
    if finished.lost_race_to is not None:
        task.log.info("step %r: %s", finished.step_name, finished.explanation)
        task.reuse_status = f"{finished.explanation} (fingerprint {(finished.key or '')[:_SHORT]})"
    for output in finished.outputs.values():
        if output.dataset is not None:
            context["outlet_events"][dataset_asset(task.workspace, output.dataset.name)].extra = {
                "version": output.dataset.version,
                "id": output.dataset.id,
                "digest": output.digest,
                "reused": finished.reused,
                "run_id": finished.run_id,
                "step": finished.step_id,
                "output": output.name,
            }
    return {
        "run_id": finished.run_id,
        "step_run_id": finished.step_run_id,
        "reused": finished.reused,
        "fingerprint": finished.key,
        "outputs": {name: output.digest for name, output in finished.outputs.items()},
    }


def _page_of(workspace: WorkspaceStore, origin: Origin) -> str:
    """Return the address of the task that produced a result, ``""`` when it has none here.

    A run that was submitted to a machine of its own had a private Airflow, which nobody can look at; its record names no DAG run.
    """
    try:
        run = workspace.runs.get(origin.run_id)
    except UnknownNameError:
        return ""
    task = origin.airflow or {}
    if "dag_run_id" not in (run.airflow or {}) or not {"dag_id", "dag_run_id", "task_id"} <= task.keys():
        return ""
    return task_page(dag_id=task["dag_id"], run_id=task["dag_run_id"], task_id=task["task_id"])
