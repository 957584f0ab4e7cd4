"""Does a database give the rows of a query as they are, bind what it is given, change nothing, and say whose fault it is?"""

from __future__ import annotations

import datetime as dt
import threading
import time
import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from airflow_amlpipe.exceptions import DatastoreUnavailableError, DefinitionError
from airflow_amlpipe.hooks.databases import SqlDatabase
from airflow_amlpipe.runtime.rows import JsonText
from airflow_amlpipe.spec.dataset import SqlParameter, SqlQuery
from airflow_amlpipe.storage.database import QueryStoppedError, database_address
from tests.postgres_server import PASSWORD, new_postgres_server, postgres_server
from tests.sftp_server import Wire


@pytest.fixture(scope="module")
def sales() -> str:
    """A database with a table of three rows."""
    server = postgres_server()
    name = server.new_database()
    server.execute(
        name,
        "CREATE TABLE sales (id bigint, shop text, price numeric(10, 2))",
        "INSERT INTO sales VALUES (1, 'a', 1.50), (2, 'b', NULL), (9007199254740993, '', 3.00)",
    )
    return name


def opened(name: str, *, port: int | None = None, password: str = PASSWORD) -> SqlDatabase:
    server = postgres_server()
    return SqlDatabase(database_address("datastore 'db'", server.url(name, port=port), server.login(password=password), {}))


def query(text: str, **fields: Any) -> SqlQuery:
    return SqlQuery(datastore="db", query=text, **fields)


def rows_of(database: SqlDatabase, asked: SqlQuery, *, at_once: int = 100) -> tuple[list[str], list[tuple[Any, ...]]]:
    with database.ask(asked, "the query of input 'sales'") as answer:
        found: list[Sequence[Any]] = []
        while batch := answer.fetch(at_once):
            assert len(batch) <= at_once
            found += batch
        return list(answer.columns), [tuple(row) for row in found]


def given(**values: Any) -> tuple[SqlParameter, ...]:
    return tuple(SqlParameter(name=name, value=value) for name, value in values.items())


@pytest.mark.parametrize("at_once", [1, 2, 100])
def test_the_rows_come_in_the_order_of_the_query_however_many_are_fetched_at_once(sales: str, at_once: int) -> None:
    columns, rows = rows_of(opened(sales), query("SELECT id, shop, price FROM sales ORDER BY id DESC"), at_once=at_once)
    assert columns == ["id", "shop", "price"]
    assert rows == [(9007199254740993, "", Decimal("3.00")), (2, "b", None), (1, "a", Decimal("1.50"))]


def test_every_type_comes_as_what_it_is(sales: str) -> None:
    text = """
        SELECT true AS a, 7::smallint AS b, 1.5::float8 AS c, 'NaN'::float8 AS d, 1.10::numeric AS e, ''::text AS f, NULL::text AS g,
               '\\x00ff'::bytea AS h, DATE '2024-02-29' AS i, TIME '01:02:03.5' AS j, TIMESTAMP '2024-02-29 01:02:03.000004' AS k,
               TIMESTAMPTZ '2024-02-29 01:00:00+01' AS l, INTERVAL '1 day 2 seconds' AS m, ARRAY[[1, NULL], [3, 4]] AS n,
               '{"x": 12345678901234567890.10}'::jsonb AS o, 'd1b5ecf6-1f2b-4b2c-9b8e-0242ac130003'::uuid AS p, 'null'::json AS q
    """
    ((*values,),) = rows_of(opened(sales), query(text))[1]
    nan = values.pop(3)
    assert nan != nan
    assert values == [
        True,
        7,
        1.5,
        Decimal("1.10"),
        "",
        None,
        b"\x00\xff",
        dt.date(2024, 2, 29),
        dt.time(1, 2, 3, 500000),
        dt.datetime.fromisoformat("2024-02-29T01:02:03.000004"),
        dt.datetime(2024, 2, 29, tzinfo=dt.UTC),
        dt.timedelta(days=1, seconds=2),
        [[1, None], [3, 4]],
        JsonText('{"x": 12345678901234567890.10}'),
        uuid.UUID("d1b5ecf6-1f2b-4b2c-9b8e-0242ac130003"),
        JsonText("null"),
    ]


@pytest.mark.parametrize(
    "text", ["SELECT '50%' AS a, ':no' AS b", "SELECT '50%' AS a, ':no' AS b -- all :of %s it", "SELECT '50%' AS a, ':no' AS b;"]
)
def test_a_query_without_parameters_is_asked_as_it_is_written(sales: str, text: str) -> None:
    assert rows_of(opened(sales), query(text))[1] == [("50%", ":no")]


