"""Does `import azureml` work inside a step, in an interpreter that has nothing of ours?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from airflow_amlpipe.compute.interpreters import find_python
from airflow_amlpipe.runtime.protocol import CONTEXT_FILE, ENV_RUN_FOLDER, SDK_VERSION, shim_folder

if TYPE_CHECKING:
    from airflow_amlpipe.runtime.protocol import RunContext

OLDEST = "3.8"
NEWER = "3.13"


@pytest.fixture(params=[OLDEST, NEWER, "ours"])
def python(request: pytest.FixtureRequest) -> str:
    """An interpreter in which no package of ours, and no package at all, is installed."""
    if request.param == "ours":
        return sys.executable
    found = find_python(request.param)
    if found is None:
        pytest.skip(f"this machine has no Python {request.param}")
    return found


def run_bare(python: str, code: str, tmp_path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": shim_folder(), **variables}
    # -S: no site-packages, so that nothing installed can help
    return subprocess.run([python, "-S", "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)


def test_sdk_v1s_imports_work(python: str, tmp_path: Path) -> None:
    code = """
import azureml.core
from azureml.core import Run, VERSION, get_run
from azureml.core.run import Run as Same, _OfflineRun, _SubmittedRun
from azureml.exceptions import AzureMLException, RunEnvironmentException, UserErrorException
from azureml.pipeline.core import PipelineRun
from azureml.pipeline.core.run import PipelineRun as SameRun, StepRun
assert PipelineRun is SameRun
run = Run.get_context()
assert Run is Same and isinstance(run, _OfflineRun) and azureml.core.VERSION == azureml.core.__version__ == VERSION
try:
    run.log("m", [1])
except UserErrorException as error:
    print(VERSION, error.message)
"""
    ran = run_bare(python, code, tmp_path)
    assert ran.stderr == ""
    assert ran.stdout.startswith(f"{SDK_VERSION} metric 'm': one number or text is wanted")


def test_a_step_records_what_its_script_says(python: str, tmp_path: Path, run_folder: Path, context: RunContext) -> None:
    (run_folder / CONTEXT_FILE).write_text(json.dumps(context))
    code = """
import os
from azureml.core import Run
run = Run.get_context()
run.log("auc", 0.5); run.log("auc", 1); run.log_row("r", x=1); run.log_list("l", range(3)); run.log_table("t", {"x": [1]})
run.tag("a"); run.set_tags({"b": 1}); run.remove_tags("b"); run.add_properties({"p": 1})
open("model.bin", "w").close()
run.upload_file("model.bin", "model.bin"); run.upload_folder("f", "."); run.download_file("f/model.bin", "copy")
run.log_image("i", path="model.bin"); run.parent.log("auc", 2); run.parent.cancel()
print(sorted(run.get_metrics()), run.get_tags(), run.get_file_names()[0], run.get_details()["runId"], run.experiment.workspace.name,
      run.input_datasets["raw"], run.output_datasets["model"])
print(run, run.experiment, run.experiment.workspace)
run.complete()
"""
    ran = run_bare(python, code, tmp_path, **{ENV_RUN_FOLDER: str(run_folder)})
    assert ran.stderr == ""
    assert ran.stdout.splitlines()[0] == (
        "['auc', 'i', 'l', 'r', 't'] {'team': 'a', 'a': ''} f/model.bin step-run-1 team /data/raw /private/outputs/model"
    )


@pytest.mark.parametrize(
    "statement",
    [
        "from azureml.core import Nothing",
        "from azureml.core import RunConfiguration; RunConfiguration()",
        "from azureml.core import ComputeTarget; ComputeTarget.create(None, 'cluster', None)",
        "from azureml.core import Workspace; Workspace.from_config()",
        "from azureml.core import Dataset; Dataset.Tabular",
        "from azureml.core.dataset import Nothing",
        "from azureml.pipeline.core import Pipeline",
        "import azureml.pipeline.core.graph",
        "from azureml.pipeline.steps import PythonScriptStep",
        "from azureml.data import OutputFileDatasetConfig",
        "from azureml.exceptions import ActivityFailedException",
        "import azureml.train.automl",
    ],
)
def test_what_is_served_elsewhere_names_the_requirement_to_add(statement: str, tmp_path: Path) -> None:
    code = f"try:\n    {statement}\nexcept ImportError as error:\n    print(type(error).__name__, error)"
    ran = run_bare(sys.executable, code, tmp_path)
    assert "is not part of the runtime that every step has: add the requirement 'airflow-amlpipe'" in ran.stdout
    assert ran.stdout.split()[1].split(".")[0] in {"azureml", "Dataset", "Workspace"}, "what was asked for is named"


def test_what_only_a_submission_uses_can_be_imported_by_a_step(python: str, tmp_path: Path) -> None:
    code = """
