"""What does the SDK say when it is asked for something of SDK v1 that it does not have?"""

from __future__ import annotations

from typing import Any, NoReturn

from airflow_amlpipe.exceptions import UnsupportedFeatureError

__all__ = ["absent", "absent_class", "refuse"]

_SEE = "docs/reference/coverage.md lists what there is"


def absent(feature: str, instead: str) -> Any:
    """Return a stand-in for a method of SDK v1: calling it raises :class:`UnsupportedFeatureError`, which says what to use instead."""

    def stand_in(*_args: Any, **_kwargs: Any) -> NoReturn:
        refuse(feature, instead)

    stand_in.__name__ = stand_in.__qualname__ = feature
    stand_in.__doc__ = f"Not supported: {instead}."
    return staticmethod(stand_in)


def absent_class(name: str, instead: str, module: str) -> type[Any]:
    """Return a stand-in for a class of SDK v1: it can be imported, and making one raises :class:`UnsupportedFeatureError`.

    :param module: ``__name__`` of the module that has it
    """

    def refuse_it(_self: Any, *_args: Any, **_kwargs: Any) -> NoReturn:
        refuse(name, instead)

    return type(name, (), {"__init__": refuse_it, "__doc__": f"Not supported: {instead}.", "__module__": module})


def refuse(feature: str, instead: str) -> NoReturn:
    """:raises UnsupportedFeatureError: always; it names the feature and what to use instead."""
    raise UnsupportedFeatureError(f"{feature} is not supported by airflow-amlpipe; {instead} ({_SEE})")
