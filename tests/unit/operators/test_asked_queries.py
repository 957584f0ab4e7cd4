"""Does a script get the rows of a query that is registered as a dataset, without the login of the database?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from airflow_amlpipe.compute.folder import create_step_folder
from airflow_amlpipe.hooks.opening import open_workspace
from airflow_amlpipe.operators.answering import answering, asked_so_far
from airflow_amlpipe.operators.answers import Answers
from airflow_amlpipe.runtime.datasets import Dataset, TabularDataset
from airflow_amlpipe.runtime.protocol import CONTEXT_FILE, ENV_RUN_FOLDER
from airflow_amlpipe.runtime.workspace import Workspace
from airflow_amlpipe.spec.dataset import DatasetDefinition, SqlQuery
from airflow_amlpipe.spec.workspace import WorkspaceNames
from airflow_amlpipe.workspace.datastores import DatastoreRecord
from airflow_amlpipe.workspace.step_run import StepRun
from tests.builders import a_step
from tests.postgres_server import postgres_server
from tests.unit.operators.test_answering import context_of


def test_a_script_that_asks_for_a_query_gets_its_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = postgres_server()
    database = server.new_database()
    server.execute(database, "CREATE TABLE sales (id int, shop text)", "INSERT INTO sales VALUES (1, 'a'), (2, NULL)")
    monkeypatch.setenv("AIRFLOW_CONN_PG", server.connection())
    workspace = open_workspace(str(tmp_path / "ws"), home=tmp_path / "home")
    workspace.datastores.register("db", DatastoreRecord(name="db", url=server.url(database), conn_id="pg", sdk_type="AzurePostgreSql"))
    reading = SqlQuery(datastore="db", query="SELECT * FROM sales ORDER BY id")
    workspace.datasets.add_version("sales", (), definition=DatasetDefinition(kind="tabular", reading=reading))
    folder = create_step_folder(tmp_path / "try")
    (folder.run / CONTEXT_FILE).write_text(json.dumps(context_of(folder)))
    monkeypatch.setenv(ENV_RUN_FOLDER, str(folder.run))
    run = StepRun(workspace, "nightly", "run-1", a_step("train"), 1, step_run_id="step-run-1")
    with answering(folder, Answers(run, WorkspaceNames(name="team"), "digits", lambda _: None, lambda _: None), lambda _: None):
        sales = Dataset.get_by_name(Workspace.from_config(), "sales")
        assert isinstance(sales, TabularDataset)
        frame = sales.keep_columns(["shop"]).to_pandas_dataframe()
    assert frame.to_dict("list") == {"shop": ["a", None]}
    assert [thing.digest is None for thing in asked_so_far(folder) if thing.verb == "dataset-data"] == [False]
    assert "SELECT" not in "".join(path.read_text(errors="replace") for path in folder.root.rglob("*") if path.is_file())
