"""Is a step that many processes want at the same time computed once, whatever befalls the one that computes it?"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest

from airflow_amlpipe.workspace.claims import ClaimLog, ClaimState
from airflow_amlpipe.workspace.records import StepFinished
from airflow_amlpipe.workspace.workspace import WorkspaceStore
from tests.unit.operators.flight_process import carry_out_with_waits, in_process, shared_step, task_of

OWNER = "01900000-0000-7000-8000-000000000000"


def run_id(number: int) -> str:
    return f"01900000-0000-7000-8000-{number:012d}"


class Scene:
    """A workspace, and processes that want the same step of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shared_step(folder)
        self.workspace = WorkspaceStore.open(str(folder / "ws"), home=folder / "home")
        self.processes: list[ForkServerProcess] = []

    def start(self, run: str, **options: object) -> ForkServerProcess:
        process = in_process(self.folder, run, **options)  # type: ignore[arg-type]
        self.processes.append(process)
        return process

    def begun(self) -> int:
        return len(list((self.folder / "begun").iterdir()))

    def go(self) -> None:
        (self.folder / "go").touch()

    @property
    def key(self) -> str:
        keys = self.folder / "ws" / ".amlpipe" / "v1" / "keys"
        (key,) = [path.name for path in keys.glob("*/*")]
        return key

    @property
    def claims(self) -> ClaimState:
        return ClaimLog(self.workspace.store, self.key).newest()

    def results(self) -> list[str]:
        return [result.run_id for _, result in self.workspace.results.candidates(self.key)]

    def waiting(self, runs: list[str]) -> int:
        return sum(bool(item.waiting) for run in runs for item in self.workspace.runs.tries(run, "train"))

    def finished(self, run: str) -> StepFinished:
        (item,) = self.workspace.runs.tries(run, "train")
        assert item.finished is not None
        return item.finished

    def join(self) -> None:
        for process in self.processes:
            process.join(120)
            assert process.exitcode in {0, -signal.SIGKILL}


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(tmp_path)
    yield scene
    # Whatever a test that failed left behind: its processes, and the script of a killed one, which waits for the word.
    scene.go()
    for process in scene.processes:
        if process.is_alive():
            process.kill()


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("sees_processes", [True, False], ids=["same machine", "another machine"])
def test_of_fifty_that_wait_for_an_owner_that_is_killed_one_takes_over_and_the_others_take_its_result(
    scene: Scene, sees_processes: bool
) -> None:
    """R02, R15: on the same machine the death is known at once; from another one it is told by silence."""
    settings = {"claim_ttl_seconds": 5.0, "claim_beat_seconds": 0.5}
    owner = scene.start(OWNER, settings=settings)
    until(scene.begun)
    waiters = [run_id(number) for number in range(1, 51)]
    for run in waiters:
        scene.start(run, settings=settings, sees_processes=sees_processes)
    until(lambda: scene.waiting(waiters) == 50)
    assert scene.begun() == 1
    os.kill(owner.pid or 0, signal.SIGKILL)
    until(lambda: scene.begun() == 2)
    scene.go()
    scene.join()
    records = [scene.finished(run) for run in waiters]
    assert [record.status for record in records] == ["Finished"] * 50
    takers = [record for record in records if not record.reused]
    assert len(takers) == 1
    assert {record.reused_from.run_id for record in records if record.reused_from} == {takers[0].run_id}
    assert (scene.results(), scene.claims, scene.begun()) == ([takers[0].run_id], ClaimState(2, is_released=True), 2)


def test_an_owner_that_is_frozen_past_its_time_to_live_loses_the_race_and_its_run_is_complete(scene: Scene) -> None:
    """R12: a worker that was cut off for a while, and a second one that took over."""
    settings = {"claim_ttl_seconds": 1.5, "claim_beat_seconds": 0.2}
    owner = scene.start(OWNER, settings=settings)
    until(scene.begun)
    os.kill(owner.pid or 0, signal.SIGSTOP)
    scene.start(run_id(1), settings=settings)
    until(lambda: scene.begun() == 2)
    scene.go()
    until(lambda: scene.results() == [run_id(1)])
    os.kill(owner.pid or 0, signal.SIGCONT)
    scene.join()
    frozen, taker = scene.finished(OWNER), scene.finished(run_id(1))
    assert scene.results() == [run_id(1)]
    assert (taker.status, taker.reused, taker.lost_race_to) == ("Finished", False, None)
    assert (frozen.status, frozen.reused, frozen.outputs["out"].file_count) == ("Finished", False, 1)
    assert frozen.lost_race_to is not None
    assert frozen.lost_race_to.step_run_id == taker.step_run_id
    assert f"lost-race: run {run_id(1)} stored a result of the same step first" in frozen.explanation
    assert frozen.outputs["out"].path != taker.outputs["out"].path
    assert frozen.outputs["out"].digest == taker.outputs["out"].digest


def test_many_without_claims_leave_one_result_and_every_run_is_complete(scene: Scene) -> None:
    """R14, with single flight switched off."""
    runs = [run_id(number) for number in range(12)]
    for run in runs:
        scene.start(run, settings={"single_flight": False})
    until(lambda: scene.begun() == len(runs))
    scene.go()
    scene.join()
    records = [scene.finished(run) for run in runs]
    (winner,) = scene.results()
    assert [(record.status, record.reused, record.outputs["out"].file_count) for record in records] == [("Finished", False, 1)] * len(runs)
    assert [record.run_id for record in records if record.lost_race_to is None] == [winner]
    assert len({record.outputs["out"].path for record in records}) == len(runs)
    assert not (scene.folder / "ws" / ".amlpipe" / "v1" / "keys" / scene.key[:2] / scene.key / "claims").exists()


def test_two_that_begin_at_once_compute_once(scene: Scene) -> None:
    """R14, with claims."""
    scene.go()
    runs = [run_id(number) for number in range(8)]
    for run in runs:
        scene.start(run)
    scene.join()
    assert [scene.finished(run).status for run in runs] == ["Finished"] * len(runs)
    assert (scene.begun(), len(scene.results())) == (1, 1)
    assert sum(scene.finished(run).reused for run in runs) == len(runs) - 1
    # A later run of the same step finds the result, and neither claims nor waits.
    later = carry_out_with_waits(task_of(scene.folder, shared_step(scene.folder), run_id(99)))
    assert later.reused
    assert scene.claims.is_released
