"""Is the garbage collector as it was, whatever happens while it is paused?"""

from __future__ import annotations

import gc

import pytest

from airflow_amlpipe.spec.bulk import collector_paused


def test_it_is_off_inside_and_on_again_outside() -> None:
    with collector_paused():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_it_is_on_again_after_an_error() -> None:
    with pytest.raises(ValueError, match="x"), collector_paused():
        raise ValueError("x")
    assert gc.isenabled()


def test_blocks_within_blocks_and_decorated_functions() -> None:
    @collector_paused()
    def is_on() -> bool:
        return gc.isenabled()

    with collector_paused():
        assert not is_on()
        assert not gc.isenabled()
    assert gc.isenabled()
