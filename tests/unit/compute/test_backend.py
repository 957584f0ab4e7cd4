"""Which back ends can be opened, and what is a handle?"""

from __future__ import annotations

import pytest

from airflow_amlpipe.compute import backend
from airflow_amlpipe.compute.backend import JobHandle, JobState, known_kinds, open_backend, register_backend
from airflow_amlpipe.compute.local import LocalBackend
from airflow_amlpipe.exceptions import ProtocolError, UnknownNameError


def test_the_local_back_end_is_known() -> None:
    assert "local" in known_kinds()
    assert isinstance(open_backend("local"), LocalBackend)


def test_an_unknown_kind_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(UnknownNameError, match=r"compute kind 'dockr' is not known; use one of: .*local"):
        open_backend("dockr")


def test_a_registered_kind_can_be_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "_FACTORIES", dict(backend._FACTORIES))
    register_backend("mine", LocalBackend)
    assert isinstance(open_backend("mine"), LocalBackend)
    assert known_kinds() == ("local", "mine")


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "{}", '{"kind": 1, "payload": {}}', '{"kind": "local", "payload": []}', "\x00", "[" * 100_000]
)
def test_what_is_no_handle_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError, match="a job handle could not be read"):
        JobHandle.from_json(text)


def test_equal_handles_have_equal_text() -> None:
    assert JobHandle("local", {"a": 1, "b": "2"}).to_json() == JobHandle("local", {"b": "2", "a": 1}).to_json()


def test_only_an_end_is_final() -> None:
    assert {state for state in JobState if state.is_final} == {JobState.SUCCEEDED, JobState.FAILED, JobState.GONE}
