"""What is a key, a run or a specification for who clears away?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from airflow_amlpipe.reuse.result import StepResult, StoredOutput
from airflow_amlpipe.services.clearing.naming import Named
from airflow_amlpipe.workspace.datasets import DatasetRecord
from airflow_amlpipe.workspace.ids import time_of_id
from airflow_amlpipe.workspace.layout import key_folder
from airflow_amlpipe.workspace.records import RunFinished, RunRecord, StepFinished, StepStarted

__all__ = ["Inventory", "KnownKey", "KnownResult", "KnownRun", "KnownSpec", "KnownTry", "time_of"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class KnownResult:
    """One entry of a key's results; ``result`` is ``None`` for one that cannot be read and was set aside."""

    key: str
    number: int
    result: StepResult | None
    is_bad: bool
    hashes: frozenset[str]

    @property
    def path(self) -> str:
        return f"{key_folder(self.key)}/results/{self.number:08d}.json"

    @property
    def created_at(self) -> datetime:
        return _EPOCH if self.result is None else time_of(self.result.created_at)


@dataclass(frozen=True, slots=True)
class KnownKey:
    """One key.

    :ivar claimed_at: when whoever computes it now last gave a sign, by the store's clock; ``None`` if nobody does, infinity if nobody can say
    """

    key: str
    results: tuple[KnownResult, ...]
    claimed_at: float | None


@dataclass(frozen=True, slots=True)
class KnownTry:
    """One try of a step; ``outputs`` are those it has recorded, ``wanted`` those it announced to hand on."""

    step_id: str
    step_run_id: str
    folder: str
    started: StepStarted | None
    finished: StepFinished | None
    wanted: tuple[StoredOutput, ...]

    @property
    def outputs(self) -> tuple[StoredOutput, ...]:
        return tuple(self.finished.outputs.values()) if self.finished else ()

    @property
    def began(self) -> datetime | None:
        return time_of_id(self.step_run_id)


@dataclass(frozen=True, slots=True)
class KnownRun:
    """One run; ``record`` is ``None`` for a folder that a killed process left without one.

    :ivar hashes: that its records name
    :ivar given: what it was given when it was asked for
    :ivar claimed_at: when a try of it that computes a step now last gave a sign, as of :class:`KnownKey`
    """

    run_id: str
    record: RunRecord | None
    ended: RunFinished | None
    tries: tuple[KnownTry, ...]
    hashes: frozenset[str]
    given: Named
    last_sign: datetime
    claimed_at: float | None

    def is_over(self, now: datetime, guard_seconds: int) -> bool:
        """Whether nothing of it is going on: it has ended, or has given no sign for so long that its processes are surely dead."""
        if self.claimed_at is not None and now.timestamp() - self.claimed_at < guard_seconds:
            return False  # however long ago it began
        unfinished = [item for item in self.tries if item.finished is None]
        if any((now - (item.began or self.last_sign)).total_seconds() < guard_seconds for item in unfinished):
            return False
        return self.ended is not None or (now - self.last_sign).total_seconds() >= guard_seconds


@dataclass(frozen=True, slots=True)
class KnownSpec:
    """One stored specification, and what it names."""

    body: bytes
    named: Named


@dataclass
class Inventory:
    """Everything at one time.

    :ivar others: what entries of any other kind name (published things, schedules, kinds that this version does not know)
    :ivar specs: the stored specifications by their digest
    :ivar saved: datastores and paths of each dataset without a name, by its id
    """

    keys: list[KnownKey] = field(default_factory=list)
    runs: dict[str, KnownRun] = field(default_factory=dict)
    datasets: list[DatasetRecord] = field(default_factory=list)
    others: Named = field(default_factory=Named)
    specs: dict[str, KnownSpec] = field(default_factory=dict)
    saved: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)

    @property
    def results(self) -> Iterator[KnownResult]:
        for key in self.keys:
            yield from key.results


def time_of(text: str) -> datetime:
    """Return a recorded time; one that cannot be read is now, so that nothing is too old by mistake."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return datetime.now(UTC)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
