"""A workspace, once in a folder and once where there are no folders, and data in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_amlpipe.storage.access import StoreAccess
from airflow_amlpipe.workspace import WorkspaceStore
from tests.fakes import MemoryStore


@pytest.fixture(params=["folder", "memory"])
def workspace(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WorkspaceStore:
    url = (tmp_path / "ws").as_uri()
    if request.param == "folder":
        return WorkspaceStore.open(url, home=tmp_path / "home")
    monkeypatch.setattr(StoreAccess, "open", lambda self, url, **_: MemoryStore(url))
    return WorkspaceStore(MemoryStore(url), url=url, home=tmp_path / "home")


@pytest.fixture
def put_data(workspace: WorkspaceStore) -> Callable[..., None]:
    """Write files below a datastore: ``put_data({"digits/0.pgm": "x"})``."""

    def put(files: dict[str, str], datastore: str = "workspaceblobstore") -> None:
        for path, content in files.items():
            workspace.datastores.open(datastore).put(path, content.encode())

    return put
