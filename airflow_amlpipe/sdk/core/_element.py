"""Why does a misspelt attribute of a run configuration fail instead of being ignored?"""

from __future__ import annotations

from typing import Any

from airflow_amlpipe.exceptions import shorten

__all__ = ["ConfigElement"]


class ConfigElement:
    """Base of run configurations, environments and their sections: only attributes that exist can be set, as in SDK v1."""

    _fields: tuple[str, ...] = ()

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_") and name not in self._fields and not isinstance(getattr(type(self), name, None), property):
            raise AttributeError(
                f"{type(self).__name__} has no attribute {shorten(repr(name))}; its attributes are: {', '.join(sorted(self._fields))}"
            )
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in self._fields)})"
