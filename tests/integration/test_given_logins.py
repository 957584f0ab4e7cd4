"""Does an unchanged script that registers its container with a key run, engine and all, and is the key nowhere afterwards?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.airflow_home import share_database
from tests.integration.test_airflow_connections import everything_in
from tests.servers import AZURITE_ACCOUNT, AZURITE_KEY, azure_place, s3_place

pytestmark = pytest.mark.e2e

STEP = """
import os, pathlib, sys
environment = dict(os.environ)
parents = []
pid = os.getppid()
while pid > 1 and len(parents) < 3:
    parents.append(pathlib.Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace"))
    pid = int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
assert not [name for name in environment if name.startswith(("AIRFLOW_CONN", "AZURE_STORAGE"))], environment
pathlib.Path(sys.argv[2], "seen.txt").write_text(pathlib.Path(sys.argv[1], "in.txt").read_text() + str(environment) + str(parents))
"""
SCRIPT = """
import sys
from azureml.core import Datastore, Experiment, Workspace
from azureml.core import Dataset
from azureml.data import OutputFileDatasetConfig
from azureml.pipeline.core import Pipeline
from azureml.pipeline.steps import PythonScriptStep

ws = Workspace.from_config()
container, account, key, endpoint = sys.stdin.read().split()
lake = Datastore.register_azure_blob_container(ws, "lake", container, account, account_key=key, endpoint=endpoint)
lake.upload("data", "raw", show_progress=False)
step = PythonScriptStep(
    "step.py", source_directory="src", compute_target="local",
    arguments=[Dataset.File.from_files((lake, "raw")).as_named_input("raw").as_mount(),
               OutputFileDatasetConfig("out", destination=(lake, "out/{run-id}"))],
)
run = Experiment(ws, "keys").submit(Pipeline(ws, [step]))
run.wait_for_completion(show_output=False)
print(run.get_status(), lake.download("back", "out", show_progress=False))
"""


def test_an_unchanged_script_runs_with_its_key_and_the_key_is_nowhere(tmp_path: Path) -> None:
    """S11, S12."""
    place = azure_place()
    share_database(tmp_path / "home")
    for name, text in {
        "src/step.py": STEP,
        "script.py": SCRIPT,
        "data/in.txt": "from the container",
        "config.json": '{"workspace_name": "team", "subscription_id": "s", "resource_group": "g"}',
    }.items():
        (tmp_path / "project" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "project" / name).write_text(text)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "AZURE", "AMLPIPE"))}
    done = subprocess.run(
        [sys.executable, "-c", "import airflow_amlpipe.azureml; exec(open('script.py').read())"],
        cwd=tmp_path / "project",
        env={**environment, "AMLPIPE_HOME": str(tmp_path / "home"), "PYTHONPATH": str(Path(__file__).parents[2])},
        input=f"{place.bucket} {AZURITE_ACCOUNT} {AZURITE_KEY} {place.config['endpoint']}",
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (done.returncode, done.stdout.splitlines()[-1:]) == (0, ["Finished 1"]), done.stdout + done.stderr
    (seen,) = (tmp_path / "project/back").rglob("seen.txt")
    assert seen.read_text().startswith("from the container")
    everything = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()) + (done.stdout + done.stderr).encode()
    assert AZURITE_KEY.encode() not in everything
    assert AZURITE_KEY.rstrip("=").encode() not in everything


FAR = """
from azureml.core import Experiment, Workspace
from azureml.data import OutputFileDatasetConfig
from azureml.pipeline.core import Pipeline
from azureml.pipeline.steps import PythonScriptStep

ws = Workspace.from_config()
out = OutputFileDatasetConfig("out")
step = PythonScriptStep("far.py", source_directory="src", compute_target="local", arguments=[out])
for _ in range(2):
    run = Experiment(ws, "far").submit(Pipeline(ws, [step]))
    run.wait_for_completion(show_output=False)
    print(run.get_status(), [step.get_details()["properties"].get("azureml.isreused") for step in run.get_steps()])
"""
FAR_STEP = """
import os, pathlib, sys
assert not [name for name in os.environ if name.startswith(("AIRFLOW_CONN", "AWS"))], dict(os.environ)
pathlib.Path(sys.argv[1], "all.txt").write_text(str(dict(os.environ)))
"""


def test_a_workspace_on_s3_is_opened_with_its_connection_everywhere(tmp_path: Path) -> None:
    """S11, S12."""
    place = s3_place()
    share_database(tmp_path / "home")
    secret = "c4n4ry-5ecret"
    extra = {"endpoint_url": place.config["endpoint"], "region_name": "us-east-1"}
    config = {"workspace_name": "team", "root": f"s3://{place.bucket}/ws", "workspace_conn_id": "my_aws"}
    for name, text in {"src/far.py": FAR_STEP, "script.py": FAR, "config.json": json.dumps(config)}.items():
        (tmp_path / "project" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "project" / name).write_text(text)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "AWS", "AMLPIPE"))}
    done = subprocess.run(
        [sys.executable, "-c", "import airflow_amlpipe.azureml; exec(open('script.py').read())"],
        cwd=tmp_path / "project",
        env={
            **environment,
            "AMLPIPE_HOME": str(tmp_path / "home"),
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "AIRFLOW_CONN_MY_AWS": json.dumps({"conn_type": "aws", "login": "test", "password": secret, "extra": extra}),
        },
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    statuses = [line for line in done.stdout.splitlines() if line.startswith("Finished")]
    assert statuses == ["Finished [None]", "Finished ['true']"]
    here = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()) + (done.stdout + done.stderr).encode()
    assert secret.encode() not in here
    assert secret not in everything_in(place.bucket, str(place.config["endpoint"]))
