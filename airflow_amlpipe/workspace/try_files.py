"""What is kept of a try besides its records: logs, artifacts, and what its script logged, tagged and noted?

::

    runs/<run id>/steps/<step id>/<try>/logs/...  artifacts/...  metrics.json     of the step's own run
    runs/<run id>/artifacts/...  logged/<step run id>.json                        of the pipeline's run (run.parent), one file a step run
                      logged/<run id>_<time>-<random>.json                    of a run that a script carries out, one file an event

Kept before the try's finished record is written: whoever reads that a try has ended finds everything that belongs to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from airflow_amlpipe.reuse.result import StepResult
from airflow_amlpipe.spec.model import SpecModel, added_later
from airflow_amlpipe.storage.crash_points import crash_point
from airflow_amlpipe.workspace.layout import run_folder
from airflow_amlpipe.workspace.record_text import parse_record, record_body
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["Logged", "LoggedChild", "hand_on_logged", "keep_artifacts", "keep_logged", "keep_logs", "logged_by_steps", "read_logged"]


class Logged(SpecModel):
    """What a script recorded for one run, its own or the pipeline's.

    :ivar events: metric events in order, as ``runtime.metrics.fold_metrics`` reads them
    :ivar tags: ``None`` for one that was removed
    :ivar children: the runs that it made below that run
    """

    events: tuple[dict[str, Any], ...] = ()
    tags: dict[str, str | None] = Field(default_factory=dict)
    properties: dict[str, str] = Field(default_factory=dict)
    children: tuple[LoggedChild, ...] = added_later(())

    @property
    def is_empty(self) -> bool:
        return not (self.events or self.tags or self.properties or self.children)


class LoggedChild(Logged):
    """What a script recorded for a run that it made below its own."""

    id: str
    name: str
    status: str = "Running"
    error: str = ""


Logged.model_rebuild()


def keep_logs(workspace: WorkspaceStore, folder: str, logs: Path) -> None:
    """Move the folder ``logs`` of a try that has ended into its folder in the workspace store; twice is once."""
    _move(workspace, logs, f"{folder}/logs")


def keep_artifacts(workspace: WorkspaceStore, folder: str, artifacts: Mapping[str, Path]) -> tuple[str, ...]:
    """Move files into the ``artifacts`` of a try's or a run's ``folder``, and return the names that something had been kept under before.

    What was kept first stays, as SDK v1 refused to upload a name again.
    """
    return tuple(name for name, file in sorted(artifacts.items()) if not _move(workspace, file, f"{folder}/artifacts/{name}"))


def keep_logged(workspace: WorkspaceStore, run_id: str, folder: str, step_run_id: str, *, own: Logged, parent: Logged) -> None:
    """Store what the script of a try recorded for its own run and for the pipeline's; nothing is written for nothing."""
    for logged, path in ((own, f"{folder}/metrics.json"), (parent, f"{run_folder(run_id)}/logged/{step_run_id}.json")):
        if not logged.is_empty:
            workspace.store.put(path, record_body(logged), durable=False)


def hand_on_logged(workspace: WorkspaceStore, result: StepResult, run_id: str) -> None:
    """Let a run find what the script of a reused step once told its own run by ``run.parent``, as if it had been told this one; twice is once.

    A later step may ask its parent for a metric or a tag, whether the step that wrote it ran or was reused.

    :raises ProtocolError: the record cannot be read
    """
    logged = _read(workspace, f"{run_folder(result.run_id)}/logged/{result.step_run_id}.json")
    if logged.is_empty or result.run_id == run_id:
        return
    body = record_body(logged)
    workspace.store.put(f"{run_folder(run_id)}/logged/{result.step_run_id}.json", body, durable=False)
    if logged.tags:
        workspace.runs.change_tags(run_id, logged.tags)


def read_logged(workspace: WorkspaceStore, folder: str) -> Logged:
    """Return what the script of the try in ``folder`` recorded for its own run.

    :raises ProtocolError: the record cannot be read
    """
    return _read(workspace, f"{folder}/metrics.json")


def logged_by_steps(workspace: WorkspaceStore, run_id: str) -> Logged:
    """Return what the steps of a run have recorded for the pipeline's run so far, in the order the steps started.

    :raises ProtocolError: a record cannot be read
    """
    folder = f"{run_folder(run_id)}/logged"
    parts = [_read(workspace, f"{folder}/{name}") for name in workspace.store.list_names(folder)]
    tags: dict[str, str | None] = {}
    properties: dict[str, str] = {}
    for part in parts:
        tags |= part.tags
        properties |= part.properties
    return Logged(events=tuple(event for part in parts for event in part.events), tags=tags, properties=properties)


def _move(workspace: WorkspaceStore, source: Path, path: str) -> bool:
    if not source.exists():
        return True
    try:
        workspace.store.ingest(source, path)
    except FileExistsError:
        return False
    except FileNotFoundError:
        return True  # another process keeps the files of the same try, believing us dead
    crash_point("try-file-kept")
    return True


def _read(workspace: WorkspaceStore, path: str) -> Logged:
    try:
        return parse_record(Logged, workspace.store.read(path), f"record {path}")
    except FileNotFoundError:
        return Logged()
