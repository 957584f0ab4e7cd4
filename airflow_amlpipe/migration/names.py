"""What is a name behind a dot, where something of ``azureml`` stands before it, and what does a call of it take?"""

from __future__ import annotations

import importlib
import inspect
import re
from difflib import get_close_matches
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from airflow_amlpipe.exceptions import UnsupportedFeatureError
from airflow_amlpipe.migration.places import OURS, Lacking, Thing, class_place, constructor_row, imported, member_row
from airflow_amlpipe.migration.results import annotated
from airflow_amlpipe.runtime.errors import UserErrorException
from airflow_amlpipe.sdk.coverage import Kind

__all__ = ["member", "signature_of", "stand_in_advice"]

_SEE = re.compile(r" \(docs/reference/coverage\.md[^)]*\)$")
# Keywords that these take beside those of their signatures; they refuse all others.
_TAKES = {"azureml.pipeline.steps.PythonScriptStep": ("target",), "azureml.pipeline.core.Pipeline": ()}


def member(thing: Thing, name: str) -> Thing | Lacking | None:
    """Return what ``thing.name`` is; ``None`` when nobody can say."""
    place = f"{thing.place}.{name}"
    if thing.kind == "module":
        return _of_module(thing, name, place)
    if thing.kind not in {"class", "instance"}:
        return None
    owner: type = thing.target
    row = member_row(owner, name)
    made = constructor_row(thing)
    if made is not None and made.kind is Kind.ABSENT and (owner.__doc__ or "").startswith("Not supported"):
        return Lacking(place, "absent, with its class", made.instead or "")
    if (instead := stand_in_advice(thing)) is not None and not name.startswith("__"):
        return Lacking(place, "absent, with its class", instead)
    if row is not None and row.kind is Kind.ABSENT:
        return Lacking(f"{row.place}.{name}", "absent", row.instead or "")
    if not _is_there(owner, name, of_class=thing.kind == "class"):
        return None if name.startswith("__") else Lacking(place, f"{owner.__name__} has no member {name!r}", _spelling(name, dir(owner)))
    found = inspect.getattr_static(owner, name, None)
    if isinstance(found, (staticmethod, classmethod)):
        found = found.__func__
    place = f"{row.place}.{name}" if row is not None else place
    if inspect.isfunction(found):
        return _refusal(found, place) or Thing("function", found, place, owner)
    if inspect.isclass(value := getattr(owner, name, None)):
        return Thing("class", value, class_place(value) or place)
    if isinstance(found, property):
        return annotated(found.fget, owner, place)
    return Thing("many", None, place, owner)


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


def _of_module(thing: Thing, name: str, place: str) -> Thing | Lacking:
    below = f"{thing.target.__name__}.{name}"
    try:
        value = getattr(thing.target, name)
    except ImportError as error:
        return Lacking(place, "not here", _advice(str(error)))
    except AttributeError:
        if not hasattr(thing.target, "__path__") or find_spec(below) is None:
            if isinstance(stand_in := imported(place), Thing):
                return stand_in
            return Lacking(place, f"{thing.place} has nothing called {name!r} here", _spelling(name, dir(thing.target)))
        value = importlib.import_module(below)
    if isinstance(value, ModuleType):
        return Thing("module", value, place) if value.__name__.startswith(OURS) else Thing("many", None, place)
    if inspect.isclass(value):
        return Thing("class", value, class_place(value) or place)
    return Thing("function", value, place) if inspect.isfunction(value) else Thing("many", None, place)


def stand_in_advice(thing: Thing) -> str | None:
    """Return what to do instead of making an instance of a class that only says so, if it is one that the coverage does not list."""
    if constructor_row(thing) is not None:
        return None
    advice = vars(thing.target).get("_instead")
    return advice if isinstance(advice, str) else None


def _spelling(name: str, known: list[str]) -> str:
    near = get_close_matches(name, [each for each in known if not each.startswith("_")], n=1)
    return f"did you mean {near[0]!r}? docs/reference/coverage.md lists what there is" if near else "check its spelling, or leave it out"


def _is_there(owner: type, name: str, *, of_class: bool) -> bool:
    if any(name in vars(parent) or name in getattr(parent, "__annotations__", ()) for parent in owner.__mro__) or hasattr(
        type(owner), name
    ):
        return True
    if of_class:
        return False
    made = (getattr(getattr(vars(parent).get("__init__"), "__code__", None), "co_names", ()) for parent in owner.__mro__)
    return name in getattr(owner, "_fields", ()) or any(name in names for names in made) or hasattr(owner, "__getattr__")


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
