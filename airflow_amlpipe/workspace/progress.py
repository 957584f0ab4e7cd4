"""How does the log say that data is on its way, without filling up?

A transfer that is over within two seconds says nothing. One that is known to be large is announced; one that takes longer tells every
few seconds how far it is, and at the end how long it took.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from airflow_amlpipe.storage.store import OnProgress

__all__ = ["Say", "TransferProgress", "readable_size", "told_of"]

Say = Callable[[str], None]
"""Takes a sentence for the step's log."""

_SILENT_SECONDS = 2.0
_EVERY_SECONDS = 5.0
_LARGE_BYTES = 500_000_000
_LARGE_FILES = 5_000
_ROUNDED_UP = 999.5


class TransferProgress:
    """Says how far one transfer is; :meth:`add` is the ``on_progress`` of a store and may be called from any thread.

    :param what: the beginning of every sentence: ``"input 'images'"``
    :param clock: seconds that only go forward
    """

    def __init__(self, what: str, files: int, size_bytes: int, say: Say, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._what = what
        self._files = files
        self._size = size_bytes
        self._say = say
        self._clock = clock
        self._began = clock()
        self._next = self._began + _SILENT_SECONDS
        self._done_files = 0
        self._done_size = 0
        self._has_spoken = False
        self._lock = threading.Lock()

    def begin(self, how: str) -> None:
        """Announce a transfer that is known to be large: ``"copied from datastore 'lake'"``."""
        if self._size >= _LARGE_BYTES or self._files >= _LARGE_FILES:
            self._speak(f"{_count(self._files)}, {readable_size(self._size)}, {how}")

    def add(self, files: int, size_bytes: int) -> None:
        """Count what was finished since the last call, and say where that leaves us if it is time to."""
        with self._lock:
            self._done_files += files
            self._done_size += size_bytes
            now = self._clock()
            if now < self._next or self._done_files >= self._files:
                return
            self._next = now + _EVERY_SECONDS
            rate = self._done_size / max(now - self._began, 0.001)
            self._speak(
                f"{self._done_files:,} of {_count(self._files)}, {readable_size(self._done_size)} of {readable_size(self._size)}, "
                f"{readable_size(rate)}/s"
            )

    def end(self) -> None:
        """Say how long it took, if it took long or was announced."""
        seconds = self._clock() - self._began
        if self._has_spoken or seconds >= _SILENT_SECONDS:
            rate = readable_size(self._done_size / max(seconds, 0.001))
            self._speak(f"{_count(self._done_files)}, {readable_size(self._done_size)} in {seconds:.1f} s ({rate}/s)")

    def _speak(self, sentence: str) -> None:
        self._has_spoken = True
        self._say(f"{self._what}: {sentence}")


@contextmanager
def told_of(what: str, how: str, files: int, size_bytes: int, say: Say | None) -> Iterator[OnProgress | None]:
    """Tell of a transfer that is carried out within, and hand out what its store reports to: nothing, where nobody listens.

    One that fails has no closing sentence: its error says what there is to say.
    """
    if say is None:
        yield None
        return
    progress = TransferProgress(what, files, size_bytes, say)
    progress.begin(how)
    yield progress.add
    progress.end()


def readable_size(size_bytes: float) -> str:
    """Return a size for people.

    >>> readable_size(240_000_000), readable_size(12)
    ('240 MB', '12 B')
    """
    for unit in ("B", "kB", "MB", "GB"):
        if size_bytes < _ROUNDED_UP:
            return f"{size_bytes:.3g} {unit}" if unit != "B" else f"{size_bytes:.0f} B"
        size_bytes /= 1000
    return f"{size_bytes:.3g} TB"


def _count(files: int) -> str:
    return f"{files:,} {'file' if files == 1 else 'files'}"
