"""What do the commands answer, and how do they end?"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_amlpipe.cli import application
from airflow_amlpipe.cli.airflow_commands import LEFT_OUT
from airflow_amlpipe.cli.application import all_commands, exit_code_of
from airflow_amlpipe.cli.command import Command
from airflow_amlpipe.exceptions import DatastoreUnavailableError, EnvironmentBuildError, StepFailedError, UnknownNameError
from airflow_amlpipe.services.cancel import cancel_run
from airflow_amlpipe.spec.data import DatasetSource, DatastorePath
from airflow_amlpipe.spec.parameter import ParameterSpec
from airflow_amlpipe.workspace import WorkspaceStore
from airflow_amlpipe.workspace.ids import new_run_id, now_text
from airflow_amlpipe.workspace.records import RunRecord
from tests.builders import OUT, a_pipeline, a_step, reading
from tests.pretend import pretend_run, write_source
from tests.unit.cli.conftest import Amlpipe

REPOSITORY = Path(__file__).parents[3]
CHAIN = a_pipeline(a_step("prepare", outputs=OUT), a_step("train", inputs=reading("prepare"), outputs=OUT))


def every_command() -> list[list[str]]:
    found = []
    for entry in all_commands():
        names = [[entry.name]] if isinstance(entry, Command) else [[entry.name, command.name] for command in entry.commands]
        found += names
    return found


@pytest.mark.parametrize("words", every_command(), ids=" ".join)
def test_every_command_explains_itself_with_examples_and_exit_codes(amlpipe: Amlpipe, words: list[str]) -> None:
    answer = amlpipe(*words, "--help")

    assert answer.code == 0
    assert f"examples:\n  amlpipe {' '.join(words)}" in answer.out
    assert "exit codes: 0 done" in answer.out


def test_without_a_command_the_help_is_shown_and_that_is_an_error(amlpipe: Amlpipe) -> None:
    assert amlpipe().code == 2
    answer = amlpipe("runs")
    assert (answer.code, "cancel" in answer.out) == (2, True)


@pytest.mark.parametrize("interrupted", ["argparse", "airflow_amlpipe.cli.application", "airflow_amlpipe.cli.run"])
def test_ctrl_c_while_the_command_is_being_imported_ends_it_like_any_other(interrupted: str) -> None:
    program = f"""
import sys
class Interrupting:
    def find_spec(name, *_):
        if name == {interrupted!r}:
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupting)
from airflow_amlpipe.cli import main
sys.exit(main(["run", "--help"]))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "amlpipe: interrupted\n")


def test_the_door_imports_nothing_so_that_ctrl_c_is_understood_from_the_start() -> None:
    program = "import sys; before = set(sys.modules); import airflow_amlpipe.cli; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["__future__", "airflow_amlpipe", "airflow_amlpipe.cli"]


def test_a_wrong_use_ends_with_2(amlpipe: Amlpipe) -> None:
    assert amlpipe("runs", "list", "--limit", "many").code == 2
    refused = amlpipe("runs", "list", "--limit", "-3")
    assert (refused.code, "-3 is less than nothing; give a number of runs, or 0 for all" in refused.err) == (2, True)
    assert amlpipe("no-such-command").code == 2


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["rnus"], "runs"),
        (["endpoint", "list"], "endpoints"),
        (["runs", "lst"], "list"),
        (["compute", "create", "x", "--kind", "locl"], "local"),
    ],
)
def test_a_misspelt_command_or_choice_is_answered_with_the_one_that_was_meant(amlpipe: Amlpipe, words: list[str], meant: str) -> None:
    answer = amlpipe(*words)
    assert answer.code == 2
    assert answer.err.endswith(f"; did you mean '{meant}'?\n")


@pytest.mark.parametrize("group", [entry.name for entry in all_commands() if not isinstance(entry, Command)])
def test_every_group_of_commands_has_an_example_of_each_and_the_exit_codes(amlpipe: Amlpipe, group: str) -> None:
    answer = amlpipe(group, "--help")
    for words in every_command():
        assert words[0] != group or f"\n  amlpipe {' '.join(words)}" in answer.out
    assert "exit codes: 0 done" in answer.out


