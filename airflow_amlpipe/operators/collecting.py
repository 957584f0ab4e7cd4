"""Which of several processes that carry out one try stores what its job left?

A worker that was cut off or frozen may come back after the next try of its task has taken up its job: both follow the same job to its end, in
the same private folder. One of them moves the files away and writes the records; the others wait for its records.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict

from airflow_amlpipe.compute.folder import StepFolder
from airflow_amlpipe.compute.processes import ProcessMark
from airflow_amlpipe.storage.exclusive import create_whole
from airflow_amlpipe.workspace.records import StepFinished
from airflow_amlpipe.workspace.runs import RunRegistry

__all__ = ["begin_collecting", "finished_by_another", "is_being_collected"]

_NAME = "collector.json"


def begin_collecting(folder: StepFolder) -> bool:
    """Become the process that stores what the job in ``folder`` left; ``False`` if another one has."""
    body = json.dumps(asdict(ProcessMark.of(os.getpid()))).encode()
    try:
        return create_whole(str(folder.root / _NAME), body, durable=False, makes_folders=False)
    except FileNotFoundError:
        return False  # another has done it, and cleared the folder meanwhile


def is_being_collected(folder: StepFolder) -> bool:
    """Whether the process that stores what the job in ``folder`` left is at work; one that has died, or has ended and cleared the folder, is not."""
    try:
        mark = ProcessMark(**json.loads((folder.root / _NAME).read_bytes()))
    except (FileNotFoundError, NotADirectoryError):
        return False
    return mark.is_alive or not mark.is_here


def finished_by_another(
    runs: RunRegistry, try_folder: str, folder: StepFolder, poll_interval_seconds: float, *, meanwhile: Callable[[], None]
) -> StepFinished | None:
    """Wait until the process that stores what the job left has written down how the try ended, and return that; ``None`` if it died before.

    :param meanwhile: called between two looks; may raise to end the wait
    """
    goes_on = True
    while True:
        finished = runs.finished_try(try_folder)
        if finished is not None or not goes_on:
            return finished
        # Asked before the records are read again: a process that has ended has written all it will.
        goes_on = is_being_collected(folder)
        meanwhile()
        time.sleep(poll_interval_seconds)
