"""What can a pipeline parameter stand for, and how is that written where a run is asked for?

Text, numbers and truth values are themselves. Data is a JSON object that names it:

* a place: ``{"datastore": "lake", "path": "raw/2024"}``
* a dataset: ``{"name": "iris"}`` (its latest version at each run), ``{"name": "iris", "version": 3}``, ``{"id": "..."}``, or
  ``{"paths": [{"datastore": "lake", "path": "raw"}]}`` for one without a name

The objects that SDK v1's REST took for the same (``DataPathAssignments``, ``DataSetDefinitionValueAssignments``) are read as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ValidationError

from airflow_amlpipe.exceptions import DefinitionError, shorten
from airflow_amlpipe.spec.data import DatasetSource, DatastorePath
from airflow_amlpipe.spec.model import Scalar, SpecModel
from airflow_amlpipe.spec.names import check_record_name, check_relative_path

__all__ = ["DATA_TYPES", "DataType", "DataValue", "DatasetById", "ParameterValue", "as_json", "read_data", "shown"]

# "dataset" is one of either kind: a DAG file names it, and nobody looks it up while Airflow parses.
DataType = Literal["data_path", "dataset", "file_dataset", "tabular_dataset"]
DATA_TYPES: tuple[DataType, ...] = ("data_path", "dataset", "file_dataset", "tabular_dataset")

_SHAPES = {
    "data_path": '{"datastore": "...", "path": "..."}',
    "file_dataset": '{"name": "...", "version": 1}, without "version" for the latest, or {"id": "..."}',
}
_SHAPES["dataset"] = _SHAPES["tabular_dataset"] = _SHAPES["file_dataset"]


class DatasetById(SpecModel):
    """A dataset of the workspace that its id names, registered or not."""

    id: str


DataValue: TypeAlias = DatastorePath | DatasetById | DatasetSource
ParameterValue: TypeAlias = Scalar | DataValue


def as_json(value: ParameterValue) -> Any:
    """Return ``value`` as a run's ``conf``, a form and a REST call hold it; :func:`read_data` reads it back."""
    if not isinstance(value, BaseModel):
        return value
    whole, fields = value.model_dump(mode="json"), type(value).model_fields
    # With every word of what it says: a default deep inside may be what tells one thing from another.
    return (
        whole if isinstance(value, DatastorePath) else {name: whole[name] for name in whole if getattr(value, name) != fields[name].default}
    )


def shown(value: ParameterValue) -> str:
    """Return ``value`` as people are shown it, bounded."""
    if isinstance(value, DatastorePath):
        return shorten(f"{value.datastore}/{value.path}")
    if isinstance(value, DatasetById):
        return f"dataset {shorten(value.id)}"
    if isinstance(value, DatasetSource):
        if value.name is not None:
            return f"dataset {shorten(value.name)}:{'latest' if value.version is None else value.version}"
        return f"dataset of {shorten(', '.join(f'{path.datastore}/{path.path}' for path in value.paths))}"
    return shorten(repr(value))


def read_data(name: str, kind: DataType, value: object) -> DataValue:
    """Return the data that ``value`` names for parameter ``name``, which takes data of this kind. Nothing is looked up.

    :raises DefinitionError: it names none, or leaves its datastore
    """
    where = f"parameter {name!r}"
    model: type[DataValue] = DatastorePath if kind == "data_path" else DatasetSource
    if isinstance(value, BaseModel):
        given: object = as_json(value)  # type: ignore[arg-type]
    else:
        given = _as_ours(value) if isinstance(value, Mapping) else value
    if not isinstance(given, Mapping):
        raise DefinitionError(
            f"{where} takes {_called(kind)}, as {_SHAPES[kind]}, but was given {shorten(repr(value))} of type {type(value).__name__}"
        )
    if kind != "data_path" and "id" in given:
        model = DatasetById
    try:
        found = model.model_validate_json(_text(where, given))
    except ValidationError as error:
        raise DefinitionError(f"{where} takes {_called(kind)}, as {_SHAPES[kind]}, but was given {shorten(repr(value))}") from error
    return _checked(where, kind, found)


def _called(kind: DataType) -> str:
    return {
        "data_path": "a place on a datastore",
        "dataset": "a dataset",
        "file_dataset": "a file dataset",
        "tabular_dataset": "a tabular dataset",
    }[kind]


def _text(where: str, given: Mapping[Any, Any]) -> str:
    import json

    try:
        return json.dumps(given, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise DefinitionError(f"{where} was given {shorten(repr(given))}, which is no JSON: {error}") from error


def _checked(where: str, kind: DataType, value: DataValue) -> DataValue:
    if isinstance(value, DatastorePath):
        return value.model_copy(update={"path": check_relative_path(where, value.path)})
    if isinstance(value, DatasetById):
        # It names a folder of the workspace store.
        check_record_name(f"{where}: id of a dataset", value.id)
        return value
    if value.name is not None:
        check_record_name(f"{where}: dataset", value.name)
        # What a name and version mean is the workspace's to say, and said in one place.
        return DatasetSource(name=value.name, version=value.version)
    if not value.paths and len(value.model_fields_set - {"kind"}) == 0:
        raise DefinitionError(f"{where} takes {_called(kind)}, as {_SHAPES[kind]}, but was given none")
    for path in value.paths:
        check_relative_path(where, path.path)
    return value


def _as_ours(value: Mapping[Any, Any]) -> Mapping[Any, Any]:
    """Return what SDK v1's REST took as we write it; anything else as it is."""
    if set(value) == {"DataStoreName", "RelativePath"}:
        return {"datastore": value["DataStoreName"], "path": value["RelativePath"]}
    if len(value) == 1:
        inner = next(iter(value.values()))
        if isinstance(inner, Mapping) and "SavedDataSetReference" in value:
            return {"id": inner.get("Id")}
        if isinstance(inner, Mapping) and "DataSetReference" in value:
            version = inner.get("Version")
            if inner.get("Id") is not None:
                return {"id": inner["Id"]}
            number = int(version) if isinstance(version, str) and version.isdecimal() else version
            return {"name": inner.get("Name"), **({} if number in {None, "latest"} else {"version": number})}
    return value
