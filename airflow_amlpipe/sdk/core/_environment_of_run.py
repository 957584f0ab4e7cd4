"""In which environment did the script of a run run?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk._run_records import run_record
from airflow_amlpipe.sdk._workspace_store import as_user_error, open_workspace
from airflow_amlpipe.sdk.exceptions import UserErrorException

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.core.environment import Environment

__all__ = ["environment_of_document", "environment_of_step"]


def environment_of_step(workspace: Any, run_id: str, step_id: str) -> Environment:
    """Return the environment of a step of a pipeline's run, as the pipeline that was submitted defines it.

    :raises UserErrorException: the run is one of a DAG file, or its pipeline is not in the workspace any more
    """
    from airflow_amlpipe.sdk.core.environment import environment_of_spec

    record = run_record(workspace, run_id)
    if record.spec is None:
        raise UserErrorException(
            f"run {shorten(run_id)} is one of a DAG, whose definition is in its DAG file; look at the environment of step {shorten(repr(step_id))} there"
        )
    with as_user_error():
        steps = open_workspace(workspace).get_spec(record.spec).steps
    spec = next(step.environment for step in steps if step.id == step_id)
    return environment_of_spec(spec, spec.version)


def environment_of_document(document: dict[str, Any]) -> Environment:
    """Return the environment that a step's script was told it runs in."""
    from airflow_amlpipe.sdk.core.environment import environment_of_spec
    from airflow_amlpipe.sdk.lowering_environment import parse_environment

    spec = parse_environment(json.dumps(document), "the environment of this run")
    return environment_of_spec(spec, spec.version)
