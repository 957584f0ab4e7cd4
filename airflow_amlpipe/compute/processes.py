"""Which processes on this machine belong to a job, and do they still run?

A process is known by its id **and** its start time, so that an id which the kernel gave to somebody else is never signalled. Where there is
a ``/proc``, everything a job started is found: by its session, and, after a ``setsid`` of its own, by the job's name in its environment.
Elsewhere ``ps`` tells the members of the job's process group.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from time import monotonic, sleep

from airflow_amlpipe.runtime.protocol import ENV_JOB
from airflow_amlpipe.workspace.claims import ClaimRecord

__all__ = [
    "ProcessMark",
    "boot_id",
    "end_processes_called",
    "has_died",
    "host_name",
    "is_running",
    "job_processes",
    "send_signal",
    "start_of",
]

_PROC = Path("/proc")
_HAS_PROC = (_PROC / "self" / "stat").exists()
_BOOT_ID = _PROC / "sys" / "kernel" / "random" / "boot_id"


@dataclass(frozen=True, slots=True)
class ProcessMark:
    """What tells a process from every other, on every machine and for all time.

    :ivar boot: this start of the machine, and after a space the container on it, as :func:`boot_id` tells them
    :ivar start: when it began, as :func:`start_of` tells it
    """

    host: str
    boot: str
    pid: int
    start: str

    @classmethod
    def of(cls, pid: int) -> ProcessMark:
        """Return the mark of a process of this machine."""
        return cls(host_name(), boot_id(), pid, start_of(pid) or "")

    @property
    def is_here(self) -> bool:
        """Whether it can be known from here if it lives: it runs, or ran, on this machine, and not in another container on it."""
        has_restarted = self.boot.partition(" ")[0] != boot_id().partition(" ")[0]
        return self.host == host_name() and (has_restarted or self.boot == boot_id())

    @property
    def is_alive(self) -> bool:
        """Whether it runs; only known for one that :attr:`is_here`."""
        return self.boot == boot_id() and is_running(self.pid, self.start)


def has_died(owner: ClaimRecord) -> bool:
    """Whether the process that claimed a step is known from here to have ended; ``False`` where nobody can say."""
    mark = ProcessMark(owner.host, owner.boot, owner.pid, owner.start)
    return bool(owner.pid) and mark.is_here and not mark.is_alive


@lru_cache(maxsize=1)
def boot_id() -> str:
    """Return what tells this start of the machine, and this container on it, from every other."""
    try:
        # A container that shares the kernel has process ids of its own.
        return f"{_BOOT_ID.read_text().strip()} {(_PROC / 'self' / 'ns' / 'pid').readlink()}"
    except OSError:
        boot = subprocess.run(["sysctl", "-n", "kern.boottime"], capture_output=True, text=True) if not _HAS_PROC else None
        return boot.stdout.strip() if boot is not None else ""


def host_name() -> str:
    """Return this machine's name, for messages."""
    return socket.gethostname()


def start_of(pid: int) -> str | None:
    """Return when the process began, in a form to compare; ``None`` when there is no such process."""
    if _HAS_PROC:
        found = _stat(pid)
        return None if found is None else str(found[2])
    listed = _ps("-o", "lstart=", "-p", str(pid)).strip()
    return listed or None


def is_running(pid: int, started: str) -> bool:
    """Whether the process that began at ``started`` runs; one that ended but was not waited for does not."""
    if _HAS_PROC:
        found = _stat(pid)
        return found is not None and found[0] != "Z" and str(found[2]) == started
    listed = _ps("-o", "stat=,lstart=", "-p", str(pid)).split(None, 1)
    return len(listed) == 2 and not listed[0].startswith("Z") and listed[1].strip() == started


def job_processes(leader: int, started: str, job_name: str) -> list[int]:
    """Return the ids of every running process of the job whose first process is, or was, ``leader``."""
    if not _HAS_PROC:
        return _group_members(leader) if start_of(leader) == started else []
    # While the leader is there, even as a zombie, its id names our session and no other.
    session_is_ours = start_of(leader) == started
    mark = f"{ENV_JOB}={job_name}".encode()
    me = os.getpid()
    found = []
    for entry in os.listdir(_PROC):  # names are enough, and this is on the way of every step
        if not entry.isdigit():
            continue
        pid = int(entry)
        process = _stat(pid)
        if process is None or pid == me:
            continue
        state, session, began = process
        if state in "ZX" or began < int(started):
            continue
        if (session_is_ours and session == leader) or mark in _environment(pid):
            found.append(pid)
    return found


def send_signal(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process that may have ended meanwhile."""
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def end_processes_called(job_name: str, grace_seconds: float) -> None:
    """End a job of this machine whose handle nobody has: its processes carry its name. They are asked first, then killed."""
    deadline = monotonic() + grace_seconds
    number = signal.SIGTERM
    while running := job_processes(0, "0", job_name):
        for pid in running:
            send_signal(pid, number)
        if monotonic() > deadline:
            if number == signal.SIGKILL:
                return  # they wait for a device or a network drive; nothing of what they still write is ever taken for a result
            number, deadline = signal.SIGKILL, monotonic() + grace_seconds
        sleep(0.05)


def _stat(pid: int) -> tuple[str, int, int] | None:
    """Return state, session and start time (in clock ticks since boot)."""
    try:
        descriptor = os.open(f"/proc/{pid}/stat", os.O_RDONLY)
    except OSError:
        return None
    try:
        text = os.read(descriptor, 4096)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    # The second field is the program's name in parentheses and may hold anything, also parentheses.
    fields = text[text.rfind(b")") + 2 :].split()
    return fields[0].decode(), int(fields[3]), int(fields[19])


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []  # somebody else's, so not ours


def _group_members(group: int) -> list[int]:
    members = []
    for line in _ps("-A", "-o", "pid=,pgid=,stat=").splitlines():
        pid, pgid, state = line.split(None, 2)
        if int(pgid) == group and not state.startswith("Z"):
            members.append(int(pid))
    return members


def _ps(*arguments: str) -> str:
    return subprocess.run(["ps", *arguments], capture_output=True, text=True).stdout