@pytest.mark.parametrize(
    "value",
    ["a", "' OR '1'='1", "'; DROP TABLE sales; --", "$1", ":shop", "%s", "\\'; DROP TABLE sales; --", "a\nb", "", "ü", "%(shop)s", "{}"],
)
def test_a_parameter_is_a_value_whatever_is_in_it(sales: str, value: str) -> None:
    """S08."""
    asked = query(
        "SELECT :shop::text AS given, '50%' AS percent, (SELECT count(*) FROM sales WHERE shop = :shop) AS found",
        parameters=given(shop=value),
    )
    assert rows_of(opened(sales), asked)[1] == [(value, "50%", 1 if value in {"a", ""} else 0)]
    assert postgres_server().execute(sales, "SELECT count(*) FROM sales") == [(3,)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT ':v' AS a, :v AS b", (":v", "x")),
        ("SELECT '12:30' AS a, :v::text AS b", ("12:30", "x")),
        (r"SELECT 'C:\temp\:v' AS a, :v AS b", (r"C:\temp\:v", "x")),
        ("SELECT 'it''s :v' AS a, :v AS b -- :w", ("it's :v", "x")),
        ("SELECT $t$:v$t$ AS a, /* :w */ :v AS b", (":v", "x")),
        ('SELECT 1 AS ":w", :v AS b', (1, "x")),
        (r"SELECT (ARRAY[1,2,3])[1\:2] AS a, :v AS b", ([1, 2], "x")),
        ("SELECT '{\"a\": \":v\"}'::jsonb ->> 'a' AS a, :v AS b", (":v", "x")),
        ("SELECT 7 % 4 AS a, :v AS b", (3, "x")),
    ],
)
def test_a_colon_in_text_comments_and_casts_is_no_parameter(sales: str, text: str, expected: tuple[Any, ...]) -> None:
    assert rows_of(opened(sales), query(text, parameters=given(v="x")))[1] == [expected]


@pytest.mark.parametrize(
    ("parameter", "expected"),
    [
        (SqlParameter(name="v", value=2**40), (str(2**40), "bigint")),
        (SqlParameter(name="v", value=1.5), ("1.5", "double precision")),
        (SqlParameter(name="v", value=True), ("true", "boolean")),
        (SqlParameter(name="v", value="1.10", type="decimal"), ("1.10", "numeric")),
        (SqlParameter(name="v", value="7", type="integer"), ("7", "smallint")),
        (SqlParameter(name="v", value="false", type="boolean"), ("false", "boolean")),
        (SqlParameter(name="v", value="2024-02-29", type="date"), ("2024-02-29", "date")),
        (SqlParameter(name="v", value="2024-02-29T01:02:03", type="datetime"), ("2024-02-29 01:02:03", "timestamp without time zone")),
    ],
)
def test_a_parameter_keeps_its_type(sales: str, parameter: SqlParameter, expected: tuple[str, str]) -> None:
    asked = query("SELECT (:v)::text AS v, pg_typeof(:v)::text AS t", parameters=(parameter,))
    assert rows_of(opened(sales), asked)[1] == [expected]


def test_null_can_be_given(sales: str) -> None:
    assert rows_of(opened(sales), query("SELECT CAST(:v AS text) IS NULL AS a", parameters=given(v=None)))[1] == [(True,)]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (query("SELECT :a", parameters=given(b=1)), "asks for :a, which has no value"),
        (query("SELECT 1 AS a", parameters=given(b=1)), "has no :b, for which parameters="),
        (
            query("SELECT CAST(:a AS int) AS a", parameters=(SqlParameter(name="a", value="x", type="integer"),)),
            "the value 'x' of parameter 'a' is no integer",
        ),
        (
            query("SELECT shop, nothing FROM sales"),
            "refuses the query of input 'sales': UndefinedColumn: column \"nothing\" does not exist",
        ),
        (query("SELEC 1"), 'SyntaxError: syntax error at or near "SELEC"'),
        (query("SELECT * FROM nowhere"), 'UndefinedTable: relation "nowhere" does not exist'),
        (query("SELECT 1/0 AS a"), "DivisionByZero: division by zero"),
        (query("SELECT id, id FROM sales"), "has 2 columns, and more than one is called 'id'"),
        (query("DELETE FROM sales"), "SyntaxError"),
        (query("WITH gone AS (DELETE FROM sales RETURNING *) SELECT * FROM gone"), "data-modifying"),
        (query("SELECT 1 AS a; DELETE FROM sales"), "refuses the query"),
        (query("SELECT nextval('s')"), 'relation "s" does not exist'),
        (query("nowhere", statement="table"), 'UndefinedTable: relation "nowhere" does not exist'),
        (query("a.b.c.d", statement="table"), "'a.b.c.d' is no name of a table or procedure"),
        (query("f", statement="procedure", parameters=(SqlParameter(name="a => 1)", value=1),)), "'a => 1\\)' is no name of a parameter"),
    ],
)
def test_what_the_author_has_to_correct_is_said_in_the_databases_words(sales: str, asked: SqlQuery, message: str) -> None:
    with pytest.raises(DefinitionError, match=message) as refused:
        rows_of(opened(sales), asked)
    assert str(refused.value).startswith("datastore 'db'")
    assert "the query of input 'sales'" in str(refused.value)
    assert PASSWORD not in str(refused.value)
    assert postgres_server().execute(sales, "SELECT count(*) FROM sales") == [(3,)]