from azureml.core import ComputeTarget, ContainerRegistry, Dataset, Experiment, Run, RunConfiguration, ScriptRun, ScriptRunConfig, Webservice, Workspace
del ScriptRunConfig, ComputeTarget, Run, Dataset
from azureml.core import *
from azureml.pipeline.core import *
assert PipelineRun and StepRun and Dataset
print(isinstance(Run.get_context(), ScriptRunConfig), ScriptRunConfig.__name__, hasattr(ComputeTarget, "__fields__"))
"""
    ran = run_bare(python, code, tmp_path)
    assert (ran.stdout, ran.stderr) == ("False ScriptRunConfig False\n", "")


def test_using_what_only_a_submission_uses_is_a_new_error_each_time(tmp_path: Path) -> None:
    code = """
import traceback
from azureml.core import ComputeTarget, RunConfiguration

def lines(use):
    try:
        use()
    except ImportError as error:
        return len(traceback.extract_tb(error.__traceback__)), str(error)

for use in (RunConfiguration, lambda: ComputeTarget.create(None, "cluster", None)):
    print(len({lines(use) for _ in range(3)}), lines(use)[1].split()[0])
"""
    ran = run_bare(sys.executable, code, tmp_path)
    assert (ran.stdout.splitlines(), ran.stderr) == (["1 azureml.core.RunConfiguration", "1 azureml.core.ComputeTarget"], "")


def test_where_airflow_amlpipe_is_installed_its_sdk_is_served(tmp_path: Path) -> None:
    package = tmp_path / "site" / "airflow_amlpipe"
    for name, text in {
        "__init__.py": "",
        "sdk/__init__.py": "",
        "sdk/core/__init__.py": "class RunConfiguration: pass\n",
        "sdk/core/compute.py": "__all__ = ['AmlCompute']\nclass AmlCompute: pass\n",
        "sdk/pipeline/__init__.py": "",
        "sdk/pipeline/core/__init__.py": "__all__ = ['Pipeline', 'PipelineRun']\nclass Pipeline: pass\nclass PipelineRun: pass\n",
        "sdk/data/__init__.py": "class OutputFileDatasetConfig: pass\n",
        "sdk/exceptions.py": "from airflow_amlpipe.runtime.errors import UserErrorException\nclass ActivityFailedException(UserErrorException): pass\n",
    }.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(text)
    code = """
from azureml.core import Dataset, Run, RunConfiguration, Workspace
from azureml.core.dataset import Dataset as Same
from azureml.core.compute import *
from azureml.pipeline.core import *
from azureml.data import FileDataset, OutputFileDatasetConfig
from azureml.exceptions import ActivityFailedException, UserErrorException
import airflow_amlpipe.sdk.core, airflow_amlpipe.sdk.core.compute, airflow_amlpipe.sdk.data
from airflow_amlpipe.runtime.run import Run as Again
assert RunConfiguration is airflow_amlpipe.sdk.core.RunConfiguration and AmlCompute is airflow_amlpipe.sdk.core.compute.AmlCompute
assert OutputFileDatasetConfig is airflow_amlpipe.sdk.data.OutputFileDatasetConfig
assert Workspace.__module__ == "airflow_amlpipe.runtime.workspace" and Dataset is Same, "what the runtime has is the runtime's"
assert Pipeline.__module__ == "airflow_amlpipe.sdk.pipeline.core" and {PipelineRun.__module__, StepRun.__module__} == {"airflow_amlpipe.runtime.other_runs"}
assert issubclass(ActivityFailedException, UserErrorException)
assert Again is Run, "the runtime is there once, whoever imports it"
try:
    import azureml.nothing
except ImportError as error:
    print(error)
"""
    path = os.pathsep.join((shim_folder(), str(tmp_path / "site")))
    ran = run_bare(sys.executable, code, tmp_path, PYTHONPATH=path)
    assert ran.stderr == ""
    assert ran.stdout == "azureml.nothing is not served by airflow-amlpipe; see docs/reference/coverage.md\n"


def test_sdk_v1s_exceptions_catch_what_the_runtime_raises(python: str, tmp_path: Path) -> None:
    code = """
from azureml.core import Run
from azureml.exceptions import AzureMLException, RunEnvironmentException, UserErrorException
caught = []
for act, kind in (
    (lambda: Run.get_context(allow_offline=False), RunEnvironmentException),
    (lambda: Run.get_submitted_run(), AzureMLException),
    (lambda: Run.get_context().upload_file("model", "not-there"), UserErrorException),
    (lambda: Run.get_context().clean(), AzureMLException),
):
    try:
        act()
    except kind as error:
        caught.append(error.message)
assert len(caught) == 4 and all(caught), caught
assert str(RunEnvironmentException()) and RunEnvironmentException("a", KeyError("b")).inner_exception.args == ("b",)
try:
    raise UserErrorException("what is wrong")
except ValueError as error:
    error.print_stacktrace()
"""
    ran = run_bare(python, code, tmp_path)
    assert "what is wrong" in ran.stderr.splitlines()[-1]
    assert ran.returncode == 0, ran.stderr


def test_importing_run_imports_nothing_heavy(tmp_path: Path) -> None:
    ran = run_bare(sys.executable, "import sys; from azureml.core import Run; print(*sys.modules)", tmp_path)
    assert not {"typing", "dataclasses", "uuid", "asyncio", "subprocess", "shutil", "inspect", "airflow_amlpipe"} & set(ran.stdout.split())
