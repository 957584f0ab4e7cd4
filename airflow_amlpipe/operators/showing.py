"""Where in Airflow can people see whether a step was reused, and what it produced?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_amlpipe.operators.assets import dataset_asset
from airflow_amlpipe.operators.links import task_page

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

    from airflow_amlpipe.operators.step import StepOperator
    from airflow_amlpipe.workspace.assessment import Assessment
    from airflow_amlpipe.workspace.records import StepFinished

__all__ = ["show_decision", "show_end"]

_SHORT = 12


def show_decision(task: StepOperator, context: Context, assessment: Assessment) -> None:
    """Say what was decided, and why, before the step goes on: in the log, in the state store and in the rendered field."""
    decision = assessment.decision
    task.log.info("step %r: %s", assessment.step.name, decision.sentence)
    task.reuse_status = f"{decision.sentence} (fingerprint {assessment.key[:_SHORT]})"
    notes = context["task_state_store"]
    notes.set("reused", decision.is_reused)
    notes.set("fingerprint", assessment.key)


def show_end(task: StepOperator, context: Context, finished: StepFinished) -> dict[str, Any]:
    """Link a reused result to its producer, tell of registered datasets, and return what the task hands to other tasks."""
    origin = finished.reused_from
    if origin is not None:
        task.reuse_status = f"{finished.explanation}; produced by step {origin.step_id} of run {origin.run_id} (fingerprint {finished.key})"
        if origin.airflow is not None and {"dag_id", "dag_run_id", "task_id"} <= origin.airflow.keys():
            task.produced_by_url = task_page(
                dag_id=origin.airflow["dag_id"], run_id=origin.airflow["dag_run_id"], task_id=origin.airflow["task_id"]
            )
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
