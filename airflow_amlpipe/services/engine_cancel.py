"""How does a running engine learn that its run is cancelled, whoever asks and whatever it is doing?

Two ways lead here: SIGTERM to the engine, and a request in the workspace, which may come from another machine or from a step's own script.

Airflow installs a handler of its own for SIGTERM while a task runs (it calls the operator's ``on_kill``, which ends the step's job), and
leaves it there afterwards. So the signal is noticed below Python's handlers, through the wake-up descriptor; every later step is refused by
the engine; and if the engine has not ended by itself in time, it is ended here.
"""

from __future__ import annotations

import os
import select
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

from airflow_amlpipe.exceptions import AmlPipeError

__all__ = ["Cancellation"]

_LOOK_SECONDS = 0.5


class Cancellation:
    """Watches for a request to cancel from its :meth:`watch` on, in a thread of its own.

    :param is_requested: whether the workspace holds a request; asked twice a second
    :param on_deadline: called when the engine has not ended ``deadline_seconds`` after the request; it must end the process
    """

    def __init__(self, *, is_requested: Callable[[], bool], on_deadline: Callable[[], None], deadline_seconds: float) -> None:
        self._is_requested = is_requested
        self._on_deadline = on_deadline
        self._deadline_seconds = deadline_seconds
        self._requested = threading.Event()
        self._closed = threading.Event()
        self._wake_read, self._wake_write = os.pipe()

    @property
    def is_requested(self) -> bool:
        return self._requested.is_set()

    def look(self) -> bool:
        """Ask now, where half a second matters: a step can ask for its own run to be stopped and end before the next look."""
        with suppress(AmlPipeError):  # a store that does not answer asks for nothing
            if not self._requested.is_set() and self._is_requested():
                self._requested.set()
        return self._requested.is_set()

    def watch(self) -> None:
        """Begin to watch; call it in the main thread."""
        os.set_blocking(self._wake_write, False)
        signal.signal(signal.SIGTERM, lambda *_: None)
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        threading.Thread(target=self._run, name="amlpipe-cancel", daemon=True).start()

    def close(self) -> None:
        """Stop watching."""
        self._closed.set()

    def _run(self) -> None:
        while not self._requested.is_set():
            if self._closed.is_set():
                return
            if self._signalled(_LOOK_SECONDS):
                self._requested.set()
            elif self._is_requested():
                self._requested.set()
                # The same way for both: Airflow's handler in the main thread ends the job of the step that runs.
                os.kill(os.getpid(), signal.SIGTERM)
        deadline = monotonic() + self._deadline_seconds
        while monotonic() < deadline:
            if self._closed.wait(_LOOK_SECONDS):
                return
        self._on_deadline()

    def _signalled(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._wake_read], [], [], seconds)
        return bool(ready) and signal.SIGTERM in os.read(self._wake_read, 4096)
