"""Which bytes stand for a value, so that no two different values share them?

Canonical JSON: keys sorted by code point, no white space, ASCII with escapes, no NaN. JSON itself keeps ``1``, ``"1"``, ``1.0`` and
``true`` apart, and strings framed; the ``kind`` in front keeps equal values of different kinds apart.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

__all__ = ["Json", "canonical_bytes", "digest", "digest_bytes"]

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]


def canonical_bytes(value: Json) -> bytes:
    """Return the one encoding of ``value``; mapping keys must be ``str``.

    :raises ValueError: NaN or infinity, which no JSON reader has to take
    :raises TypeError: a value or key that JSON does not have
    """
    _refuse_foreign_keys(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode("ascii")


def digest(kind: str, value: Json) -> str:
    """Return the SHA-256 of ``value`` as a ``kind``, 64 hex characters."""
    return hashlib.sha256(canonical_bytes([kind, value])).hexdigest()


def digest_bytes(content: bytes) -> str:
    """Return the SHA-256 of ``content``, 64 hex characters."""
    return hashlib.sha256(content).hexdigest()


def _refuse_foreign_keys(value: Json) -> None:
    # json.dumps would turn {1: "a"} and {"1": "a"} into the same text.
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"mapping keys must be str, not {type(key).__name__} ({key!r})")
            _refuse_foreign_keys(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _refuse_foreign_keys(item)
