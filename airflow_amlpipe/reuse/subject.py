"""What one thing is behind these differences, in the author's words?

A pipeline parameter that changed is seen twice in a key, in the argument that holds it and under its name: that is one change.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.fingerprint.canonical import Json, canonical_bytes
from airflow_amlpipe.fingerprint.step import KeyManifest
from airflow_amlpipe.reuse.explain import Difference

__all__ = ["Subject", "argument_name", "parameter_name", "subjects_of"]

_ARGUMENT = re.compile(r"\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class Subject:
    """Something that an author wrote and that changed.

    :ivar component: the part of the key it belongs to
    :ivar where: names it within the component, whichever its values
    :ivar name: what people call it
    """

    component: str
    where: str
    name: str


def subjects_of(differences: Sequence[Difference], current: KeyManifest) -> tuple[Subject, ...]:
    """Return what changed, each thing once, in the order of the differences.

    :param current: the newer of the two keys that were compared
    """
    by_name = [(item.before, item.after) for item in differences if item.component == "parameters" and item.change == "changed"]
    found: dict[Subject, None] = {}
    for item in differences:
        if item.component == "arguments" and item.change == "changed" and _is_among((item.before, item.after), by_name):
            continue  # told under the parameter's name
        found[_subject(item, current)] = None
    return tuple(found)


def argument_name(index: int, before: object) -> str:
    """Return what people call an argument: its place, counted from 1, and the option before it, if that is one."""
    option = f" ({shorten(repr(before), 60)})" if isinstance(before, str) and before.startswith("-") else ""
    return f"argument {index + 1}{option}"


def parameter_name(name: str) -> str:
    """Return what people call a value that the script finds by its name."""
    return f"parameter {shorten(repr(name), 80)}"


def _subject(difference: Difference, current: KeyManifest) -> Subject:
    component, where = difference.component, difference.where
    if component == "arguments":
        place = _ARGUMENT.match(where)
        if place:
            index = int(place[1])
            return Subject(component, place[0], argument_name(index, _argument_before(current, index)))
        return Subject(component, where, "the arguments")
    if component == "parameters":
        name = where.removesuffix(".value").removesuffix(".volatile")
        return Subject(component, name, parameter_name(name))
    if component == "code":
        return Subject(component, where, f"file {shorten(repr(where), 160)}" if where else "the source folder")
    if component == "inputs":
        name = where.partition("/")[0].partition(".")[0]
        rest = where[len(name) + 1 :]
        return Subject(component, where, f"input {shorten(repr(name), 80)}{f': {shorten(rest, 160)}' if rest else ''}")
    title = component.replace("_", " ")
    return Subject(component, where, f"{title}: {shorten(where, 160)}" if where else f"the {title}")


def _argument_before(manifest: KeyManifest, index: int) -> object:
    arguments = manifest.components["arguments"].readable
    if not isinstance(arguments, Sequence) or isinstance(arguments, str) or not 0 < index <= len(arguments):
        return None
    before = arguments[index - 1]
    return before.get("value") if isinstance(before, Mapping) else None


def _is_among(change: tuple[Json, Json], others: Sequence[tuple[Json, Json]]) -> bool:
    return canonical_bytes(change) in map(canonical_bytes, others)
