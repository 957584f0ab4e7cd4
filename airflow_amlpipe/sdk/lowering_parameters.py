"""How do the values of a pipeline, and the places where steps read them, become specifications?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import DefinitionError, shorten
from airflow_amlpipe.sdk._workspace_store import check_workspace
from airflow_amlpipe.sdk.data.abstract_dataset import AbstractDataset
from airflow_amlpipe.sdk.data.datapath import DataPath
from airflow_amlpipe.sdk.data.file_dataset import FileDataset
from airflow_amlpipe.sdk.exceptions import UserErrorException
from airflow_amlpipe.sdk.lowering_values import dataset_source, lower_paths, plain_value
from airflow_amlpipe.sdk.pipeline.core._items import how_to_read
from airflow_amlpipe.sdk.pipeline.core.graph import PipelineParameter, Volatile
from airflow_amlpipe.spec.data import DatasetSource, ParameterSource
from airflow_amlpipe.spec.parameter import ParameterSpec, ParameterType, parameter_type_of
from airflow_amlpipe.spec.parameter_value import DataType, DataValue, shown
from airflow_amlpipe.spec.pipeline import PipelineSpec
from airflow_amlpipe.spec.step import LiteralArgument, ParameterArgument

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.core.workspace import Workspace

__all__ = ["ParameterLowering", "lower_submitted", "lower_values"]

_CALLED: dict[ParameterType, str] = {
    "boolean": "bool",
    "integer": "int",
    "number": "float",
    "string": "str",
    "data_path": "DataPath",
    "dataset": "Dataset",
    "file_dataset": "FileDataset",
    "tabular_dataset": "TabularDataset",
}


class ParameterLowering:
    """The parameters of one pipeline, gathered from the places where its steps read them."""

    def __init__(self) -> None:
        self.declared: dict[str, ParameterSpec] = {}

    def value(self, where: str, value: Any) -> LiteralArgument | ParameterArgument:
        """Return a value that a script is given as text."""
        is_volatile = isinstance(value, Volatile)
        value = value.value if is_volatile else value
        if not isinstance(value, PipelineParameter):
            return LiteralArgument(value=plain_value(where, value), volatile=is_volatile)
        if isinstance(value.default_value, (DataPath, AbstractDataset)):
            raise DefinitionError(f"{where}: {how_to_read(value)}")
        default = plain_value(f"{where}: PipelineParameter {value.name!r}: the default", value.default_value)
        self._declare(where, ParameterSpec(name=value.name, type=parameter_type_of(default), default=default, volatile=value.volatile))
        return ParameterArgument(parameter=value.name, volatile=is_volatile or value.volatile)

    def count(self, where: str, parameter: PipelineParameter) -> str:
        """Return the name of a parameter that holds a count of a step's run settings."""
        default: Any = parameter.default_value
        if parameter.volatile:
            raise DefinitionError(
                f"{where}: PipelineParameter {parameter.name!r} is volatile, but run settings always count; leave volatile out"
            )
        self._declare(where, ParameterSpec(name=parameter.name, type="integer", default=int(default)))
        return parameter.name

    def data_source(self, where: str, parameter: PipelineParameter, workspace: Workspace) -> ParameterSource:
        """Return the data that a parameter names as the source of an input."""
        named: Any = parameter.default_value
        kind = data_type_of(named)
        default = lower_data(f"{where}: PipelineParameter {parameter.name!r}: the default", named, workspace)
        self._declare(where, ParameterSpec(name=parameter.name, type=kind, default=default))
        return ParameterSource(parameter=parameter.name, holds=kind)

    def _declare(self, where: str, given: ParameterSpec) -> None:
        known = self.declared.setdefault(given.name, given)
        if known != given:
            differs = (
                f"has the default {shown(given.default)}, but {shown(known.default)} elsewhere in the pipeline"
                if (known.type, known.default) != (given.type, given.default)
                else f"is {'volatile here, but not' if given.volatile else 'not volatile here, but is'} elsewhere in the pipeline"
            )
            raise DefinitionError(
                f"{where}: PipelineParameter {given.name!r} {differs}; make one PipelineParameter and use it in both places, or give them different names"
            )


