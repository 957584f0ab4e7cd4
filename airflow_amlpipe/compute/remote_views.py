"""How are inputs of an object store mounted for a job, and who reads for it?

A process of ours, forked so that it has every login the task has, with a mount namespace of its own: nobody sees the mounts but itself and the
job, which begins in a copy of that namespace. It is killed with the task's process, and then nothing is mounted anywhere: a job that
outlives its worker meets errors when it reads on, and its step is tried again.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from airflow_amlpipe.compute.view_launcher import READY, System
from airflow_amlpipe.exceptions import ViewRefusedError, shorten
from airflow_amlpipe.workspace.serving import ServedFile

__all__ = ["RemoteViews"]

_PR_SET_PDEATHSIG = 1
_MOUNT_SECONDS = 30.0


class RemoteViews:
    """The inputs of one job, mounted. Close it when the job has ended.

    :ivar process: whose mounts the job has to begin with
    :ivar place: below it, as that process sees it, lies a folder for each input
    """

    def __init__(self, inputs: Mapping[str, tuple[ServedFile, ...]], place: Path, say: Callable[[str], None]) -> None:
        """Mount ``inputs`` over the new folder ``place``.

        :raises ViewRefusedError: this machine cannot
        """
        if sys.platform != "linux" or not os.path.exists("/dev/fuse"):
            raise ViewRefusedError("this machine has no FUSE")
        if importlib.util.find_spec("fuse") is None:
            raise ViewRefusedError("fusepy is not installed; pip install 'airflow-amlpipe[fuse]'")
        place.mkdir(mode=0o700)
        self.place = place
        heard, told = os.pipe()
        parent = os.getpid()
        self.process = os.fork()
        if not self.process:
            os.close(heard)
            _serve(inputs, place, say, told, parent)
        os.close(told)
        try:
            reason = _reason(heard)
        finally:
            os.close(heard)
        if reason is not None:
            self.close()
            place.rmdir()
            raise ViewRefusedError(reason)

    def close(self) -> None:
        """Unmount; twice is fine."""
        if self.process:
            os.kill(self.process, signal.SIGKILL)
            os.waitpid(self.process, 0)
            self.process = 0


def _serve(inputs: Mapping[str, tuple[ServedFile, ...]], place: Path, say: Callable[[str], None], told: int, parent: int) -> None:
    """Be the process that reads. Never returns."""
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)  # it died before we asked to be told
        System().leave()
        from airflow_amlpipe.compute.served_files import serve_files

        serve_files(inputs, place, say, on_ready=lambda: os.write(told, READY))
    except BaseException as error:  # noqa: BLE001  # this process has nobody to hand an error on to
        with suppress(OSError):  # once everything is mounted, nobody listens any more
            os.write(told, f"{type(error).__name__}: {error}".encode(errors="replace"))
    finally:
        # Whatever happened: what called us is the task's, and is the parent's to go on with.
        os._exit(1)


def _reason(heard: int) -> str | None:
    """Return why nothing was mounted, ``None`` once everything is."""
    said = b""
    deadline = time.monotonic() + _MOUNT_SECONDS
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([heard], [], [], left)[0]:
            break
        block = os.read(heard, 4096)
        if not block:
            return shorten(said.decode(errors="replace")) or "FUSE could not be started"
        said += block
        if said.startswith(READY):  # what may follow is why it ended later
            return None
    return f"FUSE did not answer within {_MOUNT_SECONDS:g} s"
