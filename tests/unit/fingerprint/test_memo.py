"""What did we hash before, and may that still be believed?"""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from airflow_amlpipe.fingerprint.memo import TICK_GUARD_NS, HashMemo, is_settled


@pytest.fixture
def memo(tmp_path: Path) -> HashMemo:
    found = HashMemo(tmp_path / "memo")
    found.keep("tree", "/data", "signature", {"digest": "d"}, "line\nline")
    return found


def test_what_was_kept_is_recalled(memo: HashMemo) -> None:
    memory = memo.recall("tree", "/data")
    assert memory is not None
    assert (memory.signature, memory.summary, memory.body()) == ("signature", {"digest": "d"}, "line\nline")


def test_other_folders_and_kinds_are_apart(memo: HashMemo) -> None:
    assert memo.recall("tree", "/data2") is None
    assert memo.recall("source", "/data") is None


def test_a_folder_name_that_is_no_text_can_be_remembered(memo: HashMemo) -> None:
    memo.keep("tree", "/\udcff", "s", {}, "")
    assert memo.recall("tree", "/\udcff") is not None


@pytest.mark.parametrize("keep", [0, 1, 50, 64, 65, 100, 200])
def test_a_torn_memo_is_forgotten(memo: HashMemo, keep: int) -> None:
    (file,) = (path for path in memo.folder.iterdir() if path.name != "swept")
    content = file.read_bytes()
    file.write_bytes(content[:keep])
    memory = memo.recall("tree", "/data")
    assert memory is None or memory.body() is None


def test_a_memo_of_which_one_byte_changed_is_forgotten(memo: HashMemo) -> None:
    (file,) = (path for path in memo.folder.iterdir() if path.name != "swept")
    content = file.read_bytes()
    for position in range(len(content)):
        file.write_bytes(content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :])
        memory = memo.recall("tree", "/data")
        assert memory is None or memory.body() is None, position


def test_a_body_that_was_replaced_meanwhile_is_not_mixed_with_the_old_head(memo: HashMemo) -> None:
    memory = memo.recall("tree", "/data")
    memo.keep("tree", "/data", "other", {}, "other")
    assert memory is not None
    assert memory.body() is None


def test_trouble_with_the_memo_is_silent(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    memo = HashMemo(tmp_path / "file" / "memo")
    memo.keep("tree", "/data", "signature", {}, "body")
    assert memo.recall("tree", "/data") is None


def test_nothing_is_left_of_a_write_that_failed(memo: HashMemo, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    memo.keep("tree", "/data", "other", {}, "body")
    monkeypatch.undo()
    assert not [path for path in memo.folder.iterdir() if path.suffix == ".tmp"]
    memory = memo.recall("tree", "/data")
    assert memory is not None
    assert memory.signature == "signature"


def test_what_nobody_asked_for_in_a_month_is_swept_once_a_day(memo: HashMemo) -> None:
    memo.keep("tree", "/used", "s", {}, "")
    month_ago = time.time() - 31 * 24 * 3600
    for path in memo.folder.iterdir():
        os.utime(path, (month_ago, month_ago))
    assert memo.recall("tree", "/used") is not None
    memo.keep("tree", "/new", "s", {}, "")
    assert [root for root in ("/data", "/used", "/new") if memo.recall("tree", root)] == ["/used", "/new"]


@pytest.mark.parametrize(
    ("age_ns", "expected"),
    [(TICK_GUARD_NS + 1, True), (TICK_GUARD_NS, False), (0, False), (-1, False), (-(10**18), False)],
    ids=["old enough", "just not", "now", "future", "far future"],
)
def test_only_what_lies_two_seconds_back_is_settled(age_ns: int, expected: bool) -> None:
    now = 1_800_000_000_000_000_000
    assert is_settled(now - age_ns, now) is expected
