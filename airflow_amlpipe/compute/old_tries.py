"""What becomes of the private folders of tries whose worker was killed? They are deleted a week after anything in them last happened.

A try that ends clears its folder itself, and the next try of a task takes up a job that was left. What is never asked for again would stay for
ever: half-staged inputs of workers that were killed, above all.
"""

from __future__ import annotations

import os
import shutil
import time
from contextlib import suppress
from pathlib import Path

from airflow_amlpipe.compute.folder import StepFolder
from airflow_amlpipe.compute.processes import job_processes

__all__ = ["KEPT_SECONDS", "sweep_old_tries"]

KEPT_SECONDS = 7 * 24 * 3600.0
_EVERY_SECONDS = 24 * 3600.0


def sweep_old_tries(tries: Path) -> None:
    """Delete the folders below ``tries`` in which nothing has happened for a week and no process works; looks at most once a day.

    Trouble is silent: it is about room on the disk and nothing else.
    """
    now = time.time()
    stamp = tries.with_name(f"{tries.name}-swept")
    with suppress(OSError):
        if stamp.exists() and now - stamp.stat().st_mtime < _EVERY_SECONDS:
            return
        stamp.touch()
        for entry in os.scandir(tries):
            is_old = entry.is_dir(follow_symlinks=False) and now - _last_change(StepFolder(Path(entry.path)), now) > KEPT_SECONDS
            # The job's name is that of its folder (``RunFacts.step_run_id``).
            if is_old and not job_processes(0, "0", entry.name):
                shutil.rmtree(entry.path, ignore_errors=True)


def _last_change(folder: StepFolder, now: float) -> float:
    # A script that works writes to its streams, its run folder or its outputs; staging writes to the inputs.
    newest = 0.0
    for place in (folder.root, folder.code, folder.inputs, folder.outputs, folder.run, folder.logs, folder.temporary):
        if place.is_dir():
            try:
                newest = max(newest, place.stat().st_mtime, *(entry.stat(follow_symlinks=False).st_mtime for entry in os.scandir(place)))
            except OSError:
                return now  # something went away in this moment: somebody is at work
    return newest
