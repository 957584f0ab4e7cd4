"""How strict is every part of a pipeline's description?"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Scalar", "SpecModel", "added_later"]

# What SDK v1 accepted as an argument or a parameter's value. bool stands first: it is an int for Python, not for us.
Scalar = bool | int | float | str


class SpecModel(BaseModel):
    """Base of every spec model: frozen, closed and strict, so that nothing loosely typed can reach a fingerprint."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


def added_later(default: Any) -> Any:
    """Return a field that documents written before it was thought of do not have, and that is left out of new ones while it says nothing.

    So a definition that does not use it keeps its digest, and an older version, which refuses fields it does not know, still reads it.
    """
    return Field(default=default, exclude_if=lambda value: bool(value == default))
