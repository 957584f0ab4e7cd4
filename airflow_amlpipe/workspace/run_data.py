"""Which data did a step's run read and write, and which logs did it leave, as SDK v1's details of a run name them?"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import DefinitionError
from airflow_amlpipe.workspace.datasets import saved_id
from airflow_amlpipe.workspace.parameters import bind_step

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_amlpipe.spec.data import DatasetSource, InputSpec
    from airflow_amlpipe.workspace.records import OutputRecord, RunRecord, StepTry
    from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["described_inputs", "described_outputs", "log_files"]


def described_inputs(workspace: WorkspaceStore, record: RunRecord, item: StepTry) -> list[dict[str, Any]]:
    """Return what the step reads: a dataset by its id, an output of an earlier step by the step that wrote it. Places on a datastore are none.

    Of a run of a DAG file, whose definition Airflow keeps, the inputs are known once the step's key is.
    """
    if record.spec is None:
        finished = item.finished
        manifest = {} if finished is None else finished.key_manifest or {}
        told = manifest.get("components", {}).get("inputs", {}).get("readable", {})
        writers = {} if finished is None else finished.inputs_from
        return [_consumed(name, given["mode"], {"id": None, **_written(writers.get(name))}) for name, given in told.items()]
    step = next(step for step in workspace.get_spec(record.spec).steps if step.id == item.started.step_id)
    # A run that failed for what its parameters name shows the parameters; its other inputs are what they are.
    with suppress(DefinitionError):
        step = bind_step(workspace, step, record.parameters)
    return [_consumed(each.name, each.mode, _dataset(workspace, each)) for each in step.inputs if _is_data(each)]


def described_outputs(outputs: Mapping[str, OutputRecord]) -> list[dict[str, Any]]:
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


def log_files(workspace: WorkspaceStore, item: StepTry) -> dict[str, str]:
    """Return the names of the logs that the step's run keeps, each under itself: of a reused step, those of the run that made the result."""
    names = [name.removeprefix(f"{item.made_in}/") for name in workspace.store.match(f"{item.made_in}/logs/**")]
    return {name: name for name in sorted(names)}


def _is_data(item: InputSpec) -> bool:
    source: Any = item.source
    return item.is_dataset and getattr(source, "holds", None) != "data_path" and not getattr(source, "is_place", False)


def _consumed(name: str, mode: str, dataset: dict[str, Any]) -> dict[str, Any]:
    return {"dataset": dataset, "consumptionDetails": {"type": "RunInput", "inputName": name, "mechanism": mode.capitalize()}}


def _dataset(workspace: WorkspaceStore, item: InputSpec) -> dict[str, Any]:
    source: Any = item.source
    if source.kind == "step_output":
        return {"id": None, **_written(source.step), "output": source.output}
    if source.kind == "parameter":
        return {"id": None, "parameter": source.parameter}
    return _known(workspace, source)


def _known(workspace: WorkspaceStore, source: DatasetSource) -> dict[str, Any]:
    if source.name is None:
        return {"id": saved_id(source.paths, source.definition)}
    named = {"name": source.name, "version": source.version}
    if source.version is None:
        return {"id": None, **named}  # the latest when the step ran; which that was its record does not say
    try:
        return {"id": workspace.datasets.get(source.name, source.version).id, **named}
    except DefinitionError:
        return {"id": None, **named}  # it is not registered any more


def _written(step: str | None) -> dict[str, Any]:
    return {} if step is None else {"step": step}
