"""What has run, as plain data for tables and JSON?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from airflow_amlpipe.exceptions import UnknownNameError, shorten
from airflow_amlpipe.hooks.opening import open_workspace
from airflow_amlpipe.services.settle import settle_if_possible
from airflow_amlpipe.spec.parameter_value import as_json, shown
from airflow_amlpipe.workspace.asked import read_asked
from airflow_amlpipe.workspace.records import RunRecord, StepTry
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["find_run", "find_step", "find_step_of", "list_experiments", "list_runs", "show_run", "step_error", "step_log"]

_SHORTEST_PREFIX = 4


def find_run(workspace: str, text: str, *, home: Path) -> str:
    """Return the run that ``text`` means: ``latest``, a whole id, or the beginning of one that only one run has.

    :raises UnknownNameError: no run has that id, or several begin so
    """
    runs = open_workspace(workspace, home=home).runs
    ids = runs.ids()
    if text in ids:
        return text
    if text == "latest":
        if not ids:
            raise UnknownNameError(f"the workspace {shorten(workspace)} has no runs yet; submit a pipeline with `amlpipe run`")
        return ids[0]
    found = [run_id for run_id in ids if run_id.startswith(text)] if len(text) >= _SHORTEST_PREFIX else []
    if len(found) == 1:
        return found[0]
    if found:
        raise UnknownNameError(f"{len(found)} runs begin with {text!r}: {shorten(', '.join(found[:5]), 300)}; give more of the id")
    raise UnknownNameError(
        f"run {shorten(repr(text))} is not in the workspace {shorten(workspace)}; give 'latest', an id, or at least {_SHORTEST_PREFIX} characters "
        "of one (`amlpipe runs list` shows them)"
    )


def find_step(record: RunRecord, text: str) -> str:
    """Return the id of the step that ``text`` names by its id or its name.

    :raises UnknownNameError: the run has no such step, or several of that name
    """
    if text in record.step_ids:
        return text
    found = [step_id for step_id, name in record.step_names.items() if name == text]
    if len(found) == 1:
        return found[0]
    known = ", ".join(record.step_ids)
    problem = f"has {len(found)} steps named {shorten(repr(text))}; use the id" if found else f"has no step {shorten(repr(text))}"
    raise UnknownNameError(f"run {record.run_id} {problem}; its steps are: {shorten(known, 600)}")


def find_step_of(workspace: str, run_id: str, text: str, *, home: Path) -> str:
    """Return the id of the step of a run that ``text`` names, see :func:`find_step`."""
    return find_step(open_workspace(workspace, home=home).runs.get(run_id), text)


def list_runs(workspace: str, *, home: Path, experiment: str | None = None, limit: int | None = None) -> Iterator[dict[str, Any]]:
    """Yield the runs, newest first, each with its status."""
    opened = open_workspace(workspace, home=home)
    for count, record in enumerate(opened.runs.list(experiment=experiment)):
        if limit is not None and count >= limit:
            return
        settle_if_possible(opened, record.run_id, home)
        yield _run(opened, record)


def list_experiments(workspace: str, *, home: Path) -> list[str]:
    """Return the names of the experiments that have runs, sorted; reads the record of every run."""
    return sorted({record.experiment for record in open_workspace(workspace, home=home).runs.list()})


def show_run(workspace: str, run_id: str, *, home: Path) -> dict[str, Any]:
    """Return everything that is known of one run, with its steps in order of execution.

    A step that has not started is ``NotStarted``, and ``Canceled`` once its run was cancelled. ``source`` is the git state by source folder:
    of what was submitted, or in a run of a DAG file, whose steps read the folder when they run, what the first of them found.

    :raises UnknownNameError: the workspace has no such run
    """
    opened = open_workspace(workspace, home=home)
    record = opened.runs.get(run_id)
    settle_if_possible(opened, run_id, home)
    run = _run(opened, record)
    tries = opened.runs.steps(run_id)
    order = [*record.step_ids, *(step_id for step_id in tries if step_id not in record.step_ids)]
    run["steps"] = [_step(opened, record, step_id, tries.get(step_id, []), run["status"]) for step_id in order]
    if not run["source"]:
        run["source"] = {folder: state for step in reversed(run["steps"]) for folder, state in step["source"].items()}
    return run


def step_log(workspace: str, run_id: str, step: str, *, home: Path, try_number: int | None = None) -> Iterator[str]:
    """Yield the log of a step's newest try (or of try ``try_number``) line by line, as far as it is written; of a reused step that of its origin.

    :raises UnknownNameError: no such run, step or try
    """
    from airflow_amlpipe.services.logs import try_lines

    opened = open_workspace(workspace, home=home)
    return try_lines(opened, _logged_try(opened, run_id, step, try_number), home)


def step_error(workspace: str, run_id: str, step: str, *, home: Path, try_number: int | None = None) -> str | None:
    """Return why the try whose log :func:`step_log` yields failed; ``None`` if it did not, or has not ended.

    :raises UnknownNameError: no such run, step or try
    """
    finished = _logged_try(open_workspace(workspace, home=home), run_id, step, try_number).finished
    return None if finished is None else finished.error


def _logged_try(workspace: WorkspaceStore, run_id: str, step: str, try_number: int | None) -> StepTry:
    step_id = find_step(workspace.runs.get(run_id), step)
    tries = [item for item in workspace.runs.tries(run_id, step_id) if try_number in {None, item.started.try_number}]
    if not tries:
        what = "has not started" if try_number is None else f"has no try {try_number}"
        raise UnknownNameError(f"step {step_id!r} of run {run_id} {what}, so there is no log yet")
    return tries[-1]


def _run(workspace: WorkspaceStore, record: RunRecord) -> dict[str, Any]:
    finished = workspace.runs.finished(record.run_id)
    return {
        "run_id": record.run_id,
        "pipeline": record.pipeline,
        "experiment": record.experiment,
        "status": workspace.runs.status(record.run_id),
        "created_at": record.created_at,
        "finished_at": finished.finished_at if finished else None,
        "duration_seconds": _seconds(record.created_at, finished.finished_at) if finished else None,
        "error": finished.error if finished else None,
        "reuse": record.policy,
        "parameters": {name: as_json(value) for name, value in record.parameters.items()},
        "parameters_shown": {name: shown(value) for name, value in record.parameters.items()},
        "tags": workspace.runs.tags(record.run_id),
        "description": record.description,
        "source": record.source,
        "airflow": record.airflow,
        "published": record.published,
        "endpoint": record.endpoint.model_dump() if record.endpoint else None,
        "workspace": workspace.url,
    }


def _step(workspace: WorkspaceStore, record: RunRecord, step_id: str, tries: list[StepTry], run_status: str) -> dict[str, Any]:
    name = record.step_names.get(step_id, step_id)
    if not tries:
        status = "Canceled" if run_status == "Canceled" else "NotStarted"
        return {
            "id": step_id,
            "name": name,
            "status": status,
            "reused": False,
            "reason": None,
            "explanation": "",
            "source": {},
            "outputs": {},
            "asked": [],
            "tries": 0,
            "exit_code": None,
            "error": None,
            "log_tail": "",
        }
    last = tries[-1]
    finished = last.finished
    step: dict[str, Any] = {
        "id": step_id,
        "name": name,
        "step_run_id": last.started.step_run_id,
        "status": last.status,
        "reused": finished.reused if finished else False,
        "reason": finished.reason if finished else None,
        "explanation": finished.explanation if finished else last.waiting,
        "started_at": last.started.started_at,
        "finished_at": finished.finished_at if finished else None,
        "duration_seconds": finished.duration_seconds if finished else None,
        "tries": len(tries),
        "exit_code": finished.exit_code if finished else None,
        "error": finished.error if finished else None,
        "log_tail": finished.log_tail if finished else "",
        "key": finished.key if finished else None,
        "reused_from": finished.reused_from.model_dump() if finished and finished.reused_from else None,
        "source": finished.source if finished else {},
        "outputs": {},
        "asked": [thing.model_dump(mode="json") for thing in read_asked(workspace, last.made_in)] if finished else [],
    }
    if finished:
        step["outputs"] = {
            output.name: {**output.model_dump(), "location": _location(workspace, output.datastore, output.published_to or output.path)}
            for output in finished.outputs.values()
        }
    return step


def _location(workspace: WorkspaceStore, datastore: str, path: str) -> str:
    """Where a person finds an output: a path on this machine if it has one, else datastore and path."""
    try:
        local = workspace.datastores.open(datastore).local_path(path)
    except UnknownNameError:
        local = None
    return str(local) if local is not None else f"{datastore}/{path}"


def _seconds(start: str, end: str) -> float:
    return round((datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds(), 3)
