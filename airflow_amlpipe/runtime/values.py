"""Which values can a script log, and what do they become in JSON?

Numbers of numpy, torch and decimal become Python's own. JSON has no ``nan`` and no infinity, so ``{"$float": "nan"}`` stands for them.
"""

from __future__ import annotations

import math

from airflow_amlpipe.runtime.errors import UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List

__all__ = ["check_name", "from_json", "list_to_json", "scalar_to_json", "to_json"]

_FLOAT = "$float"
_LONGEST_NAME = 1024
_DEEPEST = 50


def check_name(what: str, name: object) -> str:
    """Return ``name`` if it is a text that is not empty.

    :raises UserErrorException: it is not
    """
    if not isinstance(name, str) or not name.strip():
        raise UserErrorException("%s: the name must be a text that is not empty, not %.80r" % (what, name))
    if len(name) > _LONGEST_NAME:
        raise UserErrorException("%s: the name %.60r... has %d characters; use at most %d" % (what, name, len(name), _LONGEST_NAME))
    return name


def scalar_to_json(what: str, value: object) -> object:
    """Return one number, text or truth value in JSON's form.

    :raises UserErrorException: it is none; SDK v1's ``log`` refused lists in the same way
    """
    plain = _plain(value)
    if plain is None or isinstance(plain, (list, dict)) or not isinstance(plain, (bool, int, float, str)):
        raise UserErrorException(
            "%s: one number or text is wanted, not %.80r of type %s; use log_list, log_row or log_table for more than one"
            % (what, value, type(value).__name__)
        )
    return _framed(plain)


def list_to_json(what: str, values: object) -> List[object]:
    """Return a list (any iterable of numbers and texts) in JSON's form.

    :raises UserErrorException: it is no list, or holds something else
    """
    if isinstance(values, (str, bytes, dict)) or not hasattr(values, "__iter__"):
        raise UserErrorException(
            "%s: a list is wanted, not %.80r of type %s; use log for one value" % (what, values, type(values).__name__)
        )
    return [None if value is None else scalar_to_json(what, value) for value in values]


def to_json(what: str, value: object, depth: int = 0) -> object:
    """Return nested lists and mappings of numbers and texts in JSON's form.

    :raises UserErrorException: something in it has no such form
    """
    if depth > _DEEPEST:
        raise UserErrorException("%s: the value is nested more than %d levels deep" % (what, _DEEPEST))
    if value is None:
        return None
    if isinstance(value, dict):
        return {str(key): to_json(what, item, depth + 1) for key, item in value.items()}
    plain = _plain(value)
    if isinstance(plain, (list, tuple, set, frozenset, range)):
        return [to_json(what, item, depth + 1) for item in plain]
    return scalar_to_json(what, plain)


def from_json(value: Any) -> Any:
    """Return what :func:`to_json` was given."""
    if isinstance(value, list):
        return [from_json(item) for item in value]
    if isinstance(value, dict):
        if len(value) == 1 and _FLOAT in value:
            try:
                return float(value[_FLOAT])
            except (TypeError, ValueError):
                return value
        return {key: from_json(item) for key, item in value.items()}
    return value


def _framed(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return {_FLOAT: repr(value)}
    return value


def _plain(value: Any) -> Any:
    """Return a value of numpy, torch or decimal as Python's own."""
    if isinstance(value, bool):
        return value
    # Subclasses too: numpy.float64 is a float whose repr is not a number's, an IntEnum is an int.
    for kind in (str, int, float):
        if isinstance(value, kind):
            return kind.__str__(value) if kind is str else kind(value)
    if getattr(value, "shape", None) == () or (hasattr(value, "item") and not hasattr(value, "__len__")):
        return _plain(value.item())  # a scalar of numpy or torch
    if hasattr(value, "tolist"):
        return value.tolist()  # an array
    if hasattr(value, "__float__") and not hasattr(value, "__len__"):
        return float(value)  # Decimal, Fraction
    return value