def lower_values(workspace: Workspace, given: Any) -> dict[str, Any]:
    """Return values given at submission, data as what names it: a dataset that nobody registered is saved, and has an id from then on.

    :raises UserErrorException: they are no dictionary
    :raises DefinitionError: data is of another workspace
    """
    if given is not None and not isinstance(given, dict):
        raise UserErrorException(f"pipeline_parameters must be a dictionary of names and values, not {shorten(repr(given))}")
    return {name: _lowered(workspace, str(name), value) for name, value in (given or {}).items()}


def lower_submitted(workspace: Workspace, spec: PipelineSpec, given: Any) -> dict[str, Any]:
    """Return values given at submission of a pipeline as its parameters take them.

    As in SDK v1 a value is of exactly the type of the default, where truth values are whole numbers (``Pipeline.submit``).

    :raises UserErrorException: a name that the pipeline does not declare, or a value of another type
    """
    values = lower_values(workspace, given)
    declared = {parameter.name: parameter for parameter in spec.parameters}
    for name in values:
        if name not in declared:
            known = shorten(", ".join(sorted(declared)) or "none", 600)
            raise UserErrorException(
                f"Pipeline parameter with name {shorten(str(name))} does not exist: pipeline {spec.name!r} has no parameter {shorten(repr(name))}; "
                f"its parameters are: {known}"
            )
    return {name: _submitted(declared[name], value, values[name]) for name, value in (given or {}).items()}


def _lowered(workspace: Workspace, name: str, value: Any) -> Any:
    if not isinstance(value, (DataPath, AbstractDataset)):
        return value
    lowered = lower_data(f"parameter {shorten(repr(name))}", value, workspace)
    if isinstance(value, AbstractDataset):
        value._save(workspace)
    return lowered


def _submitted(parameter: ParameterSpec, value: Any, lowered: Any) -> Any:
    where = f"parameter {parameter.name!r} takes a value of type {parameter.type} (its default is {shown(parameter.default)})"
    try:
        if isinstance(value, (DataPath, AbstractDataset)) and not _fits(data_type_of(value), parameter.type):
            raise DefinitionError(where)
        if isinstance(value, int) and parameter.type == "number":
            raise DefinitionError(f"{where}; write {float(value)!r}")
        return parameter.bind(parameter.whole_or_truth(lowered))
    except DefinitionError as error:
        raise UserErrorException(
            f"Expected type of the pipeline parameter {parameter.name} is {_CALLED[parameter.type]}, "
            f"but the value {shorten(repr(value))} provided is of type {type(value).__name__}: {error}"
        ) from error


def _fits(given: DataType, expected: ParameterType) -> bool:
    return given == expected or (expected == "dataset" and given != "data_path") or (given == "dataset" and expected != "data_path")


def lower_data(where: str, value: DataPath | AbstractDataset, workspace: Workspace) -> DataValue:
    """Return the data that an author gave as a parameter's value; a registered dataset is its name and version."""
    if isinstance(value, DataPath):
        if value._datastore is None:
            raise DefinitionError(f"{where}: {value!r} names no datastore; give DataPath(datastore, path)")
        check_workspace(f"{where}: datastore {value.datastore_name!r}", value._datastore.workspace, workspace)
        return lower_paths(where, [(str(value.datastore_name), value.path_on_datastore or "")])[0]
    check_workspace(f"{where}: {value!r}", value._workspace, workspace)
    value._refuse_parameters(where)
    source = dataset_source(where, value)
    return source if source.name is None else DatasetSource(name=source.name, version=source.version)


def data_type_of(value: DataPath | AbstractDataset) -> DataType:
    """Return the type of a parameter whose default is ``value``."""
    if isinstance(value, DataPath):
        return "data_path"
    if value._deferred is not None:
        return "dataset"
    return "file_dataset" if isinstance(value, FileDataset) else "tabular_dataset"
