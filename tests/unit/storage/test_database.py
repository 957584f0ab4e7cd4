"""Does a record with its connection give the address of the database that is meant, and never somebody's password to another server?"""

from __future__ import annotations

from typing import Any

import pytest

from airflow_amlpipe.exceptions import DefinitionError, UnsupportedFeatureError
from airflow_amlpipe.storage.access import StoreAccess
from airflow_amlpipe.storage.database import database_address, is_database_url
from airflow_amlpipe.storage.login import Login

URL = "postgresql://db.example.com:5433/sales"


def login(**fields: Any) -> Login:
    return Login("pg", **{"conn_type": "postgres", "host": "db.example.com", **fields})


def test_the_record_says_where_and_the_connection_as_whom() -> None:
    address = database_address("datastore 'db'", URL, login(login="me", password="c4n4ry"), {"enforce_ssl": True, "user_id": "other"})
    assert (address.protocol, address.host, address.port, address.database) == ("postgresql", "db.example.com", 5433, "sales")
    assert (address.user, address.password, address.encrypted, address.conn_id) == ("me", "c4n4ry", True, "pg")
    assert address.place == URL
    assert "c4n4ry" not in repr(address)


def test_without_a_connection_the_record_says_as_whom_and_the_environment_has_the_password() -> None:
    address = database_address("datastore 'db'", URL, None, {"user_id": "me"})
    assert (address.user, address.password, address.encrypted) == ("me", None, False)


@pytest.mark.parametrize(
    ("url", "port"), [("mssql://db/sales", 1433), ("mysql://db/sales", 3306), ("postgresql://db/sales", 5432), (URL, 5433)]
)
def test_a_url_without_a_port_means_the_usual_one(url: str, port: int) -> None:
    assert database_address("datastore 'db'", url, None, {}).port == port


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"host": "evil.example.com"}, "is on the host db.example.com and its connection 'pg' is for another one"),
        ({"port": 5432}, "is on the port 5433 and its connection 'pg' is for another one"),
        ({"conn_type": "aws"}, "connection 'pg' is of type 'aws', but a database on postgresql takes one of type 'postgres'"),
        ({"extra": {"tenant_id": 5}}, "its extra 'tenant_id' must be text"),
    ],
)
def test_a_connection_to_something_else_is_refused(other: dict[str, Any], message: str) -> None:
    """S16"""
    with pytest.raises(DefinitionError, match=message) as refused:
        database_address("datastore 'db'", URL, login(password="c4n4ry", **other), {})
    assert "c4n4ry" not in str(refused.value)


@pytest.mark.parametrize("host", [None, ""])
def test_a_password_is_sent_to_no_server_that_its_connection_does_not_name(host: str | None) -> None:
    """S16"""
    with pytest.raises(DefinitionError, match="connection 'pg' holds a password but names no host") as refused:
        database_address("datastore 'db'", "postgresql://evil.example.com/x", login(host=host, password="c4n4ry"), {})
    assert "c4n4ry" not in str(refused.value)
    assert database_address("datastore 'db'", URL, login(host=host, login="me"), {}).user == "me"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:c4n4ry@db/sales",
        "postgresql://db:port/sales",
        "postgresql://db",
        "sqlite:///file",
        "postgresql:///sales",
        "postgresql://db/s?password=c4n4ry",
    ],
)
def test_a_url_that_names_no_database_is_refused_without_being_repeated(url: str) -> None:
    """S11."""
    with pytest.raises(DefinitionError, match="its URL is none of a database") as refused:
        database_address("datastore 'db'", url, None, {})
    assert "c4n4ry" not in str(refused.value)


def test_databases_are_told_from_places_for_files() -> None:
    assert [is_database_url(url) for url in (URL, "mssql://a/b", "MySQL://a/b", "s3://a/b", "/a/b")] == [True, True, True, False, False]


def test_where_nothing_asks_databases_that_is_said() -> None:
    with pytest.raises(UnsupportedFeatureError, match="datastore 'db' is a database, and nothing here asks databases"):
        StoreAccess().open_database("db", URL, conn_id=None, details={})
