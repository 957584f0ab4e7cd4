"""A workspace in a temporary folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_amlpipe.workspace import WorkspaceStore


@pytest.fixture
def workspace(tmp_path: Path) -> WorkspaceStore:
    return WorkspaceStore.open((tmp_path / "ws").as_uri(), home=tmp_path / "home")
