"""Where are the lines that a step's script wrote, while it runs and afterwards?

While a try runs, its streams are files in its private folder on the machine that runs it. When it has ended they are kept in its folder in
the workspace, under the same names, so a reader goes on where it stood.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from airflow_amlpipe.compute.lines import LineSplitter
from airflow_amlpipe.compute.local import STDERR, STDOUT
from airflow_amlpipe.exceptions import DatastoreUnavailableError
from airflow_amlpipe.workspace.records import StepFinished, StepStarted, StepTry
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["LogReader", "try_lines"]

_STREAMS = (STDOUT, STDERR)


def try_lines(workspace: WorkspaceStore, item: StepTry, home: Path) -> Iterator[str]:
    """Yield the lines of a try as far as they are written; of a try that was reused those of the try that produced its result."""
    folder = item.folder
    if item.finished is not None and item.finished.reused_from is not None:
        folder = item.finished.reused_from.folder
    yield from LogReader(workspace, item.started, folder, home).new_lines(item.finished)


class LogReader:
    """Reads on in the streams of one try.

    :param folder: the try's folder in the workspace store
    """

    def __init__(self, workspace: WorkspaceStore, started: StepStarted, folder: str, home: Path) -> None:
        self._workspace = workspace
        self._stored = f"{folder}/logs"
        self._live = home / "tries" / started.step_run_id / "logs"
        self._offsets = dict.fromkeys(_STREAMS, 0)
        self._splitters = {name: LineSplitter() for name in _STREAMS}

    def new_lines(self, finished: StepFinished | None) -> Iterator[str]:
        """Yield the whole lines that came since the last call, and once the try has ended everything that is left.

        The two streams are read one after the other, so lines of one and the other that come between two calls are not in order.
        """
        for name in _STREAMS:
            content = self._read(name, has_ended=finished is not None)
            self._offsets[name] += len(content)
            yield from self._splitters[name].feed(content)
            if finished is not None:
                yield from self._splitters[name].finish()

    def _read(self, name: str, *, has_ended: bool) -> bytes:
        if has_ended:
            try:
                return self._workspace.store.read(f"{self._stored}/{name}")[self._offsets[name] :]
            except FileNotFoundError:
                pass
        try:
            with (self._live / name).open("rb") as file:
                file.seek(self._offsets[name])
                return file.read()
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise DatastoreUnavailableError(f"the log {self._live / name} could not be read ({error.strerror})") from error
