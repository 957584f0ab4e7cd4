"""Who computes a step right now, so that others can wait for it instead of computing it too?

::

    keys/<kk>/<key>/claims/<n>.json            whoever begins to compute the step creates the next number; the newest one counts
    keys/<kk>/<key>/claims/<n>.released.json   created by the owner of claim n when it has ended, well or badly
    keys/<kk>/<key>/beats/<n>.json             a counter, overwritten by the owner of claim n as long as it works

A claim is a lease that nobody grants. Whoever waits watches it by a monotonic clock of its own, and takes it for dead when its counter did not
move for the time to live; clocks are never compared. Taking it over is creating the next number, so exactly one of many does, and the number tells
a revived owner's claim from its successor's. All of it only saves work: which result stands is decided where results are stored
(``results.py``), so a claim that is lost, stolen or doubled can cost a computation and never a wrong result. Nothing here is ever deleted.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from airflow_amlpipe.exceptions import DefinitionError, InfrastructureError, ProtocolError, shorten
from airflow_amlpipe.spec.document import parse_model
from airflow_amlpipe.spec.model import SpecModel
from airflow_amlpipe.storage.crash_points import crash_point
from airflow_amlpipe.storage.store import Store
from airflow_amlpipe.workspace.layout import key_folder
from airflow_amlpipe.workspace.record_text import record_body

__all__ = ["ClaimLog", "ClaimRecord", "ClaimState", "ClaimWatch", "HeldClaim", "WaitEnd"]

_NAME = re.compile(r"(\d{8,})(\.released)?\.json")

# One beat that is late or lost must not look like death.
_BEATS_PER_LIFE = 4


class ClaimRecord(SpecModel):
    """The body of a claim: who computes the step, for the people who wait for it.

    :ivar since: UTC, ISO 8601; nothing is decided by it
    :ivar boot: this start of the machine and container, with ``pid`` and ``start`` (``compute.processes.ProcessMark``): whoever is on the same
        machine knows at once that the owner has died
    """

    format: Literal["amlpipe/claim/v1"] = "amlpipe/claim/v1"
    run_id: str
    step_id: str
    step_name: str
    step_run_id: str
    pipeline: str
    airflow: dict[str, str] | None = None
    since: str
    host: str
    boot: str = ""
    pid: int = 0
    start: str = ""

    @property
    def sentence(self) -> str:
        """For whom somebody waits, as people read it."""
        dag = (self.airflow or {}).get("dag_id")
        of = f"DAG {shorten(repr(dag), 100)}" if dag else f"pipeline {shorten(repr(self.pipeline), 100)}"
        step = shorten(repr(self.step_name), 100)
        return (
            f"waiting for step {step} of run {self.run_id} of {of}, which computes the same since {self.since} on {shorten(self.host, 100)}"
        )


@dataclass(frozen=True, slots=True)
class ClaimState:
    """The newest claim of a key, as one listing shows it; number 0 for none."""

    number: int
    is_released: bool

    @property
    def is_free(self) -> bool:
        return self.number == 0 or self.is_released


class ClaimLog:
    """The claims of one key."""

    def __init__(self, store: Store, key: str) -> None:
        self._store = store
        self._folder = key_folder(key)

    def newest(self) -> ClaimState:
        """Return the newest claim; one listing."""
        found = [match for match in map(_NAME.fullmatch, self._store.list_names(f"{self._folder}/claims")) if match]
        number = max((int(match.group(1)) for match in found if not match.group(2)), default=0)
        return ClaimState(number, any(match.group(2) and int(match.group(1)) == number for match in found))

    def take(self, number: int, record: ClaimRecord) -> bool:
        """Create claim ``number``, the one after the newest; ``False`` if somebody else has it.

        :raises InfrastructureError: nobody can say
        """
        body = record_body(record)
        taken = self._store.create_exclusive(self._path(number), body, durable=False)
        crash_point("step-claimed")
        return taken

    def owner(self, number: int) -> ClaimRecord:
        """:raises ProtocolError: this version cannot read it."""
        try:
            return parse_model(ClaimRecord, self._store.read(self._path(number)), "claim")
        except (DefinitionError, FileNotFoundError) as error:
            raise ProtocolError(f"claim {number} of a step cannot be read: {error}") from error

    def beat(self, number: int, count: int) -> None:
        """Show that the owner of claim ``number`` lives."""
        self._store.put(f"{self._folder}/beats/{number:08d}.json", json.dumps({"c": count}).encode(), durable=False)

    def beat_of(self, number: int) -> str:
        """Return what the owner of claim ``number`` wrote last, to compare; ``""`` for nothing yet."""
        try:
            return self._store.read(f"{self._folder}/beats/{number:08d}.json").decode("utf-8", "replace")
        except FileNotFoundError:
            return ""

    def release(self, number: int) -> None:
        """Let everybody know that the owner of claim ``number`` has ended. A mark of its own: a late beat cannot take it back."""
        self._store.create_exclusive(f"{self._folder}/claims/{number:08d}.released.json", b"{}", durable=False)

    def _path(self, number: int) -> str:
        return f"{self._folder}/claims/{number:08d}.json"


class HeldClaim:
    """A claim of this process, kept alive by a thread until it is released.

    Trouble with the store never reaches the work that it is about: what cannot be written is written at the next beat, and a claim that was
    taken over meanwhile costs its owner at most the race for the result.
    """

    def __init__(self, log: ClaimLog, number: int, *, beat_seconds: float) -> None:
        self.number = number
        self._log = log
        self._beat_seconds = beat_seconds
        self._ended = threading.Event()
        threading.Thread(target=self._beat, name="amlpipe-claim", daemon=True).start()

    @classmethod
    def take(cls, log: ClaimLog, number: int, record: ClaimRecord, *, beat_seconds: float, ttl_seconds: float) -> HeldClaim | None:
        """Take claim ``number`` and keep it alive; ``None`` if somebody else has it.

        :raises InfrastructureError: nobody can say
        """
        if not log.take(number, record):
            return None
        return cls(log, number, beat_seconds=min(beat_seconds, ttl_seconds / _BEATS_PER_LIFE))

    def release(self) -> None:
        """End it; twice is fine. Where that cannot be written, those who wait find out by the silence."""
        if not self._ended.is_set():
            self._ended.set()
            with suppress(InfrastructureError):
                self._log.release(self.number)
            crash_point("claim-released")

    def abandon(self) -> None:
        """Stop to keep it alive without releasing it: what it is about goes on, and the next try takes it up."""
        self._ended.set()

    def _beat(self) -> None:
        count = 0
        while not self._ended.wait(self._beat_seconds):
            count += 1
            with suppress(InfrastructureError):
                self._log.beat(self.number, count)


@dataclass(frozen=True, slots=True)
class WaitEnd:
    """Why somebody need not wait any longer for a claim.

    - ``result``: a result was stored
    - ``released``: the owner has ended, however
    - ``expired``: the owner is dead, or as good as
    - ``gave-up``: it took longer than the waiter wants to wait
    - ``canceled``: nobody wants the waiter's own run any more

    :ivar claim: number of the newest claim by then
    :ivar beat: its counter by then; if it has moved since, its owner lives after all
    """

    why: Literal["result", "released", "expired", "gave-up", "canceled"]
    claim: int = 0
    beat: str = ""


class ClaimWatch:
    """What one waiter sees of a key's claims. Only reads, so any number may watch, and one that is lost is replaced by a new one.

    :param has_result: whether a result was stored since the waiter decided
    :param is_dead: whether the owner is known to have died; where nobody can say, ``False``
    :param clock: seconds that only this process compares
    """

    def __init__(
        self,
        log: ClaimLog,
        *,
        has_result: Callable[[], bool],
        ttl_seconds: float,
        is_dead: Callable[[ClaimRecord], bool] = lambda _: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log = log
        self._has_result = has_result
        self._ttl_seconds = ttl_seconds
        self._is_dead = is_dead
        self._clock = clock
        self._seen: tuple[int, str] = (0, "")
        self._seen_at = clock()
        self._owner: tuple[int, ClaimRecord | None] = (0, None)

    def look(self) -> WaitEnd | None:
        """Return why the wait is over, ``None`` while it goes on.

        :raises InfrastructureError: the store could not be read; look again
        """
        if self._has_result():
            return WaitEnd("result")
        state = self._log.newest()
        if state.is_free:
            return WaitEnd("released", state.number)
        # Before the store answers and after it: an answer that takes long makes no owner look older than it is.
        asked_at = self._clock()
        beat = self._log.beat_of(state.number)
        if (state.number, beat) != self._seen:
            self._seen, self._seen_at = (state.number, beat), self._clock()
        if asked_at - self._seen_at >= self._ttl_seconds or self._is_known_dead(state.number):
            return WaitEnd("expired", state.number, beat)
        return None

    def _is_known_dead(self, number: int) -> bool:
        if self._owner[0] != number:
            try:
                self._owner = (number, self._log.owner(number))
            except ProtocolError:
                self._owner = (number, None)
        owner = self._owner[1]
        return owner is not None and self._is_dead(owner)
