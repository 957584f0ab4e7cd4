"""What is a run doing right now? Its records and the logs of the steps that run, told as events until it ends.

Nothing is asked of the engine: whoever can read the workspace can follow, on this machine with live logs, elsewhere with the logs that are
stored when a try ends. Following never changes a run, except that a dead engine's run is recorded as ended (``settle.py``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Literal

from airflow_amlpipe.exceptions import DatastoreUnavailableError
from airflow_amlpipe.hooks.opening import open_workspace
from airflow_amlpipe.services.logs import NOTICES, LogReader
from airflow_amlpipe.services.settle import settle_run
from airflow_amlpipe.workspace.layout import run_folder
from airflow_amlpipe.workspace.records import RunFinished, StepFinished, StepStarted, StepTry
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["EventKind", "RunEvent", "follow_run"]

EventKind = Literal["step_started", "notice", "log_line", "step_finished", "run_finished"]

_FASTEST_SECONDS = 0.05
_SLOWEST_SECONDS = 0.2
_SETTLE_SECONDS = 1.0
# As long as a run itself is given by the stores that it cannot reach for the moment.
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class RunEvent:
    """Something that happened in a run; which fields are set depends on ``kind``.

    :ivar started: the try, of every event but ``run_finished``
    :ivar line: ``log_line``: one line of the step's script without its end; ``notice``: one of airflow-amlpipe about the step
    :ivar finished: ``step_finished``: the record of its end
    :ivar run: ``run_finished``: how the run ended
    """

    kind: EventKind
    run_id: str
    started: StepStarted | None = None
    line: str = ""
    finished: StepFinished | None = None
    run: RunFinished | None = None


def follow_run(
    workspace: str,
    run_id: str,
    *,
    home: Path,
    on_event: Callable[[RunEvent], None],
    timeout_seconds: float | None = None,
) -> RunFinished | None:
    """Call ``on_event`` for everything that has happened in the run so far, and for what happens until it ends; return how it ended.

    Each try's events come in order, its lines between its beginning and its end. An event is told once.

    :param timeout_seconds: stop following after that long and return ``None``; the run goes on
    :raises UnknownNameError: the workspace has no such run
    :raises DatastoreUnavailableError: the workspace could not be read for a minute; the run may go on
    """
    opened = open_workspace(workspace, home=home)
    opened.runs.get(run_id)
    follower = _Follower(opened, run_id, home, on_event)
    started = monotonic()
    settled = started - _SETTLE_SECONDS
    pause = _FASTEST_SECONDS
    reached = started
    while True:
        busy = False
        try:
            # Asked for before the steps are looked at: when the run has ended, that look has seen everything.
            ended = opened.runs.finished(run_id)
            busy = follower.look()
            if ended is None and monotonic() - settled >= _SETTLE_SECONDS:
                settled = monotonic()
                if settle_run(opened, run_id, home):
                    continue
            reached = monotonic()
        except DatastoreUnavailableError:
            # The run goes on without us, and is told from where we stood once the store answers again.
            ended = None
            if monotonic() - reached >= _PATIENCE_SECONDS:
                raise
        if ended is not None:
            on_event(RunEvent("run_finished", run_id, run=ended))
            return ended
        if timeout_seconds is not None and monotonic() - started >= timeout_seconds:
            return None
        pause = _FASTEST_SECONDS if busy else min(pause * 1.5, _SLOWEST_SECONDS)
        sleep(pause)


class _Follower:
    """Remembers what was told. A look lists the run's steps once and reads only what has not ended yet."""

    def __init__(self, workspace: WorkspaceStore, run_id: str, home: Path, on_event: Callable[[RunEvent], None]) -> None:
        self._workspace = workspace
        self._run_id = run_id
        self._home = home
        self._tell = on_event
        self._readers: dict[str, LogReader] = {}
        self._waits: dict[str, str] = {}
        self._done_tries: set[str] = set()
        self._done_steps: set[str] = set()

    def look(self) -> bool:
        """Tell what is new, in the order in which it began; return whether there was anything."""
        tries: list[StepTry] = []
        for step_id in self._workspace.store.list_names(f"{run_folder(self._run_id)}/steps"):
            if step_id not in self._done_steps:
                tries += self._workspace.runs.tries(self._run_id, step_id)
        new, last = False, {item.started.step_id: item for item in tries}
        # Ids of tries are in the order of their beginnings.
        for item in sorted(tries, key=lambda item: item.started.step_run_id):
            if item.folder not in self._done_tries:
                new = self._look_at(item) or new
            # A step that ended well runs no more; one that failed may be tried again.
            if item is last[item.started.step_id] and item.status == "Finished":
                self._done_steps.add(item.started.step_id)
        return new

    def _look_at(self, item: StepTry) -> bool:
        new = item.folder not in self._readers
        if new:
            self._readers[item.folder] = LogReader(self._workspace, item, self._home)
            self._tell(RunEvent("step_started", self._run_id, item.started))
        for stream, line in self._readers[item.folder].new_lines(has_ended=item.finished is not None):
            new = True
            self._tell(RunEvent("notice" if stream == NOTICES else "log_line", self._run_id, item.started, line=line))
        if item.waiting and item.waiting != self._waits.get(item.folder):
            new = True
            self._waits[item.folder] = item.waiting
            self._tell(RunEvent("notice", self._run_id, item.started, line=item.waiting))
        if item.finished is not None:
            new = True
            self._done_tries.add(item.folder)
            self._tell(RunEvent("step_finished", self._run_id, item.started, finished=item.finished))
        return new
