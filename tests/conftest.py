"""What does every test find around it? A home of its own, and no hurry."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

# tests/airflow_fixtures.py says where Airflow keeps its files before anything can import Airflow.
pytest_plugins = ["tests.airflow_fixtures"]

# The machines that run the tests are small and shared: how long one example takes says nothing.
settings.register_profile("amlpipe", deadline=None)
settings.load_profile("amlpipe")


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the workspaces, environments or settings of the person who runs it."""
    monkeypatch.setenv("AMLPIPE_HOME", str(tmp_path_factory.getbasetemp() / "amlpipe-home"))
    monkeypatch.delenv("AMLPIPE_WORKSPACE", raising=False)


@pytest.fixture
def repository() -> Path:
    """The checkout that is tested."""
    return Path(__file__).resolve().parents[1]
