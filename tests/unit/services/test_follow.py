"""What is told of a run while it goes on, in which order, and what becomes of one whose engine is dead?"""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from time import sleep

import pytest

from airflow_amlpipe.compute.processes import boot_id, host_name, start_of
from airflow_amlpipe.exceptions import DatastoreUnavailableError, InfrastructureError, UnknownNameError
from airflow_amlpipe.services import engine_process, follow
from airflow_amlpipe.services.cancel import cancel_run
from airflow_amlpipe.services.engine_process import EngineFacts, StartedEngine, engine_folder, find_engine, prune_engines
from airflow_amlpipe.services.follow import RunEvent, follow_run
from airflow_amlpipe.services.runs import list_runs, show_run
from airflow_amlpipe.services.settle import settle_run
from airflow_amlpipe.storage.store import Store
from airflow_amlpipe.workspace import WorkspaceStore
from airflow_amlpipe.workspace.ids import new_run_id, now_text
from airflow_amlpipe.workspace.records import RunRecord
from airflow_amlpipe.workspace.step_run import StepRun
from tests.airflow_home import share_database
from tests.builders import OUT, a_pipeline, a_step, reading
from tests.pretend import pretend_run, write_source

CHAIN = a_pipeline(a_step("prepare", outputs=OUT), a_step("train", inputs=reading("prepare"), outputs=OUT))


def a_started_run(workspace: WorkspaceStore) -> StepRun:
    """A run whose first step is running."""
    run_id = new_run_id()
    workspace.runs.create(
        RunRecord(
            run_id=run_id,
            pipeline="nightly",
            experiment="nights",
            created_at=now_text(),
            step_ids=("prepare", "train"),
            step_names={"prepare": "prepare", "train": "train"},
        )
    )
    step = StepRun(workspace, "nightly", run_id, CHAIN.steps[0], try_number=1)
    step.start()
    return step


def write_engine(home: Path, run_id: str, *, pid: int, start: str, host: str | None = None, boot: str | None = None, log: str = "") -> None:
    folder = engine_folder(home, run_id)
    folder.mkdir(parents=True)
    (folder / "engine.json").write_text(
        json.dumps(asdict(EngineFacts(run_id, "file:///ws", host or host_name(), boot or boot_id(), pid, start)))
    )
    (folder / "engine.log").write_text(log)


def a_dead_process() -> tuple[int, str]:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    start = start_of(process.pid)
    process.kill()
    process.communicate()
    return process.pid, start or ""


def told(events: list[RunEvent]) -> list[tuple[str, str]]:
    return [(event.kind, event.started.step_id if event.started else "") for event in events]


def test_a_run_that_has_ended_is_told_from_its_beginning(workspace: WorkspaceStore, tmp_path: Path) -> None:
    write_source(tmp_path)
    run_id = pretend_run(workspace, CHAIN, tmp_path, log={"train": "epoch 1\nepoch 2"})
    events: list[RunEvent] = []

    ended = follow_run(workspace.url, run_id, home=workspace.home, on_event=events.append)

    assert ended is not None
    assert ended.status == "Finished"
    assert told(events) == [
        ("step_started", "prepare"),
        ("step_finished", "prepare"),
        ("step_started", "train"),
        ("log_line", "train"),
        ("log_line", "train"),
        ("step_finished", "train"),
        ("run_finished", ""),
    ]
    assert [event.line for event in events if event.kind == "log_line"] == ["epoch 1", "epoch 2"]


def test_steps_of_a_run_that_has_ended_are_told_in_the_order_in_which_they_began(workspace: WorkspaceStore, tmp_path: Path) -> None:
    write_source(tmp_path)
    backwards = a_pipeline(a_step("z", outputs=OUT), a_step("a", inputs=reading("z"), outputs=OUT))
    run_id = pretend_run(workspace, backwards, tmp_path)
    events: list[RunEvent] = []
    follow_run(workspace.url, run_id, home=workspace.home, on_event=events.append)
    assert [step for kind, step in told(events) if kind == "step_started"] == ["z", "a"]


def test_lines_are_told_while_the_step_runs_and_none_twice(workspace: WorkspaceStore, tmp_path: Path) -> None:
    step = a_started_run(workspace)
    live = workspace.home / "tries" / step.step_run_id / "logs"
    live.mkdir(parents=True)
    (live / "stdout.txt").write_text("epoch 1\nepo")
    events: list[RunEvent] = []
    heard = threading.Event()

    def listen(event: RunEvent) -> None:
        events.append(event)
        if event.kind == "log_line":
            heard.set()

    follower = threading.Thread(target=follow_run, args=(workspace.url, step.run_id), kwargs={"home": workspace.home, "on_event": listen})
    follower.start()
    assert heard.wait(10)
    assert [event.line for event in events if event.kind == "log_line"] == ["epoch 1"]
    workspace.store.put(f"{step.folder}/logs/stdout.txt", b"epoch 1\nepoch 2\n")
    step.finish_failed(ValueError("the script fell over"))
    workspace.runs.finish(step.run_id, "Failed")
    follower.join(10)

    assert told(events) == [
        ("step_started", "prepare"),
        ("log_line", "prepare"),
        ("log_line", "prepare"),
        ("step_finished", "prepare"),
        ("run_finished", ""),
    ]
    assert [event.line for event in events if event.kind == "log_line"] == ["epoch 1", "epoch 2"]


