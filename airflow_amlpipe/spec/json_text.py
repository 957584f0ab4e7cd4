"""Which JSON is taken where a person or another program wrote it?

What two readers could understand differently is refused: a key that is there twice, NaN and infinity, half a character, a number of thousands
of digits; and so is what no reader needs, nesting without end.
"""

from __future__ import annotations

import json
from typing import Any, Never

from airflow_amlpipe.exceptions import DefinitionError, ProtocolError, shorten

__all__ = ["read_json", "read_note"]


def read_json(text: str | bytes, what: str) -> Any:
    """Return what ``text`` says.

    :param what: names the text in an error
    :raises DefinitionError: it is no JSON, or such that not every reader would take it or understand the same
    """
    document = _parsed(text, what)
    try:
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise DefinitionError(f"{what}: it holds half a character, which cannot be written as UTF-8; leave it out") from error
    return document


def read_note(body: bytes, what: str, *keys: str) -> dict[str, Any]:
    """Return a small record of our own that no model describes.

    :param keys: what it has to have
    :raises ProtocolError: it is damaged, or another version wrote it
    """
    try:
        note = _parsed(body, f"the {what}")
    except DefinitionError as error:
        raise ProtocolError(f"a record in the workspace cannot be read: {error}") from error
    if not isinstance(note, dict) or not note.keys() >= set(keys):
        raise ProtocolError(
            f"a record in the workspace cannot be read: the {what} is {shorten(repr(note))}; it should hold {', '.join(keys) or 'names'}"
        )
    return note


def _parsed(text: str | bytes, what: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise DefinitionError(f"{what}, {where}: this is not JSON ({error.msg}); correct that line") from error
    except RecursionError as error:
        raise DefinitionError(f"{what}: it is nested too deep to be read; write it flatter") from error
    except UnicodeDecodeError as error:
        raise DefinitionError(f"{what}: it holds bytes that are not UTF-8; save it as UTF-8") from error
    except ValueError as error:
        raise DefinitionError(f"{what}: {shorten(str(error))}; correct it") from error


def _refuse_constant(name: str) -> Never:
    raise ValueError(f"{name} is no number in JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {shorten(repr(twice), 80)} is there more than once")
    return found
