"""Is the data of a query what its rows are, whoever asks and however the connection fares?"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_amlpipe.exceptions import DatastoreUnavailableError, DefinitionError, InfrastructureError, UnknownNameError
from airflow_amlpipe.fingerprint.canonical import Json
from airflow_amlpipe.hooks.opening import open_workspace
from airflow_amlpipe.runtime.rows import RowFile
from airflow_amlpipe.spec.data import DatasetSource, InputSpec
from airflow_amlpipe.spec.dataset import DatasetDefinition, SqlParameter, SqlQuery, Take
from airflow_amlpipe.workspace import queries
from airflow_amlpipe.workspace.datastores import DatastoreRecord
from airflow_amlpipe.workspace.direct import dataset_part
from airflow_amlpipe.workspace.inputs import ResolvedInput, resolve_input
from airflow_amlpipe.workspace.queries import ask_rows
from airflow_amlpipe.workspace.staging import fetch_input
from airflow_amlpipe.workspace.workspace import WorkspaceStore
from tests.postgres_server import new_postgres_server, postgres_server
from tests.sftp_server import Wire

Ask = Callable[..., ResolvedInput]
ALL = "SELECT * FROM sales ORDER BY id"


@pytest.fixture
def database() -> str:
    """A database with a table of two rows."""
    server = postgres_server()
    name = server.new_database()
    server.execute(name, "CREATE TABLE sales (id int, shop text)", "INSERT INTO sales VALUES (1, 'a'), (2, NULL)")
    return name


@pytest.fixture
def workspace(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WorkspaceStore:
    server = postgres_server()
    monkeypatch.setenv("AIRFLOW_CONN_PG", server.connection())
    opened = open_workspace(str(tmp_path / "ws"), home=tmp_path / "home")
    opened.datastores.register("db", DatastoreRecord(name="db", url=server.url(database), conn_id="pg", sdk_type="AzurePostgreSql"))
    return opened


def source(text: str = ALL, **fields: Any) -> DatasetSource:
    operations = fields.pop("operations", ())
    reading = SqlQuery(datastore=fields.pop("datastore", "db"), query=text, **fields)
    return DatasetSource(definition=DatasetDefinition(kind="tabular", reading=reading, operations=operations))


def an_input(given: DatasetSource) -> InputSpec:
    return InputSpec(name="sales", mode="direct", source=given)


def ask(workspace: WorkspaceStore, text: str = ALL, **fields: Any) -> ResolvedInput:
    return resolve_input(workspace, "step 'train'", an_input(source(text, **fields)), {})


def change(database: str, *statements: str) -> None:
    postgres_server().execute(database, *statements)


def test_the_same_rows_are_the_same_data_and_others_are_not(workspace: WorkspaceStore, database: str) -> None:
    first = ask(workspace).digest
    change(database, "INSERT INTO sales VALUES (3, 'c')")
    second = ask(workspace).digest
    change(database, "DELETE FROM sales WHERE id = 3", "VACUUM sales")
    assert second != first
    assert ask(workspace).digest == first
    change(database, "UPDATE sales SET shop = '' WHERE shop IS NULL")
    assert ask(workspace).digest not in {first, second}


@pytest.mark.parametrize(
    "text",
    [
        "SELECT id, shop FROM sales ORDER BY id",
        "SELECT id, shop FROM sales WHERE 1 = 1 ORDER BY 1 -- written in another way",
        "SELECT * FROM (VALUES (1, 'a'), (2, NULL)) AS t (id, shop)",
    ],
)
def test_how_rows_are_asked_for_makes_no_difference(workspace: WorkspaceStore, text: str) -> None:
    assert ask(workspace, text).digest == ask(workspace).digest
    assert ask(workspace, text).defined_for("direct") == ask(workspace, timeout_seconds=5).defined_for("direct")


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM sales ORDER BY id DESC",
        "SELECT shop, id FROM sales ORDER BY id",
        "SELECT id AS number, shop FROM sales ORDER BY id",
        "SELECT id::numeric AS id, shop FROM sales ORDER BY id",
        "SELECT id, coalesce(shop, '') AS shop FROM sales ORDER BY id",
    ],
)
def test_order_names_and_types_of_rows_make_a_difference(workspace: WorkspaceStore, text: str) -> None:
    """S29."""
    assert ask(workspace, text).digest != ask(workspace).digest


def test_what_is_taken_of_the_rows_counts_beside_them(workspace: WorkspaceStore) -> None:
    def told(**fields: Any) -> Json:
        return ask(workspace, **fields).defined_for("direct")

    assert told(operations=(Take(count=1),)) == {
        "kind": "tabular",
        "reading": {"format": "sql"},
        "operations": [{"operation": "take", "count": 1}],
    }
    assert told() == {"kind": "tabular", "reading": {"format": "sql"}}


def test_a_step_gets_the_rows_that_were_identified_and_nothing_of_how_they_were_asked_for(
    workspace: WorkspaceStore, database: str, tmp_path: Path
) -> None:
    given = an_input(source("SELECT * FROM sales WHERE id > :id ORDER BY id", parameters=(SqlParameter(name="id", value=0),)))
    resolved = resolve_input(workspace, "step 'train'", given, {})
    change(database, "DROP TABLE sales")
    path = fetch_input(workspace, resolved, tmp_path / "inputs" / "sales")
    assert list(RowFile(str(path))) == [(1, "a"), (2, None)]
    part = dataset_part(workspace, given, resolved, path)
    assert (part["path"], part["definition"]["reading"]) == (str(tmp_path / "inputs/sales/rows"), {"format": "sql"})
    assert "SELECT" not in json.dumps(part)
    path.write_text("the script's own by now")
    assert list(RowFile(str(fetch_input(workspace, resolved, tmp_path / "again")))) == [(1, "a"), (2, None)]


def test_the_listing_of_the_rows_is_kept_so_that_a_change_can_be_explained(workspace: WorkspaceStore) -> None:
    resolved = ask(workspace)
    assert resolved.rows is not None
    assert workspace.find_listing(resolved.digest) == {"rows": resolved.rows.sha256}


def test_nothing_of_the_rows_has_a_name_on_disk_until_a_step_gets_them(workspace: WorkspaceStore) -> None:
    before = set(workspace.home.rglob("*")) if workspace.home.exists() else set()
    resolved = ask(workspace)
    assert {path.name for path in set(workspace.home.rglob("*")) - before} <= {"tries"}
    assert resolved.rows is not None
    assert resolved.rows.count == 2


def test_rows_are_fetched_as_many_at_a_time_as_a_few_megabytes_hold(workspace: WorkspaceStore, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow_amlpipe.workspace import spool

    asked: list[int] = []

    class Answer:
        columns = ("a",)

        def fetch(self, count: int) -> list[tuple[str]]:
            asked.append(count)
            return [("x" * 1_000_000,)] * min(count, 2) if len(asked) < 3 else []

    spool.spool_rows(Answer(), workspace.home, "input 'sales'")
    assert asked == [100, 4, 4]


def test_a_server_that_is_started_anew_among_the_rows_is_asked_again_from_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = new_postgres_server()
    monkeypatch.setenv("AIRFLOW_CONN_PG", server.connection())
    workspace = open_workspace(str(tmp_path / "ws"), home=tmp_path / "home")
    workspace.datastores.register("db", DatastoreRecord(name="db", url=server.url("postgres"), conn_id="pg", sdk_type="AzurePostgreSql"))
    query = SqlQuery(datastore="db", query="SELECT n FROM generate_series(1, 30000) AS n")
    whole = ask_rows(workspace, query, "input 'n'").sha256
    paused: list[float] = []
    real, batches = queries.spool_rows, []

    def spooled(answer: Any, *given: Any) -> Any:
        fetch = answer.fetch

        def fetched(count: int) -> Any:
            batches.append(count)
            if len(batches) == 2:
                server.stop()
            return fetch(count)

        answer.fetch = fetched
        return real(answer, *given)

    def pause(seconds: float) -> None:
        paused.append(seconds)
        server.start()

    monkeypatch.setattr(queries, "spool_rows", spooled)
    assert ask_rows(workspace, query, "input 'n'", pause=pause).sha256 == whole
    assert paused == [1.0]
    server.stop()


def test_a_connection_that_is_cut_again_and_again_is_trouble_and_no_shorter_table(workspace: WorkspaceStore, database: str) -> None:
    wire = Wire(postgres_server().port)
    try:
        url = postgres_server().url(database, port=wire.port)
        workspace.datastores.register("far", DatastoreRecord(name="far", url=url, conn_id="pg", sdk_type="AzurePostgreSql"))
        paused: list[float] = []
        for _ in range(3):
            wire.cut_when(lambda _up, down: down > 60_000)
        query = SqlQuery(datastore="far", query="SELECT n, repeat('x', 100) AS x FROM generate_series(1, 30000) AS n")
        with pytest.raises(DatastoreUnavailableError, match="datastore 'far'"):
            ask_rows(workspace, query, "input 'n'", pause=paused.append)
        assert paused == [1.0, 5.0]
    finally:
        wire.close()


def test_a_query_that_takes_too_long_is_asked_once(workspace: WorkspaceStore) -> None:
    paused: list[float] = []
    with pytest.raises(DatastoreUnavailableError, match=r"the query of step 'train': input 'sales' took longer than it may"):
        ask_rows(
            workspace,
            SqlQuery(datastore="db", query="SELECT pg_sleep(60) AS a", timeout_seconds=1),
            "step 'train': input 'sales'",
            pause=paused.append,
        )
    assert paused == []


def test_a_wrong_query_is_named_with_step_input_and_datastore(workspace: WorkspaceStore) -> None:
    with pytest.raises(
        DefinitionError, match=r"^datastore 'db' refuses the query of step 'train': input 'sales': UndefinedColumn.*nothing"
    ):
        ask(workspace, "SELECT nothing FROM sales")
    with pytest.raises(UnknownNameError, match="'nowhere' is not registered"):
        ask(workspace, datastore="nowhere")
    with pytest.raises(DefinitionError, match="'workspaceblobstore' holds files and takes no query"):
        ask(workspace, datastore="workspaceblobstore")


def test_a_value_of_an_unknown_type_is_named_by_its_column(workspace: WorkspaceStore) -> None:
    with pytest.raises(DefinitionError, match=r"column 'during', row 1: a value of the type Range cannot be kept.*CAST"):
        ask(workspace, "SELECT 1 AS id, int4range(1, 5) AS during")


def test_a_full_disk_is_said(workspace: WorkspaceStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """R24."""

    def full(*_: object, **__: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("airflow_amlpipe.workspace.spool.tempfile.TemporaryFile", full)
    with pytest.raises(InfrastructureError, match=r"input 'sales': could not be kept at .*/tries, there is no room; free some space there"):
        ask(workspace)
