"""What can be found when a workspace is looked over, what does each of it mean, and what is to be done?

The invariants are numbered as tests and documentation know them: I1 results, I2 numbered logs, I3 runs and tries, I4 data that results name, I6 secrets.
(I5, that a fresh identical run ends well, is for tests to find out.)
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, NamedTuple

__all__ = ["Check", "Finding", "Findings", "Repair", "Severity"]

Severity = Literal["breach", "trouble", "note"]


class _Rule(NamedTuple):
    invariant: str
    severity: Severity
    meaning: str
    advice: str


_REUSED_NO_MORE = "the step is not reused any more and runs again when it is next asked for"
_SET_ASIDE = "`amlpipe fsck --repair` sets the result aside"
_RESTORE = "restore it from a backup if there is one, and find out who else writes below .amlpipe"


class Check(Enum):
    """Everything that is looked for. A breach is damage, a note is not; trouble means that nobody can say."""

    RESULT_UNREADABLE = _Rule("I1", "breach", f"it is no result: {_REUSED_NO_MORE}", _SET_ASIDE)
    RESULT_ELSEWHERE = _Rule("I1", "breach", "somebody wrote or moved it by hand: it names data that its step did not write", _SET_ASIDE)
    MANIFEST_GONE = _Rule(
        "I1", "breach", "steps cannot read this output, because nothing says what it has to be", f"{_SET_ASIDE}, or writes the list again"
    )
    OUTPUT_DAMAGED = _Rule("I4", "breach", _REUSED_NO_MORE, f"find out who touched the datastore; {_SET_ASIDE}")
    LOG_HOLE = _Rule("I2", "breach", "an entry was deleted: what it said is lost", _RESTORE)
    LOG_DUPLICATE = _Rule(
        "I2", "breach", "one number has two entries, and readers may take either", "delete the one that is not 8 digits long"
    )
    TOMBSTONE_LOST = _Rule("I2", "breach", "a result was deleted, or the next one will be taken for bad and computed twice", _RESTORE)
    RECORD_UNREADABLE = _Rule("I2", "breach", "what it said cannot be used, and commands that need it fail", _RESTORE)
    RUN_WITHOUT_RECORD = _Rule("I3", "breach", "the run cannot be listed or shown", _RESTORE)
    RUN_RECORD_UNREADABLE = _Rule("I3", "breach", "the run cannot be shown, and commands that list runs fail", _RESTORE)
    RECORD_ELSEWHERE = _Rule(
        "I3", "breach", "somebody copied or moved it by hand: it speaks of another run, step or try", "delete the copy"
    )
    TRY_WITHOUT_START = _Rule("I3", "breach", "nobody can say when this try began and who ran it", "nothing needs it; delete the folder")
    FINISHED_TWICE = _Rule(
        "I3", "breach", "one execution claims to have ended twice, perhaps in two ways", "delete the folder that is a copy"
    )
    STEP_UNKNOWN = _Rule("I3", "breach", "the try is of a step that its run does not have", "delete the folder if it is a copy")
    SPEC_GONE = _Rule("I3", "breach", "the run's pipeline cannot be shown or submitted again", _RESTORE)
    CONTENT_ALTERED = _Rule("I1", "breach", "its name is the digest of what it was: what needs it fails instead of trusting it", _RESTORE)
    SNAPSHOT_DAMAGED = _Rule(
        "I1", "breach", "steps cannot be given their source", "delete it, and submit the pipeline again from its source"
    )
    DATASET_ELSEWHERE = _Rule("I2", "breach", "the version has another's name or number, so lineage points to the wrong data", _RESTORE)
    DATASET_ID_LOST = _Rule("I2", "breach", "no dataset is found by this id", "delete the file if nobody uses the id")
    PUBLISHED_GONE = _Rule("I1", "breach", "what was published cannot be run any more", f"publish the pipeline anew, or {_RESTORE}")
    PUBLISHED_ELSEWHERE = _Rule("I2", "breach", "somebody copied, moved or cut it by hand: nobody can say what is published", _RESTORE)
    MODEL_GONE = _Rule("I1", "breach", "a registered model cannot be downloaded any more", f"register the model anew, or {_RESTORE}")
    MODEL_ELSEWHERE = _Rule("I2", "breach", "the version has another's name or number, so that another model is downloaded", _RESTORE)
    SECRET = _Rule("I6", "breach", "whoever may read the workspace can use it", "revoke the secret, and keep it in an Airflow connection")
    CANARY = _Rule("I6", "breach", "a text that must not be in the store is", "find out who wrote it there")
    NEWER = _Rule(
        "",
        "trouble",
        "a newer version of airflow-amlpipe wrote it, and this one cannot judge it",
        "upgrade, then look again; change nothing",
    )
    UNAVAILABLE = _Rule("", "trouble", "nobody can say whether it is sound", "look again when the store can be read")
    DATASET_ID_MISSING = _Rule(
        "", "note", "a process ended between the two; the version itself is whole", "`amlpipe fsck --repair` writes it"
    )
    DATASET_DATA_GONE = _Rule("", "note", "steps that ask for this version fail", "register the data anew if the version is still needed")
    RUN_RECORD_MISSING = _Rule("", "note", "a process ended before it wrote the first record", "nothing; `amlpipe gc` clears it away")
    UNFINISHED_WRITE = _Rule(
        "", "note", "a process ended while it wrote it; no reader takes it for data", "`amlpipe gc` deletes it once it is old"
    )
    TRY_UNFINISHED = _Rule("", "note", "its process ended without a word, or works still", "nothing; `amlpipe gc` clears away what it left")
    FOREIGN_NAME = _Rule("", "note", "nothing of ours is called so, and nothing reads it", "delete it if nobody misses it")

    @property
    def invariant(self) -> str:
        return self.value.invariant

    @property
    def severity(self) -> Severity:
        return self.value.severity


@dataclass(frozen=True, slots=True)
class Repair:
    """What would mend a finding: ``set_aside`` result ``number`` of ``key``, or write the id of version ``number`` of dataset ``name``."""

    kind: Literal["set_aside", "dataset_id"]
    number: int
    key: str = ""
    name: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found.

    :ivar where: path below the workspace, or a place on a datastore
    :ivar problem: one sentence about this one
    """

    check: Check
    where: str
    problem: str
    repair: Repair | None = None

    def to_json(self) -> dict[str, Any]:
        rule = self.check.value
        return {
            "check": self.check.name,
            "severity": rule.severity,
            "invariant": rule.invariant or None,
            "where": self.where,
            "problem": self.problem,
            "meaning": rule.meaning,
            "advice": rule.advice,
            "repairable": self.repair is not None,
        }


@dataclass(frozen=True)
class Findings:
    """The answer of a check.

    :ivar looked_at: how many results, runs, records ... were looked at
    """

    found: tuple[Finding, ...]
    looked_at: dict[str, int]

    @property
    def breaches(self) -> tuple[Finding, ...]:
        return self._of("breach")

    @property
    def troubles(self) -> tuple[Finding, ...]:
        return self._of("trouble")

    @property
    def notes(self) -> tuple[Finding, ...]:
        return self._of("note")

    @property
    def exit_code(self) -> int:
        """0 clean, 1 something is damaged, 3 nothing is known to be, but not everything could be looked at."""
        return 1 if self.breaches else 3 if self.troubles else 0

    def to_json(self) -> dict[str, Any]:
        return {
            "clean": self.exit_code == 0,
            "counts": dict(Counter(finding.check.severity for finding in self.found)),
            "looked_at": self.looked_at,
            "findings": [finding.to_json() for finding in self.found],
        }

    def _of(self, severity: Severity) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.found if finding.check.severity == severity)
