"""Runs as the workspace records them, without anything having run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from airflow_amlpipe.sdk._workspace_store import home, open_workspace
from airflow_amlpipe.workspace.ids import new_run_id
from airflow_amlpipe.workspace.records import DatasetVersion, Origin, OutputRecord, RunRecord, StepFinished, StepStarted
from airflow_amlpipe.workspace.try_files import Logged, keep_logged

__all__ = ["a_run", "a_step_run", "keep"]

AT = "2026-01-02T03:04:05.678+00:00"


def a_run(ws: Any, experiment: str = "digits", *steps: str, status: str | None = None, error: str | None = None, **changes: Any) -> str:
    """Record a run, ended if a status is given, and return its id."""
    run_id = new_run_id()
    fields: dict[str, Any] = {"run_id": run_id, "pipeline": experiment, "experiment": experiment, "created_at": AT, "step_ids": steps}
    store = open_workspace(ws)
    store.runs.create(RunRecord(**{**fields, "step_names": {step: step for step in steps}, **changes}))
    if status is not None:
        store.runs.finish(run_id, status, error)  # type: ignore[arg-type]
    return run_id


def a_step_run(
    ws: Any,
    run_id: str,
    step: str = "train",
    status: str | None = "Finished",
    *,
    logs: tuple[str, str] = ("", ""),
    own: Logged | None = None,
    parent: Logged | None = None,
    outputs: tuple[str, ...] = (),
    reused_from: tuple[str, str] | None = None,
    **changes: Any,
) -> str:
    """Record a try of a step, ended if a status is given, and return its step run id.

    :param logs: what its script wrote to standard output and standard error
    :param reused_from: run id and step run id of the try whose result it takes
    """
    store = open_workspace(ws)
    tries = len(store.runs.tries(run_id, step))
    step_run_id = new_run_id()
    shared: dict[str, Any] = {"run_id": run_id, "step_id": step, "step_name": step, "step_run_id": step_run_id, "try_number": tries + 1}
    folder = store.runs.start_step(StepStarted(**shared, started_at=AT))
    for name, text in zip(("stdout.txt", "stderr.txt"), logs, strict=True):
        if text and status is None:
            live = home() / "tries" / step_run_id / "logs"
            live.mkdir(parents=True, exist_ok=True)
            (live / name).write_text(text)
        elif text:
            keep(ws, f"{folder}/logs/{name}", text)
    keep_logged(store, run_id, folder, step_run_id, own=own or Logged(), parent=parent or Logged())
    if status is None:
        return step_run_id
    records = {}
    for output in outputs:
        path = f"azureml/{step_run_id}/{output}"
        Path(store.datastores.open("workspaceblobstore").local_path(path) or "").mkdir(parents=True)
        Path(store.datastores.open("workspaceblobstore").local_path(f"{path}/a.txt") or "").write_text(output)
        records[output] = OutputRecord(
            name=output,
            datastore="workspaceblobstore",
            path=path,
            digest="0" * 64,
            file_count=1,
            size_bytes=1,
            dataset=DatasetVersion(name="d", version=1, id="an-id"),
            pipeline_output=f"the {output}",
        )
    origin = None
    if reused_from is not None:
        source = next(item for item in store.runs.tries(reused_from[0], step) if item.started.step_run_id == reused_from[1])
        origin = Origin(pipeline="digits", run_id=reused_from[0], step_id=step, step_run_id=reused_from[1], folder=source.folder)
    record = StepFinished(
        **{
            **shared,
            "status": status,
            "started_at": AT,
            "finished_at": AT,
            "outputs": records,
            "reused": origin is not None,
            "reused_from": origin,
            **changes,
        }
    )
    store.runs.finish_step(record)
    return step_run_id


def keep(ws: Any, path: str, text: str) -> None:
    """Put a file into the workspace store."""
    open_workspace(ws).store.put(path, text.encode())
