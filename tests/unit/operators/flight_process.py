"""What does one of many processes do that want the same step at the same time? All that a task does, with its trigger waited for in line.

Importable, because a started process must find it; Airflow is imported once, by the server that the processes are forked from.
"""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Callable
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any, NoReturn

from tests.airflow_home import AIRFLOW_HOME  # noqa: F401  # before Airflow is imported

from airflow_amlpipe.compute import processes  # isort: skip
from airflow_amlpipe.operators.execution import StepExecution
from airflow_amlpipe.operators.outline import PipelineOutline
from airflow_amlpipe.operators.run_request import RunRequest
from airflow_amlpipe.operators.single_flight import Waited
from airflow_amlpipe.operators.waiting import defer_until_over
from airflow_amlpipe.reuse.policy import ReusePolicy
from airflow_amlpipe.settings import Settings
from airflow_amlpipe.spec.step import LiteralArgument, OutputArgument, StepSpec
from airflow_amlpipe.triggers.claim import ClaimTrigger
from airflow_amlpipe.workspace.records import StepFinished
from airflow_amlpipe.workspace.workspace import WorkspaceStore
from tests.builders import OUT, a_pipeline, a_step
from tests.unit.operators.test_job_note import DictStore

__all__ = ["SCRIPT", "carry_out_with_waits", "in_process", "shared_step", "task_of"]

SCRIPT = """\
import os, pathlib, sys, time
out, folder = map(pathlib.Path, sys.argv[1:])
(folder / "begun" / str(os.getpid())).write_text("")
while not (folder / "go").exists():
    time.sleep(0.02)
(out / "model.txt").write_text("weights")
"""


class Deferred(BaseException):
    """The task ends its process and waits for a trigger, as Airflow's own exception says."""

    def __init__(self, trigger: ClaimTrigger) -> None:
        super().__init__()
        self.trigger = trigger


class Task:
    def __init__(self, workspace: str) -> None:
        self.workspace = workspace
        self.workspace_conn_id: str | None = None

    def defer(self, *, trigger: ClaimTrigger, method_name: str, timeout: object) -> NoReturn:
        assert method_name == "go_on"
        raise Deferred(trigger)


def shared_step(folder: Path) -> StepSpec:
    """A step whose script notes that it began, and goes on when there is a file ``go``."""
    if not (folder / "src").exists():
        (folder / "begun").mkdir()
        (folder / "src").mkdir()
        (folder / "src" / "train.py").write_text(SCRIPT)
    return a_step("train", outputs=OUT, arguments=(OutputArgument(output="out"), LiteralArgument(value=str(folder))))


def task_of(folder: Path, step: StepSpec, run_id: str, **changes: Any) -> Callable[[Waited | None], StepExecution]:
    """Return what opens the task of ``step`` in a run, once and again when it comes back from waiting."""
    spec = a_pipeline(step)
    settings = {"poll_interval_seconds": 0.02, "terminate_grace_seconds": 1.0, **changes.pop("settings", {})}
    notes, policy = changes.pop("notes", DictStore()), changes.pop("policy", "auto")

    def open_it(waited: Waited | None = None) -> StepExecution:
        fields: dict[str, Any] = {
            "workspace": WorkspaceStore.open(str(folder / "ws"), home=folder / "home"),
            "settings": Settings(**settings),
            "outline": PipelineOutline.of(spec, {"train": "train"}),
            "request": RunRequest(run_id=run_id, experiment="digits", policy=ReusePolicy.parse(policy), tags={}, parameters={}),
            "step": step,
            "source_base": folder,
            "ancestors": tuple,
            "airflow": {"dag_id": "nightly", "dag_run_id": run_id, "task_id": "train"},
            "try_number": 1,
            "is_last_try": False,
            "notes": notes,
            "say": lambda _: None,
            "waited": waited,
            **changes,
        }
        return StepExecution(**fields)

    return open_it


def carry_out_with_waits(open_it: Callable[[Waited | None], StepExecution]) -> StepFinished:
    """Do what ``StepOperator`` and Airflow do: execute, and as long as the task defers, run its trigger and execute again."""
    waited: Waited | None = None
    while True:
        step = open_it(waited)
        with step.bad_end_recorded():
            step.identify()
            result = step.decide().decision.result
            if step.obstacle is not None:
                step.pause()
            elif result is not None:
                return step.reuse(result)
            else:
                step.wait(step.launch())
                return step.record()
        waited = _waited(step)


def _waited(step: StepExecution) -> Waited:
    try:
        defer_until_over(Task(step.workspace.url), step)  # type: ignore[arg-type]
    except Deferred as deferred:
        path, arguments = deferred.trigger.serialize()
        assert path == f"{ClaimTrigger.__module__}.{ClaimTrigger.__qualname__}"

        async def first_event() -> Any:
            return await anext(ClaimTrigger(**arguments).run())

        return Waited.heard(asyncio.run(first_event()).payload)


def in_process(folder: Path, run_id: str, *, sees_processes: bool = True, **changes: Any) -> ForkServerProcess:
    """Start a process that carries out the shared step in a run of its own."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    process = context.Process(target=_carry_out, args=(str(folder), run_id, sees_processes, changes), daemon=True)
    process.start()
    return process


def _carry_out(folder: str, run_id: str, sees_processes: bool, changes: dict[str, Any]) -> None:
    if not sees_processes:  # as if every other process were on another machine
        processes.has_died = lambda _: False
        from airflow_amlpipe.operators import single_flight

        single_flight.has_died = lambda _: False
    carry_out_with_waits(task_of(Path(folder), shared_step(Path(folder)), run_id, **changes))
