"""Which files does a path with ``*``, ``**`` and ``?`` name?

``*`` and ``?`` stay within one name, ``**`` as a whole part crosses folders. Everything else is literal, ``[`` too: SDK v1 knew no
character classes, and names such as ``[ab]`` exist.
"""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["PathPattern", "is_pattern", "split_pattern"]

_ACROSS = "**"


def is_pattern(path: str) -> bool:
    """Whether ``path`` names files by wild cards; a path without ``*`` and ``?`` names itself."""
    return "*" in path or "?" in path


def split_pattern(path: str) -> tuple[str, PathPattern | None]:
    """Return the folder that ``path`` starts from and the pattern of the files below it; without wild cards, ``path`` and ``None``.

    >>> split_pattern("raw/2024/*.csv")
    ('raw/2024', PathPattern('*.csv'))
    """
    if not is_pattern(path):
        return path, None
    parts = path.split("/")
    first = next(index for index, part in enumerate(parts) if is_pattern(part))
    return "/".join(parts[:first]), PathPattern("/".join(parts[first:]))


class PathPattern:
    """A pattern over paths below one folder, matched part by part, in time linear in the path for each part of the pattern."""

    def __init__(self, text: str) -> None:
        self.text = text
        parts = [part for part in text.split("/") if part]
        if parts and parts[-1] == _ACROSS:
            parts.append("*")  # "a/**": every file below a
        self._parts = [None if part == _ACROSS else re.compile(_translate(part), re.DOTALL) for part in parts]
        self._states_of = lru_cache(maxsize=4096)(self._walk)

    def __repr__(self) -> str:
        return f"PathPattern({self.text!r})"

    def matches(self, path: str) -> bool:
        """Whether the pattern names the file ``path``."""
        folder, _, name = path.rpartition("/")
        return self.names(folder, name)

    def names(self, folder: str, name: str) -> bool:
        """Whether the pattern names the file ``name`` in ``folder``."""
        return len(self._parts) in self._step(self._states_of(folder), name)

    def enters(self, folder: str) -> bool:
        """Whether a file below ``folder`` could be named."""
        return any(state < len(self._parts) for state in self._states_of(folder))

    def _walk(self, folder: str) -> frozenset[int]:
        if not folder:
            return self._closed({0})
        parent, _, name = folder.rpartition("/")
        return self._step(self._states_of(parent), name)

    def _step(self, states: frozenset[int], name: str) -> frozenset[int]:
        following = set()
        for state in states:
            if state < len(self._parts):
                part = self._parts[state]
                if part is None:
                    following.add(state)
                elif part.fullmatch(name):
                    following.add(state + 1)
        return self._closed(following)

    def _closed(self, states: set[int]) -> frozenset[int]:
        # "**" may also stand for no folder at all.
        waiting = list(states)
        while waiting:
            state = waiting.pop()
            if state < len(self._parts) and self._parts[state] is None:
                states.add(state + 1)
                waiting.append(state + 1)
        return frozenset(states)


def _translate(part: str) -> str:
    pieces = re.split(r"\*+", part)
    literal = ["".join("." if character == "?" else re.escape(character) for character in piece) for piece in pieces]
    if len(literal) == 1:
        return literal[0]
    # Atomic groups: the first fit of each middle piece is as good as any later one, so "*a*a*a*b" needs no backtracking.
    middle = "".join(f"(?>.*?{piece})" for piece in literal[1:-1])
    return f"{literal[0]}{middle}.*{literal[-1]}"
