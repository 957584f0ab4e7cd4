"""Where in the text of a JSON document do its strings stand, so that letters in them can be changed and every other byte be left alone?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import NamedTuple

__all__ = ["JsonString", "json_strings", "raw_offset"]

_SPACE = re.compile(r"[ \t\n\r]*")
_OTHER = re.compile(r"[^\s,\[\]{}:\"]+")
_PIECE = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|.", re.DOTALL)


class JsonString(NamedTuple):
    """A string that is a value: the keys and places that lead to it, where its first character stands, and what it says."""

    path: tuple[str | int, ...]
    start: int
    text: str


def json_strings(text: str) -> Iterator[JsonString]:
    """Yield the strings of a document that ``json.loads`` can read, in their order."""
    yield from _value(text, _SPACE.match(text).end(), ())[1]  # type: ignore[union-attr]


def raw_offset(document: str, string: JsonString, offset: int) -> int:
    """Return where in the document the character of a string stands that is its ``offset``-th."""
    at = string.start
    for _ in range(offset):
        at = _PIECE.match(document, at).end()  # type: ignore[union-attr]
    return at


def _value(text: str, at: int, path: tuple[str | int, ...]) -> tuple[int, list[JsonString]]:
    first = text[at]
    if first == '"':
        content, end = scanstring(text, at + 1, False)
        return end, [JsonString(path, at + 1, content)]
    if first not in "[{":
        return _OTHER.match(text, at).end(), []  # type: ignore[union-attr]
    found: list[JsonString] = []
    at = _after_space(text, at + 1)
    number = 0
    while text[at] not in "]}":
        key: str | int = number
        if first == "{":
            key, at = scanstring(text, at + 1, False)
            at = _after_space(text, _after_space(text, at) + 1)
        at, below = _value(text, at, (*path, key))
        found += below
        at = _after_space(text, at)
        number += 1
        if text[at] == ",":
            at = _after_space(text, at + 1)
    return at + 1, found


def _after_space(text: str, at: int) -> int:
    return _SPACE.match(text, at).end()  # type: ignore[union-attr]
