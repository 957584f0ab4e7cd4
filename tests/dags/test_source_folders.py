"""Where does a step of a DAG file find its source folder when Airflow runs it?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_amlpipe.settings import Settings
from airflow_amlpipe.workspace.workspace import WorkspaceStore
from tests.airflow_fixtures import DagOutcome

CONFIG = '{"subscription_id": "local", "resource_group": "local", "workspace_name": "source-folders"}'
PIPELINE = """
from pathlib import Path
import airflow_amlpipe.azureml
from azureml.core import Workspace
from azureml.pipeline.core import Pipeline
from azureml.pipeline.steps import PythonScriptStep

def make(dag_id):
    ws = Workspace.from_config(str(Path(__file__).with_name("config.json")))
    step = PythonScriptStep("step.py", "step", source_directory="src", compute_target="local", allow_reuse=False)
    return Pipeline(ws, [step]).to_dag(dag_id)
"""


def write(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def a_project(folder: Path) -> None:
    """Something that makes DAGs, with its source folder beside it."""
    write(folder / "config.json", CONFIG)
    write(folder / "src" / "step.py", f"print('the code of {folder.name}')\n")


def what_a_file_runs(file: Path, run_dag: Callable[..., DagOutcome]) -> str:
    """Run the one DAG of a file, and return what its step printed."""
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(dag_folder=str(file))
    assert bag.import_errors == {}
    (dag,) = bag.dags.values()
    assert dag.fileloc == str(file)
    outcome = run_dag(dag)
    assert outcome.states() == {"step": "success"}
    home = Settings.load().home
    workspace = WorkspaceStore.open(str(home / "workspaces" / "source-folders"), home=home)
    (item,) = workspace.runs.tries(outcome.xcom("step")["run_id"], "step")
    return workspace.store.read(f"{item.folder}/logs/stdout.txt").decode()


def test_it_is_beside_the_dag_file(tmp_path: Path, run_dag: Callable[..., DagOutcome]) -> None:
    a_project(tmp_path / "flows")
    file = write(tmp_path / "flows" / "f.py", f"{PIPELINE}dag = make('source_beside_the_dag_file')\n")
    assert what_a_file_runs(file, run_dag) == "the code of flows\n"


def test_it_is_beside_the_module_that_calls_to_dag_for_a_dag_file(
    tmp_path: Path, run_dag: Callable[..., DagOutcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("flows", "lib"):
        a_project(tmp_path / folder)
    write(tmp_path / "lib" / "dag_factory_of_a_test.py", PIPELINE)
    monkeypatch.syspath_prepend(tmp_path / "lib")
    file = write(
        tmp_path / "flows" / "f.py",
        "import airflow_amlpipe.azureml\nfrom dag_factory_of_a_test import make\ndag = make('source_beside_the_caller')\n",
    )
    assert what_a_file_runs(file, run_dag) == "the code of lib\n"
