"""What does a person see who runs a script or a DAG file with ``amlpipe``?"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.e2e

REPOSITORY = Path(__file__).parents[2]
PIPELINE = """
from azureml.core import Experiment, Workspace
from azureml.data import OutputFileDatasetConfig
from azureml.pipeline.core import Pipeline, PipelineParameter
from azureml.pipeline.steps import PythonScriptStep

ws = Workspace.from_config(path=__file__.rpartition("/")[0])
word = PipelineParameter("word", "hello")
out = OutputFileDatasetConfig(name="out")
write = PythonScriptStep("write.py", "write", [word, out], "local", source_directory="src")
read = PythonScriptStep("read.py", "read", [out.as_input("words")], "local", source_directory="src")
pipeline = Pipeline(ws, [write, read])
"""
FILES = {
    "config.json": '{"subscription_id": "local", "resource_group": "local", "workspace_name": "team"}',
    "dag_file.py": f"import airflow_amlpipe.azureml\n{PIPELINE}\ndag = pipeline.to_dag('words')\nif __name__ == '__main__':\n    dag.test()\n",
    "script.py": f"import sys\n{PIPELINE}\nprint('arguments', sys.argv[1:])\nrun = Experiment(ws, 'words').submit(pipeline)\nprint('submitted')\n",
    "src/write.py": "import pathlib, sys, time\nprint('writing', sys.argv[1], flush=True)\ntime.sleep(60 if sys.argv[1] == 'slowly' else 0)\npathlib.Path(sys.argv[2], 'word.txt').write_text(sys.argv[1])\n",
    "src/read.py": (
        "import pathlib, sys\n"
        "word = pathlib.Path(sys.argv[1], 'word.txt').read_text()\n"
        "print('read', word)\n"
        "sys.exit('no such word' if word == 'nothing' else 0)\n"
    ),
}


class Project:
    def __init__(self, folder: Path, home: Path) -> None:
        self.folder, self.home = folder, home
        for name, text in FILES.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AMLPIPE_", "AIRFLOW"))}
        return subprocess.Popen(
            [sys.executable, "-m", "airflow_amlpipe.cli", *arguments],
            cwd=self.folder,
            env=kept | {"AMLPIPE_HOME": str(self.home), "PYTHONPATH": str(REPOSITORY)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def amlpipe(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def document(self, *arguments: str) -> Any:
        answer = self.amlpipe(*arguments)
        assert answer.returncode == 0, answer.stderr
        return json.loads(answer.stdout)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, home: Path) -> Project:
    """A project whose pipeline has run once; tests use words of their own where they run it again."""
    made = Project(tmp_path_factory.mktemp("project"), home)
    answer = made.amlpipe("run", "dag_file.py")
    assert answer.returncode == 0, answer.stderr
    assert "> write\n    write | writing hello\n+ write: Finished" in answer.stderr
    assert "write  Finished  ran" in answer.stdout
    return made


def test_a_dag_file_is_run_locally_and_reused_the_second_time(project: Project) -> None:
    answer = project.amlpipe("run", "dag_file.py")

    assert answer.returncode == 0
    assert [line.split()[:3] for line in answer.stdout.splitlines() if line.startswith(("write ", "read "))] == [
        ["write", "Finished", "reused"],
        ["read", "Finished", "reused"],
    ]
    shown = project.document("runs", "show", "latest", "--json")
    assert (shown["experiment"], shown["pipeline"], shown["airflow"]) == ("words", "words", {"dag_id": "words"})


def test_a_script_is_run_with_its_arguments_and_waited_for_although_it_does_not_wait_itself(project: Project) -> None:
    answer = project.amlpipe("run", "--param", "word=script", "script.py", "--reuse", "mine")

    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.startswith("arguments ['--reuse', 'mine']\n")
    assert "submitted" in answer.stdout
    assert "read | read script" in answer.stderr
    assert "read   Finished  ran" in answer.stdout


def test_a_changed_volatile_parameter_reaches_a_script_that_runs_and_makes_none_run(project: Project) -> None:
    """Twice through the whole command: the second value is told beside the one that the outputs were computed with."""
    source = FILES["dag_file.py"].replace("[word, out]", '[word, out, "--build", build]')
    declared = 'build = PipelineParameter("build", "b1", volatile=True)\nout ='
    (project.folder / "volatile.py").write_text(source.replace("out =", declared, 1))
    first = project.amlpipe("run", "--param", "word=built", "--param", "build=b1", "volatile.py")
    again = project.amlpipe("run", "--param", "word=built", "--param", "build=b2", "volatile.py")

    assert "write  Finished  ran" in first.stdout, first.stderr
    assert "write  Finished  reused" in again.stdout, again.stderr
    explained = project.amlpipe("explain", "latest", "write").stdout
    assert "it was computed with other volatile values: parameter 'build' was 'b1' and is 'b2' now" in explained


def test_control_c_stops_the_run_that_the_command_waits_for(project: Project) -> None:
    process = project.start("run", "--param", "word=slowly", "dag_file.py")
    assert process.stderr is not None
    for line in process.stderr:
        if "writing slowly" in line:
            break
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)

    assert (process.returncode, "Traceback" in err) == (130, False)
    assert project.document("runs", "show", "latest", "--json")["status"] == "Canceled"


def test_control_c_in_a_script_that_waits_itself_leaves_its_run_alone(project: Project) -> None:
    (project.folder / "waiting.py").write_text(FILES["script.py"] + "run.wait_for_completion(show_output=True)\n")
    process = project.start("run", "--param", "word=slowly", "waiting.py")
    assert process.stdout is not None
    for line in process.stdout:
        if "writing slowly" in line:
            break
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)

    assert (process.returncode, "goes on; `amlpipe runs cancel" in err) == (130, True)
    assert project.document("runs", "show", "latest", "--json")["status"] == "Running"
    assert project.amlpipe("runs", "cancel", "latest").returncode == 0


def test_a_failed_run_ends_with_1_and_says_why(project: Project) -> None:
    answer = project.amlpipe("run", "--param", "word=nothing", "dag_file.py")

    assert answer.returncode == 1
    assert "step 'read' failed with exit code 1; its last words: no such word" in answer.stdout


def test_the_answer_as_json_is_all_that_is_on_standard_output(project: Project) -> None:
    document = project.document("run", "--json", "script.py")

    (run,) = document["runs"]
    assert [(step["name"], step["reason"]) for step in run["steps"]] == [("write", "MATCH"), ("read", "MATCH")]


def test_a_plan_runs_nothing_and_knows_script_and_dag_file_alike(project: Project) -> None:
    before = len(project.document("runs", "list", "--json"))

    for file in ("script.py", "dag_file.py"):
        (plan,) = project.document("plan", "--json", "--param", "word=new", file)["pipelines"]
        assert [(step["name"], step["answer"]) for step in plan["steps"]] == [("write", "run"), ("read", "depends")]
        assert [(text.partition(":")[0], text.endswith("to 'new'")) for text in plan["steps"][0]["differences"]] == [
            ("arguments", True),
            ("parameters", True),
        ]
    assert "2 reused, 0 to run" in project.amlpipe("plan", "dag_file.py").stdout
    assert len(project.document("runs", "list", "--json")) == before


def test_requiring_reuse_refuses_what_would_have_to_run(project: Project) -> None:
    answer = project.amlpipe("run", "--reuse", "require", "--param", "word=unheard", "dag_file.py")

    assert answer.returncode == 2
    assert "was not submitted, because the reuse policy 'require' allows no step to run: step 'write' would have to run" in answer.stderr
    assert project.amlpipe("run", "--reuse", "require", "dag_file.py").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "--param", "wrod=x", "dag_file.py"), "no parameter 'wrod'; its parameters are: word"),
        (("run", "--param", "word", "dag_file.py"), "write --param NAME=VALUE"),
        (("run", "--reuse", "sometimes", "dag_file.py"), "'sometimes' is not known"),
        (("run", "missing.py"), "cannot be read"),
        (("plan", "--reuse", "refresh-from:nothing", "dag_file.py"), "'nothing'"),
    ],
)
def test_what_cannot_be_used_is_one_line_and_2(project: Project, arguments: tuple[str, ...], words: str) -> None:
    answer = project.amlpipe(*arguments)

    last = answer.stderr.splitlines()[-1]
    assert (answer.returncode, last.startswith("amlpipe: "), "Traceback" in answer.stderr) == (2, True, False)
    assert words in last


def test_a_script_that_falls_over_ends_with_its_own_code(project: Project) -> None:
    (project.folder / "broken.py").write_text("import sys\nsys.exit(7)\n")

    assert project.amlpipe("run", "broken.py").returncode == 7


def test_a_mistake_in_the_definition_is_shown_at_the_persons_own_line(project: Project) -> None:
    (project.folder / "mistake.py").write_text(FILES["script.py"].replace("write.py", "wirte.py"))

    answer = project.amlpipe("run", "mistake.py")

    assert answer.returncode == 2
    assert 'mistake.py", line' in answer.stderr
    assert answer.stderr.splitlines()[-1].startswith("amlpipe: ")
    assert "wirte.py" in answer.stderr.splitlines()[-1]
    assert str(REPOSITORY / "airflow_amlpipe") not in answer.stderr


def test_a_file_without_a_pipeline_says_so(project: Project) -> None:
    (project.folder / "empty.py").write_text("print('nothing to do')\n")

    answer = project.amlpipe("run", "empty.py")

    assert (answer.returncode, "submitted no pipeline" in answer.stderr) == (0, True)


def test_airflows_own_command_line_offers_the_same_commands(project: Project, tmp_path: Path) -> None:
    program = """
import json, sys
from argparse import ArgumentParser
from airflow.cli import cli_parser
from airflow_amlpipe.cli.airflow_commands import airflow_commands
parser = ArgumentParser()
(group,) = airflow_commands()
cli_parser._add_command(parser.add_subparsers(), group)
given = parser.parse_args(["amlpipe", *sys.argv[1:]])
given.func(given)
"""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AMLPIPE_", "AIRFLOW"))}
    environment = kept | {"AMLPIPE_HOME": str(project.home), "AIRFLOW_HOME": str(tmp_path), "PYTHONPATH": str(REPOSITORY)}

    def airflow(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", program, *arguments], cwd=project.folder, env=environment, capture_output=True, text=True, check=False
        )

    listed = airflow("workspace", "show", "--json")
    assert json.loads(listed.stdout)["url"] == (project.home / "workspaces" / "team").as_uri(), listed.stderr
    assert airflow("runs", "show", "00000000").returncode == 2
