"""What does the SDK say when it is asked for something of SDK v1 that it does not have?"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any, NoReturn

from airflow_amlpipe.exceptions import UnsupportedFeatureError

__all__ = ["absent", "absent_class", "absent_names", "refuse"]

_SEE = "docs/reference/coverage.md lists what there is"


def absent(feature: str, instead: str) -> Any:
    """Return a stand-in for a method of SDK v1: calling it raises :class:`UnsupportedFeatureError`, which says what to use instead."""

    def stand_in(*_args: Any, **_kwargs: Any) -> NoReturn:
        refuse(feature, instead)

    stand_in.__name__ = stand_in.__qualname__ = feature
    stand_in.__doc__ = f"Not supported: {instead}."
    return staticmethod(stand_in)


class _AbsentClass(type):
    """The class of stand-ins for classes: asked for a method of theirs, they have one that says what to use instead."""

    _instead: str

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"type object {cls.__name__!r} has no attribute {name!r}")
        return absent(f"{cls.__name__}.{name}", cls._instead).__func__


def absent_class(name: str, instead: str, module: str) -> type[Any]:
    """Return a stand-in for a class or function of SDK v1: it can be imported, and using it raises :class:`UnsupportedFeatureError`.

    :param module: ``__name__`` of the module that has it
    """

    def refuse_it(_self: Any, *_args: Any, **_kwargs: Any) -> NoReturn:
        refuse(name, instead)

    return _AbsentClass(
        name, (), {"__init__": refuse_it, "__doc__": f"Not supported: {instead}.", "__module__": module, "_instead": instead}
    )


def absent_names(module: ModuleType, instead: str) -> Callable[[str], Any]:
    """Return ``__getattr__`` for a module of SDK v1 that is not here: every public name is a stand-in."""

    def get(name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
        made = absent_class(name, instead, module.__name__)
        setattr(module, name, made)
        return made

    return get


def refuse(feature: str, instead: str) -> NoReturn:
    """:raises UnsupportedFeatureError: always; it names the feature and what to use instead."""
    raise UnsupportedFeatureError(f"{feature} is not supported by airflow-amlpipe; {instead} ({_SEE})")
