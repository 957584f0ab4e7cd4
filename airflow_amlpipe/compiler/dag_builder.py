"""What does a pipeline look like as an Airflow DAG?

Airflow runs this whenever it parses a DAG file, so nothing is hashed, listed or contacted here. What users typed is carried as data: no
value becomes a template, a path or generated code.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from types import FrameType
from typing import Any

from airflow.sdk import DAG, Param

from airflow_amlpipe.compiler.plan import plan_tasks, submitted_dag_id
from airflow_amlpipe.exceptions import DefinitionError, shorten
from airflow_amlpipe.operators.assets import dataset_asset
from airflow_amlpipe.operators.outline import PipelineOutline
from airflow_amlpipe.operators.step import StepOperator
from airflow_amlpipe.settings import Settings
from airflow_amlpipe.spec.bulk import collector_paused
from airflow_amlpipe.spec.names import RESERVED_KEY, task_id_for
from airflow_amlpipe.spec.parameter import ParameterSpec
from airflow_amlpipe.spec.parameter_value import as_json
from airflow_amlpipe.spec.pipeline import PipelineSpec

__all__ = ["build_dag", "load_dag"]

_LONGEST_DAG_ID = 250
_PACKAGE = str(Path(__file__).parent.parent)
_TAG = "amlpipe"
_DATASET = 'JSON: {"name": "...", "version": 1}, without "version" for the latest, or {"id": "..."}'
_DATA = {
    "data_path": 'Pipeline parameter that names a place on a datastore, as JSON: {"datastore": "...", "path": "..."}',
    "dataset": f"Pipeline parameter that names a dataset, as {_DATASET}",
    "file_dataset": f"Pipeline parameter that names a file dataset, as {_DATASET}",
    "tabular_dataset": f"Pipeline parameter that names a tabular dataset, as {_DATASET}",
}
_NOT_PLAIN = str.maketrans({character: f"&#{ord(character)};" for character in "<>&*_`[]#!|\\"})


def build_dag(
    spec: PipelineSpec,
    *,
    dag_id: str,
    workspace: str,
    workspace_conn_id: str | None = None,
    schedule: Any = None,
    source_base: str | Path | None = None,
    digest: str | None = None,
    **dag_kwargs: Any,
) -> DAG:
    """Return ``spec`` as a DAG: a task for each step, in parallel unless data or ``run_after`` orders them.

    :param dag_id: id of the DAG, at most 250 letters, digits, ``-``, ``_`` and ``.``
    :param workspace: root URL of the workspace that runs, results and data are kept in
    :param workspace_conn_id: id of the connection to log in with there; without it, the setting of this name
    :param schedule: whatever Airflow takes as one; ``None`` runs on demand only
    :param source_base: folder that relative source folders start from; ``None`` is the folder of the DAG file, wherever the worker has it
    :param digest: of the specification as the workspace stores it, when it does
    :param dag_kwargs: further arguments of ``airflow.sdk.DAG``; ``default_args`` carries retries, pool and queue to every step
    :raises DefinitionError: the DAG id cannot be used, or ``params`` declares a parameter that the pipeline declares too
    """
    _check_dag_id(dag_id)
    with collector_paused():
        plans = plan_tasks(spec)
        titles = {plan.task_id: plan.title for plan in plans}
        dag = DAG(
            dag_id,
            schedule=schedule,
            params=_params(spec, dag_kwargs.pop("params", None)),
            tags={_TAG, *(dag_kwargs.pop("tags", None) or ())},
            **{
                "catchup": False,
                "dag_display_name": spec.name,
                "description": spec.description or f"Azure ML pipeline {spec.name}",
                "doc_md": _documentation(spec, titles.values()),
                **dag_kwargs,
            },
        )
        dag.fileloc = _author_file() or dag.fileloc
        pipeline_json = PipelineOutline.of(spec, titles, digest).model_dump_json()
        tasks: dict[str, StepOperator] = {}
        for plan in plans:
            tasks[plan.task_id] = StepOperator(
                dag=dag,
                task_id=plan.task_id,
                task_display_name=plan.title,
                step_json=plan.step_json,
                pipeline_json=pipeline_json,
                workspace=workspace,
                workspace_conn_id=workspace_conn_id,
                source_base=None if source_base is None else str(source_base),
                outlets=[dataset_asset(workspace, dataset) for dataset in plan.datasets],
            )
            if plan.upstream:
                tasks[plan.task_id].set_upstream([tasks[name] for name in plan.upstream])
    return dag


def load_dag(workspace: str, digest: str, *, workspace_conn_id: str | None = None, dag_id: str | None = None, **dag_kwargs: Any) -> DAG:
    """Return the DAG of a specification that a workspace stores; the one call that a generated DAG file makes.

    :param digest: of the specification; it never changes under its digest, so neither does the DAG
    :raises UnknownNameError: the workspace has no such specification
    :raises DatastoreUnavailableError: the workspace could not be read; parse again later
    """
    from airflow_amlpipe.hooks.opening import open_workspace

    spec = open_workspace(workspace, home=Settings.load().home, conn_id=workspace_conn_id).get_spec(digest)
    dag_kwargs = {"is_paused_upon_creation": False, **dag_kwargs}
    return build_dag(
        spec,
        dag_id=dag_id or submitted_dag_id(spec, digest),
        workspace=workspace,
        workspace_conn_id=workspace_conn_id,
        digest=digest,
        **dag_kwargs,
    )


def _params(spec: PipelineSpec, further: Any) -> dict[str, Any]:
    params = {parameter.name: _param(parameter) for parameter in spec.parameters}
    for name in further or ():
        if name == RESERVED_KEY:
            raise DefinitionError(
                f"pipeline {spec.name!r}: params={{{name!r}: ...}} is a reserved name: a run's conf holds its own options under it; rename it"
            )
        if name in params:
            raise DefinitionError(
                f"pipeline {spec.name!r}: params={{{name!r}: ...}} is a parameter of the pipeline already; remove it from params"
            )
    return {**params, **(further or {})}


def _param(parameter: ParameterSpec) -> Param:
    if parameter.is_data:
        # A field for JSON. What its object may hold is the parameter's to say, in words that tell the author what to do (``ParameterSpec.bind``).
        return Param(as_json(parameter.default), type="object", title=parameter.name, description=_DATA[parameter.type])
    # Airflow's form has no field for a default that is empty unless the type says that nothing may be given.
    volatile = "; volatile: another value is no reason to run a step again" if parameter.volatile else ""
    described = f"Pipeline parameter of type {parameter.type}{volatile}"
    return Param(parameter.default, type=parameter.type, title=parameter.name, description=described)


def _documentation(spec: PipelineSpec, titles: Iterable[str]) -> str:
    steps = "\n".join(f"- {_plain(title)}" for title in titles)
    # The last line is ours: Airflow opens a doc_md that ends in ".md" as a file.
    return f"{_plain(spec.description or spec.name)}\n\nSteps:\n\n{steps}\n\nBuilt by airflow-amlpipe from an Azure ML pipeline.\n"


def _plain(text: str) -> str:
    """Return ``text`` as people are to see it, and not as Markdown or HTML would read it."""
    return " ".join(text.split()).translate(_NOT_PLAIN)


def _check_dag_id(dag_id: str) -> None:
    if not dag_id or len(dag_id) > _LONGEST_DAG_ID or task_id_for(dag_id)[:_LONGEST_DAG_ID] != dag_id[:200].strip("_"):
        raise DefinitionError(
            f"the DAG id {shorten(repr(dag_id))} cannot be used; use letters, digits, '-', '_' and '.', at most {_LONGEST_DAG_ID} characters"
        )


def _author_file() -> str | None:
    """Return the file of the code that called into this package: the DAG file, which Airflow would otherwise look for here."""
    frame: FrameType | None = sys._getframe()
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    return None if frame is None else frame.f_code.co_filename
