"""Does a test of a datastore say what is missing, without its password?"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import sqlalchemy

from airflow_amlpipe.exceptions import UnknownNameError
from airflow_amlpipe.hooks.opening import open_workspace
from airflow_amlpipe.services import datastores
from airflow_amlpipe.workspace.datastores import DatastoreRecord
from tests.web_server import web_server


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A workspace with a database."""
    password = {"conn_type": "postgres", "login": "me", "password": "c4n4ry"}
    monkeypatch.setenv("AIRFLOW_CONN_MINE", json.dumps(password))
    record = DatastoreRecord(name="db", url="postgresql://127.0.0.1:1/sales", conn_id="mine", sdk_type="AzurePostgreSql")
    open_workspace(str(tmp_path / "ws"), home=tmp_path).datastores.register("db", record)
    return str(tmp_path / "ws")


def test_a_missing_driver_is_named(root: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg2", None)
    answer = datastores.test_datastore(root, "db", home=tmp_path)
    assert answer == {
        "name": "db",
        "url": "postgresql://127.0.0.1:1/sales",
        "reached": False,
        "message": "datastore 'db' cannot be tested here: the driver psycopg2-binary is missing; install it",
    }


def asking(monkeypatch: pytest.MonkeyPatch, instead: str) -> list[str]:
    """Ask ``instead`` in place of the database; return what would have been asked."""
    real, asked = sqlalchemy.create_engine, []

    def create_engine(url: sqlalchemy.URL) -> sqlalchemy.Engine:
        asked.append(url.render_as_string(hide_password=False))
        return real(instead)

    monkeypatch.setattr(sqlalchemy, "create_engine", create_engine)
    return asked


def test_a_database_that_answers_is_reached(root: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = asking(monkeypatch, "sqlite://")
    answer = datastores.test_datastore(root, "db", home=tmp_path)
    assert (answer["reached"], answer["message"]) == (True, "it answers")
    assert asked == ["postgresql+psycopg2://me:c4n4ry@127.0.0.1:1/sales"]


def test_trouble_of_a_database_is_told_without_its_password(root: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """S11."""
    asking(monkeypatch, "sqlite:////nowhere/c4n4ry/x.db")
    answer = datastores.test_datastore(root, "db", home=tmp_path)
    assert answer["reached"] is False
    assert answer["message"] == (
        "datastore 'db': 127.0.0.1 did not answer as a database (OperationalError); check host, port, database and the connection 'mine'"
    )


def test_a_connection_that_there_is_not_is_named(root: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_MINE")
    assert "the Airflow connection 'mine', which there is not" in datastores.test_datastore(root, "db", home=tmp_path)["message"]
    with pytest.raises(UnknownNameError, match="datastore 'nothing' is not registered"):
        datastores.test_datastore(root, "nothing", home=tmp_path)


def test_a_web_server_that_answers_is_reached(root: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with web_server() as server:
        monkeypatch.setenv("AMLPIPE_ALLOWED_HTTP_HOSTS", server.url.removeprefix("http://"))
        record = DatastoreRecord(name="web", url=f"{server.url}/data")
        open_workspace(root, home=tmp_path).datastores.register("web", record)
        answer = datastores.test_datastore(root, "web", home=tmp_path)
    assert (answer["reached"], answer["message"]) == (True, "it answers; which files it has, a web server does not say")
