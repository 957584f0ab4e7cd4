"""Which JSON is taken where a person or another program wrote it?

What two readers could understand differently is refused: a key that is there twice, NaN and infinity, half a character, a number of thousands
of digits; and so is what no reader needs, nesting without end.
"""

from __future__ import annotations

import json
from typing import Any, Never

from airflow_amlpipe.exceptions import DefinitionError, shorten

__all__ = ["read_json"]


def read_json(text: str | bytes, what: str) -> Any:
    """Return what ``text`` says.

    :param what: names the text in an error
    :raises DefinitionError: it is no JSON, or such that not every reader would take it or understand the same
    """
    try:
        document = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_unique)
        json.dumps(document, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise DefinitionError(f"{what}, {where}: this is not JSON ({error.msg}); correct that line") from error
    except RecursionError as error:
        raise DefinitionError(f"{what}: it is nested too deep to be read; write it flatter") from error
    except UnicodeError as error:
        raise DefinitionError(f"{what}: it holds half a character, or bytes that are not UTF-8; save it as UTF-8") from error
    except ValueError as error:
        raise DefinitionError(f"{what}: {shorten(str(error))}; correct it") from error
    return document


def _refuse_constant(name: str) -> Never:
    raise ValueError(f"{name} is no number in JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {shorten(repr(twice), 80)} is there more than once")
    return found
