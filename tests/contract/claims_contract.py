"""What must hold of the claims of a step on every store? Subclass it and say how such a store is made."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from airflow_amlpipe.exceptions import DatastoreUnavailableError, ProtocolError
from airflow_amlpipe.storage.store import Store
from airflow_amlpipe.workspace.claims import ClaimLog, ClaimRecord, ClaimState, ClaimWatch, HeldClaim, WaitEnd
from airflow_amlpipe.workspace.layout import key_folder

__all__ = ["ClaimsContract", "claim_of"]

KEY = "ab" * 32


def claim_of(run_id: str = "run-1") -> ClaimRecord:
    return ClaimRecord(
        run_id=run_id,
        step_id="train",
        step_name="train",
        step_run_id=f"{run_id}-try",
        pipeline="nightly",
        airflow={"dag_id": "nightly", "dag_run_id": "manual__1", "task_id": "train"},
        since="2026-01-01T00:00:00.000+00:00",
        host="worker-1",
    )


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class ClaimsContract:
    @staticmethod
    def make_store(folder: Path) -> Store:
        raise NotImplementedError

    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        return self.make_store(tmp_path / "store")

    @pytest.fixture
    def log(self, store: Store) -> ClaimLog:
        return ClaimLog(store, KEY)

    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    def watch(self, log: ClaimLog, clock: Clock, **changes: object) -> ClaimWatch:
        options: dict[str, object] = {"has_result": lambda: False, "ttl_seconds": 60.0, "clock": clock, **changes}
        return ClaimWatch(log, **options)  # type: ignore[arg-type]

    def test_of_all_who_take_the_same_number_one_has_it(self, log: ClaimLog) -> None:
        """R15."""
        won: list[str] = []
        barrier = threading.Barrier(8)

        def take(run_id: str) -> None:
            barrier.wait()
            if log.take(1, claim_of(run_id)):
                won.append(run_id)

        threads = [threading.Thread(target=take, args=(f"run-{number}",)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(won) == 1
        assert log.owner(1) == claim_of(won[0])
        assert log.newest() == ClaimState(1, is_released=False)

    def test_a_key_that_nobody_claimed_is_free(self, log: ClaimLog) -> None:
        assert log.newest() == ClaimState(0, is_released=False)
        assert log.newest().is_free

    def test_a_claim_is_free_once_its_owner_released_it_and_a_late_beat_does_not_take_that_back(self, log: ClaimLog) -> None:
        log.take(1, claim_of())
        assert not log.newest().is_free
        log.release(1)
        log.beat(1, 7)
        assert log.newest() == ClaimState(1, is_released=True)
        log.release(1)
        assert log.take(2, claim_of("run-2"))
        assert not log.newest().is_free

    def test_the_number_tells_an_owner_from_its_successor(self, log: ClaimLog) -> None:
        log.take(1, claim_of("run-1"))
        log.take(2, claim_of("run-2"))
        log.beat(1, 5)
        log.release(1)  # the first owner was frozen, and thinks that it is still wanted
        assert log.newest() == ClaimState(2, is_released=False)
        assert (log.owner(1).run_id, log.owner(2).run_id) == ("run-1", "run-2")
        assert (log.beat_of(1), log.beat_of(2)) == ('{"c": 5}', "")

    def test_a_claim_that_cannot_be_read_is_named(self, log: ClaimLog, store: Store) -> None:
        store.create_exclusive(f"{key_folder(KEY)}/claims/00000001.json", b'{"format": "amlpipe/claim/v9"}')
        with pytest.raises(ProtocolError, match="claim 1 of a step cannot be read"):
            log.owner(1)

    def test_a_claim_without_any_beat_is_dead_after_the_time_to_live(self, log: ClaimLog, clock: Clock) -> None:
        """R16."""
        log.take(1, claim_of())
        watch = self.watch(log, clock)
        assert watch.look() is None
        clock.now += 59.9
        assert watch.look() is None
        clock.now += 0.1
        assert watch.look() == WaitEnd("expired", 1, "")

    def test_every_beat_begins_the_time_to_live_anew(self, log: ClaimLog, clock: Clock) -> None:
        log.take(1, claim_of())
        watch = self.watch(log, clock)
        for count in range(5):
            log.beat(1, count)
            assert watch.look() is None
            clock.now += 59
        assert watch.look() is None
        clock.now += 1
        assert watch.look() == WaitEnd("expired", 1, '{"c": 4}')

    def test_a_takeover_begins_the_time_to_live_anew(self, log: ClaimLog, clock: Clock) -> None:
        log.take(1, claim_of("run-1"))
        watch = self.watch(log, clock)
        watch.look()
        clock.now += 59
        log.take(2, claim_of("run-2"))
        assert watch.look() is None
        clock.now += 59
        assert watch.look() is None
        clock.now += 1
        assert watch.look() == WaitEnd("expired", 2, "")

    def test_what_clocks_say_decides_nothing(self, log: ClaimLog, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
        """R17: the owner's clock is two hours ahead, and the waiter's is set while it waits."""
        log.take(1, claim_of().model_copy(update={"since": "2036-01-01T02:00:00.000+00:00"}))
        watch = self.watch(log, clock)
        assert watch.look() is None
        real = time.time()
        for hours in (2, -2, 24 * 365):
            monkeypatch.setattr(time, "time", lambda hours=hours: real + hours * 3600)
            clock.now += 10
            assert watch.look() is None
        clock.now += 30
        assert watch.look() == WaitEnd("expired", 1, "")

    def test_a_slow_answer_of_the_store_makes_no_owner_look_dead(
        self, log: ClaimLog, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        log.take(1, claim_of())
        watch = self.watch(log, clock)
        beat_of = log.beat_of

        def slow(number: int) -> str:
            clock.now += 100
            return beat_of(number)

        monkeypatch.setattr(log, "beat_of", slow)
        assert watch.look() is None

    def test_a_release_and_a_result_are_seen_at_the_next_look(self, log: ClaimLog, clock: Clock) -> None:
        stored: list[int] = []
        log.take(1, claim_of())
        watch, other = self.watch(log, clock), self.watch(log, clock, has_result=lambda: bool(stored))
        assert (watch.look(), other.look()) == (None, None)
        stored.append(1)
        assert other.look() == WaitEnd("result")
        log.release(1)
        assert watch.look() == WaitEnd("released", 1)

    def test_an_owner_that_is_known_to_have_died_is_not_waited_for(self, log: ClaimLog, clock: Clock) -> None:
        log.take(1, claim_of())
        assert self.watch(log, clock, is_dead=lambda owner: owner.host == "worker-1").look() == WaitEnd("expired", 1, "")
        assert self.watch(log, clock, is_dead=lambda owner: owner.host == "worker-2").look() is None

    def test_trouble_in_reading_is_neither_a_death_nor_a_release(
        self, log: ClaimLog, store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        log.take(1, claim_of())
        watch = self.watch(log, clock)
        watch.look()
        with monkeypatch.context() as patch:
            patch.setattr(type(store), "list_names", _unavailable)
            with pytest.raises(DatastoreUnavailableError):
                watch.look()
        log.beat(1, 1)
        clock.now += 60
        assert watch.look() is None

    def test_a_held_claim_beats_until_it_is_released(self, log: ClaimLog) -> None:
        held = HeldClaim.take(log, 1, claim_of(), beat_seconds=0.01, ttl_seconds=60)
        assert held is not None
        assert HeldClaim.take(log, 1, claim_of("run-2"), beat_seconds=0.01, ttl_seconds=60) is None
        first = _until(lambda: log.beat_of(1))
        assert _until(lambda: log.beat_of(1) != first)
        held.release()
        held.release()
        assert log.newest().is_released

    def test_a_beat_that_fails_never_reaches_the_work_and_the_next_one_is_written(
        self, log: ClaimLog, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """R18."""
        tried: list[int] = []
        beat = log.beat

        def failing(number: int, count: int) -> None:
            tried.append(count)
            if count < 4:
                _unavailable()
            beat(number, count)

        monkeypatch.setattr(log, "beat", failing)
        held = HeldClaim.take(log, 1, claim_of(), beat_seconds=0.01, ttl_seconds=60)
        assert held is not None
        assert _until(lambda: log.beat_of(1))
        assert tried[:4] == [1, 2, 3, 4]
        monkeypatch.setattr(log, "release", _unavailable)
        held.release()
        assert not log.newest().is_released  # who waits finds out by the silence


def _unavailable(*_: object, **__: object) -> None:
    raise DatastoreUnavailableError("HTTP 503")


def _until(condition: object) -> object:
    while not (found := condition()):  # type: ignore[operator]
        time.sleep(0.005)
    return found