def test_what_we_say_about_a_step_is_told_before_its_script_speaks(workspace: WorkspaceStore) -> None:
    step = a_started_run(workspace)
    live = workspace.home / "tries" / step.step_run_id / "logs"
    live.mkdir(parents=True)
    (live / "notices.txt").write_text("environment 'x': building it\n")
    events: list[RunEvent] = []
    listen = {"home": workspace.home, "on_event": events.append}

    follow_run(workspace.url, step.run_id, timeout_seconds=0, **listen)  # type: ignore[arg-type]
    assert [(event.kind, event.line) for event in events[1:]] == [("notice", "environment 'x': building it")]

    events.clear()
    workspace.store.put(f"{step.folder}/logs/notices.txt", b"environment 'x': building it\nready\n")
    workspace.store.put(f"{step.folder}/logs/stdout.txt", b"epoch 1\n")
    step.finish_failed(ValueError("the script fell over"))
    workspace.runs.finish(step.run_id, "Failed")
    follow_run(workspace.url, step.run_id, **listen)  # type: ignore[arg-type]
    assert [(event.kind, event.line) for event in events[1:-2]] == [
        ("notice", "environment 'x': building it"),
        ("notice", "ready"),
        ("log_line", "epoch 1"),
    ]


def test_a_step_that_waits_for_another_run_says_so_once_and_is_shown_with_it(workspace: WorkspaceStore) -> None:
    step = a_started_run(workspace)
    events: list[RunEvent] = []

    def listen(event: RunEvent) -> None:
        events.append(event)
        if event.kind == "notice" and not workspace.runs.finished(step.run_id):
            shown = show_run(workspace.url, step.run_id, home=workspace.home)["steps"][0]
            assert (shown["status"], shown["explanation"]) == ("Running", "waiting for run their-run")
            sleep(0.2)  # several looks
            assert workspace.runs.resume_step(step.folder)
            assert not workspace.runs.resume_step(step.folder)
            step.finish_failed(InfrastructureError("not today"))
            workspace.runs.finish(step.run_id, "Failed")

    workspace.runs.pause_step(step.folder, "waiting for run their-run")
    follow_run(workspace.url, step.run_id, home=workspace.home, on_event=listen)
    assert [event.line for event in events if event.kind == "notice"] == ["waiting for run their-run"]
    assert told(events)[-1] == ("run_finished", "")


def test_following_ends_with_its_timeout_and_leaves_the_run_alone(workspace: WorkspaceStore) -> None:
    step = a_started_run(workspace)

    assert follow_run(workspace.url, step.run_id, home=workspace.home, on_event=lambda _: None, timeout_seconds=0.1) is None
    assert workspace.runs.finished(step.run_id) is None


def test_a_run_that_is_not_there_cannot_be_followed(workspace: WorkspaceStore) -> None:
    with pytest.raises(UnknownNameError):
        follow_run(workspace.url, new_run_id(), home=workspace.home, on_event=lambda _: None)


def test_a_run_whose_engine_is_dead_is_recorded_as_failed_with_the_end_of_its_log(workspace: WorkspaceStore) -> None:
    step = a_started_run(workspace)
    pid, start = a_dead_process()
    write_engine(workspace.home, step.run_id, pid=pid, start=start, log="all is well\nMemoryError\n")

    ended = follow_run(workspace.url, step.run_id, home=workspace.home, on_event=lambda _: None, timeout_seconds=10)

    assert ended is not None
    assert ended.status == "Failed"
    assert (ended.error or "").endswith("engine.log, which ends with: MemoryError")
    last = workspace.runs.tries(step.run_id, "prepare")[-1]
    assert last.status == "Failed"


