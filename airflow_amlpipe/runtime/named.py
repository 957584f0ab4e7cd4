"""What does a dictionary of a workspace, such as `ws.datasets`, hold for a script?"""

from __future__ import annotations

from airflow_amlpipe.runtime.asking import ask

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterator, List, Optional

    NamedThings = Dict[str, Any]

__all__ = ["AskedNames"]
if TYPE_CHECKING:
    __all__ += ["NamedThings"]


class AskedNames(dict):  # type: ignore[type-arg]  # a subscript would be evaluated, and Python 3.8 has none for dict
    """A dictionary whose names the host tells, and whose values are asked for one by one.

    Who looks for one name asks for that one: what a script was told of others would be compared before its result is reused.

    :param kind: of the verb ``names``
    :param get: makes the value of a name
    """

    def __init__(self, kind: str, get: Callable[[str], Any]) -> None:
        super().__init__()
        self._kind = kind
        self._get = get
        self._told: Optional[List[str]] = None

    def __contains__(self, name: Any) -> bool:
        if self._told is not None or not isinstance(name, str):
            return name in self._listed()
        return bool(ask("names", {"kind": self._kind, "name": name})["names"])

    def __getitem__(self, name: Any) -> Any:
        if name not in self:
            raise KeyError(name)
        return self._get(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._listed())

    def __len__(self) -> int:
        return len(self._listed())

    def get(self, name: Any, default: Any = None) -> Any:
        """Return the thing called ``name``, else ``default``."""
        return self._get(name) if name in self else default

    def keys(self) -> List[str]:  # type: ignore[override]
        """Return the names."""
        return list(self._listed())

    def values(self) -> List[Any]:  # type: ignore[override]
        """Return the things."""
        return [self._get(name) for name in self]

    def items(self) -> List[Any]:  # type: ignore[override]
        """Return the pairs of name and thing."""
        return [(name, self._get(name)) for name in self]

    def __repr__(self) -> str:
        return "{%s}" % ", ".join("%r: ..." % name for name in self)

    def _listed(self) -> List[str]:
        if self._told is None:
            self._told = ask("names", {"kind": self._kind, "name": None})["names"]
        return self._told
