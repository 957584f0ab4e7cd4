"""Where is what a try of a step wrote, while it runs and afterwards? The one place that reads it.

While a try runs, its streams are files in its private folder on the machine that runs it. When it has ended they are kept in its folder in
the workspace, under the same names, so a reader goes on where it stood. Two are the script's own; the third, the notices, has what
airflow-amlpipe said on the way: the environment that is built, a job that is taken up again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from airflow_amlpipe.compute.folder import NOTICES, StepFolder
from airflow_amlpipe.compute.lines import LineSplitter
from airflow_amlpipe.compute.local import STDERR, STDOUT
from airflow_amlpipe.exceptions import DatastoreUnavailableError
from airflow_amlpipe.workspace.records import StepTry
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["NOTICES", "SCRIPT_STREAMS", "LogReader", "TryTexts", "try_lines", "try_texts"]

SCRIPT_STREAMS = (STDOUT, STDERR)


@dataclass(frozen=True, slots=True)
class TryTexts:
    """Everything that a try wrote so far, stream by stream."""

    stdout: str
    stderr: str
    notices: str


def try_texts(workspace: WorkspaceStore, item: StepTry, home: Path) -> TryTexts:
    """Return what a try wrote, as far as it has; of a try that was reused, what the one that produced its result wrote."""
    reader = LogReader(workspace, item, home, folder=_folder_of(item))
    stdout, stderr, notices = (reader.read_all(name).decode("utf-8", "replace") for name in (STDOUT, STDERR, NOTICES))
    return TryTexts(stdout, stderr, notices)


def try_lines(workspace: WorkspaceStore, item: StepTry, home: Path) -> Iterator[str]:
    """Yield the lines of a try's script as far as they are written; of a try that was reused those of the try that produced its result."""
    reader = LogReader(workspace, item, home, folder=_folder_of(item), streams=SCRIPT_STREAMS)
    return (line for _, line in reader.new_lines(has_ended=item.finished is not None))


class LogReader:
    """Reads on in the streams of one try.

    :param folder: where its streams are kept in the workspace store, if not in its own folder
    """

    def __init__(
        self,
        workspace: WorkspaceStore,
        item: StepTry,
        home: Path,
        *,
        folder: str | None = None,
        streams: Sequence[str] = (NOTICES, *SCRIPT_STREAMS),
    ) -> None:
        self._workspace = workspace
        self._stored = f"{folder or item.folder}/logs"
        self._live = StepFolder(home / "tries" / item.started.step_run_id).logs
        self._offsets = dict.fromkeys(streams, 0)
        self._splitters = {name: LineSplitter() for name in streams}

    def new_lines(self, *, has_ended: bool) -> Iterator[tuple[str, str]]:
        """Yield stream and line of the whole lines that came since the last call, and once the try has ended of everything that is left.

        The streams are read one after the other, so lines of one and the other that come between two calls are not in order.
        """
        for name, splitter in self._splitters.items():
            offset = self._offsets[name]
            content = self._read_kept(name, offset) if has_ended else self._read_live(name, offset)
            self._offsets[name] += len(content)
            yield from ((name, line) for line in splitter.feed(content))
            if has_ended:
                yield from ((name, line) for line in splitter.finish())

    def read_all(self, name: str) -> bytes:
        """Return one stream from its beginning, as far as it is written."""
        return self._read_kept(name, 0)

    def _read_kept(self, name: str, offset: int) -> bytes:
        try:
            return self._workspace.store.read(f"{self._stored}/{name}")[offset:]
        except FileNotFoundError:
            return self._read_live(name, offset)

    def _read_live(self, name: str, offset: int) -> bytes:
        try:
            with (self._live / name).open("rb") as file:
                file.seek(offset)
                return file.read()
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise DatastoreUnavailableError(f"the log {self._live / name} could not be read ({error.strerror})") from error


def _folder_of(item: StepTry) -> str:
    return item.finished.reused_from.folder if item.finished is not None and item.finished.reused_from is not None else item.folder
