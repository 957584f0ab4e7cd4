"""What becomes of a run whose engine died without a word? (killed, out of memory, machine restarted)

The same as of a run without an engine, whose every step is reused, when the process that submits it dies before it has recorded all of it.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from airflow_amlpipe.compute.folder import StepFolder
from airflow_amlpipe.compute.processes import end_processes_called
from airflow_amlpipe.exceptions import InfrastructureError, UnknownNameError, shorten
from airflow_amlpipe.services.engine_process import engine_folder, engine_log_tail, find_engine, find_recorder
from airflow_amlpipe.workspace.records import RunStatus, StepStatus
from airflow_amlpipe.workspace.try_files import keep_logs
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["end_running_tries", "settle_if_possible", "settle_run"]

# The engine is dead, so nobody waits for what its jobs would do with more time.
_GRACE_SECONDS = 3.0
_UNRECORDED = "the process that submitted the run was killed while it recorded that every step is reused; submit again"


def settle_run(workspace: WorkspaceStore, run_id: str, home: Path) -> bool:
    """Record a run as ended whose engine, on this machine, is dead and has not done so; return whether that was needed.

    Whoever waits for a run or cancels it calls this, and :func:`settle_if_possible` whoever looks at one; calling it for a run that is well changes nothing.
    """
    if workspace.runs.finished(run_id) is not None:
        return False
    engine = find_engine(home, run_id)
    carrier = engine or find_recorder(home, run_id)
    if carrier is None or not carrier.is_here or carrier.is_alive:
        return False
    # It may have ended well between the two looks.
    if workspace.runs.finished(run_id) is not None:
        return False
    try:
        workspace.runs.get(run_id)
    except UnknownNameError:
        return False  # it died before there was a run: nothing has ended
    canceled = workspace.runs.cancel_requested(run_id)
    status: RunStatus = "Canceled" if canceled else "Failed"
    reason = "the run was cancelled" if canceled else _reason_of_death(home, run_id) if engine else _UNRECORDED
    end_running_tries(workspace, run_id, home, status="Canceled" if canceled else "Failed", error=reason)
    was_needed = workspace.runs.finish(run_id, status, reason)
    if engine is None:
        shutil.rmtree(engine_folder(home, run_id), ignore_errors=True)
    return was_needed


def _reason_of_death(home: Path, run_id: str) -> str:
    # The engine's log has the scripts' lines too, so its last one need not say why the engine died.
    last_lines = engine_log_tail(home, run_id).splitlines()[-1:]
    said = f", which ends with: {shorten(last_lines[0], 500)}" if last_lines else ""
    log = engine_folder(home, run_id) / "engine.log"
    return f"the engine of the run ended without finishing it (killed, or out of memory); see {log}{said}"


def settle_if_possible(workspace: WorkspaceStore, run_id: str, home: Path) -> None:
    """Do as :func:`settle_run` for somebody who only looks: where it cannot be written down now (a full disk), that is left for later."""
    with suppress(InfrastructureError, OSError):
        settle_run(workspace, run_id, home)


def end_running_tries(workspace: WorkspaceStore, run_id: str, home: Path, *, status: StepStatus, error: str) -> None:
    """Record the end of every try that began and has none, after what still runs of its job on this machine was ended.

    Its log is kept. Nothing of it was committed, so nothing of it can be reused.
    """
    for tries in workspace.runs.steps(run_id).values():
        for item in tries:
            if item.finished is None:
                end_processes_called(item.started.step_run_id, _GRACE_SECONDS)
                folder = StepFolder(home / "tries" / item.started.step_run_id)
                if folder.logs.is_dir():
                    keep_logs(workspace, item.folder, folder.logs)
                workspace.runs.end_try(item, status, error)
                shutil.rmtree(folder.root, ignore_errors=True)
