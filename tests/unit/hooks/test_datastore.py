"""Does a connection lead to the files of a datastore, and say what is wrong if it does not?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from airflow_amlpipe.exceptions import DefinitionError, UnknownNameError
from airflow_amlpipe.hooks.datastore import DatastoreHook
from tests.postgres_server import PASSWORD, postgres_server


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


def test_the_store_is_opened_with_the_credentials_that_the_connection_names(monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, url="s3://bucket/x", credentials_conn_id="my_account")
    with pytest.raises(UnknownNameError, match="datastore 'lake' logs in with the Airflow connection 'my_account', which there is not"):
        DatastoreHook("lake").get_conn()
    monkeypatch.setenv("AIRFLOW_CONN_MY_ACCOUNT", "sftp://me@host")
    with pytest.raises(DefinitionError, match="connection 'my_account' is of type 'sftp', but s3://bucket/x takes one of: aws, generic"):
        DatastoreHook("lake").get_conn()


def test_credentials_that_are_no_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, url="s3://bucket/x", credentials_conn_id={"password": "c4n4ry"})
    with pytest.raises(DefinitionError, match="is the id of another connection; write it as text") as caught:
        DatastoreHook("lake").get_conn()
    assert "c4n4ry" not in str(caught.value)


def test_a_folder_of_the_system_is_no_datastore(monkeypatch: pytest.MonkeyPatch) -> None:
    """S17."""
    connect(monkeypatch, url="/etc")
    assert DatastoreHook("lake").test_connection()[0] is False


def test_the_test_button_says_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, url="ftp://container/x")
    is_well, message = DatastoreHook("lake").test_connection()
    assert not is_well
    assert "ftp" in message


def test_the_form_logs_in_to_a_database(monkeypatch: pytest.MonkeyPatch) -> None:
    server = postgres_server()
    monkeypatch.setenv("AIRFLOW_CONN_PG", server.connection())
    extra = {"url": server.url("postgres"), "credentials_conn_id": "pg"}
    monkeypatch.setenv("AIRFLOW_CONN_SALES", json.dumps({"conn_type": "amlpipe_datastore", "extra": extra}))
    assert DatastoreHook("sales").test_connection() == (True, "The datastore answers as a database")
    monkeypatch.setenv("AIRFLOW_CONN_PG", server.connection().replace(PASSWORD, "c4n4ry"))
    is_well, message = DatastoreHook("sales").test_connection()
    assert is_well is False
    assert "password authentication failed" in message
    assert "c4n4ry" not in message
