"""Does a connection lead to its workspace, and say what is wrong if it does not?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from airflow_amlpipe.exceptions import DefinitionError
from airflow_amlpipe.hooks.workspace import WorkspaceHook
from airflow_amlpipe.storage.access import StoreAccess
from tests.fakes import MemoryStore


def connect(monkeypatch: pytest.MonkeyPatch, **extra: object) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_AMLPIPE_DEFAULT", json.dumps({"conn_type": "amlpipe_workspace", "extra": extra}))


def test_the_workspace_of_the_connection_is_opened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    connect(monkeypatch, url=f" {tmp_path}/ws ")
    workspace = WorkspaceHook().get_conn()
    workspace.datastores.set_default("workspacefilestore")
    assert workspace.url == f"{tmp_path}/ws"
    assert (tmp_path / "ws" / ".amlpipe").is_dir()


@pytest.mark.parametrize("extra", [{}, {"url": ""}, {"url": "  "}, {"url": 7}])
def test_a_connection_without_a_root_is_refused(monkeypatch: pytest.MonkeyPatch, extra: dict[str, object]) -> None:
    connect(monkeypatch, **extra)
    with pytest.raises(DefinitionError, match="connection 'amlpipe_default' names no root URL; fill in its field 'url'"):
        WorkspaceHook().get_conn()


def test_the_test_button_names_the_datastores(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    connect(monkeypatch, url=str(tmp_path))
    is_well, message = WorkspaceHook().test_connection()
    assert is_well
    assert "workspaceblobstore" in message


def test_the_test_button_says_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, url="ftp://host/x")
    is_well, message = WorkspaceHook().test_connection()
    assert not is_well
    assert "ftp" in message


def test_the_root_can_be_asked_for_without_opening_it(monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, url="s3://bucket/ws")
    assert WorkspaceHook().url == "s3://bucket/ws"


def test_the_test_button_finds_out_what_the_store_enforces(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """R22."""
    url = (tmp_path / "far").as_uri()
    connect(monkeypatch, url="s3://bucket/far")
    monkeypatch.setattr(StoreAccess, "open", lambda *_, **__: MemoryStore(url))
    is_well, message = WorkspaceHook().test_connection()
    assert is_well
    assert message.endswith("; its store refuses to create what exists, as a workspace needs it")
    monkeypatch.setattr(StoreAccess, "open", lambda *_, **__: Lying(f"{url}2"))
    is_well, message = WorkspaceHook().test_connection()
    assert not is_well
    assert "cannot hold a workspace" in message


class Lying(MemoryStore):
    """Takes the condition and ignores it."""

    def create_exclusive(self, path: str, body: bytes, *, durable: bool = True) -> bool:
        self.put(path, body, durable=durable)
        return True
