"""What is a script told of another run?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from airflow_amlpipe.exceptions import UnknownNameError, shorten
from airflow_amlpipe.runtime.metrics import fold_metrics
from airflow_amlpipe.runtime.values import to_json
from airflow_amlpipe.workspace.records import RunRecord, StepTry
from airflow_amlpipe.workspace.run_data import described_inputs, described_outputs, log_files
from airflow_amlpipe.workspace.try_files import Logged, logged_by_steps, read_logged
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["find_run"]


def find_run(workspace: WorkspaceStore, run_id: str, *, experiment: str | None, within: str | None) -> dict[str, Any]:
    """Return a run of a pipeline, or of one of a pipeline's steps, with what it logged so far.

    :param experiment: whose runs are searched for that of a step; ``None``: none are
    :param within: the pipeline's run that it is a step of, where that is known
    :raises UnknownNameError: there is none
    """
    runs = workspace.runs
    if within is None:
        try:
            record = runs.get(run_id)
        except UnknownNameError:
            pass
        else:
            return {
                "id": run_id,
                "name": record.pipeline,
                "type": "azureml.PipelineRun",
                "experiment": record.experiment,
                "status": runs.status(run_id),
                "tags": runs.tags(run_id),
                **_logged(logged_by_steps(workspace, run_id)),
                "steps": [_step_details(run_id, tries[-1]) for tries in runs.steps(run_id).values()],
            }
    for record in _searched(workspace, experiment, within):
        item = _find_try(workspace, record, run_id)
        if item is not None:
            logged = read_logged(workspace, item.made_in)
            return {
                **_step_details(record.run_id, item),
                "experiment": record.experiment,
                "tags": {key: text for key, text in logged.tags.items() if text is not None},
                **_logged(logged),
                "steps": [],
                "inputDatasets": described_inputs(workspace, record, item),
                "outputDatasets": [] if item.finished is None else described_outputs(item.finished.outputs),
                "logFiles": log_files(workspace, item),
            }
    where = f"in experiment {experiment!r} of the workspace" if experiment is not None else "in the workspace any more"
    raise UnknownNameError(f"run {shorten(repr(run_id))} is not {where}")


def _searched(workspace: WorkspaceStore, experiment: str | None, within: str | None) -> Iterable[RunRecord]:
    if within is not None:
        return (workspace.runs.get(within),)
    return () if experiment is None else workspace.runs.list(experiment=experiment)


def _find_try(workspace: WorkspaceStore, record: RunRecord, step_run_id: str) -> StepTry | None:
    tries = (item for tries in workspace.runs.steps(record.run_id).values() for item in tries)
    return next((item for item in tries if item.started.step_run_id == step_run_id), None)


def _logged(logged: Logged) -> dict[str, Any]:
    return {"properties": logged.properties, "metrics": to_json("metrics", fold_metrics(logged.events))}


def _step_details(run_id: str, item: StepTry) -> dict[str, Any]:
    return {
        "id": item.started.step_run_id,
        "name": item.started.step_name,
        "type": "azureml.StepRun",
        "parent": run_id,
        "status": item.status,
        "number": item.started.try_number,
    }
