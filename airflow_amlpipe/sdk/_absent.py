"""What does the SDK say when it is asked for something of SDK v1 that it does not have?"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any, NoReturn

from airflow_amlpipe.exceptions import UnsupportedFeatureError
from airflow_amlpipe.runtime.stand_ins import stand_in

__all__ = ["absent", "absent_class", "absent_names", "refuse"]

_SEE = "docs/reference/coverage.md lists what there is"


def absent(feature: str, instead: str) -> Any:
    """Return a stand-in for a method of SDK v1: calling it raises :class:`UnsupportedFeatureError`, which says what to use instead."""

    def method(*_args: Any, **_kwargs: Any) -> NoReturn:
        refuse(feature, instead)

    method.__name__ = method.__qualname__ = feature
    method.__doc__ = f"Not supported: {instead}."
    return staticmethod(method)


def absent_class(name: str, instead: str, module: str) -> type[Any]:
    """Return a stand-in for a class or function of SDK v1: it can be imported, and using it raises :class:`UnsupportedFeatureError`.

    :param module: ``__name__`` of the module that has it
    """
    made: type[Any] = stand_in(
        name, lambda used: refuse(used, instead), __doc__=f"Not supported: {instead}.", __module__=module, _instead=instead
    )
    return made


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
