"""A workspace in a home of its own, and a folder with a script to run in."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

import airflow_amlpipe.azureml  # noqa: F401  serves `azureml`
from airflow_amlpipe.sdk.core.workspace import Workspace


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """$AMLPIPE_HOME of this test."""
    monkeypatch.setenv("AMLPIPE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with src/train.py and src/prepare.py."""
    folder = tmp_path / "project"
    (folder / "src").mkdir(parents=True)
    for script in ("train.py", "prepare.py"):
        (folder / "src" / script).write_text("print('hello')\n")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def ws(project: Path) -> Workspace:
    return Workspace("subscription", "group", "team")


@pytest.fixture
def airflow_is_parsing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What airflow.sdk's modules look like while its importer executes a DAG file."""
    module = ModuleType("contextmanager")
    module.DagContext = SimpleNamespace(current_autoregister_module_name="unusual_prefix_1_dag")  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "airflow.sdk.definitions._internal.contextmanager", module)
