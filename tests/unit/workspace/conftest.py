"""A workspace, once in a folder, once where there are no folders, and once on each object store; and data in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from airflow_amlpipe.storage.access import StoreAccess
from airflow_amlpipe.workspace import WorkspaceStore
from tests.fakes import MemoryStore
from tests.servers import azure_url, s3_url

_ON_SERVERS = {"s3": s3_url, "azure": azure_url}


@pytest.fixture(params=["folder", "memory", "s3", "azure"])
def workspace(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[WorkspaceStore]:
    url = (tmp_path / "ws").as_uri()
    # Not the test's own: a test may undo that in its middle.
    with pytest.MonkeyPatch.context() as around:
        if request.param in _ON_SERVERS:
            url, environment = _ON_SERVERS[request.param]("ws")
            for name, value in environment.items():
                around.setenv(name, value)
        if request.param != "memory":
            yield WorkspaceStore.open(url, home=tmp_path / "home")
            return
        around.setattr(StoreAccess, "open", lambda self, url, **_: MemoryStore(url))
        yield WorkspaceStore(MemoryStore(url), url=url, home=tmp_path / "home")


@pytest.fixture
def put_data(workspace: WorkspaceStore) -> Callable[..., None]:
    """Write files below a datastore: ``put_data({"digits/0.pgm": "x"})``."""

    def put(files: dict[str, str], datastore: str = "workspaceblobstore") -> None:
        for path, content in files.items():
            workspace.datastores.open(datastore).put(path, content.encode())

    return put
