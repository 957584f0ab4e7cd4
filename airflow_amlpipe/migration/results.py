"""What does a call, or a property, of SDK v1 give back?"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any, Literal

from airflow_amlpipe.migration.places import Thing, class_at, class_place, places_called
from airflow_amlpipe.sdk.coverage import coverage

__all__ = ["annotated", "any_of", "instance", "result_of"]

_RUNTIME = "airflow_amlpipe.runtime"
# What is annotated as anything, because it depends on what is registered: each is one of these.
_DATASTORES = (
    "azureml.data.azure_storage_datastore.AzureBlobDatastore",
    "azureml.data.azure_storage_datastore.AzureFileDatastore",
    "azureml.data.azure_data_lake_datastore.AzureDataLakeGen2Datastore",
    "azureml.data.azure_sql_database_datastore.AzureSqlDatabaseDatastore",
    "azureml.data.azure_postgre_sql_datastore.AzurePostgreSqlDatastore",
    "azureml.data.azure_my_sql_datastore.AzureMySqlDatastore",
)
_RESULTS = {
    "azureml.core.Datastore": _DATASTORES,
    "azureml.core.Datastore.get": _DATASTORES,
    "azureml.core.Datastore.get_default": _DATASTORES[:2],
}
_DATASETS = ("azureml.data.FileDataset", "azureml.data.TabularDataset")
_RESULTS["azureml.core.Dataset"] = _DATASETS
_RESULTS |= {f"azureml.core.Dataset.{name}": _DATASETS for name in ("get_by_name", "get_by_id")}
_RESULTS |= {f"azureml.data.abstract_dataset.AbstractDataset.{name}": _DATASETS for name in ("get_by_name", "get_by_id")}


def instance(places: Iterable[str]) -> tuple[Thing, ...]:
    """Return instances of those of these classes that are here."""
    return tuple(Thing("instance", cls, place) for place in places if (cls := class_at(place)) is not None)


def result_of(thing: Thing, given: Mapping[str, tuple[Thing, ...]] | None = None) -> tuple[Thing, ...]:
    """Return what a call of it gives back; empty when nobody can say.

    :param given: what its arguments can be
    """
    if thing.place == "azureml.core.Experiment.submit":
        return _submitted((given or {}).get("config", ()))
    if thing.place in {"azureml.core.Run.get_context", "azureml.core.Run.get_submitted_run"}:
        from airflow_amlpipe.runtime.run import Run

        return (Thing("instance", Run, "azureml.core.Run"),)
    if thing.place in _RESULTS:
        return instance(_RESULTS[thing.place])
    if thing.kind == "class":
        made = Thing("instance", thing.target, thing.place)
        return any_of(made) if thing.target.__new__ is not object.__new__ else (made,)
    if thing.kind == "function":
        return any_of(annotated(thing.target, thing.owner, thing.place))
    return ()


def any_of(thing: Thing) -> tuple[Thing, ...]:
    """Return what something that is said to be of a class can be: of that class, or of one below it."""
    if thing.kind != "instance":
        return (thing,)
    below = ((place, cls) for place in coverage() if (cls := class_at(place)) is not None)
    return (thing, *(Thing("instance", cls, place) for place, cls in below if issubclass(cls, thing.target) and cls is not thing.target))


def annotated(function: Any, owner: type | None, place: str) -> Thing:
    """Return what a function, or the getter of a property, says that it returns."""
    text = getattr(function, "__annotations__", {}).get("return", "")
    text = text if isinstance(text, str) else getattr(text, "__name__", "")
    if function.__module__.startswith(_RUNTIME):
        return _of_runtime(text, sys.modules[function.__module__], owner, place)
    return _of_annotation(text.replace(" | None", "").strip(), owner, place) or Thing("many", None, place, owner)


def _of_runtime(text: str, home: ModuleType, owner: type | None, place: str) -> Thing:
    """Return what a function of the runtime says it returns: inside a step a Run is another class than outside."""
    name = re.fullmatch(r"(?:\w+\[)?[\"']?(\w+)[\"']?\]?", text)
    cls = getattr(home, name[1], None) if name is not None else None
    if not inspect.isclass(cls) or not cls.__module__.startswith(_RUNTIME):
        return Thing("many", None, place, owner)
    found = Thing("instance", cls, f"azureml.core.{cls.__name__}")
    return Thing("many", found, place, owner) if "[" in text else found


def _of_annotation(text: str, owner: type | None, place: str) -> Thing | None:
    if (inner := re.fullmatch(r"\w+\[(?:.*, )?([\w. |]+)\]", text)) and not text.startswith("type["):
        held = tuple(found for each in inner[1].split(" | ") if (found := _of_annotation(each, owner, place)) is not None)
        kind: Literal["mapping", "many"] = "mapping" if re.match(r"\w*([Dd]ict|Mapping|NamedThings)\[", text) else "many"
        return Thing(kind, held[0] if len(held) == 1 else held, place) if held else None
    if text in {"Self", "ConfigT"} and owner is not None:
        return Thing("instance", owner, class_place(owner) or owner.__name__)
    for known in places_called(text):
        if (cls := class_at(known)) is not None:
            return Thing("instance", cls, known)
    return None


def _submitted(config: tuple[Thing, ...]) -> tuple[Thing, ...]:
    """Return the run that submitting something gives back."""
    from airflow_amlpipe.sdk.core.script_run import ScriptRun

    pipelines = tuple(
        cls for name in ("Pipeline", "PublishedPipeline", "PipelineEndpoint") if (cls := class_at(f"azureml.pipeline.core.{name}"))
    )
    if not config or any(each.kind != "instance" for each in config):
        return ()
    if all(issubclass(each.target, pipelines) for each in config):
        return instance(["azureml.pipeline.core.PipelineRun"])
    return (Thing("instance", ScriptRun, "azureml.core.Run"),)
