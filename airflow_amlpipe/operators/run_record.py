"""Which run does a step's record belong to, and is that run really this one?

The first task of an Airflow run writes the run's record down, every later one finds it. Under a run id that ``conf`` gives, something else may
have run.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.operators.outline import PipelineOutline
from airflow_amlpipe.operators.run_request import RunRequest
from airflow_amlpipe.workspace.ids import now_text
from airflow_amlpipe.workspace.records import RunRecord
from airflow_amlpipe.workspace.runs import RunRegistry

__all__ = ["record_run"]


def record_run(runs: RunRegistry, outline: PipelineOutline, request: RunRequest, airflow: Mapping[str, str]) -> str | None:
    """Write down that the run exists, unless it is written; return why its id cannot be used, ``None`` if it can.

    :param airflow: the task that carries out one of its steps
    :raises InfrastructureError: nobody can say
    """
    record = RunRecord(
        run_id=request.run_id,
        pipeline=outline.name,
        experiment=request.experiment,
        created_at=now_text(),
        spec=outline.digest,
        step_ids=tuple(outline.step_names),
        step_names=outline.step_names,
        parameters=dict(request.parameters),
        policy=str(request.policy),
        tags=dict(request.tags),
        description=outline.description,
        airflow={name: airflow[name] for name in ("dag_id", "dag_run_id")},
        host=socket.gethostname(),
    )
    if runs.create(record):
        return None
    found = _taken_by(runs.get(record.run_id), record, airflow)
    # Two runs would read each other's outputs.
    return found and (
        f"run id {record.run_id!r}, which conf gives to run {shorten(repr(airflow['dag_run_id']))} of DAG {shorten(repr(airflow['dag_id']))}, "
        f"is taken by {found}; leave out 'run_id' below 'amlpipe', or give one that is new"
    )


def _taken_by(known: RunRecord, record: RunRecord, airflow: Mapping[str, str]) -> str | None:
    carriers = known.airflow or {}
    if carriers.get("dag_run_id"):
        is_ours = carriers == record.airflow
        return None if is_ours else f"run {shorten(repr(carriers['dag_run_id']))} of DAG {shorten(repr(carriers.get('dag_id')))}"
    # A local submission's: its engine comes with the specification that was submitted, and its DAG run has no name of its own.
    is_ours = known.spec == record.spec and carriers.get("dag_id", airflow["dag_id"]) == airflow["dag_id"]
    return None if is_ours else f"a run of pipeline {shorten(repr(known.pipeline))} that was submitted without Airflow"
