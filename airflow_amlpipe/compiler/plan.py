"""Which tasks does a pipeline become, and in which order?

Nothing here knows Airflow: the plan is what ``dag_builder.py`` turns into operators, and what tests and reports look at.
"""

from __future__ import annotations

from dataclasses import dataclass

from airflow_amlpipe.spec.names import task_id_for
from airflow_amlpipe.spec.pipeline import PipelineSpec

__all__ = ["TaskPlan", "plan_tasks", "submitted_dag_id"]

_DIGITS_OF_DIGEST = 16
_LONGEST_STEM = 200


@dataclass(frozen=True, slots=True)
class TaskPlan:
    """One task of a DAG.

    Queue, pool, priority and retries are left to the DAG's ``default_args``: they change where and when a step runs, never its result.
    The step's own time limit is kept where its job is followed, so that it counts the script and not the building of its environment.

    :ivar task_id: the step's id
    :ivar step_json: the whole ``StepSpec`` as one text, which the operator carries as it is
    :ivar upstream: ids of the tasks that must have succeeded before; every other task may run at the same time
    :ivar datasets: names that outputs of the step are registered under
    """

    task_id: str
    step_json: str
    title: str
    upstream: tuple[str, ...]
    datasets: tuple[str, ...]


def plan_tasks(spec: PipelineSpec) -> tuple[TaskPlan, ...]:
    """Return one task for each step, each after those it waits for.

    :raises CycleError: some steps wait for each other
    """
    return tuple(
        TaskPlan(
            task_id=step.id,
            step_json=step.model_dump_json(),
            title=step.name,
            upstream=step.upstream,
            datasets=tuple(dict.fromkeys(output.register_as.name for output in step.outputs if output.register_as)),
        )
        for step in spec.in_order()
    )


def submitted_dag_id(spec: PipelineSpec, digest: str) -> str:
    """Return the id of the DAG of a stored specification: it ends in the specification's digest, so what it means never changes."""
    return f"{task_id_for(spec.name)[:_LONGEST_STEM]}-{digest[:_DIGITS_OF_DIGEST]}"
