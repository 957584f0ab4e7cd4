"""What does a script find: its command line, its variables, its files, and nothing of the worker's?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from airflow_amlpipe.compute.environments import StepInterpreter
from airflow_amlpipe.compute.folder import StepFolder
from airflow_amlpipe.compute.variables import INHERITED
from airflow_amlpipe.exceptions import DefinitionError, UnknownNameError
from airflow_amlpipe.runtime import protocol
from airflow_amlpipe.spec.data import DatasetSource, InputSpec, OutputSpec
from airflow_amlpipe.spec.environment import EnvironmentSpec
from airflow_amlpipe.spec.step import (
    CommandLine,
    InputArgument,
    LiteralArgument,
    OutputArgument,
    ParameterArgument,
    PythonScript,
    StepVariable,
)
from tests.builders import OUT, a_step
from tests.unit.compute.conftest import Stage


def an_input(name: str = "raw", **changes: object) -> InputSpec:
    return InputSpec(**{"name": name, "mode": "mount", "source": DatasetSource(), **changes})  # type: ignore[arg-type]


def test_the_command_line_is_the_interpreter_the_script_and_its_arguments_as_text(stage: Stage, folder: StepFolder, tmp_path: Path) -> None:
    step = a_step(
        inputs=(an_input(),),
        outputs=OUT,
        arguments=(
            LiteralArgument(value="--rate"),
            LiteralArgument(value=0.1),
            LiteralArgument(value=10),
            LiteralArgument(value=True),
            ParameterArgument(parameter="depth"),
            ParameterArgument(parameter="flag"),
            ParameterArgument(parameter="empty"),
            InputArgument(input="raw"),
            OutputArgument(output="out"),
        ),
    )
    request = stage(step, parameters={"depth": 3, "flag": False, "empty": "", "unread": 1}, inputs={"raw": tmp_path / "data.csv"})
    assert request.argv == (
        sys.executable,
        "train.py",
        *("--rate", "0.1", "10", "True", "3", "False", ""),
        str(tmp_path / "data.csv"),
        str(folder.outputs / "out"),
    )
    assert request.working_folder == folder.code
    assert (folder.outputs / "out").is_dir()


@pytest.mark.parametrize(
    ("script", "given"),
    [
        ("names = sys.argv[1].split('\\;')", r"a\; b\;"),  # the text holds a backslash before the semicolon, as SDK v1 handed it over
        ("names = re.split(r'\\s*\\\\;\\s*', sys.argv[1])", r"a\; b\;"),
        ("names = sys.argv[1].split(';')", "a; b;"),
        ("subprocess.run('find . -exec rm {} \\;', shell=True)  # \\;", "a; b;"),  # for the shell: nothing is looked for
        ("names = sys.argv[1].split('\\;'", "a; b;"),  # no Python
    ],
)
def test_semicolons_of_arguments_come_as_the_script_looks_for_them(stage: Stage, folder: StepFolder, script: str, given: str) -> None:
    (folder.code / "train.py").write_text(script)
    arguments = (LiteralArgument(value="a; b;"), ParameterArgument(parameter="plain"))
    request = stage(a_step(arguments=arguments), parameters={"plain": "c"})
    assert request.argv[2:] == (given, "c")
    notices = (folder.logs / "notices.txt").read_text() if (folder.logs / "notices.txt").exists() else ""
    assert ("train.py looks for that" in notices) is (given != "a; b;")


def test_the_variables_of_sdk_v1_are_there(stage: Stage, folder: StepFolder, tmp_path: Path) -> None:
    step = a_step(
        inputs=(an_input(), an_input("table", mode="direct"), an_input("files", mode="download")),
        outputs=(*OUT, OutputSpec(name="model", datastore="lake", mode="upload")),
        arguments=(ParameterArgument(parameter="depth"),),
        variables=(
            StepVariable(name="NODE COUNT", value=LiteralArgument(value=2)),
            StepVariable(name="Rate", value=ParameterArgument(parameter="rate")),
        ),
    )
    inputs = {"raw": tmp_path / "raw", "table": "5d6e", "files": tmp_path / "files"}
    variables = stage(step, parameters={"depth": 3, "rate": 0.5, "unread": "secret"}, inputs=inputs).environment
    out, model = str(folder.outputs / "out"), str(folder.outputs / "model")
    expected = {
        "AZUREML_RUN_ID": "step-run-1",
        "AZUREML_ROOT_RUN_ID": "run-1",
        "AZUREML_ARM_SUBSCRIPTION": "sub",
        "AZUREML_ARM_RESOURCEGROUP": "group",
        "AZUREML_ARM_WORKSPACE_NAME": "team",
        "AZUREML_ARM_PROJECT_NAME": "digits",
        "AZUREML_DATASET_ENVIRONMENT_VARS": "raw:Mount,table:Direct,files:Download",
        "AZUREML_DATASET_FILE_OUTPUTS": "out;model",
        "raw": str(tmp_path / "raw"),
        "table": "5d6e",
        "out": out,
        "AZURE_ML_INPUT_raw": str(tmp_path / "raw"),
        "AZURE_ML_INPUT_table": "5d6e",
        "AZURE_ML_OUTPUT_model": model,
        "AZUREML_DATAREFERENCE_out": out,
        "AML_PARAMETER_NODE_COUNT": "2",
        "AML_PARAMETER_Rate": "0.5",
        "AML_PARAMETER_depth": "3",
        "AML_PARAMETER_rate": "0.5",
    }
    assert {name: variables.get(name) for name in expected} == expected
    for needed in ("AZUREML_SERVICE_ENDPOINT", "AZUREML_RUN_TOKEN", "AZUREML_RUN_TOKEN_EXPIRY"):
        assert variables[needed]
    assert "AML_PARAMETER_unread" not in variables, "a script must not read what its key does not hold"


def test_what_is_no_dataset_has_its_own_variables_and_is_not_among_the_input_datasets(
    stage: Stage, folder: StepFolder, tmp_path: Path
) -> None:
    step = a_step(inputs=(an_input("place", is_dataset=False), an_input()))
    variables = stage(step, inputs={"place": tmp_path / "place", "raw": tmp_path / "raw"}).environment
    assert variables["AZUREML_DATAREFERENCE_place"] == variables["place"] == str(tmp_path / "place")
    assert variables["AZUREML_DATASET_ENVIRONMENT_VARS"] == "raw:Mount"
    assert [part["name"] for part in protocol.read_context(str(folder.run))["inputs"]] == ["raw"]


def test_nothing_of_the_worker_reaches_the_script_but_what_is_listed(stage: Stage) -> None:
    """S12."""
    secrets = {
        "AIRFLOW__CORE__FERNET_KEY": "canary",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql://u:canary@db/x",
        "AIRFLOW_CONN_LAKE": "wasb://canary",
        "AIRFLOW_HOME": "/opt/canary",
        "AWS_SECRET_ACCESS_KEY": "canary",
        "AZURE_CLIENT_SECRET": "canary",
        "GOOGLE_APPLICATION_CREDENTIALS": "/canary.json",
        "PYTHONPATH": "/canary",
        "PYTHONSTARTUP": "/canary",
        "LD_PRELOAD": "/canary.so",
        "UV_INDEX_URL": "https://canary@x",
        "PIP_INDEX_URL": "https://canary@x",
        "AMLPIPE_TOKEN": "canary",
        "AMLPIPE_RUN_FOLDER": "/canary",
        "AZUREML_RUN_ID": "canary",
        "PATH": "/usr/bin:/bin",
        "HOME": "/home/me",
        "LC_ALL": "C.UTF-8",
        "TMPDIR": "/canary",
    }
    variables = stage(a_step(), worker_environment=secrets).environment
    assert "canary" not in json.dumps(dict(variables))
    assert variables["HOME"] == "/home/me"
    assert variables["LC_ALL"] == "C.UTF-8"


def test_the_workers_environment_is_what_the_list_is_applied_to(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """S12."""
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", "canary")
    monkeypatch.setenv("TZ", "Europe/Paris")
    variables = stage(a_step()).environment
    assert variables["TZ"] == "Europe/Paris"
    assert "canary" not in variables.values()


def test_no_name_on_the_list_belongs_to_airflow_or_is_a_credential() -> None:
    """S12."""
    assert not [name for name in INHERITED if name.startswith("AIRFLOW") or "TOKEN" in name or "SECRET" in name or "KEY" in name]


def test_the_authors_own_variables_are_set_but_cannot_replace_those_of_the_run(stage: Stage, folder: StepFolder) -> None:
    environment = EnvironmentSpec(variables={"MODE": "fast", "PYTHONUNBUFFERED": "", "PYTHONPATH": "/mine", "AZUREML_RUN_ID": "forged"})
    variables = stage(a_step(environment=environment)).environment
    assert variables["MODE"] == "fast"
    assert variables["PYTHONUNBUFFERED"] == ""
    assert variables["AZUREML_RUN_ID"] == "step-run-1"
    assert variables["PYTHONPATH"].split(os.pathsep) == [str(folder.code), "/mine", protocol.shim_folder()]


@pytest.mark.parametrize("name", ["", "A=B", "A\0"])
def test_a_variable_no_process_can_have_is_refused(stage: Stage, name: str) -> None:
    with pytest.raises(DefinitionError, match=r"step 'train': the environment variable .* cannot be set"):
        stage(a_step(environment=EnvironmentSpec(variables={name: "x"})))


def test_an_input_called_path_does_not_replace_path(stage: Stage, tmp_path: Path) -> None:
    names = ("PATH", "HOME", "LD_PRELOAD", "PYTHONHOME", "TMPDIR")
    step = a_step(inputs=tuple(an_input(name) for name in names))
    variables = stage(step, inputs=dict.fromkeys(names, tmp_path), worker_environment={"PATH": "/bin", "HOME": "/me"}).environment
    assert variables["PATH"].endswith("/bin")
    assert variables["HOME"] == "/me"
    assert "LD_PRELOAD" not in variables
    assert variables["AZURE_ML_INPUT_PATH"] == str(tmp_path)


def test_programs_of_the_environment_come_first_on_the_path(stage: Stage) -> None:
    interpreter = StepInterpreter("/env/bin/python", ("/env/bin",), {"VIRTUAL_ENV": "/env"})
    request = stage(a_step(), interpreter=interpreter, worker_environment={"PATH": "/usr/bin"})
    assert request.argv[0] == "/env/bin/python"
    assert request.environment["PATH"] == "/env/bin:/usr/bin"
    assert request.environment["VIRTUAL_ENV"] == "/env"


def test_temporary_files_go_to_the_private_folder(stage: Stage, folder: StepFolder) -> None:
    assert stage(a_step()).environment["TMPDIR"] == str(folder.temporary)


def test_a_script_in_a_sub_folder_finds_its_neighbours_and_those_of_the_root(stage: Stage, folder: StepFolder) -> None:
    (folder.code / "deep").mkdir()
    (folder.code / "root_module.py").write_text("NAME = 'root'\n")
    (folder.code / "deep" / "neighbour.py").write_text("NAME = 'neighbour'\n")
    script = "import os, sys, neighbour, root_module\nprint(neighbour.NAME, root_module.NAME, os.path.exists('train.py'), sys.argv[0])\n"
    (folder.code / "deep" / "main.py").write_text(script)
    request = stage(a_step(command=PythonScript(script="deep/main.py")))
    ran = subprocess.run(request.argv, cwd=request.working_folder, env=dict(request.environment), capture_output=True, text=True)
    assert (ran.stdout, ran.stderr) == ("neighbour root True deep/main.py\n", "")


def test_outputs_and_logs_are_there_for_artifacts(stage: Stage, folder: StepFolder) -> None:
    stage(a_step())
    assert (folder.code / "outputs").is_dir()
    assert (folder.code / "logs").is_dir()


def test_a_file_called_outputs_is_refused(stage: Stage, folder: StepFolder) -> None:
    (folder.code / "outputs").write_text("")
    with pytest.raises(DefinitionError, match="step 'train': the source folder has 'outputs', which is no folder; rename it"):
        stage(a_step())


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ("missing.py", "script 'missing.py' was not found in source folder 'src'"),
        ("folder", "script 'folder' is a folder"),
        ("../train.py", "must be relative and stay below its root"),
        ("/etc/passwd", "must be relative and stay below its root"),
        ("-c", "starts with '-', which the interpreter takes"),
        ("./-c", "starts with '-', which the interpreter takes"),
        ("leaving.py", "is behind a symbolic link that leaves the source folder"),
        ("linked/train.py", "is behind a symbolic link that leaves the source folder"),
    ],
)
def test_a_script_that_is_no_file_of_the_snapshot_is_refused(
    stage: Stage, folder: StepFolder, tmp_path: Path, script: str, complaint: str
) -> None:
    """S03."""
    (folder.code / "folder").mkdir()
    (tmp_path / "train.py").write_text("")
    (folder.code / "leaving.py").symlink_to(tmp_path / "train.py")
    (folder.code / "linked").symlink_to(tmp_path)
    with pytest.raises(DefinitionError, match=complaint):
        stage(a_step(command=PythonScript(script=script)))


def test_a_script_that_is_a_link_within_the_snapshot_is_fine(stage: Stage, folder: StepFolder) -> None:
    (folder.code / "main.py").symlink_to("train.py")
    assert stage(a_step(command=PythonScript(script="main.py"))).argv[1] == "main.py"


def test_a_parameter_without_a_value_is_named(stage: Stage) -> None:
    with pytest.raises(
        UnknownNameError, match="step 'train' reads parameter 'depth', which has no value in this run; its values are: rate"
    ):
        stage(a_step(arguments=(ParameterArgument(parameter="depth"),)), parameters={"rate": 1})


def test_an_input_that_was_not_fetched_is_named(stage: Stage) -> None:
    with pytest.raises(UnknownNameError, match="step 'train': input 'raw' was not fetched; the inputs that were: none"):
        stage(a_step(inputs=(an_input(),)))


def test_a_nul_in_an_argument_is_refused(stage: Stage) -> None:
    """S08."""
    with pytest.raises(DefinitionError, match="holds a NUL character"):
        stage(a_step(arguments=(LiteralArgument(value="a\0b"),)))


def test_the_context_tells_the_script_everything_about_its_run(stage: Stage, folder: StepFolder, tmp_path: Path) -> None:
    stage(a_step(inputs=(an_input(),), outputs=OUT), inputs={"raw": tmp_path})
    context = protocol.read_context(str(folder.run))
    assert context["run"]["id"] == "step-run-1"
    assert context["parent"] is not None
    assert context["parent"]["id"] == "run-1"
    assert context["inputs"] == [{"name": "raw", "mode": "mount", "value": str(tmp_path), "dataset": None}]
    assert context["outputs"] == [{"name": "out", "mode": "mount", "path": str(folder.outputs / "out")}]


# ---- command lines


def run(request: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(request.argv, cwd=request.working_folder, env=dict(request.environment), capture_output=True, text=True)


def test_a_command_line_is_read_by_a_shell_in_the_source_folder(stage: Stage) -> None:
    said = run(stage(a_step(command=CommandLine(line="X=1 && echo $X | sed s/1/one/; python train.py; exit 7"))))
    assert (said.stdout, said.returncode) == ("one\ntrained\n", 7)


@pytest.mark.parametrize(
    "value", ["; touch pwned", "$(touch pwned)", "`touch pwned`", "a b", "*", "'", '"', "--flag=1", "a\nb", "$HOME", "\\"]
)
def test_no_value_of_a_run_is_ever_read_as_a_command(stage: Stage, folder: StepFolder, value: str) -> None:
    """S08."""
    step = a_step(command=CommandLine(line='printf %s "$1"'), arguments=(ParameterArgument(parameter="p"),))
    assert run(stage(step, parameters={"p": value})).stdout == value
    assert not (folder.code / "pwned").exists()


def test_python_in_a_command_line_is_the_steps_own_and_imports_what_lies_beside_it(stage: Stage, folder: StepFolder) -> None:
    (folder.code / "beside.py").write_text("import sys; print(sys.executable)\n")
    said = run(
        stage(a_step(command=CommandLine(line="python -c 'import beside; from azureml.core import Run; print(Run.get_context().id)'")))
    )
    assert said.stdout.splitlines()[1:] == ["step-run-1"], said.stderr
    assert Path(said.stdout.splitlines()[0]).parent == Path(sys.executable).parent
