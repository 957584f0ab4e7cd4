"""What is pinned, and how is it named?"""

from __future__ import annotations

import re
from pathlib import Path

from airflow_amlpipe.exceptions import UnknownNameError, shorten
from airflow_amlpipe.hooks.opening import open_workspace
from airflow_amlpipe.services.runs import find_run, find_step
from airflow_amlpipe.workspace.ids import now_text
from airflow_amlpipe.workspace.pins import PinRecord
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["list_pins", "pin", "unpin"]

_VERSION = re.compile(r"(.+):(\d+)")
_SHORTEST_PREFIX = 4


def pin(workspace: str, target: str, *, home: Path, reason: str = "") -> PinRecord:
    """Protect what ``target`` names, and everything reached from it, from being cleared away; again changes the reason.

    :param target: a run (id, beginning of one, or ``latest``), ``RUN/STEP``, ``DATASET:VERSION``, or the name of a pipeline
    :raises UnknownNameError: it names nothing
    """
    opened = open_workspace(workspace, home=home)
    record = _resolve(opened, workspace, target, home).model_copy(update={"reason": reason})
    opened.pins.register(record.name, record)
    return record


def unpin(workspace: str, target: str, *, home: Path) -> PinRecord:
    """Take a pin out and return what it was.

    :param target: as for :func:`pin`, or as :func:`list_pins` shows it
    :raises UnknownNameError: nothing of that name is pinned
    """
    opened = open_workspace(workspace, home=home)
    pinned = opened.pins.all()
    found = [item for item in pinned if item.target == target]
    if not found and len(target) >= _SHORTEST_PREFIX:
        found = [item for item in pinned if item.target.startswith(target)]
    if not found:
        wanted = _resolve(opened, workspace, target, home)
        found = [item for item in pinned if item.name == wanted.name]
    if len(found) != 1:
        known = ", ".join(item.target for item in pinned) or "nothing"
        problem = "is not pinned" if not found else f"could be {len(found)} pinned things"
        raise UnknownNameError(f"{shorten(repr(target))} {problem}; pinned are: {shorten(known, 600)}")
    opened.pins.remove(found[0].name)
    return found[0]


def list_pins(workspace: str, *, home: Path) -> list[PinRecord]:
    """Return what is pinned now, oldest pin first."""
    return open_workspace(workspace, home=home).pins.all()


def _resolve(opened: WorkspaceStore, workspace: str, target: str, home: Path) -> PinRecord:
    now = now_text()
    if "/" in target:
        run, _, step = target.partition("/")
        run_id = find_run(workspace, run, home=home)
        return PinRecord(kind="step", target=f"{run_id}/{find_step(opened.runs.get(run_id), step)}", pinned_at=now)
    version = _VERSION.fullmatch(target)
    if version is not None:
        record = opened.datasets.get(version.group(1), int(version.group(2)))
        return PinRecord(kind="dataset", target=f"{record.name}:{record.version}", pinned_at=now)
    try:
        return PinRecord(kind="run", target=find_run(workspace, target, home=home), pinned_at=now)
    except UnknownNameError as error:
        pipelines = sorted({record.pipeline for record in opened.runs.list()})
        if target not in pipelines:
            known = ", ".join(pipelines) or "none"
            raise UnknownNameError(
                f"{shorten(repr(target))} is no run and no pipeline of the workspace; give a run, RUN/STEP, DATASET:VERSION or a pipeline; "
                f"its pipelines are: {shorten(known, 600)}"
            ) from error
    return PinRecord(kind="pipeline", target=target, pinned_at=now)
