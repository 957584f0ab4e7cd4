"""How does one process do a task while another watches it die?

A child is forked from a warm process: starting an interpreter anew costs more than what is tested. It counts the crash points it passes in
memory that its parent sees, whatever becomes of it.
"""

from __future__ import annotations

import mmap
import os
import signal
import struct
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from airflow_amlpipe.exceptions import AmlPipeError, InfrastructureError
from airflow_amlpipe.storage.crash_points import at_crash_points
from tests.crash.points import POINTS

__all__ = ["Child", "End", "Plan"]

_NAMES = tuple(POINTS)
# Only for what hangs: a frozen process is counted, too, and the machine may be busy.
_SECONDS = 300.0
_CODES = {"retry": 10, "refused": 11, "broken": 12}
Word = Literal["ended", "killed", "stopped", "retry", "refused", "broken"]


@dataclass(frozen=True)
class Plan:
    """What is to happen to a child: a signal at the n-th passing of a point, or after some seconds."""

    point: str | None = None
    times: int = 1
    after_seconds: float | None = None
    number: signal.Signals = signal.SIGKILL


@dataclass(frozen=True)
class End:
    """How a child is now: ``retry`` and ``refused`` are errors of ours, ``broken`` is any other."""

    word: Word
    said: str = ""


class Child:
    """A process that does ``task``."""

    def __init__(self, task: Callable[[], object], plan: Plan | None, report: Path) -> None:
        self._counts = mmap.mmap(-1, 8 * len(_NAMES))
        self._report = report
        self._plan = plan or Plan()
        self.pid = os.fork()
        if self.pid == 0:
            self._work(task)

    @property
    def passed(self) -> dict[str, int]:
        """How often it has passed each point so far."""
        counts = struct.unpack(f"{len(_NAMES)}Q", self._counts[:])
        return {name: count for name, count in zip(_NAMES, counts, strict=True) if count}

    def watch(self) -> End:
        """Return when it has ended, or has been stopped as planned."""
        if self._plan.after_seconds is not None and not self._ended_within(self._plan.after_seconds):
            os.kill(self.pid, self._plan.number)
        return self._end()

    def go_on(self) -> End:
        """Let a stopped child go on, and return when it has ended."""
        os.kill(self.pid, signal.SIGCONT)
        return self._end()

    def _ended_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
                return True
            time.sleep(min(left, 0.002))
        return False

    def _end(self) -> End:
        # What hangs is ended by itself: the alarm is set in the child.
        _, status = os.waitpid(self.pid, os.WUNTRACED)
        said = self._report.read_text() if self._report.exists() else ""
        if os.WIFSTOPPED(status):
            return End("stopped")
        if os.WIFSIGNALED(status):
            killed = os.WTERMSIG(status)
            return End("killed") if killed == signal.SIGKILL else End("broken", f"it was ended by signal {killed}; {said}")
        code = os.WEXITSTATUS(status)
        words: dict[int, Word] = {0: "ended", 10: "retry", 11: "refused"}
        return End(words.get(code, "broken"), said)

    def _work(self, task: Callable[[], object]) -> None:
        code = _CODES["broken"]
        try:
            signal.alarm(int(_SECONDS))
            at_crash_points(self._pass_point)
            task()
            code = 0
        except InfrastructureError:
            code = _CODES["retry"]
            self._report.write_text(traceback.format_exc())
        except AmlPipeError:
            code = _CODES["refused"]
            self._report.write_text(traceback.format_exc())
        except BaseException:  # noqa: BLE001  # nothing may go on from here in a copy of the parent
            self._report.write_text(traceback.format_exc())
        finally:
            os._exit(code)

    def _pass_point(self, name: str) -> None:
        at = 8 * _NAMES.index(name)
        (count,) = struct.unpack_from("Q", self._counts, at)
        struct.pack_into("Q", self._counts, at, count + 1)
        if name == self._plan.point and count + 1 == self._plan.times:
            os.kill(os.getpid(), self._plan.number)
