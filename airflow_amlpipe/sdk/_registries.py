"""What does a dictionary of a workspace, such as `ws.compute_targets`, hold, also while Airflow is parsing?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar

from airflow_amlpipe.sdk._parsing import is_airflow_parsing

__all__ = ["NamedThings"]

ThingT = TypeVar("ThingT")


class NamedThings(Mapping[str, ThingT], Generic[ThingT]):
    """A read-only dictionary by name that looks a thing up when it is asked for it.

    While Airflow is parsing nothing is looked up: every name is said to be there, and is checked when the step runs; listing gives nothing.
    """

    def __init__(self, names: Callable[[], list[str]], get: Callable[[str], ThingT]) -> None:
        self._names = names
        self._get = get

    def __getitem__(self, name: str) -> ThingT:
        if not is_airflow_parsing() and name not in self._names():
            raise KeyError(name)
        return self._get(name)

    def __contains__(self, name: object) -> bool:
        return is_airflow_parsing() or name in self._names()

    def __iter__(self) -> Iterator[str]:
        return iter([] if is_airflow_parsing() else self._names())

    def __len__(self) -> int:
        return 0 if is_airflow_parsing() else len(self._names())

    def __repr__(self) -> str:
        return repr(dict(self))
