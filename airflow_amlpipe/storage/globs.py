"""Which paths does a glob name?

``*`` stands for anything within a folder, ``?`` for one character, ``**`` for any number of folders. Everything else is literal, also
``[``: names such as ``[ab]`` are names.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

__all__ = ["has_glob", "matcher", "split_glob"]


def has_glob(path: str) -> bool:
    return "*" in path or "?" in path


def split_glob(path: str) -> tuple[str, str]:
    """Return the literal folder that ``path`` begins with, and the rest that has to be matched below it (``""`` for a plain path).

    A pattern that names everything below a folder is that folder, so ``images/``, ``images`` and ``images/**`` are one thing.
    """
    parts = [part for part in path.split("/") if part not in {"", "."}]
    literal: list[str] = []
    while parts and not has_glob(parts[0]):
        literal.append(parts.pop(0))
    folder, rest = "/".join(literal), "/".join(parts)
    return folder, "" if rest in {"**", "**/*"} else rest


def matcher(pattern: str) -> Callable[[str], bool]:
    """Return a test for paths relative to the folder in front of the pattern."""
    compiled = _compile(pattern)
    return lambda path: compiled.fullmatch(path) is not None


@lru_cache(maxsize=256)
def _compile(pattern: str) -> re.Pattern[str]:
    expression = ""
    parts = pattern.split("/")
    for index, part in enumerate(parts):
        last = index == len(parts) - 1
        if part == "**":
            expression += ".*" if last else "(?:[^/]+/)*"
            continue
        expression += "".join("[^/]*" if mark == "*" else "[^/]" if mark == "?" else re.escape(mark) for mark in re.sub(r"\*+", "*", part))
        expression += "" if last else "/"
    return re.compile(expression, re.DOTALL)
