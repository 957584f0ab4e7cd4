"""What stands behind a name of ``azureml`` here?

The answers come from the SDK itself, which is imported (nothing of it acts when it is), and from the rows of ``airflow_amlpipe/sdk/coverage``: what a
script may use is never written down a second time.
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from types import ModuleType
from typing import Any, Literal

from airflow_amlpipe.exceptions import UnsupportedFeatureError
from airflow_amlpipe.runtime.errors import UserErrorException
from airflow_amlpipe.sdk._places import home_of, instead_of_module
from airflow_amlpipe.sdk.coverage import CONSTRUCTOR, Kind, Row, class_rows, coverage

__all__ = [
    "Lacking",
    "Thing",
    "any_of",
    "class_at",
    "class_place",
    "constructor_row",
    "elements_of",
    "instance",
    "member",
    "module",
    "result_of",
    "row_of",
    "signature_of",
]

_OURS = "airflow_amlpipe.sdk"
_RUNTIME = "airflow_amlpipe.runtime"
_SEE = re.compile(r" \(docs/reference/coverage\.md[^)]*\)$")
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
_RESULTS |= {f"azureml.core.Dataset.{name}": _DATASETS for name in ("get_by_name", "get_by_id")}
_RESULTS |= {f"azureml.data.abstract_dataset.AbstractDataset.{name}": _DATASETS for name in ("get_by_name", "get_by_id")}

# Keywords that these take beside those of their signatures; they refuse all others.
_TAKES = {"azureml.pipeline.steps.PythonScriptStep": ("target",), "azureml.pipeline.core.Pipeline": ()}


@dataclass(frozen=True)
class Thing:
    """Something of SDK v1 that is here.

    :ivar place: as scripts spell it: ``azureml.core.Workspace.get``
    :ivar owner: of a member, the class that it was asked of
    """

    kind: Literal["module", "class", "instance", "function", "many"]
    target: Any
    place: str
    owner: type | None = None


@dataclass(frozen=True)
class Lacking:
    """Something of SDK v1 that is not here."""

    place: str
    text: str
    remedy: str


def module(fullname: str) -> Thing | Lacking:
    """Return ``azureml...`` as an import would find it."""
    name = home_of(fullname)
    if name is None or fullname.rsplit(".", maxsplit=1)[-1].startswith("__"):
        return Lacking(fullname, "this module of SDK v1 is not here", instead_of_module(fullname) or "see docs/reference/coverage.md")
    return Thing("module", importlib.import_module(name), fullname)


def member(thing: Thing, name: str) -> Thing | Lacking | None:
    """Return what ``thing.name`` is; ``None`` when nobody can say."""
    place = f"{thing.place}.{name}"
    if thing.kind == "module":
        return _of_module(thing, name, place)
    if thing.kind not in {"class", "instance"}:
        return None
    owner: type = thing.target
    row = _row(owner, name)
    made = class_rows(class_place(owner) or thing.place).get(CONSTRUCTOR)
    if made is not None and made.kind is Kind.ABSENT and (owner.__doc__ or "").startswith("Not supported"):
        return Lacking(place, "absent, with its class", made.instead or "")
    if row is not None and row.kind is Kind.ABSENT:
        return Lacking(f"{row.place}.{name}", "absent", row.instead or "")
    if not _is_there(owner, name, of_class=thing.kind == "class"):
        return (
            None
            if name.startswith("__")
            else Lacking(place, f"{owner.__name__} has no member {name!r}", "check its spelling, or leave it out")
        )
    found = inspect.getattr_static(owner, name, None)
    if isinstance(found, (staticmethod, classmethod)):
        found = found.__func__
    place = f"{row.place}.{name}" if row is not None else place
    if inspect.isfunction(found):
        return _refusal(found, place) or Thing("function", found, place, owner)
    if inspect.isclass(value := getattr(owner, name, None)):
        return Thing("class", value, class_place(value) or place)
    if isinstance(found, property):
        return _annotated(found.fget, owner, place)
    return Thing("many", None, place, owner)


@cache
def class_at(place: str) -> type | None:
    """Return the class of SDK v1 with this place, if it is here."""
    home, _, name = place.rpartition(".")
    found = module(home)
    try:
        value = getattr(found.target, name) if isinstance(found, Thing) else None
    except (ImportError, AttributeError):
        return None
    return value if inspect.isclass(value) else None


def class_place(cls: type) -> str | None:
    """Return where SDK v1 had this class, as its rows spell it."""
    return next((place for place in _places().get(cls.__name__, ()) if class_at(place) is cls), None)


def instance(places: Iterable[str]) -> tuple[Thing, ...]:
    """Return instances of those of these classes that are here."""
    return tuple(Thing("instance", cls, place) for place in places if (cls := class_at(place)) is not None)


def constructor_row(thing: Thing) -> Row | None:
    """Return what the coverage says of making an instance of a class."""
    return class_rows(class_place(thing.target) or thing.place).get(CONSTRUCTOR)


def row_of(thing: Thing) -> Row | None:
    """Return what the coverage says of a member or of a function."""
    home, _, name = thing.place.rpartition(".")
    return class_rows(home).get(name) if thing.owner is None else _row(thing.owner, name)


def signature_of(thing: Thing) -> inspect.Signature | None:
    """Return what a call of it takes, ``self`` left out."""
    target = inspect.getattr_static(thing.target, "__init__") if thing.kind == "class" else thing.target
    if thing.kind not in {"class", "function"} or not inspect.isfunction(target):
        return None
    signature = inspect.signature(target)
    parameters = [*signature.parameters.values()]
    static = (
        thing.kind == "function"
        and thing.owner is not None
        and isinstance(inspect.getattr_static(thing.owner, thing.target.__name__, None), staticmethod)
    )
    if thing.kind == "class" or (thing.owner is not None and not static):
        parameters = parameters[1:]
    if parameters and parameters[-1].kind is inspect.Parameter.VAR_KEYWORD and thing.place in _TAKES:
        parameters[-1:] = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None) for name in _TAKES[thing.place]]
    return signature.replace(parameters=parameters)


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
        return any_of(_annotated(thing.target, thing.owner, thing.place))
    return ()


def elements_of(thing: Thing) -> tuple[Thing, ...]:
    """Return what iterating over it, or taking an item of it, gives."""
    return any_of(thing.target) if thing.kind == "many" and isinstance(thing.target, Thing) else ()


def _of_module(thing: Thing, name: str, place: str) -> Thing | Lacking:
    below = f"{thing.target.__name__}.{name}"
    try:
        value = getattr(thing.target, name)
    except ImportError as error:
        return Lacking(place, "not here", _advice(str(error)))
    except AttributeError:
        if not hasattr(thing.target, "__path__") or find_spec(below) is None:
            return Lacking(place, f"{thing.place} has nothing called {name!r} here", "see docs/reference/coverage.md, or leave it out")
        value = importlib.import_module(below)
    if isinstance(value, ModuleType):
        return Thing("module", value, place) if value.__name__.startswith(_OURS) else Thing("many", None, place)
    if inspect.isclass(value):
        if "_instead" in vars(value) and not class_rows(class_place(value) or place):
            return Lacking(place, "not here", str(vars(value)["_instead"]))
        return Thing("class", value, class_place(value) or place)
    return Thing("function", value, place) if inspect.isfunction(value) else Thing("many", None, place)


def _is_there(owner: type, name: str, *, of_class: bool) -> bool:
    if any(name in vars(parent) or name in getattr(parent, "__annotations__", ()) for parent in owner.__mro__) or hasattr(
        type(owner), name
    ):
        return True
    if of_class:
        return False
    made = (getattr(getattr(vars(parent).get("__init__"), "__code__", None), "co_names", ()) for parent in owner.__mro__)
    return name in getattr(owner, "_fields", ()) or any(name in names for names in made) or hasattr(owner, "__getattr__")


def _row(owner: type, name: str) -> Row | None:
    for parent in owner.__mro__[:-1]:
        place = class_place(parent)
        if place is not None and name in (rows := class_rows(place)):
            return rows[name]
        if place is None and name in vars(parent):
            return None  # a class of ours that does better than the class of SDK v1 above it
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


@cache
def _places() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for place in coverage():
        found.setdefault(place.rpartition(".")[2], []).append(place)
    return found


def _annotated(function: Any, owner: type | None, place: str) -> Thing:
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
    if (inner := re.fullmatch(r"\w+\[(?:.*, )?([\w.]+)\]", text)) and not text.startswith("type["):
        element = _of_annotation(inner[1], owner, place)
        return Thing("many", element, place) if element else None
    if text in {"Self", "ConfigT"} and owner is not None:
        return Thing("instance", owner, class_place(owner) or owner.__name__)
    for known in _places().get(text, ()):
        if (cls := class_at(known)) is not None:
            return Thing("instance", cls, known)
    return None


def any_of(thing: Thing) -> tuple[Thing, ...]:
    """Return what something that is said to be of a class can be: of that class, or of one below it."""
    if thing.kind != "instance":
        return (thing,)
    below = ((place, cls) for place in coverage() if (cls := class_at(place)) is not None)
    return (thing, *(Thing("instance", cls, place) for place, cls in below if issubclass(cls, thing.target) and cls is not thing.target))


def _refusal(function: Any, place: str) -> Lacking | None:
    """Return what a stand-in says of itself: one that does nothing but refuse can be asked without harm."""
    code = getattr(function, "__code__", None)
    if code is None or not ({"refuse", "_absent"} & {*code.co_names}) or code.co_argcount > 1:
        return None
    try:
        function(*[None] * code.co_argcount)
    except (UnsupportedFeatureError, UserErrorException) as error:
        return Lacking(place, "absent", _advice(str(error)))
    except Exception:  # noqa: BLE001  it is no stand-in
        return None
    return None


def _advice(message: str) -> str:
    text = _SEE.sub("", message)
    return text.partition("; ")[2] or text.partition(": ")[2] or text
