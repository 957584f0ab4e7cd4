"""Does a MySQL database give its rows, bind what it is given, change nothing, and say whose fault it is?"""

from __future__ import annotations

import datetime as dt
import threading
import time
from decimal import Decimal

import pytest

from airflow_amlpipe.exceptions import DatastoreUnavailableError, DefinitionError
from airflow_amlpipe.hooks.databases import SqlDatabase
from airflow_amlpipe.spec.dataset import SqlParameter, SqlQuery
from airflow_amlpipe.storage.database import QueryStoppedError, database_address
from tests.mariadb_server import PASSWORD, mariadb_server
from tests.unit.hooks.test_databases import given, query, rows_of


@pytest.fixture(scope="module")
def sales() -> str:
    """A database with a table of two rows."""
    return mariadb_server().new_database(
        "CREATE TABLE sales (id bigint, shop varchar(20), price decimal(10, 2), day datetime(6), raw blob)",
        "INSERT INTO sales VALUES (9007199254740993, 'a', 1.10, '2024-02-29 01:02:03.000004', x'00ff'), (2, NULL, NULL, NULL, NULL)",
        "CREATE PROCEDURE best(IN most DECIMAL(10, 2), IN s VARCHAR(20)) SELECT id, shop FROM sales WHERE price <= most AND shop = s",
        "CREATE PROCEDURE emptied() DELETE FROM sales",
    )


def opened(name: str, password: str = PASSWORD) -> SqlDatabase:
    server = mariadb_server()
    return SqlDatabase(database_address("datastore 'db'", server.url(name), server.login(password=password), {}))


def test_rows_come_with_their_types(sales: str) -> None:
    columns, rows = rows_of(opened(sales), query("SELECT * FROM sales ORDER BY id"), at_once=1)
    assert columns == ["id", "shop", "price", "day", "raw"]
    assert rows == [
        (2, None, None, None, None),
        (9007199254740993, "a", Decimal("1.10"), dt.datetime.fromisoformat("2024-02-29T01:02:03.000004"), b"\x00\xff"),
    ]


@pytest.mark.parametrize("value", ["a", "' OR '1'='1", "'; DROP TABLE sales; --", "\\'; DROP TABLE sales; --", "%s", "50%", '"'])
def test_a_parameter_is_a_value_whatever_is_in_it(sales: str, value: str) -> None:
    """S08."""
    asked = query(
        "SELECT :v AS given, '50%' AS percent, ':v' AS text, count(*) AS found FROM sales WHERE shop = :v", parameters=given(v=value)
    )
    assert rows_of(opened(sales), asked)[1] == [(value, "50%", ":v", 1 if value == "a" else 0)]


def test_tables_and_procedures_are_read_by_name(sales: str) -> None:
    """S08."""
    assert len(rows_of(opened(sales), query(f"{sales}.sales", statement="table"))[1]) == 2
    parameters = (SqlParameter(name="most", value="2.0", type="decimal"), SqlParameter(name="s", value="a"))
    assert rows_of(opened(sales), query("best", statement="procedure", parameters=parameters))[1] == [(9007199254740993, "a")]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (query("SELECT nothing FROM sales"), "Unknown column 'nothing'"),
        (query("SELECT * FROM nowhere"), "nowhere' doesn't exist"),
        (query("SELEC 1"), "error in your SQL syntax"),
        (query("DELETE FROM sales"), "READ ONLY transaction"),
        (query("emptied", statement="procedure"), "READ ONLY transaction"),
    ],
)
def test_what_the_author_has_to_correct_is_said_and_nothing_is_changed(sales: str, asked: SqlQuery, message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        rows_of(opened(sales), asked)
    assert mariadb_server().execute(f"SELECT count(*) FROM {sales}.sales") == ((2,),)


def test_a_query_that_takes_too_long_or_is_not_waited_for_any_more_is_stopped(sales: str) -> None:
    with pytest.raises(QueryStoppedError, match="took longer than it may"):
        rows_of(opened(sales), query("SELECT sleep(40) AS a", timeout_seconds=1))
    database, began = opened(sales), time.monotonic()
    threading.Timer(1.0, database.stop).start()
    with pytest.raises(QueryStoppedError, match="nobody waits for it any more"):
        rows_of(database, query("SELECT sleep(41) AS a", timeout_seconds=0))
    assert time.monotonic() - began < 30


def test_a_login_that_is_refused_is_trouble_and_is_told_without_the_password(sales: str) -> None:
    """S11."""
    with pytest.raises(DatastoreUnavailableError, match="Access denied") as refused:
        rows_of(opened(sales, "c4n4ry-c4n4ry"), query("SELECT 1 AS a"))
    assert "c4n4ry" not in str(refused.value)
