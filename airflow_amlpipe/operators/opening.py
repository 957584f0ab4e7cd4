"""What does the task of a step know when it begins, read out of Airflow's context?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from airflow_amlpipe.hooks.opening import open_workspace
from airflow_amlpipe.operators.execution import StepExecution
from airflow_amlpipe.operators.notes import TaskNotes
from airflow_amlpipe.operators.outline import PipelineOutline
from airflow_amlpipe.operators.run_request import read_request
from airflow_amlpipe.operators.single_flight import Waited
from airflow_amlpipe.settings import Settings
from airflow_amlpipe.spec.document import parse_model
from airflow_amlpipe.spec.step import StepSpec

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

    from airflow_amlpipe.operators.step import StepOperator

__all__ = ["open_execution"]


def open_execution(task: StepOperator, context: Context, waited: Waited | None = None) -> StepExecution:
    """Return the try that ``task`` is to carry out; nothing is read from the workspace yet.

    :param waited: set if the task comes back from waiting
    :raises DefinitionError: the definition, the run's ``conf`` or a setting cannot be used
    """
    ti, dag_run = context["ti"], context["dag_run"]
    settings = Settings.load()
    outline = parse_model(PipelineOutline, task.pipeline_json, "pipeline of the task")
    declared = {parameter.name for parameter in outline.parameters}
    return StepExecution(
        workspace=open_workspace(task.workspace, home=settings.home, conn_id=task.workspace_conn_id, settings=settings),
        settings=settings,
        outline=outline,
        request=read_request(
            outline,
            conf=dag_run.conf or {},
            params=context["params"],
            other_params=set(task.dag.params) - declared,
            dag_id=dag_run.dag_id,
            dag_run_id=dag_run.run_id,
            run_after=dag_run.run_after,
        ),
        step=parse_model(StepSpec, task.step_json, "step of the task"),
        source_base=Path(task.source_base) if task.source_base is not None else Path(task.dag.fileloc).parent,
        ancestors=lambda: task.get_flat_relative_ids(upstream=True),
        airflow={"dag_id": dag_run.dag_id, "dag_run_id": dag_run.run_id, "task_id": task.task_id},
        try_number=ti.try_number,
        is_last_try=ti.try_number > ti.max_tries,
        notes=TaskNotes(context["task_state_store"]),
        say=lambda line: task.log.info("%s", line),
        waited=waited,
    )
