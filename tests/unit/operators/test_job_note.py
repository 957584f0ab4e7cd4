"""Is a launched job found again by the next try?"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import pytest

from airflow_amlpipe.exceptions import ProtocolError
from airflow_amlpipe.operators.job_note import NOTE_KEY, JobNote

NOTE = JobNote(
    handle='{"kind":"local"}',
    key="ab" * 32,
    step_run_id="0190",
    try_number=1,
    started_at="2026-01-02T03:04:05.678+00:00",
    launched_at=1_700_000_000.5,
    source={"src": {"commit": "c0ffee", "branch": None, "dirty": False, "remote": None}},
    shown=["raw"],
)


class DictStore(dict[str, Any]):
    """A task state store that is a dictionary."""

    def set(self, key: str, value: Any) -> None:
        # Only what JSON can hold comes back.
        self[key] = json.loads(json.dumps(value))


def test_what_was_kept_is_found() -> None:
    store = DictStore()
    NOTE.keep(store)
    assert JobNote.find(store) == NOTE


def test_people_find_the_fingerprint_beside_it() -> None:
    store = DictStore()
    NOTE.keep(store)
    assert (store[NOTE_KEY]["reused"], store[NOTE_KEY]["fingerprint"]) == (False, NOTE.key)


def test_how_long_a_job_has_run_is_counted_from_its_launch_and_never_less_than_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: NOTE.launched_at + 90)
    assert NOTE.running_seconds == 90
    monkeypatch.setattr("time.time", lambda: NOTE.launched_at - 90)
    assert NOTE.running_seconds == 0


@pytest.mark.parametrize("kept", [{}, {NOTE_KEY: {"reused": True, "fingerprint": "ab"}}])
def test_a_try_that_launched_nothing_left_no_note(kept: dict[str, Any]) -> None:
    assert JobNote.find(DictStore(kept)) is None


@pytest.mark.parametrize(
    "kept",
    ["text", 7, {"job": "text"}, {"job": {"handle": "x"}}, {"job": {**asdict(NOTE), "try_number": "1"}}, {"job": {**asdict(NOTE), "x": 1}}],
)
def test_a_note_that_cannot_be_read_is_an_error_and_not_no_note(kept: object) -> None:
    with pytest.raises(ProtocolError, match="the note of a job in the task state store could not be read"):
        JobNote.find(DictStore({NOTE_KEY: kept}))
