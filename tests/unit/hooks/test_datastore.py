"""Does a connection lead to the files of a datastore, and say what is wrong if it does not?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from airflow_amlpipe.exceptions import DefinitionError, UnsupportedFeatureError
from airflow_amlpipe.hooks.datastore import DatastoreHook


def connect(monkeypatch: pytest.MonkeyPatch, **extra: object) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_LAKE", json.dumps({"conn_type": "amlpipe_datastore", "extra": extra}))


def test_the_store_of_the_connection_is_opened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    connect(monkeypatch, url=str(tmp_path))
    hook = DatastoreHook("lake")
    assert hook.get_conn().read("a.txt") == b"a"
    assert hook.test_connection() == (True, "The datastore can be listed; 1 files and folders lie at its root")


def test_a_connection_without_a_root_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch)
    with pytest.raises(DefinitionError, match="connection 'lake' names no root URL; fill in its field 'url'"):
        DatastoreHook("lake").get_conn()


def test_credentials_that_nothing_uses_are_not_ignored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    connect(monkeypatch, url=str(tmp_path), credentials_conn_id="my_account")
    with pytest.raises(UnsupportedFeatureError, match="connection 'lake' names the credentials 'my_account'"):
        DatastoreHook("lake").get_conn()


def test_the_test_button_says_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, url="abfs://container/x")
    is_well, message = DatastoreHook("lake").test_connection()
    assert not is_well
    assert "abfs" in message
