"""What of SDK v1 is here, by the place at which scripts find it, and what does the coverage say of it?

The answers come from the SDK itself, which is imported (nothing of it acts when it is), and from the rows of ``airflow_amlpipe/sdk/coverage``: what a
script may use is never written down a second time.
"""

from __future__ import annotations

import importlib
import inspect
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any, Literal

from airflow_amlpipe.sdk._absent import absent_names
from airflow_amlpipe.sdk._places import home_of, instead_of_module, is_tried
from airflow_amlpipe.sdk.coverage import CONSTRUCTOR, Row, class_rows, coverage

__all__ = [
    "OURS",
    "Lacking",
    "Thing",
    "class_at",
    "class_place",
    "constructor_row",
    "imported",
    "member_row",
    "module",
    "places_called",
    "row_of",
]

OURS = "airflow_amlpipe.sdk"


@dataclass(frozen=True)
class Thing:
    """Something of SDK v1 that is here, or something of the script's own that may hold such.

    :ivar kind: the first four are SDK v1's; ``many`` is a list and the like, ``mapping`` a dict (``target`` is what they hold, if that is known), and
        ``row`` a tuple; the rest is the script's own (``migration/own.py``)
    :ivar place: as scripts spell it: ``azureml.core.Workspace.get``
    :ivar owner: of a member, the class that it was asked of
    """

    kind: Literal[
        "module", "class", "instance", "function", "many", "mapping", "row", "own module", "own class", "own instance", "own function"
    ]
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


def imported(fullname: str) -> Thing | Lacking:
    """Return what a script gets that imports ``azureml...``: of most modules that are not here, one whose names say so when they are used."""
    found = module(fullname)
    instead = instead_of_module(fullname)
    if isinstance(found, Thing) or instead is None or is_tried(fullname):
        return found
    return Thing("module", _stand_in(fullname, instead), fullname)


@cache
def _stand_in(fullname: str, instead: str) -> ModuleType:
    made = ModuleType(fullname)
    made.__getattr__ = absent_names(made, instead)  # type: ignore[method-assign]
    return made


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


def constructor_row(thing: Thing) -> Row | None:
    """Return what the coverage says of making an instance of a class."""
    return class_rows(class_place(thing.target) or thing.place).get(CONSTRUCTOR)


def row_of(thing: Thing) -> Row | None:
    """Return what the coverage says of a member or of a function."""
    home, _, name = thing.place.rpartition(".")
    return class_rows(home).get(name) if thing.owner is None else member_row(thing.owner, name)


def member_row(owner: type, name: str) -> Row | None:
    """Return what the coverage says of a member of a class, or of one above it."""
    for parent in owner.__mro__[:-1]:
        place = class_place(parent)
        if place is not None and name in (rows := class_rows(place)):
            return rows[name]
        if place is None and name in vars(parent):
            return None  # a class of ours that does better than the class of SDK v1 above it
    return None


def places_called(name: str) -> list[str]:
    """Return the places of the classes that are called so."""
    return _places().get(name, [])


@cache
def _places() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for place in coverage():
        found.setdefault(place.rpartition(".")[2], []).append(place)
    return found
