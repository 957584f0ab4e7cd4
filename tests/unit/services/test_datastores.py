"""Does a test of a datastore say what is missing, without its password?"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from airflow_amlpipe.exceptions import UnknownNameError
from airflow_amlpipe.hooks.opening import open_workspace
from airflow_amlpipe.services import datastores
from airflow_amlpipe.workspace.datastores import DatastoreRecord
from tests.postgres_server import postgres_server
from tests.web_server import web_server


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A workspace with a database."""
    password = {"conn_type": "postgres", "host": "127.0.0.1", "login": "me", "password": "c4n4ry"}
    monkeypatch.setenv("AIRFLOW_CONN_MINE", json.dumps(password))
    return registered(
        tmp_path, DatastoreRecord(name="db", url="postgresql://127.0.0.1:1/sales", conn_id="mine", sdk_type="AzurePostgreSql")
    )


def registered(folder: Path, record: DatastoreRecord) -> str:
    """Return the root of a workspace that knows ``record``."""
    open_workspace(str(folder / "ws"), home=folder).datastores.register(record.name, record)
    return str(folder / "ws")


def test_a_missing_driver_is_named(root: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("psycopg", "psycopg2"):
        monkeypatch.setitem(sys.modules, module, None)
    answer = datastores.test_datastore(root, "db", home=tmp_path)
    assert answer == {
        "name": "db",
        "url": "postgresql://127.0.0.1:1/sales",
        "reached": False,
        "message": "datastore 'db' cannot be asked here: no driver for postgresql is installed (psycopg or psycopg2); "
        "install one: pip install 'airflow-amlpipe[postgres]'",
    }


def test_a_database_that_answers_is_reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = postgres_server()
    monkeypatch.setenv("AIRFLOW_CONN_PG", server.connection())
    root = registered(tmp_path, DatastoreRecord(name="db", url=server.url("postgres"), conn_id="pg", sdk_type="AzurePostgreSql"))
    answer = datastores.test_datastore(root, "db", home=tmp_path)
    assert (answer["reached"], answer["message"]) == (True, "it answers as a database")


@pytest.mark.parametrize(("enforce_ssl", "reached"), [(True, False), (False, True)])
def test_a_database_that_cannot_encrypt_is_not_reached_where_encryption_is_enforced(
    enforce_ssl: bool, reached: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = postgres_server()
    monkeypatch.setenv("AIRFLOW_CONN_PG", server.connection(sslmode="disable"))
    record = DatastoreRecord(
        name="db", url=server.url("postgres"), conn_id="pg", sdk_type="AzurePostgreSql", details={"enforce_ssl": enforce_ssl}
    )
    answer = datastores.test_datastore(registered(tmp_path, record), "db", home=tmp_path)
    assert answer["reached"] is reached
    assert reached or "server does not support SSL" in answer["message"]


def test_trouble_of_a_database_is_told_without_its_password(root: str, tmp_path: Path) -> None:
    """S11."""
    answer = datastores.test_datastore(root, "db", home=tmp_path)
    assert answer["reached"] is False
    assert answer["message"].startswith("datastore 'db': 127.0.0.1:1 did not let us in to the database 'sales' (OperationalError: ")
    assert answer["message"].endswith("check host, port, database and the connection 'mine', and whether the server is up")
    assert "c4n4ry" not in str(answer)


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
