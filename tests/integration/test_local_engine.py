"""Does a submitted run go its way in a process of its own, whatever happens to it?"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep

import pytest

from airflow_amlpipe.services.cancel import cancel_run
from airflow_amlpipe.services.engine_process import StartedEngine, engine_folder, find_engine
from airflow_amlpipe.services.follow import RunEvent, follow_run
from airflow_amlpipe.services.runs import show_run, step_log
from airflow_amlpipe.services.submit import submit_pipeline
from airflow_amlpipe.spec.parameter import ParameterSpec
from airflow_amlpipe.spec.pipeline import PipelineSpec
from airflow_amlpipe.spec.step import LiteralArgument, OutputArgument, ParameterArgument, StepSpec
from airflow_amlpipe.workspace import WorkspaceStore
from airflow_amlpipe.workspace.ids import new_run_id
from airflow_amlpipe.workspace.records import RunFinished
from tests.builders import OUT, a_pipeline, a_step, reading

pytestmark = pytest.mark.e2e

REPOSITORY = Path(__file__).parents[2]
SCRIPT = """
import pathlib, sys, time
what, folder = sys.argv[1:3]
print("doing", what, flush=True)
if what == "fail":
    sys.exit("fell over")
if what == "wait":
    time.sleep(60)
pathlib.Path(folder, "done.txt").write_text(" ".join(sys.argv[1:2] + sys.argv[3:]))
"""


@pytest.fixture
def workspace(home: Path, tmp_path: Path) -> WorkspaceStore:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "train.py").write_text(SCRIPT)
    return WorkspaceStore.open((tmp_path / "ws").as_uri(), home=home)


def step(step_id: str, *, do: str = "work", **changes: object) -> StepSpec:
    return a_step(step_id, arguments=(LiteralArgument(value=do), OutputArgument(output="out")), outputs=OUT, **changes)


def submit(workspace: WorkspaceStore, base: Path, spec: PipelineSpec, **options: object) -> str:
    return submit_pipeline(spec, workspace=workspace.url, experiment="nights", source_base=base, home=workspace.home, **options)  # type: ignore[arg-type]


def follow(workspace: WorkspaceStore, run_id: str, on_event: Callable[[RunEvent], None] = lambda _: None) -> RunFinished:
    ended = follow_run(workspace.url, run_id, home=workspace.home, on_event=on_event, timeout_seconds=120)
    assert ended is not None, "the run did not end in time"
    return ended


def statuses(workspace: WorkspaceStore, run_id: str) -> dict[str, str]:
    return {item["name"]: item["status"] for item in show_run(workspace.url, run_id, home=workspace.home)["steps"]}


def wait_for_a_line(workspace: WorkspaceStore, run_id: str, line: str) -> None:
    """Return when a step of the run has printed ``line``."""

    class Heard(Exception):
        pass

    def listen(event: RunEvent) -> None:
        if event.line == line:
            raise Heard

    with pytest.raises(Heard):
        follow(workspace, run_id, listen)


def test_a_chain_runs_in_order_with_parameters_and_is_reused_the_second_time_without_an_engine(
    workspace: WorkspaceStore, tmp_path: Path
) -> None:
    train = a_step(
        "train",
        arguments=(LiteralArgument(value="work"), OutputArgument(output="out"), ParameterArgument(parameter="rate")),
        inputs=reading("prepare"),
        outputs=OUT,
    )
    spec = a_pipeline(step("prepare"), train, parameters=(ParameterSpec(name="rate", type="number", default=0.5),))
    events: list[RunEvent] = []

    began = monotonic()
    first = submit(workspace, tmp_path, spec, parameters={"rate": 0.7}, tags={"team": "vision"})
    assert monotonic() - began < 5, "submitting waits for nothing"
    ended = follow(workspace, first, events.append)

    assert ended.status == "Finished", ended.error
    assert [(event.kind, event.started.step_id if event.started else "", event.line) for event in events] == [
        ("step_started", "prepare", ""),
        ("log_line", "prepare", "doing work"),
        ("step_finished", "prepare", ""),
        ("step_started", "train", ""),
        ("log_line", "train", "doing work"),
        ("step_finished", "train", ""),
        ("run_finished", "", ""),
    ]
    shown = show_run(workspace.url, first, home=workspace.home)
    assert (Path(shown["steps"][1]["outputs"]["out"]["location"]) / "done.txt").read_text() == "work 0.7"
    assert shown["tags"] == {"team": "vision"}
    assert not engine_folder(workspace.home, first).exists(), "nothing is left of an engine that ended well"

    second = submit(workspace, tmp_path, spec, parameters={"rate": 0.7})

    assert find_engine(workspace.home, second) is None
    again = show_run(workspace.url, second, home=workspace.home)
    assert (again["status"], [item["reason"] for item in again["steps"]]) == ("Finished", ["MATCH", "MATCH"])
    assert list(step_log(workspace.url, second, "train", home=workspace.home)) == ["doing work"]


def test_a_step_that_writes_the_same_bytes_again_stops_the_wave(workspace: WorkspaceStore, tmp_path: Path) -> None:
    spec = a_pipeline(step("prepare"), step("train", source={"directory": "other"}, inputs=reading("prepare")))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "train.py").write_text(SCRIPT)
    follow(workspace, submit(workspace, tmp_path, spec))
    (tmp_path / "src" / "train.py").write_text(SCRIPT + "# a comment\n")

    run_id = submit(workspace, tmp_path, spec)
    follow(workspace, run_id)

    steps = show_run(workspace.url, run_id, home=workspace.home)["steps"]
    assert [(item["name"], item["reused"]) for item in steps] == [("prepare", False), ("train", True)]


def test_a_failing_step_fails_the_run_and_no_other_step_starts(workspace: WorkspaceStore, tmp_path: Path) -> None:
    spec = a_pipeline(step("prepare", do="fail"), step("train", inputs=reading("prepare")), step("later", run_after=(), version="z"))

    run_id = submit(workspace, tmp_path, spec)
    ended = follow(workspace, run_id)

    assert ended.status == "Failed"
    assert ended.error == "step 'prepare' failed with exit code 1; its last words: fell over"
    found = statuses(workspace, run_id)
    assert (found["prepare"], found["train"]) == ("Failed", "NotStarted")
    assert "engine.log" in os.listdir(engine_folder(workspace.home, run_id))


def test_steps_that_do_not_need_the_failed_one_go_on_when_asked_to(workspace: WorkspaceStore, tmp_path: Path) -> None:
    spec = a_pipeline(
        step("prepare", do="fail"), step("train", inputs=reading("prepare")), step("report"), step("last", run_after=("report",))
    )

    run_id = submit(workspace, tmp_path, spec, continue_on_step_failure=True)

    assert follow(workspace, run_id).status == "Failed"
    assert statuses(workspace, run_id) == {"prepare": "Failed", "train": "NotStarted", "report": "Finished", "last": "Finished"}


def test_cancelling_ends_the_running_steps_job_and_starts_no_other(workspace: WorkspaceStore, tmp_path: Path) -> None:
    spec = a_pipeline(step("prepare", do="wait"), step("train", inputs=reading("prepare")), step("report", run_after=("prepare",)))
    run_id = submit(workspace, tmp_path, spec)
    wait_for_a_line(workspace, run_id, "doing wait")

    began = monotonic()
    cancel_run(workspace.url, run_id, home=workspace.home)
    ended = follow(workspace, run_id)

    assert ended.status == "Canceled"
    assert monotonic() - began < 15
    assert statuses(workspace, run_id) == {"prepare": "Canceled", "train": "Canceled", "report": "Canceled"}
    assert processes_below(tmp_path, workspace.home, run_id) == []


def test_a_request_in_the_workspace_alone_cancels_too_as_from_another_machine(workspace: WorkspaceStore, tmp_path: Path) -> None:
    run_id = submit(workspace, tmp_path, a_pipeline(step("prepare", do="wait"), step("train", inputs=reading("prepare"))))
    wait_for_a_line(workspace, run_id, "doing wait")

    workspace.runs.request_cancel(run_id, "asked for elsewhere")

    assert follow(workspace, run_id).status == "Canceled"
    assert statuses(workspace, run_id) == {"prepare": "Canceled", "train": "Canceled"}


def test_an_engine_that_is_never_told_to_go_leaves_nothing_behind(workspace: WorkspaceStore) -> None:
    run_id = new_run_id()

    StartedEngine.start(run_id, workspace=workspace.url, home=workspace.home).dismiss()

    deadline = monotonic() + 60
    while engine_folder(workspace.home, run_id).exists() and monotonic() < deadline:
        sleep(0.05)
    assert not engine_folder(workspace.home, run_id).exists()
    assert workspace.runs.ids() == []


def test_a_run_whose_engine_is_killed_is_failed_and_says_so(workspace: WorkspaceStore, tmp_path: Path) -> None:
    run_id = submit(workspace, tmp_path, a_pipeline(step("prepare", do="wait"), step("train", inputs=reading("prepare"))))
    wait_for_a_line(workspace, run_id, "doing wait")
    engine = find_engine(workspace.home, run_id)
    assert engine is not None

    os.kill(engine.pid, signal.SIGKILL)
    ended = follow(workspace, run_id)

    assert ended.status == "Failed"
    assert "the engine of the run ended without finishing it" in (ended.error or "")
    assert statuses(workspace, run_id) == {"prepare": "Failed", "train": "NotStarted"}
    deadline = monotonic() + 15
    while processes_below(tmp_path, workspace.home, run_id) and monotonic() < deadline:
        sleep(0.1)
    assert processes_below(tmp_path, workspace.home, run_id) == [], "the job of the running step goes with its run"


def test_a_step_named_like_one_of_airflows_modules_does_no_harm_from_the_current_folder(
    workspace: WorkspaceStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "logging.py").write_text("raise SystemExit('the wrong logging')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "NoSuchExecutor")
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "sqlite:////nowhere/at/all.db")

    ended = follow(workspace, submit(workspace, tmp_path, a_pipeline(step("prepare"))))

    assert ended.status == "Finished", ended.error


def test_six_submissions_at_once_all_finish(workspace: WorkspaceStore, tmp_path: Path) -> None:
    program = f"""
