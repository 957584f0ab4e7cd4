"""Does `except azureml.exceptions...` catch what is raised, wherever a script runs?

A step whose environment has nothing of ours: ``tests/unit/runtime/test_shim.py``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_amlpipe import exceptions as ours
from airflow_amlpipe.runtime import errors
from airflow_amlpipe.runtime.protocol import shim_folder
from airflow_amlpipe.sdk import exceptions as sdk

REPOSITORY = str(Path(__file__).parents[3])

RUNTIME_RAISES = """
try:
    Run.get_context(allow_offline=False)
except RunEnvironmentException as error:
    print(type(error).__name__)
try:
    Run.get_context().get_secret("password")
except UserErrorException as error:
    print(type(error).__name__)
try:
    Run.get_context().log("metric", [1])
except AzureMLException as error:
    print(type(error).__name__)
"""
SDK_RAISES = """
try:
    Workspace.from_config("not-there.json")
except UserErrorException as error:
    print(type(error).__name__)
try:
    raise WorkspaceException("there is none")
except AzureMLException as error:
    print(type(error).__name__)
"""
IMPORTS = """
from azureml.core import Run, Workspace
from azureml.exceptions import AzureMLException, RunEnvironmentException, UserErrorException, WorkspaceException
"""
CAUGHT = ["RunEnvironmentException", "UserErrorException", "UserErrorException", "UserErrorException", "WorkspaceException"]


@pytest.mark.parametrize(
    ("path", "beginning"),
    [
        pytest.param([], "import airflow_amlpipe.azureml", id="outside a step, with the alias"),
        pytest.param([shim_folder()], "", id="in a step that has airflow-amlpipe"),
        pytest.param([shim_folder()], "import airflow_amlpipe.azureml", id="in a step that uses the alias"),
        pytest.param([shim_folder()], "import airflow_amlpipe.exceptions", id="in a step that imports airflow-amlpipe first"),
        pytest.param([shim_folder()], "import azureml.core; import airflow_amlpipe.azureml", id="in a step that uses the alias late"),
    ],
)
def test_scripts_catch_what_the_runtime_and_the_sdk_raise(path: list[str], beginning: str, tmp_path: Path) -> None:
    code = beginning + IMPORTS + RUNTIME_RAISES + SDK_RAISES
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join([*path, REPOSITORY])}
    ran = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == CAUGHT


def test_the_names_that_the_runtime_raises_are_its_own_classes() -> None:
    for name in ("AzureMLException", "RunEnvironmentException", "UserErrorException"):
        assert getattr(sdk, name) is getattr(errors, name)
    assert (ours.AmlPipeError, ours.DefinitionError) == (errors.AmlPipeError, errors.DefinitionError)


@pytest.mark.parametrize("name", [name for name in sdk.__all__ if name.endswith("Exception")])
def test_every_exception_of_sdk_v1_is_one_of_ours_with_a_message(name: str) -> None:
    error = getattr(sdk, name)("what is wrong")
    assert isinstance(error, (ours.AmlPipeError, errors.AzureMLException))
    assert (str(error), error.message, error.inner_exception) == ("what is wrong", "what is wrong", None)


def test_a_message_that_a_service_could_not_show_is_cut() -> None:
    assert len(str(errors.UserErrorException("x" * 10_000))) == 4000
