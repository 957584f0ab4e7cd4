"""Does a log keep every entry, once and in order, whoever appends at the same time?"""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from airflow_amlpipe.exceptions import DatastoreUnavailableError
from airflow_amlpipe.storage import log as log_module
from airflow_amlpipe.storage.local import LocalStore
from airflow_amlpipe.storage.log import AppendLog
from tests.unit.storage.racing import append_many, in_processes


@pytest.fixture
def log(tmp_path: Path) -> AppendLog:
    return AppendLog(LocalStore(tmp_path), "log")


def test_entries_are_files_that_people_can_find(log: AppendLog, tmp_path: Path) -> None:
    log.append(b"{}")
    assert (tmp_path / "log/00000001.json").read_bytes() == b"{}"


def test_threads_leave_no_duplicate_and_no_hole(log: AppendLog) -> None:
    numbers: list[int] = []
    threads = [
        threading.Thread(target=lambda name=name: numbers.extend(log.append(b"%d" % name, durable=False) for _ in range(25)))
        for name in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == [number for number, _ in log.entries()] == list(range(1, 201))


def test_processes_leave_no_duplicate_and_no_hole(log: AppendLog, tmp_path: Path) -> None:
    """R36."""
    written = in_processes(3, append_many, str(tmp_path), 60)
    assert sorted(number for numbers in written for number in numbers) == list(range(1, 181))
    by_number = dict(log.entries())
    for process, numbers in enumerate(written):
        assert numbers == sorted(numbers), "each process sees its own entries in order"
        assert [by_number[number] for number in numbers] == [b"%d/%d" % (process, turn) for turn in range(60)]


def test_a_change_is_written_only_for_the_state_it_was_made_for(log: AppendLog) -> None:
    assert log.append_if(0, b"a") == 1
    assert log.append_if(0, b"b") is None
    assert log.append_if(2, b"b") is None
    assert log.append_if(1, b"b") == 2
    assert log.entries() == [(1, b"a"), (2, b"b")]


def test_of_many_changes_for_one_state_one_is_written(log: AppendLog) -> None:
    """R34."""
    won: list[int | None] = []
    barrier = threading.Barrier(6)

    def change() -> None:
        barrier.wait()
        won.append(log.append_if(0, b"x", durable=False))

    threads = [threading.Thread(target=change) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won, key=bool) == [None] * 5 + [1]


def test_other_files_in_the_folder_are_no_entries(log: AppendLog, tmp_path: Path) -> None:
    log.append(b"a")
    for name in ("notes.txt", "1.json", "00000002.json.bak", ".amlpipe-tmp-00000003.json"):
        (tmp_path / "log" / name).write_bytes(b"")
    assert log.latest() == (1, b"a")


def test_numbers_outgrow_eight_digits(log: AppendLog, tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    (tmp_path / "log/99999999.json").write_bytes(b"a")
    assert log.append(b"b") == 100_000_000
    assert log.latest() == (100_000_000, b"b")


def test_a_log_that_takes_nothing_is_an_error_at_last(log: AppendLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "_TRIES", 5)
    monkeypatch.setattr(LocalStore, "create_exclusive", lambda *_, **__: False)
    with pytest.raises(DatastoreUnavailableError, match=r"'log' took no new entry in 5 attempts; nothing was written"):
        log.append(b"x")
