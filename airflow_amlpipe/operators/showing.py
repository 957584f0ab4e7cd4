"""Where in Airflow can people see whether a step was reused, and what it produced?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_amlpipe.operators.assets import dataset_asset
from airflow_amlpipe.operators.job_note import NOTE_KEY
from airflow_amlpipe.operators.links import task_page

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

    from airflow_amlpipe.operators.step import StepOperator
    from airflow_amlpipe.workspace.assessment import Assessment
    from airflow_amlpipe.workspace.records import StepFinished

__all__ = ["show_decision", "show_end"]

_SHORT = 12


def show_decision(task: StepOperator, assessment: Assessment) -> None:
    """Say what was decided, and why, before the step goes on."""
    sentence = assessment.decision.sentence
    task.log.info("step %r: %s", assessment.step.name, sentence)
    task.reuse_status = f"{sentence} (fingerprint {assessment.key[:_SHORT]})"


def show_end(task: StepOperator, context: Context, finished: StepFinished) -> dict[str, Any]:
    """Link a reused result to its producer, tell of registered datasets, and return what the task hands to other tasks."""
    origin = finished.reused_from
    if origin is not None:
        context["task_state_store"].set(NOTE_KEY, {"reused": True, "fingerprint": finished.key})
        task.reuse_status += f"; produced by step {origin.step_id} of run {origin.run_id}"
        if origin.airflow is not None and {"dag_id", "dag_run_id", "task_id"} <= origin.airflow.keys():
            task.produced_by_url = task_page(
                dag_id=origin.airflow["dag_id"], run_id=origin.airflow["dag_run_id"], task_id=origin.airflow["task_id"]
            )
            task.operator_extra_links = type(task).operator_extra_links
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
