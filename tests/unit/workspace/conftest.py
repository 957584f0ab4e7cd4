"""A workspace in a temporary folder, and data in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_amlpipe.workspace import WorkspaceStore


@pytest.fixture
def workspace(tmp_path: Path) -> WorkspaceStore:
    return WorkspaceStore.open((tmp_path / "ws").as_uri(), home=tmp_path / "home")


@pytest.fixture
def put_data(tmp_path: Path) -> Callable[..., None]:
    """Write files below the default datastore: ``put_data(**{"digits/0.pgm": "x"})``."""

    def put(files: dict[str, str], datastore: str = "workspaceblobstore") -> None:
        for path, content in files.items():
            file = tmp_path / "ws" / datastore / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)

    return put
