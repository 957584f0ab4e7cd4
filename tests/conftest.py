"""What does every test find around it? A home of its own, and no hurry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.mariadb_server import end_mariadb
from tests.postgres_server import end_postgres_servers
from tests.servers import end_servers, left_out

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


def pytest_sessionfinish(session: pytest.Session) -> None:
    """End the servers that tests of stores had started; a worker of pytest-xdist hands on what it left out."""
    end_servers()
    end_postgres_servers()
    end_mariadb()
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left_out"] = left_out


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Hear from a worker of pytest-xdist which stores it left out."""
    left_out.update(getattr(node, "workeroutput", {}).get("left_out", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which stores were left out, so that nobody takes them for tested."""
    for store, reason in sorted(left_out.items()):
        terminalreporter.write_line(f"left out: {store} ({reason})", yellow=True)
