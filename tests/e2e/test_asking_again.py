"""Does a step run again when what its script asked for by itself has changed, and only then?"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.user import User

pytestmark = pytest.mark.e2e

TRAIN = """
from azureml.core import Dataset, Run
dataset = Dataset.get_by_name(Run.get_context().experiment.workspace, "irises", version={version})
print("version", dataset.version, "rows", open(dataset.download("data")[0]).read())
"""
PIPELINE = """
from azureml.core import Experiment, Workspace
from azureml.pipeline.core import Pipeline
from azureml.pipeline.steps import PythonScriptStep

ws = Workspace.from_config()
steps = [PythonScriptStep(f"{name}.py", name=name, source_directory="src") for name in ("latest", "pinned")]
Experiment(ws, "asking").submit(Pipeline(ws, steps)).wait_for_completion()
"""
REGISTER = """
import os, sys
import airflow_amlpipe.azureml
from azureml.core import Dataset, Workspace
ws = Workspace.from_config()
store, folder = ws.get_default_datastore(), sys.argv[1]
os.makedirs(folder)
open(os.path.join(folder, "rows.csv"), "w").write(folder)
store.upload(folder, folder)
Dataset.File.from_files((store, folder)).register(ws, "irises", create_new_version=True)
"""


@pytest.fixture
def user(tmp_path: Path) -> User:
    scripts = {f"src/{name}.py": TRAIN.replace("{version}", version) for name, version in (("latest", "'latest'"), ("pinned", "1"))}
    return User.with_files(tmp_path, {**scripts, "build.py": PIPELINE, "register.py": REGISTER}, "team")


def test_a_newer_version_runs_the_step_that_asks_for_the_latest_again_and_no_other(user: User) -> None:
    user.python("register.py", "one")
    user.amlpipe("run", "build.py")
    assert user.outcome() == {"latest": "ran", "pinned": "ran"}
    user.amlpipe("run", "build.py")
    assert user.outcome() == {"latest": "reused", "pinned": "reused"}

    user.python("register.py", "two")
    sentence = "what its script asked for has changed since (the latest version of dataset 'irises': version 1 -> version 2)"
    assert sentence in " ".join(user.amlpipe("plan", "build.py").stdout.split())
    printed = user.amlpipe("run", "build.py").stdout
    assert "version 2 rows two" in printed
    assert user.outcome() == {"latest": "ran", "pinned": "reused"}
    assert sentence in user.amlpipe("explain", "latest", "latest").stdout
    shown = " ".join(user.amlpipe("runs", "show", "latest").stdout.split())
    assert "the data of dataset 'irises' version 2 no, asked again before reuse" in shown
    assert "what its script asked for has changed: the latest version of dataset 'irises'" in user.amlpipe("report").stdout
