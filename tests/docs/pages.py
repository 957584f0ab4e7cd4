"""Which examples do README.md and docs/ show?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["REPOSITORY", "Block", "Page", "pages"]

REPOSITORY = Path(__file__).resolve().parents[2]
_FENCE = re.compile(r"^```(?P<language>\w*)(?: name=(?P<name>\S+))?\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]+\]\((?!\w+:)([^)#\s]+)")


@dataclass(frozen=True)
class Block:
    """One fenced example; `name` is the file it stands for, if it says so behind the language."""

    language: str
    name: str | None
    text: str


@dataclass(frozen=True)
class Page:
    """One page: its place and its text."""

    path: Path
    text: str

    def __str__(self) -> str:
        return self.path.relative_to(REPOSITORY).as_posix()

    @property
    def blocks(self) -> list[Block]:
        return [Block(found["language"], found["name"], found["text"]) for found in _FENCE.finditer(self.text)]

    @property
    def links(self) -> list[str]:
        """Links to files of the checkout."""
        return _LINK.findall(_FENCE.sub("", self.text))

    @property
    def commands(self) -> list[str]:
        """Lines of the shell examples, without prompts."""
        shell = [block.text for block in self.blocks if block.language in {"sh", "console"}]
        return [line.removeprefix("$ ") for text in shell for line in text.splitlines() if line.strip()]


def pages() -> list[Page]:
    """Every page, sorted by path."""
    paths = [REPOSITORY / "README.md", REPOSITORY / "CHANGELOG.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
    paths += [path for path in [REPOSITORY / "benchmarks" / "README.md"] if path.exists()]
    return [Page(path, path.read_text(encoding="utf-8")) for path in paths]
