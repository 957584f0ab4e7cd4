"""Which data did a step's run read, with the datasets themselves in SDK v1's details of the run?"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.sdk._run_records import run_record
from airflow_amlpipe.sdk._workspace_store import open_workspace
from airflow_amlpipe.sdk.exceptions import UserErrorException

if TYPE_CHECKING:
    from airflow_amlpipe.workspace.records import StepTry

__all__ = ["input_datasets"]


def input_datasets(workspace: Any, item: StepTry) -> list[dict[str, Any]]:
    """Return what the step reads: a dataset as such, an output of an earlier step by the step that wrote it."""
    from airflow_amlpipe.workspace.run_data import described_inputs

    record = run_record(workspace, item.started.run_id)
    return [{**told, "dataset": _found(workspace, told["dataset"])} for told in described_inputs(open_workspace(workspace), record, item)]


def _found(workspace: Any, described: dict[str, Any]) -> Any:
    """Return the dataset that has the described id; what has none, or one that the workspace does not know any more, as it is described."""
    from airflow_amlpipe.sdk.core.dataset import Dataset

    if described["id"] is not None:
        with suppress(UserErrorException):
            return Dataset.get_by_id(workspace, described["id"])
    return described
