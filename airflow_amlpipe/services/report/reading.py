"""Which records does a report stand on?

Most of the time goes into waiting for the store, so runs are read by several threads at once. Nothing is kept between two reports: a run that
has ended never changes, but reading thousands again takes seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeVar

from airflow_amlpipe.exceptions import ProtocolError, UnknownNameError, shorten
from airflow_amlpipe.workspace.records import RunRecord, RunStatus, StepFinished
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["ReadRun", "ReadRuns", "moment_of", "read_runs"]

ItemT = TypeVar("ItemT")
FoundT = TypeVar("FoundT")

_THREADS: Final = 16
_AT_ONCE: Final = 256


@dataclass(frozen=True, slots=True)
class ReadRun:
    """A run with every try of its steps that has ended, in order of time."""

    record: RunRecord
    status: RunStatus
    tries: tuple[StepFinished, ...]


@dataclass(frozen=True, slots=True)
class ReadRuns:
    """Runs, oldest first.

    :ivar origins: seconds that the try took which computed a reused result, by its step run id; without those whose record is gone
    :ivar unreadable: ids of runs with a record that this version cannot read
    """

    runs: tuple[ReadRun, ...]
    origins: dict[str, float]
    unreadable: tuple[str, ...]


def read_runs(
    workspace: WorkspaceStore,
    *,
    since: datetime | None,
    most_runs: int | None,
    experiment: str | None,
    pipeline: str | None,
    on_progress: Callable[[int, int], None],
) -> ReadRuns:
    """Read the newest runs that fit.

    :raises DatastoreUnavailableError: something could not be read; that is not the same as not being there
    """
    with ThreadPoolExecutor(_THREADS) as pool:
        reader = _Reader(workspace, pool)
        ids = workspace.runs.ids()
        records: list[RunRecord] = []
        for done, record in enumerate(reader.each(reader.record, ids), 1):
            on_progress(done, 2 * len(ids))
            is_asked_for = record is not None and experiment in {None, record.experiment} and pipeline in {None, record.pipeline}
            if record is not None and is_asked_for and (since is None or moment_of(record.created_at) >= since):
                records.append(record)
                if len(records) == most_runs:
                    break
        runs: list[ReadRun] = []
        for done, run in enumerate(reader.each(reader.run, records), 1):
            on_progress(len(records) + done, 2 * len(records))
            if run is not None:
                runs.append(run)
        tries = [item for run in runs for item in run.tries]
        origins = {item.step_run_id: item.duration_seconds for item in tries if not item.reused}
        elsewhere = {item.reused_from.folder for item in tries if item.reused_from and item.reused_from.step_run_id not in origins}
        for finished in reader.each(reader.origin, sorted(elsewhere)):
            if finished is not None:
                origins[finished.step_run_id] = finished.duration_seconds
    return ReadRuns(tuple(reversed(runs)), origins, tuple(reader.unreadable))


class _Reader:
    """Reads many things at once, and goes on where one of them cannot be read."""

    def __init__(self, workspace: WorkspaceStore, pool: ThreadPoolExecutor) -> None:
        self._workspace = workspace
        self._pool = pool
        self.unreadable: list[str] = []

    def each(self, read: Callable[[ItemT], FoundT | None], items: Sequence[ItemT]) -> Iterator[FoundT | None]:
        """Yield what ``read`` returns for each item, in their order."""
        for start in range(0, len(items), _AT_ONCE):
            yield from self._pool.map(read, items[start : start + _AT_ONCE])

    def record(self, run_id: str) -> RunRecord | None:
        try:
            record = self._workspace.runs.get(run_id)
            moment_of(record.created_at)
        except UnknownNameError:
            return None  # its folder is there, but not (or not yet) its record
        except ProtocolError:
            self.unreadable.append(run_id)
            return None
        return record

    def run(self, record: RunRecord) -> ReadRun | None:
        runs = self._workspace.runs
        try:
            tries = [item.finished for found in runs.steps(record.run_id).values() for item in found if item.finished is not None]
            ordered = tuple(sorted(tries, key=lambda item: moment_of(item.finished_at)))
            end = runs.finished(record.run_id)
            status = end.status if end else runs.status(record.run_id)
        except ProtocolError:
            self.unreadable.append(record.run_id)
            return None
        return ReadRun(record, status, ordered)

    def origin(self, folder: str) -> StepFinished | None:
        try:
            return self._workspace.runs.finished_try(folder)
        except ProtocolError:
            return None


def moment_of(text: str) -> datetime:
    """Return the time that a record holds.

    :raises ProtocolError: it holds none
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ProtocolError(f"a record has the time {shorten(repr(text))}, which cannot be read") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
