"""What do the parameters of a run hold for a step: which data, which values of queries, how many nodes, which texts?"""

from __future__ import annotations

from collections.abc import Mapping

from airflow_amlpipe.exceptions import DefinitionError, UnknownNameError, shorten
from airflow_amlpipe.spec.compute import RunSettingsSpec
from airflow_amlpipe.spec.data import DatasetSource, DatastorePath, InputSpec, ParameterSource
from airflow_amlpipe.spec.model import Scalar
from airflow_amlpipe.spec.parameter_value import DataValue, ParameterValue
from airflow_amlpipe.spec.step import StepSpec
from airflow_amlpipe.workspace.datasets import DatasetRecord
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["bind_step", "scalars_read"]


def bind_step(workspace: WorkspaceStore, step: StepSpec, parameters: Mapping[str, ParameterValue]) -> StepSpec:
    """Return ``step`` with what the run's parameters hold in the place of the parameters: data that it reads, values that its queries are asked
    with, and counts of its run settings.

    What a script is given as text stays a place-holder (:func:`scalars_read`). A step that reads nothing else is itself.

    :raises UnknownNameError: a parameter has no value, or the workspace has no such dataset
    :raises DefinitionError: a count is none
    """
    changes: dict[str, object] = {}
    where = f"step {shorten(repr(step.name))}"
    if any(isinstance(item.source, ParameterSource) or _is_asked_with_any(item) for item in step.inputs):
        changes["inputs"] = tuple(_bound(workspace, where, item, parameters) for item in step.inputs)
    if step.run_settings.parameters:
        changes["run_settings"] = _counted(where, step.run_settings, parameters)
    return step.model_copy(update=changes) if changes else step


def scalars_read(step: StepSpec, parameters: Mapping[str, ParameterValue]) -> dict[str, Scalar]:
    """Return the values of the parameters that the step's script is given as text.

    :raises DefinitionError: one of them names data
    """
    found: dict[str, Scalar] = {}
    for name in step.parameters:
        value = parameters[name]
        if not isinstance(value, (bool, int, float, str)):
            raise DefinitionError(f"step {shorten(repr(step.name))} gives parameter {name!r} to its script as text, but it names data")
        found[name] = value
    return found


def _counted(where: str, settings: RunSettingsSpec, parameters: Mapping[str, ParameterValue]) -> RunSettingsSpec:
    counts: dict[str, object] = {"parameters": {}}
    for count, name in settings.parameters.items():
        value = parameters.get(name)
        if isinstance(value, bool) or not isinstance(value, int) or value < (0 if count == "parameter_server_count" else 1):
            raise DefinitionError(f"{where}: {count} is parameter {name!r}, which is {value!r} in this run; give a whole number from 1 up")
        counts[count] = value
    return settings.model_copy(update=counts)


def _is_asked_with_any(item: InputSpec) -> bool:
    return isinstance(item.source, DatasetSource) and bool(item.source.parameters)


def _asked_with(where: str, source: DatasetSource, parameters: Mapping[str, ParameterValue]) -> DatasetSource:
    """Return a query with the run's values in it, and nothing left of the parameters that said them."""
    definition = source.definition
    if definition is None or definition.sql is None:
        return source
    values = []
    for each in definition.sql.parameters:
        if each.parameter is None:
            values.append(each)
            continue
        value = parameters.get(each.parameter)
        if not isinstance(value, (bool, int, float, str)):
            raise UnknownNameError(f"{where}: its query is asked with parameter {each.parameter!r}, which has no such value in this run")
        values.append(each.model_copy(update={"value": value, "parameter": None}))
    query = definition.sql.model_copy(update={"parameters": tuple(values)})
    return source.model_copy(update={"definition": definition.model_copy(update={"reading": query})})


def _bound(workspace: WorkspaceStore, where: str, item: InputSpec, parameters: Mapping[str, ParameterValue]) -> InputSpec:
    if isinstance(item.source, DatasetSource) and item.source.parameters:
        return item.model_copy(update={"source": _asked_with(f"{where}: input {item.name!r}", item.source, parameters)})
    if not isinstance(item.source, ParameterSource):
        return item
    where = f"{where}: input {item.name!r}: parameter {item.source.parameter!r}"
    value = parameters.get(item.source.parameter)
    if value is None or isinstance(value, (bool, int, float, str)):
        raise UnknownNameError(f"{where} names no data in this run")
    source = _data(workspace, value)
    _check_kind(workspace, where, item.source, source)
    return item.model_copy(update={"source": source, "is_dataset": item.source.holds != "data_path"})


def _data(workspace: WorkspaceStore, value: DataValue) -> DatasetSource:
    if isinstance(value, DatastorePath):
        return DatasetSource(paths=(value,), is_place=True)
    if isinstance(value, DatasetSource):
        return value
    found = workspace.datasets.find_id(value.id)
    if isinstance(found, DatasetRecord):
        return DatasetSource(name=found.name, version=found.version)
    return DatasetSource(paths=found.paths, definition=found.definition)


def _check_kind(workspace: WorkspaceStore, where: str, source: ParameterSource, found: DatasetSource) -> None:
    """Refuse a table where the step reads files, and the other way round: a script could do nothing with it."""
    expected = source.holds.removesuffix("_dataset")
    if expected not in {"file", "tabular"}:
        return
    definition = found.definition
    if found.name is not None:
        record = workspace.datasets.find(found.name)
        if record is None:
            return  # an earlier step may register it; who reads it looks for it again
        if found.version is not None:
            record = workspace.datasets.get(found.name, found.version)
        definition = record.definition
    kind = "file" if definition is None else definition.kind
    if kind != expected:
        raise DefinitionError(f"{where} names a {kind} dataset in this run, but the step reads a {expected} one; give a {expected} dataset")
