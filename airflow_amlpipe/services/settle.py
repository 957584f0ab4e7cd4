"""What becomes of a run whose engine died without a word? (killed, out of memory, machine restarted)"""

from __future__ import annotations

from pathlib import Path

from airflow_amlpipe.exceptions import UnknownNameError, shorten
from airflow_amlpipe.services.engine_process import engine_log_tail, find_engine
from airflow_amlpipe.workspace.ids import now_text
from airflow_amlpipe.workspace.records import RunStatus, StepFinished, StepStatus, StepTry
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["end_running_tries", "settle_run"]


def settle_run(workspace: WorkspaceStore, run_id: str, home: Path) -> bool:
    """Record a run as ended whose engine, on this machine, is dead and has not done so; return whether that was needed.

    Whoever looks at a run calls this; calling it for a run that is well changes nothing.
    """
    if workspace.runs.finished(run_id) is not None:
        return False
    engine = find_engine(home, run_id)
    if engine is None or not engine.is_here or engine.is_alive:
        return False
    # It may have ended well between the two looks.
    if workspace.runs.finished(run_id) is not None:
        return False
    canceled = workspace.runs.cancel_requested(run_id)
    last_words = engine_log_tail(home, run_id).splitlines()[-1:]
    said = f"; its last words: {shorten(last_words[0], 500)}" if last_words else ""
    log = home / "engines" / run_id / "engine.log"
    reason = (
        "the run was cancelled"
        if canceled
        else f"the engine of the run ended without finishing it (killed, or out of memory){said}; see {log}"
    )
    status: RunStatus = "Canceled" if canceled else "Failed"
    end_running_tries(workspace, run_id, status="Canceled" if canceled else "Failed", error=reason)
    return workspace.runs.finish(run_id, status, reason)


def end_running_tries(workspace: WorkspaceStore, run_id: str, *, status: StepStatus, error: str) -> None:
    """Record the end of every try that began and has none; nothing of it was committed, so nothing of it can be reused."""
    try:
        steps = workspace.runs.steps(run_id)
    except UnknownNameError:
        return
    for tries in steps.values():
        for item in tries:
            if item.finished is None:
                workspace.runs.finish_step(_ended(item, status, error))


def _ended(item: StepTry, status: StepStatus, error: str) -> StepFinished:
    started = item.started
    return StepFinished(
        run_id=started.run_id,
        step_id=started.step_id,
        step_name=started.step_name,
        step_run_id=started.step_run_id,
        try_number=started.try_number,
        status=status,
        started_at=started.started_at,
        finished_at=now_text(),
        error=error,
    )
