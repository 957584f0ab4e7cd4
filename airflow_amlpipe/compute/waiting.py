"""How is a job followed to its end, and what becomes of what it prints?"""

from __future__ import annotations

import signal
import time
from collections import deque
from collections.abc import Callable

from airflow_amlpipe.compute.backend import ComputeBackend, JobHandle, JobState, JobStatus, LogPosition
from airflow_amlpipe.compute.lines import LineSplitter
from airflow_amlpipe.exceptions import BackendUnavailableError, StepFailedError, shorten

__all__ = ["TAIL_LINES", "OnLine", "follow_job"]

OnLine = Callable[[str, str], None]
"""Called with the stream (``stdout`` or ``stderr``) and one line without its end."""

TAIL_LINES = 40
_TAIL_LINE_LENGTH = 400
_LAST_LINES = 3
_LONGEST_WORDS = 300
_GLIMPSE_SECONDS = 10.0
_FULL_CHUNK = 512 * 1024

_SIGNALS = {
    signal.SIGABRT: "the program gave up, often with a message of a native library above",
    signal.SIGBUS: "it touched memory that is not there, often because a disk or /dev/shm is full",
    signal.SIGFPE: "native code divided by zero",
    signal.SIGILL: "native code was built for another processor",
    signal.SIGINT: "it was interrupted",
    signal.SIGKILL: "it was killed, often because the machine ran out of memory",
    signal.SIGSEGV: "native code crashed",
    signal.SIGTERM: "it was stopped from outside",
    signal.SIGXCPU: "it used up its processor time",
}


def follow_job(
    backend: ComputeBackend,
    handle: JobHandle,
    *,
    on_line: OnLine,
    what: str = "the step",
    timeout_seconds: float | None = None,
    running_seconds: float = 0.0,
    poll_interval_seconds: float = 0.2,
    terminate_grace_seconds: float = 10.0,
) -> JobStatus:
    """Hand every line of a job to ``on_line`` as it comes, and return its status once it has ended well and nothing of it runs.

    What the script left running in the background is ended first, so that nobody writes while outputs are collected. May be called again
    for a job that another process followed before; then every line comes once more. An exception of ``on_line`` is passed on and
    leaves the job running: whoever stops following decides what becomes of it.

    :param what: the job as its author knows it, the beginning of every message: ``"step 'train'"``
    :param timeout_seconds: how long the job may run; it is stopped when that is over
    :param running_seconds: how long it has run before this call, of which another process may have followed it
    :raises StepFailedError: it ended with an exit code other than 0, by a signal, or by the timeout (``exit_code`` is ``None`` then)
    :raises BackendUnavailableError: nobody can say how it ended, or the back end cannot be asked
    """
    follower = _Follower(backend, handle, on_line)
    deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds - running_seconds
    while not (status := backend.status(handle)).state.is_final:
        chunk_size = follower.read()
        if deadline is not None and time.monotonic() >= deadline:
            backend.terminate(handle, terminate_grace_seconds)
            follower.read_to_end()
            raise StepFailedError(
                f"{what} ran longer than its timeout of {timeout_seconds:g} s and was stopped; make it faster, or give it more time",
                exit_code=None,
                log_tail=follower.tail,
            )
        if chunk_size < _FULL_CHUNK:
            follower.show_progress()
            left = poll_interval_seconds if deadline is None else min(poll_interval_seconds, deadline - time.monotonic())
            backend.wait(handle, max(left, 0.0))
    backend.terminate(handle, terminate_grace_seconds)
    follower.read_to_end()
    if status.state is JobState.SUCCEEDED:
        return status
    if status.state is JobState.GONE:
        raise BackendUnavailableError(f"{what}: nobody can say how it ended: {status.detail or 'its job is gone'}; retry it")
    raise StepFailedError(_failure(what, status, follower), exit_code=status.exit_code, log_tail=follower.tail)


class _Follower:
    """Reads on where it stopped, splits into lines, remembers the last ones."""

    def __init__(self, backend: ComputeBackend, handle: JobHandle, on_line: OnLine) -> None:
        self._backend = backend
        self._handle = handle
        self._on_line = on_line
        self._position: LogPosition = {}
        self._splitters = {"stdout": LineSplitter(), "stderr": LineSplitter()}
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._last_error_line = ""
        self._last_output: deque[str] = deque(maxlen=_LAST_LINES)
        self._next_glimpse = time.monotonic() + _GLIMPSE_SECONDS

    @property
    def tail(self) -> str:
        """The last lines of both streams, as they came."""
        return "\n".join(self._tail)

    @property
    def last_words(self) -> str:
        """The last line on stderr that says something (of a Python script, the error itself), else the last few on stdout, in one line."""
        if self._last_error_line:
            return f"its last words: {shorten(self._last_error_line.strip(), _LONGEST_WORDS)}"
        if self._last_output:
            said = " | ".join(shorten(line.strip(), _LONGEST_WORDS // _LAST_LINES) for line in self._last_output)
            return f"it wrote nothing to stderr; its last words on stdout: {said}"
        return "it wrote nothing"

    def read(self) -> int:
        """Hand on what is there, at most one chunk a stream; return the size of the longer one."""
        chunk = self._backend.logs(self._handle, self._position)
        self._position = chunk.position
        for stream, content in (("stdout", chunk.stdout), ("stderr", chunk.stderr)):
            if content:
                for line in self._splitters[stream].feed(content):
                    self._hand_on(stream, line)
        return max(len(chunk.stdout), len(chunk.stderr))

    def read_to_end(self) -> None:
        """Hand on everything that is left, when the job writes no more."""
        while self.read():
            pass
        for stream, splitter in self._splitters.items():
            for line in splitter.finish():
                self._hand_on(stream, line)

    def show_progress(self) -> None:
        """Hand on what a progress bar shows, now and then: its own pace would fill the log."""
        now = time.monotonic()
        if now < self._next_glimpse:
            return
        self._next_glimpse = now + _GLIMPSE_SECONDS
        for stream, splitter in self._splitters.items():
            line = splitter.glimpse()
            if line:
                self._hand_on(stream, line)

    def _hand_on(self, stream: str, line: str) -> None:
        self._tail.append(line if len(line) <= _TAIL_LINE_LENGTH else line[: _TAIL_LINE_LENGTH - 4] + " ...")
        if stream == "stderr" and line.strip():
            self._last_error_line = line
        elif line.strip():
            self._last_output.append(line)
        self._on_line(stream, line)


def _failure(what: str, status: JobStatus, follower: _Follower) -> str:
    code = status.exit_code
    if code is not None and code < 0:
        number = signal.Signals(-code)
        reason = f"{what} was ended by {number.name} (exit code {128 - code}): {_SIGNALS.get(number, 'a signal')}"
    else:
        reason = f"{what} failed with exit code {code}"
    return f"{reason}; {follower.last_words}"