@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize(
    ("words", "advice"),
    [
        ("runs list", "`amlpipe run SCRIPT`"),
        ("pipelines list", "Pipeline.publish"),
        ("endpoints list", "PipelineEndpoint.publish"),
        ("pins", "`amlpipe pin`"),
        ("env list", "`amlpipe env prepare NAME`"),
    ],
)
def test_an_empty_list_says_how_there_comes_to_be_something_in_it(amlpipe: Amlpipe, words: str, advice: str) -> None:
    assert advice in amlpipe(*words.split()).out
    assert amlpipe(*words.split(), "--json").document == []


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UnknownNameError("no such thing"), 2),
        (StepFailedError("fell over", exit_code=1), 1),
        (DatastoreUnavailableError("away"), 3),
        (KeyboardInterrupt(), 130),
    ],
)
def test_errors_are_one_line_and_an_exit_code(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int
) -> None:
    monkeypatch.delenv("AMLPIPE_DEBUG", raising=False)

    def fail() -> int:
        raise error

    assert exit_code_of(fail) == code
    said = capsys.readouterr().err
    assert said.startswith("amlpipe: ")
    assert said.count("\n") == 1


def test_the_traceback_is_shown_when_asked_for(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMLPIPE_DEBUG", "1")

    def fail() -> int:
        raise UnknownNameError("no such thing")

    exit_code_of(fail)
    assert "Traceback" in capsys.readouterr().err


def test_a_reader_that_stops_reading_is_no_error(workspace: WorkspaceStore, home: Path, tmp_path: Path) -> None:
    write_source(tmp_path)
    for _ in range(3):
        pretend_run(workspace, CHAIN, tmp_path)
    program = "import sys; from airflow_amlpipe.cli import main; sys.exit(main(['runs', 'list', '--json', '--workspace', 'team']))"
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=REPOSITORY,
        env={"AMLPIPE_HOME": str(home), "PATH": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    said = process.stderr.read()
    process.stderr.close()

    assert (process.wait(30), said) == (141, b"")


def test_runs_are_listed_as_a_table_and_as_data(amlpipe: Amlpipe, workspace: WorkspaceStore, tmp_path: Path) -> None:
    assert "no runs in" in amlpipe("runs", "list", "--workspace", "team").out
    write_source(tmp_path)
    first, second = pretend_run(workspace, CHAIN, tmp_path), pretend_run(workspace, CHAIN, tmp_path, experiment="other")

    table = amlpipe("runs", "list", "--workspace", "team").out.splitlines()
    assert [line.split()[0] for line in table] == ["run", second, first]
    assert [line.split()[0] for line in amlpipe("runs", "list", "--limit", "1", "--workspace", "team").out.splitlines()] == ["run", second]
    assert "no runs of experiment 'nope' in" in (said := amlpipe("runs", "list", "--experiment", "nope", "--workspace", "team").out)
    assert said.endswith("; its experiments are: other, pretended\n")
    data = amlpipe("runs", "list", "--experiment", "other", "--json", "--workspace", "team").document
    assert [(run["run_id"], run["status"]) for run in data] == [(second, "Finished")]


def test_a_run_is_shown_with_what_became_of_each_step_and_where_the_outputs_are(
    amlpipe: Amlpipe, workspace: WorkspaceStore, tmp_path: Path
) -> None:
    write_source(tmp_path)
    pretend_run(workspace, CHAIN, tmp_path)
    run_id = pretend_run(workspace, CHAIN, tmp_path)

    document = amlpipe("runs", "show", "latest", "--json", "--workspace", "team").document
    assert document["run_id"] == run_id
    for step in document["steps"]:
        assert {"name", "status", "reused", "reason", "outputs"} <= step.keys()
    shown = amlpipe("runs", "show", run_id, "--workspace", "team").out
    assert shown.count("reused") >= 2
    assert "workspaceblobstore" in shown
    assert not any(line.endswith(" ") for line in shown.splitlines())


def test_data_that_a_run_was_given_is_shown_by_its_name_or_place(amlpipe: Amlpipe, workspace: WorkspaceStore, project: Path) -> None:
    write_source(project)
    lake = DatastorePath(datastore="workspaceblobstore", path="raw/2024")
    parameters = (
        ParameterSpec(name="rate", type="number", default=0.5),
        ParameterSpec(name="raw", type="data_path", default=lake),
        ParameterSpec(name="table", type="tabular_dataset", default=DatasetSource(paths=(lake,))),
    )
    run_id = pretend_run(workspace, a_pipeline(parameters=parameters), project)
    answer = amlpipe("runs", "show", run_id)
    assert "  parameters: rate=0.5, raw=workspaceblobstore/raw/2024, table=dataset of workspaceblobstore/raw/2024\n" in answer.out
    assert amlpipe("runs", "show", run_id, "--json").document["parameters"]["raw"] == {
        "datastore": "workspaceblobstore",
        "path": "raw/2024",
    }


def test_the_git_state_of_each_source_folder_is_shown_once_and_again_for_a_step_that_found_another(
    amlpipe: Amlpipe, workspace: WorkspaceStore, tmp_path: Path
) -> None:
    write_source(tmp_path)
    git = {"commit": "c0ffee", "branch": "main", "dirty": True, "remote": None}
    pretend_run(workspace, CHAIN, tmp_path, source={"prepare": {"src": git}, "train": {"src": git}})
    shown = amlpipe("runs", "show", "latest", "--workspace", "team").out
    assert [line for line in shown.splitlines() if "source" in line] == ["  source 'src': c0ffee on main, with changes"]
    assert amlpipe("runs", "show", "latest", "--json", "--workspace", "team").document["steps"][1]["source"] == {"src": git}

    write_source(tmp_path, text="print('again')\n")
    other = {**git, "commit": "decaf", "branch": None, "dirty": False}
    pretend_run(workspace, CHAIN, tmp_path, source={"prepare": {"src": git}, "train": {"src": other}})
    shown = amlpipe("runs", "show", "latest", "--workspace", "team").out
    assert "  source 'src' of step 'train': decaf on no branch\n" in shown


def test_a_step_that_ran_because_of_a_change_shows_what_that_goes_back_to(
    amlpipe: Amlpipe, workspace: WorkspaceStore, tmp_path: Path
) -> None:
    write_source(tmp_path)
    pretend_run(workspace, CHAIN, tmp_path)
    write_source(tmp_path, text="print('better')\n")
    pretend_run(workspace, CHAIN, tmp_path, write=lambda step_id, output: b"better")

    shown = amlpipe("runs", "show", "latest", "--workspace", "team").out
    assert [line.partition(" s ")[2].strip() for line in shown.splitlines() if line.startswith("prepare ")] == ["code: train.py changed"]
    steps = amlpipe("runs", "show", "latest", "--json", "--workspace", "team").document["steps"]
    assert steps[1]["root_causes"] == ["step 'train': code: train.py changed", "step 'prepare': code: train.py changed"]


def test_a_steps_log_is_printed_as_it_was_written(amlpipe: Amlpipe, workspace: WorkspaceStore, tmp_path: Path) -> None:
    write_source(tmp_path)
    pretend_run(workspace, CHAIN, tmp_path, log={"train": "epoch 1\nepoch 2\n"})

    assert amlpipe("runs", "logs", "latest", "train", "--workspace", "team").out == "epoch 1\nepoch 2\n"
    assert amlpipe("runs", "logs", "latest", "train", "--follow", "--workspace", "team").out == "epoch 1\nepoch 2\n"


@pytest.mark.parametrize("option", [(), ("--follow",)])
def test_a_step_that_failed_before_it_wrote_anything_has_no_log_and_its_error_is_said(
    amlpipe: Amlpipe, workspace: WorkspaceStore, tmp_path: Path, option: tuple[str, ...]
) -> None:
    write_source(tmp_path)
    pretend_run(workspace, CHAIN, tmp_path, fail="prepare", error=EnvironmentBuildError("no such package: nonsense"))

    answer = amlpipe("runs", "logs", "latest", "prepare", *option, "--workspace", "team")
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.startswith("amlpipe: step 'prepare' has no log, because nothing was written before it failed: ")
    assert "no such package: nonsense" in answer.err


def test_a_run_is_cancelled(amlpipe: Amlpipe, workspace: WorkspaceStore) -> None:
    run_id = new_run_id()
    workspace.runs.create(RunRecord(run_id=run_id, pipeline="nightly", experiment="nights", created_at=now_text(), step_ids=("train",)))

    answer = amlpipe("runs", "cancel", "latest", "--json", "--workspace", "team")

    assert answer.document == {"run_id": run_id, "status": "CancelRequested"}
    assert workspace.runs.cancel_requested(run_id)
    assert cancel_run(workspace.url, run_id, home=workspace.home) is None


def test_an_explanation_names_the_file_that_changed(amlpipe: Amlpipe, workspace: WorkspaceStore, tmp_path: Path) -> None:
    write_source(tmp_path)
    pretend_run(workspace, CHAIN, tmp_path)
    write_source(tmp_path, text="print('better')\n")
    pretend_run(workspace, CHAIN, tmp_path, write=lambda step_id, output: b"better")

    answer = amlpipe("explain", "latest", "train", "--workspace", "team")
    assert "code: train.py changed" in answer.out
    assert "inputs: data/data.txt changed" in answer.out
    document = amlpipe("explain", "latest", "train", "--json", "--workspace", "team").document
    assert {item["component"] for item in document["differences"]} == {"code", "inputs"}


def test_compute_targets_are_created_and_listed(amlpipe: Amlpipe, workspace: WorkspaceStore) -> None:
    assert amlpipe("compute", "create", "cpu-cluster", "--vm-size", "STANDARD_D2", "--max-nodes", "4", "--workspace", "team").code == 0

    listed = amlpipe("compute", "list", "--json", "--workspace", "team").document
    assert [(target["name"], target["vm_size"], target["max_nodes"]) for target in listed] == [
        ("cpu-cluster", "STANDARD_D2", 4),
        ("local", "", None),
    ]
    assert amlpipe("compute", "create", "two/parts", "--workspace", "team").code == 2


def test_the_workspace_is_shown_with_what_is_registered(amlpipe: Amlpipe, workspace: WorkspaceStore) -> None:
    document = amlpipe("workspace", "show", "--json", "--workspace", "team").document

    assert document["url"] == workspace.url
    assert document["default_datastore"] == "workspaceblobstore"
    assert (document["computes"], document["runs"], document["chosen_by"]) == (["local"], 0, "--workspace")


def test_built_environments_are_listed_and_removed(amlpipe: Amlpipe, home: Path) -> None:
    assert "no environment is built" in amlpipe("env", "list").out
    folder = home / "environments" / ("3f9a" + "0" * 60)
    (folder / "bin").mkdir(parents=True)
    lock = folder.with_suffix(".lock")
    lock.touch()
    (folder / "bin" / "python").write_text("#!")
    (folder / "amlpipe-environment.json").write_text(
        json.dumps({"python": "3.11", "requirements": ["scikit-learn==1.9.1"], "built_at": 1.0})
    )

    (listed,) = amlpipe("env", "list", "--json").document
    assert (listed["digest"], listed["requirements"], listed["ready"]) == (folder.name, ["scikit-learn==1.9.1"], True)
    assert listed["size_bytes"] > 0
    assert amlpipe("env", "remove").code == 2
    assert "no built environment has a digest that begins with 'zz'; there are: 3f9a00000000" in amlpipe("env", "remove", "zz").err
    assert "'3f' is too short to remove an environment by: give at least 4 characters" in amlpipe("env", "remove", "3f").err
    twin = home / "environments" / ("3f9a" + "1" * 60)
    twin.mkdir()
    assert "2 digests begin with '3f9a': " in (said := amlpipe("env", "remove", "3f9a").err)
    assert twin.name[:12] in said
    twin.rmdir()
    assert amlpipe("env", "remove", "3f9a").code == 0
    assert not folder.exists()
    assert lock.exists(), "somebody may be building it anew under this very file"


def test_an_environment_that_is_not_registered_cannot_be_prepared(amlpipe: Amlpipe, workspace: WorkspaceStore) -> None:
    answer = amlpipe("env", "prepare", "sklearn", "--workspace", "team")

    assert (answer.code, "'sklearn' is not registered" in answer.err) == (2, True)


def test_the_command_line_starts_without_airflow_and_without_what_it_is_not_asked_for() -> None:
    program = (
        "import sys; from airflow_amlpipe.cli import main; main(['runs', '--help']); "
        "sys.exit(any(name in sys.modules for name in ('airflow', 'rich', 'fsspec', 'pydantic')))"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, check=False).returncode == 0


def test_every_module_of_the_table_has_its_command() -> None:
    assert [entry.name for entry in all_commands()] == list(application._MODULES)


DAG_FILE = """
import airflow_amlpipe.azureml
from azureml.core import Workspace
from azureml.pipeline.core import Pipeline
from azureml.pipeline.steps import PythonScriptStep

ws = Workspace.get("team")
dag = Pipeline(ws, [PythonScriptStep("train.py", source_directory="src", compute_target="local")]).to_dag("nightly")
"""


@pytest.mark.parametrize("command", ["run", "plan"])
@pytest.mark.parametrize("option", ["--param", "--reuse", "--json", "--workspace=team"])
@pytest.mark.usefixtures("workspace")
def test_an_option_that_stands_after_a_dag_file_is_refused_instead_of_passed_over(
    amlpipe: Amlpipe, project: Path, command: str, option: str
) -> None:
    write_source(project)
    (project / "dag_file.py").write_text(DAG_FILE)

    answer = amlpipe(command, "dag_file.py", option, "x=1")

    assert answer.code == 2
    assert (
        f"option {option.partition('=')[0]} stands after 'dag_file.py', which is a DAG file and takes no options; put it before the file"
        in answer.err
    )


def test_a_home_below_the_current_folder_stays_where_it_is_when_a_script_goes_elsewhere(
    amlpipe: Amlpipe, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AMLPIPE_HOME", "home")
    (project / "away").mkdir()
    text = "import os\nos.chdir('away')\nfrom azureml.core import Workspace\nprint(Workspace.create('team', exist_ok=True).name)\n"
    (project / "build.py").write_text(text)

    assert amlpipe("run", "build.py").code == 0
    assert (project / "home" / "workspaces" / "team").is_dir()
    assert not [*(project / "away").iterdir()]


@pytest.mark.usefixtures("workspace")
def test_a_module_and_a_notebook_are_planned_like_a_script(amlpipe: Amlpipe, project: Path) -> None:
    (project / "jobs").mkdir()
    for folder in (project, project / "jobs"):  # a DAG file's sources lie beside it
        write_source(folder)
    (project / "jobs" / "names.py").write_text("PIPELINE = 'nightly'\n")
    text = DAG_FILE.replace('"nightly"', "PIPELINE").replace("\nws =", "\n{}\nws =")
    (project / "jobs" / "build.py").write_text(text.format("from .names import PIPELINE"))
    cell = {"cell_type": "code", "source": text.format("from jobs.names import PIPELINE"), "metadata": {}}
    (project / "lab.ipynb").write_text(json.dumps({"cells": [cell]}))

    for words in (("-m", "jobs.build"), ("lab.ipynb",)):
        (planned,) = amlpipe("plan", "--json", *words).document["pipelines"]
        assert [step["name"] for step in planned["steps"]] == ["train.py"]


def test_the_reference_says_what_airflows_own_command_line_leaves_out() -> None:
    offered = [entry.name for entry in all_commands(but=LEFT_OUT)]

    assert offered == [name for name in application._MODULES if name not in LEFT_OUT]
    assert "but not `run` and `plan`" in (REPOSITORY / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
