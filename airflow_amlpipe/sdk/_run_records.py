"""What do the workspace's records say about a run, its steps and what they left behind?"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.sdk._workspace_store import as_user_error, home, open_workspace
from airflow_amlpipe.sdk.exceptions import UserErrorException

if TYPE_CHECKING:
    from airflow_amlpipe.workspace import WorkspaceStore
    from airflow_amlpipe.workspace.records import RunRecord, StepTry
    from airflow_amlpipe.workspace.try_files import Logged

__all__ = [
    "StepRecords",
    "find_step_run",
    "folder_of",
    "note_of_run",
    "pipeline_logged",
    "run_folder_of",
    "run_record",
    "run_status",
    "step_logged",
    "step_streams",
    "try_seen",
]


def run_record(workspace: Any, run_id: str) -> RunRecord:
    """Return the record of a pipeline run.

    :raises UserErrorException: the workspace has no such run
    """
    if not isinstance(run_id, str):
        raise UserErrorException(f"a run's id is text, not {type(run_id).__name__}")
    with as_user_error():
        return open_workspace(workspace, "looking at a run").runs.get(run_id)


def run_status(workspace: Any, run_id: str) -> str:
    """Return SDK v1's word for a pipeline run's status; a run whose engine has died is recorded as ended first, if that can be written."""
    from airflow_amlpipe.services.settle import settle_if_possible

    store = open_workspace(workspace)
    settle_if_possible(store, run_id, home())
    return store.runs.status(run_id)


class StepRecords:
    """The newest try of each step of a run that has started, in the pipeline's order."""

    def __init__(self, workspace: Any, run_id: str) -> None:
        record = run_record(workspace, run_id)
        tries = open_workspace(workspace).runs.steps(run_id)
        order = [step_id for step_id in record.step_ids if step_id in tries]
        self.newest: dict[str, StepTry] = {step_id: tries[step_id][-1] for step_id in [*order, *(key for key in tries if key not in order)]}

    def __iter__(self) -> Iterator[tuple[str, StepTry]]:
        return iter(self.newest.items())


def find_step_run(workspace: Any, step_run_id: str) -> tuple[RunRecord, StepTry] | None:
    """Return the run and the try that have this step run id; looks through every run, newest first."""
    runs = open_workspace(workspace).runs
    for record in runs.list():
        for tries in runs.steps(record.run_id).values():
            for item in tries:
                if item.started.step_run_id == step_run_id:
                    return record, item
    return None


def folder_of(item: StepTry) -> str:
    """Return the folder, in the workspace store, of what a try left behind: of a reused step, of the try that produced the result."""
    return item.made_in


def run_folder_of(run_id: str) -> str:
    """Return the folder, in the workspace store, of a pipeline run."""
    from airflow_amlpipe.workspace.layout import run_folder

    return run_folder(run_id)


def try_seen(started: Any, finished: Any) -> StepTry:
    """Return the try that an event of a run speaks of, as far as it had come then."""
    from airflow_amlpipe.workspace.layout import try_folder
    from airflow_amlpipe.workspace.records import StepTry

    folder = try_folder(started.run_id, started.step_id, started.try_number, started.step_run_id)
    return StepTry(folder=folder, started=started, finished=finished)


def step_logged(workspace: Any, item: StepTry) -> Any:
    """Return what the script of a try logged, tagged and noted for its own run."""
    from airflow_amlpipe.workspace.try_files import read_logged

    return read_logged(open_workspace(workspace), folder_of(item))


def pipeline_logged(workspace: Any, run_id: str) -> Any:
    """Return what the steps of a run logged, tagged and noted for the pipeline's run (``run.parent``)."""
    from airflow_amlpipe.workspace.try_files import logged_by_steps

    return logged_by_steps(open_workspace(workspace), run_id)


def note_of_run(workspace: Any, run_id: str, logged: Logged) -> None:
    """Record what somebody outside of a run's scripts says about it."""
    from airflow_amlpipe.workspace.record_text import record_body

    # A file for each: threads and processes may write to one run at once, and what is there is never written again. Read in their names' order.
    name = f"{run_id}_{time.time_ns():020d}-{uuid.uuid4().hex[:8]}"
    store = open_workspace(workspace, "writing to a run").store
    store.put(f"{run_folder_of(run_id)}/logged/{name}.json", record_body(logged), durable=False)


def step_streams(workspace: Any, item: StepTry) -> tuple[str, str]:
    """Return what the script of a try wrote to standard output and standard error, as far as it has."""
    from airflow_amlpipe.compute.local import STDERR, STDOUT

    store: WorkspaceStore = open_workspace(workspace)
    live = home() / "tries" / item.started.step_run_id / "logs"
    texts = []
    for name in (STDOUT, STDERR):
        try:
            body = store.store.read(f"{folder_of(item)}/logs/{name}")
        except FileNotFoundError:
            file = live / name
            body = file.read_bytes() if file.is_file() else b""
        texts.append(body.decode("utf-8", "replace"))
    return texts[0], texts[1]