@pytest.mark.parametrize(
    "name", ["shops", "public.shops", '"public"."shops"', "[public].[shops]", "Odd; DROP TABLE shops", '"with.point"', "Upper"]
)
def test_a_table_is_read_whole_by_its_name(sales: str, name: str) -> None:
    """S08."""
    server = postgres_server()
    last = name.rsplit(".", 1)[-1].strip('"[]') if name != '"with.point"' else "with.point"
    server.execute(sales, f'CREATE TABLE IF NOT EXISTS "{last}" (id int)', f'DELETE FROM "{last}"', f'INSERT INTO "{last}" VALUES (7)')
    assert rows_of(opened(sales), query(name, statement="table"))[1] == [(7,)]


def test_a_procedure_has_its_parameters_bound_by_name(sales: str) -> None:
    """S08."""
    postgres_server().execute(
        sales,
        "CREATE OR REPLACE FUNCTION cheap(shop_ text, most numeric) RETURNS SETOF sales LANGUAGE sql AS "
        "'SELECT * FROM sales WHERE price <= most AND shop = shop_'",
    )
    parameters = (SqlParameter(name="most", value="2.0", type="decimal"), SqlParameter(name="shop_", value="a"))
    assert rows_of(opened(sales), query("cheap", statement="procedure", parameters=parameters))[1] == [(1, "a", Decimal("1.50"))]
    odd = (SqlParameter(name="most", value="2.0", type="decimal"), SqlParameter(name="shop_", value="'; DROP TABLE sales; --"))
    assert rows_of(opened(sales), query("public.cheap", statement="procedure", parameters=odd))[1] == []


def test_a_procedure_that_writes_is_refused(sales: str) -> None:
    postgres_server().execute(
        sales, "CREATE OR REPLACE FUNCTION emptied() RETURNS SETOF sales LANGUAGE sql AS 'DELETE FROM sales RETURNING *'"
    )
    with pytest.raises(DefinitionError, match="cannot execute DELETE in a read-only transaction"):
        rows_of(opened(sales), query("emptied", statement="procedure"))
    assert postgres_server().execute(sales, "SELECT count(*) FROM sales") == [(3,)]


def test_a_query_that_takes_longer_than_it_may_is_stopped(sales: str) -> None:
    with pytest.raises(QueryStoppedError, match=r"took longer than it may and was stopped .*statement timeout.*query_timeout="):
        rows_of(opened(sales), query("SELECT pg_sleep(60)", timeout_seconds=1))


def test_a_query_that_nobody_waits_for_is_stopped_at_the_server(sales: str) -> None:
    database = opened(sales)
    threading.Timer(1.0, database.stop).start()
    began = time.monotonic()
    with pytest.raises(QueryStoppedError, match="was stopped, because nobody waits for it any more"):
        rows_of(database, query("SELECT pg_sleep(55) AS long", timeout_seconds=0))
    assert time.monotonic() - began < 30
    running = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(55)%' AND state = 'active' AND pid <> pg_backend_pid()"
    assert postgres_server().execute(sales, running) == [(0,)]
    with pytest.raises(QueryStoppedError):
        rows_of(database, query("SELECT 1 AS a"))


def test_a_database_that_is_down_or_lets_nobody_in_is_trouble_and_not_the_authors_error(sales: str) -> None:
    """S11."""
    with pytest.raises(DatastoreUnavailableError, match="127.0.0.1:1 did not let us in"):
        rows_of(opened(sales, port=1), query("SELECT 1 AS a"))
    with pytest.raises(DatastoreUnavailableError, match="password authentication failed") as refused:
        rows_of(opened(sales, password="c4n4ry-c4n4ry"), query("SELECT 1 AS a"))
    assert "c4n4ry" not in str(refused.value)
    assert refused.value.__cause__ is None
    with pytest.raises(DatastoreUnavailableError, match='database "nowhere" does not exist'):
        rows_of(opened("nowhere"), query("SELECT 1 AS a"))


def test_a_connection_that_is_cut_among_the_rows_is_trouble(sales: str) -> None:
    wire = Wire(postgres_server().port)
    try:
        asked = query("SELECT n FROM generate_series(1, 100000) AS n")
        with opened(sales, port=wire.port).ask(asked, "the query of input 'sales'") as answer:
            assert len(answer.fetch(10)) == 10
            wire.cut()
            with pytest.raises(DatastoreUnavailableError, match="the database failed while it was asked the query of input 'sales'"):
                answer.fetch(10)
    finally:
        wire.close()


def test_what_is_enforced_is_encrypted() -> None:
    server = new_postgres_server(encrypts=True)
    asked = query("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    for enforce, sslmode, expected in ((True, None, True), (False, "disable", False), (True, "disable", True)):
        login = server.login(**({"sslmode": sslmode} if sslmode else {}))
        database = SqlDatabase(database_address("datastore 'db'", server.url("postgres"), login, {"enforce_ssl": enforce}))
        assert rows_of(database, asked)[1] == [(expected,)]
    server.stop()
