"""What does a dictionary of a workspace, such as `ws.datasets`, hold for a script?"""

from __future__ import annotations

from airflow_amlpipe.runtime.asking import ask

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List

    NamedThings = Dict[str, Any]

__all__ = ["AskedNames"]
if TYPE_CHECKING:
    __all__ += ["NamedThings"]


class AskedNames(dict):  # type: ignore[type-arg]  # a subscript would be evaluated, and Python 3.8 has none for dict
    """A dictionary whose names the host tells, and whose values are asked for one by one.

    :param kind: of the verb ``names``
    :param get: makes the value of a name
    """

    def __init__(self, kind: str, get: Callable[[str], Any]) -> None:
        super().__init__((name, None) for name in ask("names", {"kind": kind})["names"])
        self._get = get

    def __getitem__(self, name: Any) -> Any:
        if name not in self:
            raise KeyError(name)
        return self._get(name)

    def get(self, name: Any, default: Any = None) -> Any:
        """Return the thing called ``name``, else ``default``."""
        return self._get(name) if name in self else default

    def values(self) -> List[Any]:  # type: ignore[override]
        """Return the things."""
        return [self._get(name) for name in self]

    def items(self) -> List[Any]:  # type: ignore[override]
        """Return the pairs of name and thing."""
        return [(name, self._get(name)) for name in self]
