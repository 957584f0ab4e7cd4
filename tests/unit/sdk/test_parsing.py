"""Does the SDK know when Airflow is parsing, and does it keep its hands still then?"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_amlpipe.sdk._parsing import is_airflow_parsing, refuse_while_parsing
from airflow_amlpipe.sdk.exceptions import UserErrorException

DAG_FILE = """
import airflow_amlpipe.azureml
from airflow_amlpipe.sdk._parsing import is_airflow_parsing
from azureml.core import Dataset, Datastore, RunConfiguration, Workspace
from azureml.data import OutputFileDatasetConfig
from azureml.pipeline.core import Pipeline
from azureml.pipeline.steps import PythonScriptStep

assert is_airflow_parsing()
ws = Workspace("s", "g", "team")
config = RunConfiguration()
config.target = "cpu"
data = Dataset.get_by_name(ws, "digits")
raw = Dataset.File.from_files((Datastore.get(ws, "lake"), "raw"))
out = OutputFileDatasetConfig(destination=(Datastore(ws), "x/{run-id}"))
step = PythonScriptStep("train.py", arguments=[data.as_mount(), raw.as_mount(), out], source_directory="src", runconfig=config)
dag = Pipeline(ws, [step]).to_dag("nightly")
"""

READ = """
import sys
from airflow.dag_processing.dagbag import DagBag
import airflow_amlpipe.workspace.workspace as workspace
from airflow_amlpipe.sdk._parsing import is_airflow_parsing
workspace.WorkspaceStore.open = None  # whoever opens a workspace fails
bag = DagBag(sys.argv[1])
assert not bag.import_errors, bag.import_errors
assert list(bag.dags) == ["nightly"], bag.dags
assert not is_airflow_parsing()
"""


def test_outside_of_airflow_nothing_is_parsed() -> None:
    assert not is_airflow_parsing()
    refuse_while_parsing("Dataset.register")


def test_while_airflow_parses_it_is_known_and_refused(airflow_is_parsing: None) -> None:
    assert is_airflow_parsing()
    with pytest.raises(UserErrorException, match=r"Dataset.register uses the workspace, which must not happen .*move it into a script"):
        refuse_while_parsing("Dataset.register")


def test_airflows_own_importer_sets_the_sign_and_nothing_is_contacted(project: Path, home: Path, tmp_path: Path) -> None:
    (project / "dag.py").write_text(DAG_FILE)
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AMLPIPE_HOME": str(home),
    }
    environment["PYTHONPATH"] = str(Path(__file__).resolve().parents[3])
    answer = subprocess.run(
        [sys.executable, "-c", READ, str(project / "dag.py")], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert not home.exists()
