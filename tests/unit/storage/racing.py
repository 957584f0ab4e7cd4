"""What do several processes do at once in the tests of storage? Importable, because a started process must find it."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Any

from airflow_amlpipe.storage.local import LocalStore
from airflow_amlpipe.storage.log import AppendLog
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["append_many", "create_many", "in_processes", "tag_many"]


def in_processes(count: int, task: Callable[..., Any], *arguments: object) -> list[Any]:
    """Return what ``task(number, barrier, *arguments)`` gave in each of ``count`` processes."""
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, context.Pool(count) as pool:
        barrier = manager.Barrier(count)
        return pool.starmap(task, [(number, barrier, *arguments) for number in range(count)], chunksize=1)


def create_many(number: int, barrier: Any, root: str, rounds: int) -> list[int]:
    """Return the rounds in which this process created the object."""
    store = LocalStore(root)
    barrier.wait()
    return [turn for turn in range(rounds) if store.create_exclusive(f"race/{turn}", b"%d" % number * 1000, durable=False)]


def append_many(number: int, barrier: Any, root: str, count: int) -> list[int]:
    """Return the numbers of the entries this process wrote."""
    log = AppendLog(LocalStore(root), "log")
    barrier.wait()
    return [log.append(b"%d/%d" % (number, turn), durable=False) for turn in range(count)]


def tag_many(number: int, barrier: Any, url: str, home: str, count: int) -> None:
    """Set ``count`` tags on the dataset ``sales``, one after the other."""
    datasets = WorkspaceStore.open(url, home=Path(home)).datasets
    record = datasets.get("sales")
    barrier.wait()
    for turn in range(count):
        datasets.label(record, tags={f"{number}-{turn}": "set"})