def test_a_dead_engines_run_is_shown_when_its_end_cannot_be_written_and_settled_later(
    workspace: WorkspaceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = a_started_run(workspace)
    pid, start = a_dead_process()
    write_engine(workspace.home, step.run_id, pid=pid, start=start)

    def full(*_: object, **__: object) -> bool:
        raise DatastoreUnavailableError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(type(workspace.store), "create_exclusive", full)
        assert show_run(workspace.url, step.run_id, home=workspace.home)["status"] == "Running"
        assert [run["run_id"] for run in list_runs(workspace.url, home=workspace.home)] == [step.run_id]
    assert show_run(workspace.url, step.run_id, home=workspace.home)["status"] == "Failed"


def test_a_store_that_is_gone_for_a_moment_does_not_end_the_telling(
    workspace: WorkspaceStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_source(tmp_path)
    run_id = pretend_run(workspace, CHAIN, tmp_path, log={"train": "epoch 1\nepoch 2"})
    undisturbed: list[RunEvent] = []
    follow_run(workspace.url, run_id, home=workspace.home, on_event=undisturbed.append)
    real, asked, events = type(workspace.store).read, set[str](), list[RunEvent]()

    def the_first_time(self: Store, path: str) -> bytes:
        if "/steps/" in path and path not in asked:
            asked.add(path)
            raise DatastoreUnavailableError("connection refused")
        return real(self, path)

    monkeypatch.setattr(type(workspace.store), "read", the_first_time)
    ended = follow_run(workspace.url, run_id, home=workspace.home, on_event=events.append)

    assert len(asked) > 4, "nothing was disturbed"
    assert (ended and ended.status, events) == ("Finished", undisturbed)


def test_a_store_that_stays_gone_is_told(workspace: WorkspaceStore, monkeypatch: pytest.MonkeyPatch) -> None:
    step = a_started_run(workspace)

    def gone(path: str) -> list[str]:
        raise DatastoreUnavailableError("connection refused")

    monkeypatch.setattr(follow, "_PATIENCE_SECONDS", 0)
    monkeypatch.setattr(type(workspace.store), "list_names", lambda _, path: gone(path))
    with pytest.raises(DatastoreUnavailableError, match="connection refused"):
        follow_run(workspace.url, step.run_id, home=workspace.home, on_event=lambda _: None)


def test_an_engine_whose_folder_cannot_be_written_says_where_and_what_to_do(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.write_text("a file where the folder should be")
    with pytest.raises(InfrastructureError, match=f"its folder {home}/engines/.* could not be written .* or set AMLPIPE_HOME to another"):
        StartedEngine.start(new_run_id(), workspace="file:///ws", home=home)


def test_an_engine_that_cannot_be_written_down_is_sent_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    share_database(tmp_path / "home")
    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(InfrastructureError, match="No space left on device"):
        StartedEngine.start(new_run_id(), workspace=str(tmp_path / "ws"), home=tmp_path / "home")
    assert engine_process._children[-1].wait(60) is not None


def test_a_run_whose_engine_lives_or_is_on_another_machine_is_left_alone(workspace: WorkspaceStore) -> None:
    living, elsewhere = a_started_run(workspace), a_started_run(workspace)
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    write_engine(workspace.home, living.run_id, pid=process.pid, start=start_of(process.pid) or "")
    pid, start = a_dead_process()
    write_engine(workspace.home, elsewhere.run_id, pid=pid, start=start, host="another-machine")
    try:
        assert not settle_run(workspace, living.run_id, workspace.home)
        assert not settle_run(workspace, elsewhere.run_id, workspace.home)
    finally:
        process.communicate(b"\n")


def test_a_machine_that_was_restarted_has_no_engine_any_more_whoever_has_its_process_id_now(workspace: WorkspaceStore) -> None:
    step = a_started_run(workspace)
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    write_engine(workspace.home, step.run_id, pid=process.pid, start=start_of(process.pid) or "", boot="an-earlier-start pid:[1]")
    try:
        assert settle_run(workspace, step.run_id, workspace.home)
    finally:
        process.communicate(b"\n")


def test_another_container_on_this_machine_is_left_alone(workspace: WorkspaceStore) -> None:
    step = a_started_run(workspace)
    pid, start = a_dead_process()
    write_engine(workspace.home, step.run_id, pid=pid, start=start, boot=f"{boot_id().partition(' ')[0]} pid:[1]")

    assert not settle_run(workspace, step.run_id, workspace.home)


def test_cancelling_asks_in_the_workspace_and_signals_the_engine(workspace: WorkspaceStore) -> None:
    step = a_started_run(workspace)
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    write_engine(workspace.home, step.run_id, pid=process.pid, start=start_of(process.pid) or "")

    cancel_run(workspace.url, step.run_id, home=workspace.home)

    assert workspace.runs.cancel_requested(step.run_id)
    assert process.wait(10) == -15


def test_cancelling_a_run_whose_engine_is_dead_ends_it_as_canceled(workspace: WorkspaceStore) -> None:
    step = a_started_run(workspace)
    pid, start = a_dead_process()
    write_engine(workspace.home, step.run_id, pid=pid, start=start)

    ended = cancel_run(workspace.url, step.run_id, home=workspace.home)

    assert ended is not None
    assert ended.status == "Canceled"
    assert workspace.runs.tries(step.run_id, "prepare")[-1].status == "Canceled"


def test_cancelling_a_run_that_has_ended_changes_nothing(workspace: WorkspaceStore, tmp_path: Path) -> None:
    write_source(tmp_path)
    run_id = pretend_run(workspace, CHAIN, tmp_path)

    ended = cancel_run(workspace.url, run_id, home=workspace.home)

    assert ended is not None
    assert ended.status == "Finished"
    assert not workspace.runs.cancel_requested(run_id)


def test_only_the_newest_dead_engines_are_kept(workspace: WorkspaceStore) -> None:
    pid, start = a_dead_process()
    run_ids = []
    for _ in range(4):
        run_ids.append(new_run_id())
        sleep(0.002)  # ids of one millisecond are in no order
        write_engine(workspace.home, run_ids[-1], pid=pid, start=start)

    prune_engines(workspace.home, keep=2)

    assert [find_engine(workspace.home, run_id) is not None for run_id in run_ids] == [False, False, True, True]
