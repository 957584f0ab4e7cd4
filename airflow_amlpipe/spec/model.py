"""How strict is every part of a pipeline's description?"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

__all__ = ["Scalar", "SpecModel"]

# What SDK v1 accepted as an argument or a parameter's value. bool stands first: it is an int for Python, not for us.
Scalar = bool | int | float | str


class SpecModel(BaseModel):
    """Base of every spec model: frozen, closed and strict, so that nothing loosely typed can reach a fingerprint."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
