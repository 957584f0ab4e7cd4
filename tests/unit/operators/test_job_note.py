"""Is a launched job found again by the next try?"""

from __future__ import annotations

from typing import Any

import pytest

from airflow_amlpipe.exceptions import ProtocolError
from airflow_amlpipe.operators.job_note import JobNote

NOTE = JobNote(handle='{"kind":"local"}', key="ab" * 32, step_run_id="0190", try_number=1, started_at="2026-01-02T03:04:05.678+00:00")


class DictStore(dict[str, Any]):
    """A task state store that is a dictionary."""

    def set(self, key: str, value: Any) -> None:
        self[key] = value

    def delete(self, key: str) -> None:
        self.pop(key, None)


def test_what_was_kept_is_found() -> None:
    store = DictStore()
    NOTE.keep(store)
    assert JobNote.find(store) == NOTE


def test_nothing_is_found_before_and_after() -> None:
    store = DictStore()
    assert JobNote.find(store) is None
    NOTE.keep(store)
    JobNote.forget(store)
    JobNote.forget(store)
    assert JobNote.find(store) is None


@pytest.mark.parametrize("text", ["{", '{"handle": "x"}', '"text"', '{"pid": 7}', "[1]"])
def test_a_note_that_cannot_be_read_is_an_error_and_not_no_note(text: str) -> None:
    with pytest.raises(ProtocolError, match="the note of a job in the task state store could not be read"):
        JobNote.find(DictStore(job=text))
