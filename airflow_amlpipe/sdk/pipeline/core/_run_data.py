"""Which data did a step's run read and write, as SDK v1's details of a run name it?"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import DefinitionError
from airflow_amlpipe.sdk._run_records import run_record
from airflow_amlpipe.sdk._workspace_store import open_workspace
from airflow_amlpipe.sdk.exceptions import UserErrorException

if TYPE_CHECKING:
    from airflow_amlpipe.spec.data import DatasetSource, InputSpec
    from airflow_amlpipe.workspace import WorkspaceStore
    from airflow_amlpipe.workspace.records import OutputRecord, StepTry

__all__ = ["input_datasets", "output_datasets"]


def input_datasets(workspace: Any, item: StepTry) -> list[dict[str, Any]]:
    """Return what the step reads: a dataset as such, an output of an earlier step by the step that wrote it.

    Of a run of a DAG file, whose definition Airflow keeps, the inputs are known once the step's key is.
    """
    store, record = open_workspace(workspace), run_record(workspace, item.started.run_id)
    if record.spec is None:
        finished = item.finished
        manifest = {} if finished is None else finished.key_manifest or {}
        told = manifest.get("components", {}).get("inputs", {}).get("readable", {})
        writers = {} if finished is None else finished.inputs_from
        return [_consumed(name, given["mode"], {"id": None, **_written(writers.get(name))}) for name, given in told.items()]
    step = next(step for step in store.get_spec(record.spec).steps if step.id == item.started.step_id)
    from airflow_amlpipe.workspace.parameters import bind_step

    # A run that failed for what its parameters name shows the parameters; its other inputs are what they are.
    with suppress(DefinitionError):
        step = bind_step(store, step, record.parameters)
    found = [each for each in step.inputs if each.is_dataset and getattr(each.source, "holds", None) != "data_path"]
    return [_consumed(each.name, each.mode, _found(workspace, _dataset(store, each))) for each in found]


def output_datasets(outputs: dict[str, OutputRecord]) -> list[dict[str, Any]]:
    """Return what the step wrote: where it lies, and the dataset that it was registered as, if it was."""
    return [
        {
            "identifier": {"savedId": None if output.dataset is None else output.dataset.id, "registeredId": None},
            "outputType": "RunOutput",
            "outputDetails": {"outputName": output.name},
            "dataset": {"datastore": output.datastore, "path": output.published_to or output.path},
        }
        for output in outputs.values()
    ]


def _found(workspace: Any, described: dict[str, Any]) -> Any:
    """Return the dataset that has the described id; what has none, or one that the workspace does not know any more, as it is described."""
    from airflow_amlpipe.sdk.core.dataset import Dataset

    if described["id"] is not None:
        with suppress(UserErrorException):
            return Dataset.get_by_id(workspace, described["id"])
    return described


def _consumed(name: str, mode: str, dataset: Any) -> dict[str, Any]:
    return {"dataset": dataset, "consumptionDetails": {"type": "RunInput", "inputName": name, "mechanism": mode.capitalize()}}


def _dataset(store: WorkspaceStore, item: InputSpec) -> dict[str, Any]:
    source: Any = item.source
    if source.kind == "step_output":
        return {"id": None, **_written(source.step), "output": source.output}
    if source.kind == "parameter":
        return {"id": None, "parameter": source.parameter}
    return _known(store, source)


def _known(store: WorkspaceStore, source: DatasetSource) -> dict[str, Any]:
    if source.name is None:
        from airflow_amlpipe.workspace.datasets import saved_id

        return {"id": saved_id(source.paths, source.definition)}
    named = {"name": source.name, "version": source.version}
    if source.version is None:
        return {"id": None, **named}  # the latest when the step ran; which that was its record does not say
    try:
        return {"id": store.datasets.get(source.name, source.version).id, **named}
    except DefinitionError:
        return {"id": None, **named}  # it is not registered any more


def _written(step: str | None) -> dict[str, Any]:
    return {} if step is None else {"step": step}
