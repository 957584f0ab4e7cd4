"""Is a connection in the environment read as Airflow reads it, and never repeated?"""

from __future__ import annotations

import json

import pytest

from airflow_amlpipe.exceptions import DefinitionError
from airflow_amlpipe.storage.environment_logins import environment_login, login_as_json
from airflow_amlpipe.storage.login import Login

URIS = [
    "aws://key:se%2Fcr%40et@/?region_name=eu-west-1&endpoint_url=http%3A%2F%2F127.0.0.1%3A9000",
    "aws://",
    "google-cloud-platform://?keyfile_dict=%7B%22a%22%3A+1%7D",
    "sftp://me:secret@host:2222/",
    "sftp://me@host",
    "postgresql://u:p@h:5432/db?sslmode=require",
    "wasb://account:a2V5@",
    "wasb://account:a2V5@/?__extra__=%7B%22tenant_id%22%3A%20%22t%22%2C%20%22n%22%3A%20%7B%22a%22%3A%201%7D%7D",
    "http://https://host:8443/schema%2Fx",
    "generic://u%20ser:p%3Aw@ho%2Fst/s?empty=",
]
JSONS = [
    {"conn_type": "aws", "login": "key", "password": "secret", "extra": {"region_name": "eu-west-1", "n": {"a": [1]}}},
    {"conn_type": "google-cloud-platform", "extra": '{"keyfile_dict": {"a": 1}}'},
    {"conn_type": "sftp", "host": "host", "port": "2222", "login": "me", "schema": "x"},
    {"conn_type": "sftp", "host": "host", "port": 22, "password": "", "extra": None},
]


def fields(found: Login | None) -> tuple[object, ...]:
    assert found is not None
    return found.conn_type, found.host, found.port, found.schema, found.login, found.password, dict(found.extra)


@pytest.mark.parametrize("text", [*URIS, *map(json.dumps, JSONS)])
def test_both_forms_are_read_as_airflow_reads_them(text: str) -> None:
    from airflow.sdk.definitions.connection import Connection

    theirs = Connection.from_json(text, "lake") if text.startswith("{") else Connection.from_uri(text, "lake")
    expected = tuple(
        None if value == "" else value
        for value in (theirs.conn_type, theirs.host, theirs.port, theirs.schema, theirs.login, theirs.password)
    )
    assert fields(environment_login("lake", {"AIRFLOW_CONN_LAKE": text})) == (*expected, theirs.extra_dejson)


@pytest.mark.parametrize("environ", [{}, {"AIRFLOW_CONN_LAKE": ""}, {"AIRFLOW_CONN_LAKE": "  "}, {"AIRFLOW_CONN_OTHER": "aws://"}])
def test_a_connection_that_is_not_set_is_none(environ: dict[str, str]) -> None:
    assert environment_login("lake", environ) is None


def test_the_environment_of_the_process_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_MY_LAKE", "aws://key:secret@")
    assert environment_login("my_lake") == Login("my_lake", "aws", login="key", password="secret")


@pytest.mark.parametrize("text", ["c4n4ry", "{c4n4ry", '{"conn_type": "aws", "extra": "c4n4ry"}', '["c4n4ry"]', "aws://u:c4n4ry@h:port"])
def test_what_is_no_connection_is_refused_without_being_repeated(text: str) -> None:
    """S11."""
    with pytest.raises(DefinitionError, match="environment variable AIRFLOW_CONN_LAKE is no connection; write it as JSON") as caught:
        environment_login("lake", {"AIRFLOW_CONN_LAKE": text})
    assert "c4n4ry" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_login_is_written_as_it_is_read() -> None:
    login = Login("x", "sftp", "host", 22, None, "me", "secret", {"a": {"b": 1}})
    assert environment_login("x", {"AIRFLOW_CONN_X": login_as_json(login)}) == login


def test_no_secret_is_shown() -> None:
    """S11."""
    assert "c4n4ry" not in repr(Login("x", "aws", login="c4n4ry", password="c4n4ry", extra={"aws_session_token": "c4n4ry"}))


def test_an_extra_that_is_no_text_is_refused_by_its_name() -> None:
    login = Login("x", "aws", extra={"region_name": ["c4n4ry"], "a": "", "b": "yes"})
    assert login.text("a", "b", "region_name") == "yes"
    assert login.text("nothing") is None
    with pytest.raises(DefinitionError, match="connection 'x': its extra 'region_name' must be text; write it in quotes") as caught:
        login.text("region_name")
    assert "c4n4ry" not in str(caught.value)
