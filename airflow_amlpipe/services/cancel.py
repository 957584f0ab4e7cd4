"""How is a run stopped?"""

from __future__ import annotations

from pathlib import Path

from airflow_amlpipe.hooks.opening import open_workspace
from airflow_amlpipe.services.engine_process import find_engine
from airflow_amlpipe.services.settle import settle_run
from airflow_amlpipe.workspace.records import RunFinished

__all__ = ["cancel_run"]


def cancel_run(workspace: str, run_id: str, *, home: Path, why: str = "asked for by a person") -> RunFinished | None:
    """Ask for a run to be cancelled and return at once; its running step's job is ended and its later steps do not start.

    The request is kept in the workspace, so it also reaches a run that another machine carries out. Asking twice is fine.

    :returns: how the run ended, if it had ended before (nothing is asked then) or its engine was dead already; else ``None``
    :raises UnknownNameError: the workspace has no such run
    """
    opened = open_workspace(workspace, home=home)
    opened.runs.get(run_id)
    ended = opened.runs.finished(run_id)
    if ended is not None:
        return ended
    opened.runs.request_cancel(run_id, why)
    engine = find_engine(home, run_id)
    if engine is not None and engine.is_here:
        engine.cancel()
    settle_run(opened, run_id, home)
    return opened.runs.finished(run_id)
