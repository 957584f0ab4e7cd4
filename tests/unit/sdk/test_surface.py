"""Does every class of the SDK have the members of SDK v1, and does the coverage page say how each of them is here?

golden/sdk_v1_surface.json holds SDK v1's public members and their signatures as facts. What we have is held against them:

* every class exists, and every member of it has a row in ``airflow_amlpipe/sdk/coverage/<module of SDK v1>.toml``, in the table of its class;
  of a class that cannot be made (its docstring begins with "Not supported") the row of its constructor stands for all. How rows are written says the docstring of ``airflow_amlpipe/sdk/coverage``; ``make docs`` writes docs/reference/coverage.md from them;
* ``"same"`` is true only of a member that is there with SDK v1's arguments, in their order and with their defaults; more of ours may
  follow. A member that is missing, or asks for something else, has a row that says what differs, or ``absent: <what to do instead>``;
* ``absent`` is true only of a member that is missing, or that raises ``UnsupportedFeatureError`` with its advice when it is used.

Arguments that begin with `_` are SDK v1's plumbing and may be left out. Members of classes that have no table of their own are listed
with the class that has them (``inherited from``), without a signature.
"""

from __future__ import annotations

import importlib
import inspect
import json
from enum import EnumType
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import airflow_amlpipe.azureml  # noqa: F401  serves `azureml`
from airflow_amlpipe.exceptions import UnsupportedFeatureError
from airflow_amlpipe.sdk.coverage import CONSTRUCTOR, MEMBERS, Kind, class_rows, coverage

SURFACE: dict[str, dict[str, str]] = json.loads((Path(__file__).parents[2] / "golden/sdk_v1_surface.json").read_text())
MISSING = object()


def resolve(place: str) -> Any:
    """Return the class or module at this place, or ``MISSING``."""
    module, _, name = place.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError):
        return MISSING


def arguments(text: str) -> list[str]:
    """Split a signature's text at its top-level commas, without private and variadic arguments."""
    parts, depth, current = [], 0, ""
    for character in text:
        depth += character in "([{<"
        depth -= character in ")]}>"
        # A comma can be a default: separator=','.
        if character == "," and not depth and current.count("'") % 2 == 0:
            parts.append(current.strip())
            current = ""
        else:
            current += character
    parts.append(current.strip())
    return [part for part in parts if part and not part.startswith(("_", "*"))]


def ours(member: Any) -> list[str]:
    found = []
    for name, parameter in inspect.signature(member).parameters.items():
        if (
            name in {"self", "cls"}
            or name.startswith("_")
            or parameter.kind in {parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL, parameter.KEYWORD_ONLY}
        ):
            continue
        found.append(name if parameter.default is parameter.empty else f"{name}={parameter.default!r}")
    return found


def is_absent(member: Any) -> bool:
    """Whether a stand-in is all there is: of a method, or of a class that cannot be made."""
    return (getattr(member, "__doc__", None) or "").startswith("Not supported")


def refuses(member: Any) -> bool:
    """Whether calling it, with something for each argument that has no default, says what to do instead."""
    if not callable(member):
        return is_absent(member)
    needed = [each for each in inspect.signature(member).parameters.values() if each.default is each.empty]
    try:
        member(*(None for each in needed if each.kind is each.POSITIONAL_OR_KEYWORD))
    except UnsupportedFeatureError as error:
        return "not supported by airflow-amlpipe; " in str(error)
    except Exception:  # noqa: BLE001  it does something with what it was given
        return False
    return False


def is_there(home: Any, name: str) -> bool:
    if isinstance(home, ModuleType):
        return hasattr(home, name)
    fields = getattr(home, "_fields", getattr(home, "__annotations__", ()))
    set_when_made = {used for parent in home.__mro__ for used in getattr(getattr(parent.__init__, "__code__", None), "co_names", ())}
    return any(name in vars(parent) for parent in (*home.__mro__, type(home))) or name in fields or name in set_when_made


def difference(home: Any, name: str, text: str) -> str:
    """Say how a member differs from SDK v1's; empty if it does not."""
    if not is_there(home, name):
        return "it is missing"
    if text in {"property", "attribute"} or text.startswith("inherited from "):
        return ""
    if text.startswith("member "):
        return "" if home[name].value == text.removeprefix("member ") else f"its value is {home[name].value!r}"
    if name == "__init__" and not any(name in vars(parent) for parent in home.__mro__[:-1]):
        return "" if not arguments(text) else "it has no constructor"
    expected, found = arguments(text), ours(getattr(home, name))
    if found[: len(expected)] != expected or not all("=" in more for more in found[len(expected) :]):
        return f"its arguments are {found}"
    return ""


@pytest.mark.parametrize("place", SURFACE)
def test_every_member_of_sdk_v1_is_here_or_its_row_says_that_it_is_not(place: str) -> None:
    home, rows, wrong = resolve(place), class_rows(place), []
    assert home is not MISSING
    for name, text in SURFACE[place].items():
        row = rows.get(MEMBERS if isinstance(home, EnumType) else CONSTRUCTOR if name == "__init__" or is_absent(home) else name)
        if row is None:
            wrong.append(f"{name} has no row in coverage/")
            continue
        found = getattr(home, name, None)
        if row.kind is Kind.ABSENT:
            if is_there(home, name) and not refuses(home if name == "__init__" or is_absent(home) else found):
                wrong.append(f"{name} is said to be absent, and is there")
        elif is_absent(home if name == "__init__" else found):
            wrong.append(f"{name} refuses to work, and its row says {row.text!r}")
        elif row.kind is Kind.SAME and (what := difference(home, name, text)):
            wrong.append(f"{name} is said to be the same, and {what}; SDK v1 has {text!r}")
    assert not wrong, "\n".join([place, *wrong])


def test_rows_are_of_what_can_be_imported() -> None:
    assert [place for place in coverage() if resolve(place) is MISSING] == []
