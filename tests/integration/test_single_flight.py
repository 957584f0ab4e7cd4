"""What do people see when two runs want the same step at the same time: on the command line, and on a server?"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_amlpipe.workspace.records import StepFinished
from airflow_amlpipe.workspace.workspace import WorkspaceStore

REPOSITORY = Path(__file__).parents[2]
DAG_FILE = """
import airflow_amlpipe.azureml
from azureml.core import Workspace
from azureml.data import OutputFileDatasetConfig
from azureml.pipeline.core import Pipeline, PipelineParameter
from azureml.pipeline.steps import PythonScriptStep

ws = Workspace.from_config(path=__file__.rpartition("/")[0])
out = OutputFileDatasetConfig(name="out")
word = PipelineParameter("word", "one")
train = PythonScriptStep("train.py", "train", [word, out], "local", source_directory="src")
dag = Pipeline(ws, [train]).to_dag("nightly", max_active_runs=4)
"""
# Outside of the project: what the script waits for must not change its source folder.
TRAIN = """
import os, pathlib, sys, time
marks, word = pathlib.Path({marks!r}), sys.argv[1]
(marks / f"{{word}}-begun-{{os.getpid()}}").touch()
while not (marks / f"{{word}}-go").exists():
    time.sleep(0.05)
pathlib.Path(sys.argv[2], "model.txt").write_text(word)
"""


class Project:
    """A DAG file of one step, whose script goes on when the test says so."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder, self.home, self.marks = folder / "dags", home, folder / "marks"
        self.marks.mkdir()
        (self.folder / "src").mkdir(parents=True)
        (self.folder / ".airflowignore").write_text("src/\n")
        (self.folder / "src" / "train.py").write_text(TRAIN.format(marks=str(self.marks)))
        (self.folder / "nightly.py").write_text(DAG_FILE)
        names = {"subscription_id": "local", "resource_group": "local", "workspace_name": folder.name}
        (self.folder / "config.json").write_text(json.dumps(names))
        self.workspace = WorkspaceStore.open(str(home / "workspaces" / folder.name), home=home)

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AMLPIPE_", "AIRFLOW"))}
        return kept | {"AMLPIPE_HOME": str(self.home), "PYTHONPATH": str(REPOSITORY)}

    def amlpipe(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "airflow_amlpipe.cli", *arguments]
        return subprocess.Popen(command, cwd=self.folder, env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def begun(self, word: str = "one") -> int:
        return len(list(self.marks.glob(f"{word}-begun-*")))

    def go(self, word: str = "one") -> None:
        (self.marks / f"{word}-go").touch()

    def finished(self, word: str = "one") -> list[StepFinished]:
        """The end of every try of the step with that parameter, oldest run first."""
        runs = self.workspace.runs
        of_word = [run for run in reversed(runs.ids()) if runs.get(run).parameters == {"word": word}]
        tries = [item for run in of_word for item in runs.tries(run, "train")]
        return [item.finished for item in tries if item.finished is not None]

    def waiting(self) -> list[str]:
        runs = self.workspace.runs
        return [item.waiting for run in runs.ids() for item in runs.tries(run, "train") if item.waiting]


@pytest.fixture
def project(tmp_path: Path, home: Path) -> Project:
    return Project(tmp_path, home)


def until(condition: Callable[[], object], seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.e2e
def test_of_two_commands_that_run_the_same_pipeline_at_once_one_computes_and_the_other_says_for_whom_it_waits(project: Project) -> None:
    """R14."""
    first = project.amlpipe("run", "nightly.py")
    until(project.begun)
    second = project.amlpipe("run", "nightly.py")
    until(project.waiting)
    (owner,) = [run for run in project.workspace.runs.ids() if not project.workspace.runs.tries(run, "train")[0].waiting]
    shown, _ = project.amlpipe("runs", "show", "latest").communicate(timeout=60)
    project.go()
    (_, said), (told, waited) = first.communicate(timeout=120), second.communicate(timeout=120)
    assert (first.returncode, second.returncode) == (0, 0), said + waited
    sentence = f"waiting for step 'train' of run {owner} of DAG 'nightly', which computes the same since "
    assert f"    train: {sentence}" in waited
    assert sentence[:60] in shown
    assert "train  Finished  reused" in told
    assert project.begun() == 1
    assert sorted(item.reused for item in project.finished()) == [False, True]


@pytest.mark.e2e
def test_control_c_ends_a_command_that_waits_and_leaves_the_other_alone(project: Project) -> None:
    first = project.amlpipe("run", "nightly.py")
    until(project.begun)
    second = project.amlpipe("run", "nightly.py")
    until(project.waiting)
    second.send_signal(signal.SIGINT)
    _, said = second.communicate(timeout=60)
    assert (second.returncode, "Traceback" in said) == (130, False)
    until(lambda: not project.waiting())
    assert first.poll() is None
    project.go()
    _, said = first.communicate(timeout=120)
    assert first.returncode == 0, said
    assert sorted(item.status for item in project.finished()) == ["Canceled", "Finished"]
    assert project.begun() == 1


class Server:
    """An Airflow of its own, with scheduler, triggerer and a local executor of one slot for each task."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.token = ""

    def ask(self, method: str, path: str, body: object = None) -> Any:
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {self.token}"} if self.token else {})
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    def trigger(self, word: str) -> str:
        answer = self.ask("POST", "/api/v2/dags/nightly/dagRuns", {"logical_date": None, "conf": {"word": word}})
        run_id: str = answer["dag_run_id"]
        return run_id

    def task(self, run_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.ask("GET", f"/api/v2/dags/nightly/dagRuns/{run_id}/taskInstances/train")
        return found

    def is_ready(self) -> bool:
        try:
            self.token = self.token or self.ask("GET", "/auth/token")["access_token"]
            self.ask("GET", "/api/v2/dags/nightly")
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False
        return True


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [item.getsockname()[1] for item in sockets]
    for item in sockets:
        item.close()
    return ports


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, home: Path) -> Project:
    return Project(tmp_path_factory.mktemp("served"), home)


@pytest.fixture(scope="module")
def server(served: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    port, *others = free_ports(4)
    environment = served.environment() | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",  # standalone starts its parts by name
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(served.folder),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PARALLELISM": "2",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(others[0]),
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(others[1]),
        "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT": str(others[2]),
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",  # a busy machine is slow to answer
    }
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "airflow", "standalone"],
            env=environment,
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        airflow = Server(f"http://127.0.0.1:{port}")
        until(lambda: process.poll() is not None or airflow.is_ready())
        assert process.poll() is None, (folder / "server.log").read_text(errors="replace")[-3000:]
        yield airflow
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture
def word(served: Project, request: pytest.FixtureRequest) -> Iterator[str]:
    """A parameter that only this test gives; at its end no script waits any more."""
    word = hashlib.sha256(request.node.name.encode()).hexdigest()[:8]
    yield word
    served.go(word)


@pytest.mark.integration
def test_of_two_dag_runs_on_a_server_one_computes_and_the_other_waits_without_a_worker_slot(
    served: Project, server: Server, word: str
) -> None:
    """R14."""
    first = server.trigger(word)
    until(lambda: served.begun(word))
    second = server.trigger(word)
    until(lambda: server.task(second)["state"] == "deferred")
    (sentence,) = served.waiting()
    until(lambda: server.task(second)["rendered_fields"])
    rendered = server.task(second)["rendered_fields"]["reuse_status"]
    assert rendered.startswith(sentence)
    assert "of DAG 'nightly', which computes the same since" in rendered
    # A pool counts what occupies it; the first task does, the second does not.
    assert server.ask("GET", "/api/v2/pools/default_pool")["occupied_slots"] == 1
    # A third one waits too: the two slots of the executor are not full.
    third = server.trigger(word)
    until(lambda: server.task(third)["state"] == "deferred")
    served.go(word)
    until(lambda: all(server.task(run)["state"] == "success" for run in (first, second, third)))
    assert [server.task(run)["try_number"] for run in (first, second, third)] == [1, 1, 1]
    assert sorted(item.reused for item in served.finished(word)) == [False, True, True]
    assert served.begun(word) == 1
    assert server.task(second)["rendered_fields"]["reuse_status"].startswith("reused: nothing changed since an earlier run")


@pytest.mark.integration
def test_a_task_that_is_marked_by_hand_while_it_waits_on_a_server_leaves_no_try_that_waits_for_ever(
    served: Project, server: Server, word: str
) -> None:
    """R11, R60."""
    first = server.trigger(word)
    until(lambda: served.begun(word))
    second = server.trigger(word)
    # Whoever marks a task before a triggerer has taken its trigger up is heard by nobody; the next try of the task closes the record then.
    until(lambda: server.task(second)["triggerer_job"])
    server.ask("PATCH", f"/api/v2/dags/nightly/dagRuns/{second}/taskInstances/train", {"new_state": "failed"})
    until(lambda: not served.waiting())
    served.go(word)
    until(lambda: server.task(first)["state"] == "success")
    assert sorted(item.status for item in served.finished(word)) == ["Canceled", "Finished"]
