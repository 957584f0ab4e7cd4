"""What can be said of a place in a script, and how bad is it?"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

__all__ = ["Examination", "Finding", "Place", "Verdict"]


class Verdict(Enum):
    """What becomes of a use of SDK v1."""

    FAILS = "fails"
    DIFFERS = "differs"
    WORKS = "works"


@dataclass(frozen=True, order=True)
class Place:
    """Where something stands. In a notebook lines are counted from the beginning of their cell, and cells as it shows them, from 1."""

    file: str
    cell: int | None
    line: int

    def __str__(self) -> str:
        where = f"{self.file}, cell {self.cell}" if self.cell is not None else self.file
        return f"{where}:{self.line}" if self.line else where


@dataclass(frozen=True)
class Finding:
    """One use of SDK v1 that is not as it was.

    :ivar subject: what it is about, as a script spells it: ``azureml.core.Run.clean``, or a word for a habit
    :ivar text: what will happen
    :ivar remedy: what to do, if anything is to be done
    """

    place: Place
    verdict: Verdict
    subject: str
    text: str
    remedy: str = ""

    def to_json(self) -> dict[str, Any]:
        place = {"file": self.place.file, "cell": self.place.cell, "line": self.place.line}
        return place | {"verdict": self.verdict.value, "subject": self.subject, "text": self.text, "remedy": self.remedy}


@dataclass
class Examination:
    """Everything that was found, and what was looked at.

    :ivar works: how often each name of SDK v1 that works is used
    :ivar using: how many of the files use SDK v1 at all
    """

    findings: list[Finding] = field(default_factory=list)
    works: Counter[str] = field(default_factory=Counter)
    files: int = 0
    using: int = 0

    def of(self, verdict: Verdict) -> list[Finding]:
        return [finding for finding in self.findings if finding.verdict is verdict]

    @property
    def exit_code(self) -> int:
        """1 when something will fail."""
        return int(bool(self.of(Verdict.FAILS)))

    def add(self, finding: Finding) -> None:
        if finding not in self.findings[-20:]:
            self.findings.append(finding)

    def to_json(self) -> dict[str, Any]:
        counts = {verdict.value: len(self.of(verdict)) for verdict in (Verdict.FAILS, Verdict.DIFFERS)} | {"works": self.works.total()}
        return {
            "files": self.files,
            "files_with_azureml": self.using,
            "counts": counts,
            "findings": [finding.to_json() for finding in self.findings],
            "works": dict(sorted(self.works.items())),
        }
