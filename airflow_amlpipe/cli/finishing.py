"""How does a command that started a run wait for its end?"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from airflow_amlpipe.cli.shown_run import shown_run
from airflow_amlpipe.services.submit import SubmittedRun
from airflow_amlpipe.settings import Settings

__all__ = ["GOING_ON", "finish_run"]

GOING_ON = frozenset({"NotStarted", "Running"})
_SECONDS_TO_STOP = 30.0


def finish_run(run: SubmittedRun, *, show_logs: bool) -> dict[str, Any]:
    """Wait for a run that has not ended, with progress, and return what it became."""
    from airflow_amlpipe.cli.progress import ProgressLines
    from airflow_amlpipe.services.follow import follow_run

    home = Settings.load().home
    sys.stdout.flush()
    found = shown_run(run.workspace, run.run_id, home=home)
    if found["status"] in GOING_ON:
        print(f"run {run.run_id} of pipeline {found['pipeline']!r}, experiment {run.experiment!r}", file=sys.stderr, flush=True)
        progress = ProgressLines(show_logs=show_logs)
        try:
            follow_run(run.workspace, run.run_id, home=home, on_event=progress)
        except KeyboardInterrupt:
            _cancel(run, home)
            raise
        found = shown_run(run.workspace, run.run_id, home=home)
    return found


def _cancel(run: SubmittedRun, home: Path) -> None:
    from airflow_amlpipe.services.cancel import cancel_run
    from airflow_amlpipe.services.follow import follow_run

    print(f"\namlpipe: stopping run {run.run_id}", file=sys.stderr, flush=True)
    cancel_run(run.workspace, run.run_id, home=home, why="interrupted with Ctrl-C")
    follow_run(run.workspace, run.run_id, home=home, on_event=lambda _: None, timeout_seconds=_SECONDS_TO_STOP)
