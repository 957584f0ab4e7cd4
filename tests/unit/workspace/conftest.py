"""A workspace, once in a folder, once where there are no folders, and once on each object store; and data in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from airflow_amlpipe.workspace import WorkspaceStore
from tests.workspaces import ANYWHERE, workspace_on


@pytest.fixture(params=ANYWHERE)
def workspace(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[WorkspaceStore]:
    with workspace_on(request.param, tmp_path) as opened:
        yield opened


@pytest.fixture
def put_data(workspace: WorkspaceStore) -> Callable[..., None]:
    """Write files below a datastore: ``put_data({"digits/0.pgm": "x"})``."""

    def put(files: dict[str, str], datastore: str = "workspaceblobstore") -> None:
        for path, content in files.items():
            workspace.datastores.open(datastore).put(path, content.encode())

    return put