import sys
from pathlib import Path
from tests.integration.test_local_engine import a_pipeline, step, submit
from airflow_amlpipe.workspace import WorkspaceStore
workspace = WorkspaceStore.open({workspace.url!r}, home=Path({str(workspace.home)!r}))
print(submit(workspace, Path({str(tmp_path)!r}), a_pipeline(step("prepare"), step("train", inputs=()), name="nightly " + sys.argv[1]), policy="refresh"))
"""
    users = [
        subprocess.Popen([sys.executable, "-c", program, str(number)], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
        for number in range(6)
    ]
    run_ids = [user.communicate(timeout=60)[0].strip() for user in users]

    assert [follow(workspace, run_id).status for run_id in run_ids] == ["Finished"] * 6
    assert {status for run_id in run_ids for status in statuses(workspace, run_id).values()} == {"Finished"}


def processes_below(base: Path, home: Path, run_id: str) -> list[int]:
    """Ids of running step processes of the run, by their working folders."""
    found = []
    for entry in Path("/proc").iterdir() if Path("/proc").exists() else ():
        if entry.name.isdigit():
            try:
                working, environ = os.readlink(entry / "cwd"), (entry / "environ").read_bytes()
            except OSError:
                continue
            if working.startswith(str(home / "tries")) and run_id.encode() in environ:
                found.append(int(entry.name))
    return found
