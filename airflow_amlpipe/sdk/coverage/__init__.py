"""What of SDK v1 is here, member by member?

One TOML file for each module of SDK v1 (``azureml.core.toml``), in it one table for each class (``["azureml.core.Run"]``), in it one row for each
public member. ``Constructor`` is the class's signature, ``Members`` those of an enumeration, a table named as the module itself its functions. A row
says how the member is here:

* ``"same"``: as in SDK v1, also in its signature;
* ``"absent: <what to do instead>"``: asking for it raises ``UnsupportedFeatureError`` with that advice;
* anything else: it is here, and this is what differs (``"same; better: ..."``, ``"better: ..."``, ``"empty"``).

docs/reference/coverage.md is written from the rows (``make docs``), and ``amlpipe doctor`` reads them. tests/unit/sdk/test_surface.py holds them
against SDK v1's members and against the classes themselves.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from airflow_amlpipe.exceptions import DefinitionError

__all__ = ["CONSTRUCTOR", "MEMBERS", "Kind", "Row", "class_rows", "coverage", "read_coverage"]

CONSTRUCTOR = "Constructor"
MEMBERS = "Members"
_SAME, _ABSENT = "same", "absent: "
_AS_BEFORE = re.compile(r"same(?:[ ,][^:;]*)?(?:: .*)?", re.DOTALL)


class Kind(Enum):
    """How a member of SDK v1 is here."""

    SAME = "same"
    DIFFERS = "differs"
    ABSENT = "absent"


@dataclass(frozen=True)
class Row:
    """One member: its class, its name and what the row says of it."""

    place: str
    member: str
    text: str

    @property
    def kind(self) -> Kind:
        if self.text == _SAME:
            return Kind.SAME
        return Kind.ABSENT if self.text.startswith(_ABSENT) else Kind.DIFFERS

    @property
    def works_as_before(self) -> bool:
        """Whether a script of SDK v1, which is no DAG file, finds what it expects, or better."""
        first, *clauses = self.text.partition("better: ")[0].rstrip("; ").split("; ")
        return _AS_BEFORE.fullmatch(first) is not None and all(
            "DAG file" in clause or "while Airflow parses" in clause for clause in clauses
        )

    @property
    def instead(self) -> str | None:
        """What to do instead of a member that is absent."""
        return self.text.removeprefix(_ABSENT) if self.kind is Kind.ABSENT else None


@cache
def coverage() -> Mapping[str, Mapping[str, Row]]:
    """Return the rows of every class by its place (``azureml.core.Run``), and in it by member, in the order of the files."""
    return read_coverage(files(__name__))


def class_rows(place: str) -> Mapping[str, Row]:
    """Return the rows of one class; empty if it has none."""
    return coverage().get(place, {})


def read_coverage(folder: Traversable) -> Mapping[str, Mapping[str, Row]]:
    """Read the files of a folder as :func:`coverage` does.

    :raises DefinitionError: a file is no TOML, holds a class of another module, or a row says nothing
    """
    found: dict[str, Mapping[str, Row]] = {}
    modules = sorted(file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml"))
    for module in modules:
        try:
            tables = tomllib.loads((folder / f"{module}.toml").read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as error:
            raise DefinitionError(f"coverage/{module}.toml cannot be read: {error}") from error
        for place, members in tables.items():
            if module not in {place, place.rpartition(".")[0]}:
                raise DefinitionError(f"coverage/{module}.toml holds {place!r}, which is not of the module {module}")
            found[place] = _rows(f"coverage/{module}.toml", place, members)
    return found


def _rows(file: str, place: str, members: object) -> Mapping[str, Row]:
    if not isinstance(members, dict):
        raise DefinitionError(f'{file}: {place!r} is not a table; write ["{place}"] and a row for each member below it')
    for member, text in members.items():
        if not isinstance(text, str) or not text or text.strip() != text or text.strip(" :") in {"absent", "better"}:
            raise DefinitionError(f"{file}: {place}.{member} says {text!r}; write same, what differs, or absent: what to do instead")
    return {member: Row(place, member, text) for member, text in members.items()}
