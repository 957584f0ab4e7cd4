"""Does an unchanged script that reads a database run, engine and all, again only for other rows, and is the password nowhere afterwards?"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.airflow_home import share_database
from tests.postgres_server import PASSWORD, USER, PostgresServer, new_postgres_server

pytestmark = pytest.mark.e2e

STEP = """
import os, pathlib, sys
assert not [name for name in os.environ if name.startswith(("AIRFLOW_CONN", "PG"))], dict(os.environ)
for package in ("psycopg", "psycopg2", "sqlalchemy"):
    sys.modules[package] = None  # a step needs none of them
from azureml.core import Dataset, Run
run = Run.get_context()
sales = run.input_datasets["sales"]
frame = sales.to_pandas_dataframe()
assert list(frame.columns) == ["id", "shop", "price"], frame.columns
assert Dataset.get_by_id(run.experiment.workspace, id=sys.argv[1]).to_pandas_dataframe().equals(frame)
assert run.input_datasets["latest"].to_pandas_dataframe().equals(frame)
assert Dataset.get_by_name(run.experiment.workspace, "all sales").take(1).to_pandas_dataframe().equals(frame[:1])
everything = str(dict(os.environ)) + "".join(path.read_text() for path in pathlib.Path(os.environ["AMLPIPE_RUN_FOLDER"]).rglob("*.json"))
pathlib.Path(sys.argv[2], "sum.txt").write_text(f"{frame['price'].sum():.2f} {len(frame)}")
pathlib.Path(sys.argv[2], "seen.txt").write_text(everything)
"""
SCRIPT = """
import sys
from azureml.core import Dataset, Datastore, Experiment, Workspace
from azureml.data import DatasetConsumptionConfig, OutputFileDatasetConfig
from azureml.pipeline.core import Pipeline, PipelineParameter
from azureml.pipeline.steps import PythonScriptStep

ws = Workspace.from_config()
port, database, user, password = sys.stdin.read().split()
shop = Datastore.register_azure_postgre_sql(
    ws, "shop", server_name="127.0.0.1", database_name=database, user_id=user, user_password=password, port_number=int(port), enforce_ssl=False
)
sales = Dataset.Tabular.from_sql_query((shop, "SELECT id, shop, price FROM sales WHERE shop <> :never ORDER BY id"), parameters={"never": PipelineParameter("never", "'; --")})
Dataset.Tabular.from_sql_query((shop, "SELECT id, shop, price FROM sales ORDER BY id")).register(ws, "all sales")
step = PythonScriptStep(
    "step.py", "add up", source_directory="src", compute_target="local", inputs=[DatasetConsumptionConfig("latest", (ws, "all sales"))],
    arguments=[sales.as_named_input("sales"), OutputFileDatasetConfig("out", destination=(ws.get_default_datastore(), "sums"))],
)
run = Experiment(ws, "sales").submit(Pipeline(ws, [step]), pipeline_parameters={"never": "$1; DROP TABLE sales"})
run.wait_for_completion(show_output=False)
(child,) = run.get_steps()
print(run.get_status(), child.get_details()["properties"].get("azureml.isreused"), child.get_details()["properties"].get("amlpipe.explanation"))
"""


@dataclass(frozen=True)
class Shop:
    """A project with a script, and the server that it reads from."""

    folder: Path
    server: PostgresServer

    def run(self, *, check: bool = True) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "AMLPIPE", "PG"))}
        done = subprocess.run(
            [sys.executable, "-m", "airflow_amlpipe.cli", "run", "script.py"],
            cwd=self.folder / "project",
            env={**environment, "AMLPIPE_HOME": str(self.folder / "home"), "PYTHONPATH": str(Path(__file__).parents[2])},
            input=f"{self.server.port} postgres {USER} {PASSWORD}",
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def sums(self) -> str:
        (found,) = self.folder.glob("home/workspaces/*/workspaceblobstore/sums/sum.txt")
        return found.read_text()

    def amlpipe(self, *arguments: str) -> str:
        environment = {**os.environ, "AMLPIPE_HOME": str(self.folder / "home"), "PYTHONPATH": str(Path(__file__).parents[2])}
        done = subprocess.run(
            [sys.executable, "-m", "airflow_amlpipe.cli", *arguments],
            cwd=self.folder / "project",
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        return done.stdout + done.stderr


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    share_database(tmp_path / "home")
    server = new_postgres_server()
    server.execute(
        "postgres",
        "CREATE TABLE sales (id int, shop text, price numeric(10, 2))",
        "INSERT INTO sales VALUES (1, 'a', 1.50), (2, 'b', 2.25)",
    )
    for name, text in {
        "src/step.py": STEP,
        "script.py": SCRIPT,
        "config.json": '{"workspace_name": "team", "subscription_id": "s", "resource_group": "g"}',
    }.items():
        (tmp_path / "project" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "project" / name).write_text(text)
    return Shop(tmp_path, server)


def test_a_step_runs_again_for_other_rows_and_for_nothing_else(shop: Shop) -> None:
    """S08, S11, S12."""
    printed = [shop.run().stdout]
    assert shop.sums() == "3.75 2"
    shop.server.execute("postgres", "UPDATE sales SET shop = shop", "VACUUM FULL sales")
    printed.append(shop.run().stdout)
    shop.server.execute("postgres", "INSERT INTO sales VALUES (3, 'c', 10)")
    printed.append(shop.run().stdout)
    assert shop.sums() == "13.75 3"
    statuses = [line for text in printed for line in text.splitlines() if line.startswith("Finished")]
    assert [line.split()[:2] for line in statuses] == [["Finished", "None"], ["Finished", "true"], ["Finished", "None"]]
    explained = shop.amlpipe("explain", "latest", "add up")
    assert "inputs: sales/rows changed" in explained, explained
    everything = b"".join(file.read_bytes() for file in shop.folder.rglob("*") if file.is_file()) + "".join(printed).encode()
    assert PASSWORD.encode() not in everything
    assert b"seen.txt" in everything


def test_a_database_that_is_down_is_trouble_and_that_is_said(shop: Shop) -> None:
    """S11."""
    shop.run()
    shop.server.stop()
    done = shop.run(check=False)
    assert done.returncode == 3
    assert "datastore 'shop': 127.0.0.1" in done.stderr
    assert "did not let us in" in done.stderr
    assert PASSWORD not in done.stdout + done.stderr
    shop.server.start()
    assert "Finished true" in shop.run().stdout
