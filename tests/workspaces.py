"""On which stores can a workspace be tested? In a folder, in memory where there are no folders, on each object store, and on SFTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from airflow_amlpipe.storage.access import StoreAccess
from airflow_amlpipe.storage.environment_logins import login_as_json
from airflow_amlpipe.workspace import WorkspaceStore
from tests.fakes import MemoryStore
from tests.servers import azure_url, s3_url
from tests.sftp_server import asyncssh_server, openssh_server

__all__ = ["ANYWHERE", "HERE", "ON_SERVERS", "workspace_on"]

_URLS = {"s3": s3_url, "azure": azure_url}
HERE = ("folder", "memory")
ON_SERVERS = (*_URLS, "sftp")
ANYWHERE = (*HERE, *ON_SERVERS)


@contextmanager
def workspace_on(kind: str, tmp_path: Path) -> Iterator[WorkspaceStore]:
    """Yield an empty workspace on a store of this kind."""
    url = (tmp_path / "ws").as_uri()
    # Not the test's own: a test may undo that in its middle.
    with pytest.MonkeyPatch.context() as around:
        if kind == "sftp":
            server = openssh_server() or asyncssh_server()
            around.setenv("AIRFLOW_CONN_FILES", login_as_json(server.login()))
            yield WorkspaceStore.open(server.url(tmp_path / "ws"), home=tmp_path / "home", conn_id="files")
            return
        if kind in _URLS:
            url, environment = _URLS[kind]("ws")
            for name, value in environment.items():
                around.setenv(name, value)
        if kind != "memory":
            yield WorkspaceStore.open(url, home=tmp_path / "home")
            return
        around.setattr(StoreAccess, "open", lambda self, url, **_: MemoryStore(url))
        yield WorkspaceStore(MemoryStore(url), url=url, home=tmp_path / "home")
