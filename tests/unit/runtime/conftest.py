"""What do the tests of the runtime start from? A run folder, as the host prepares it, and no run that another test opened."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from airflow_amlpipe.runtime import datasets, protocol, run
from airflow_amlpipe.runtime.submitted import SubmittedRun

if TYPE_CHECKING:
    from airflow_amlpipe.runtime.protocol import RunContext


@pytest.fixture(autouse=True)
def _no_open_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "_current", {})
    monkeypatch.setattr(datasets, "_DIRECT", {})
    monkeypatch.delenv(protocol.ENV_RUN_FOLDER, raising=False)
    monkeypatch.delenv(protocol.ENV_RUN_ID, raising=False)


@pytest.fixture
def context(tmp_path: Path) -> RunContext:
    (tmp_path / "code").mkdir()
    common = {"number": 1, "tags": {}, "properties": {}, "url": "", "events": []}
    return {
        "format": protocol.CONTEXT_FORMAT,
        "run": {**common, "id": "step-run-1", "name": "train", "tags": {"team": "a"}, "properties": {"azureml.nodeid": "n"}},  # type: ignore[typeddict-item]
        "parent": {**common, "id": "run-1", "name": "nightly", "url": "http://here/run-1"},  # type: ignore[typeddict-item]
        "experiment": "digits",
        "experiment_id": "e-1",
        "workspace": {"name": "team", "subscription_id": "sub", "resource_group": "group", "location": "local", "url": ""},
        "inputs": [
            {"name": "raw", "mode": "mount", "value": "/data/raw", "dataset": None},
            {"name": "table", "mode": "direct", "value": "5d6e", "dataset": None},
        ],
        "outputs": [{"name": "model", "mode": "mount", "path": "/private/outputs/model"}],
        "working_folder": str(tmp_path / "code"),
        "script": "train.py",
        "arguments": ["--rate", "0.1"],
        "environment": {"name": "train-env", "version": None, "pip_requirements": ["numpy"], "variables": {"MODE": "fast"}},
        "snapshot": "abc",
        "target": "local",
        "started_at": "2026-01-01T00:00:00+00:00",
    }


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    return tmp_path / "run"


@pytest.fixture
def open_run(run_folder: Path, context: RunContext, monkeypatch: pytest.MonkeyPatch) -> Callable[[], SubmittedRun]:
    """Open the run as another process would: nothing is remembered from before."""

    def open_run() -> SubmittedRun:
        monkeypatch.setenv(protocol.ENV_RUN_FOLDER, str(run_folder))
        monkeypatch.setattr(run, "_current", {})
        protocol.write_context(str(run_folder), context)
        monkeypatch.chdir(context["working_folder"])
        found = run.Run.get_context()
        assert isinstance(found, SubmittedRun)
        return found

    return open_run
