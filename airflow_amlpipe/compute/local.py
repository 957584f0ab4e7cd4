"""How does a step run as processes of this machine, and outlive the worker that started it?

The command runs under a few lines of POSIX shell, as the leader of a session of its own, with its output going into files. The shell waits
for it and writes the exit code into a file of the private folder. So the job needs nobody: whoever comes later, in whichever process, finds
the exit code, or the processes, or neither (``GONE``).
"""

from __future__ import annotations

import errno
import os
import select
import shutil
import signal
import subprocess
import time
from pathlib import Path

from airflow_amlpipe.compute.backend import ComputeBackend, JobHandle, JobState, JobStatus, LaunchRequest, LogChunk, LogPosition
from airflow_amlpipe.compute.processes import boot_id, host_name, is_running, job_processes, send_signal, start_of
from airflow_amlpipe.compute.starting import start_process
from airflow_amlpipe.exceptions import BackendUnavailableError, DefinitionError, ProtocolError, shorten
from airflow_amlpipe.runtime.protocol import ENV_JOB

__all__ = ["STDERR", "STDOUT", "LocalBackend"]

STDOUT = "stdout.txt"
STDERR = "stderr.txt"
EXIT_CODE = "exit_code"

# Nothing is interpolated: the command and the file's name are positional arguments. One write of one short line: a reader takes it when its
# end of line is there. There is no trap: a signal that arrived between fork and exec would be taken by it, and lost for the command.
_WRAPPER = """
file=$1
shift
"$@"
echo "$?" >"$file"
"""

_CHUNK = 1024 * 1024
_KILL_SECONDS = 30.0
_SHELL_SECONDS = 2.0
# Popen objects of this process, so that what has ended can be waited for and leaves no zombie.
_started_here: dict[int, subprocess.Popen[bytes]] = {}


class LocalBackend(ComputeBackend):
    """Processes of this machine."""

    kind = "local"
    shows_views = True

    def launch(self, request: LaunchRequest) -> JobHandle:
        environment = {**request.environment, ENV_JOB: request.job_name}
        if shutil.which(request.argv[0], path=environment.get("PATH", os.defpath)) is None:
            raise DefinitionError(
                f"job {shorten(repr(request.job_name))}: the interpreter {shorten(repr(request.argv[0]))} was not found on this machine or "
                "cannot be run; name one that is there, or leave it out"
            )
        command = ["/bin/sh", "-c", _WRAPPER, "amlpipe-step", str(request.folder / EXIT_CODE), *request.argv]
        try:
            process = start_process(request, environment, command, request.log_folder / STDOUT, request.log_folder / STDERR)
        except (OSError, ValueError) as error:
            raise _launch_error(request, error) from error
        _started_here[process.pid] = process
        return JobHandle(
            self.kind,
            {
                "job_name": request.job_name,
                "pid": process.pid,
                "started": start_of(process.pid),
                "boot": boot_id(),
                "host": host_name(),
                "folder": str(request.folder),
                "log_folder": str(request.log_folder),
            },
        )

    def status(self, handle: JobHandle) -> JobStatus:
        job = _Job(handle)
        ended = job.recorded_end()
        if ended is None:
            if not job.is_here():
                return JobStatus(JobState.GONE, detail=f"it was started on {job.host} before that machine restarted, or on another one")
            if is_running(job.pid, job.started):
                return JobStatus(JobState.RUNNING)
            ended = job.recorded_end()  # written between the two looks
        if ended is None:
            return JobStatus(JobState.GONE, detail="its processes are gone and left no exit code; were they killed from outside?")
        return JobStatus(JobState.SUCCEEDED if ended == 0 else JobState.FAILED, ended)

    def logs(self, handle: JobHandle, position: LogPosition) -> LogChunk:
        folder = _Job(handle).log_folder
        stdout_at, stderr_at = int(position.get("stdout", 0)), int(position.get("stderr", 0))
        stdout, stderr = _read_from(folder / STDOUT, stdout_at), _read_from(folder / STDERR, stderr_at)
        return LogChunk(stdout, stderr, {"stdout": stdout_at + len(stdout), "stderr": stderr_at + len(stderr)})

    def terminate(self, handle: JobHandle, grace_seconds: float = 10.0) -> None:
        job = _Job(handle)
        if not job.is_here():
            return
        last = _end_processes(job, grace_seconds)
        if last is not None:
            # The shell may have ended with its command and could not write the code down. We know it: we sent the signal.
            job.record_end_if_missing(128 + last)
        # Only now: while our child is a zombie, its id still tells its session from any other.
        child = _started_here.get(job.pid)
        if child is not None and child.poll() is not None:
            del _started_here[job.pid]

    def wait(self, handle: JobHandle, seconds: float) -> None:
        job = _Job(handle)
        try:
            descriptor = os.pidfd_open(job.pid)
        except (AttributeError, OSError):
            # macOS and old kernels have none; an id that is gone has none either.
            self._wait_by_looking(job, seconds)
            return
        try:
            if is_running(job.pid, job.started):  # asked after opening, so that the descriptor is the job's
                poller = select.poll()
                poller.register(descriptor, select.POLLIN)
                poller.poll(max(0.0, seconds) * 1000)
        finally:
            os.close(descriptor)

    @staticmethod
    def _wait_by_looking(job: _Job, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while is_running(job.pid, job.started) and (left := deadline - time.monotonic()) > 0:
            time.sleep(min(left, 0.02))


class _Job:
    """What a handle of ours says."""

    def __init__(self, handle: JobHandle) -> None:
        payload = handle.payload
        try:
            self.name = str(payload["job_name"])
            self.pid = int(payload["pid"] or 0)
            self.started = str(payload["started"])
            self.boot = str(payload["boot"])
            self.host = str(payload["host"])
            self.log_folder = Path(str(payload["log_folder"]))
            # Beside the logs, not among them: what is in their folder is kept and shown as a log.
            self.exit_code_file = Path(str(payload["folder"])) / EXIT_CODE
        except (KeyError, ValueError) as error:
            raise ProtocolError(
                f"a job handle of kind {handle.kind!r} is not one of this version: {shorten(str(dict(payload)))}"
            ) from error

    def is_here(self) -> bool:
        """Whether this process can see the job's processes at all."""
        return self.boot == boot_id() and self.started != "None"

    def processes(self) -> list[int]:
        return job_processes(self.pid, self.started, self.name)

    def recorded_end(self) -> int | None:
        """Return the exit code that was written down, negative for a signal; ``None`` while there is none."""
        try:
            text = self.exit_code_file.read_text(encoding="ascii")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise BackendUnavailableError(f"job {shorten(repr(self.name))}: its exit code could not be read ({error.strerror})") from error
        if not text.endswith("\n"):
            return None
        code = int(text)
        # A shell's way to say that a signal ended the command. A script that exits with such a code itself means the same by it.
        return 128 - code if code - 128 in set(signal.Signals) else code

    def record_end_if_missing(self, code: int) -> None:
        try:
            with self.exit_code_file.open("x", encoding="ascii") as file:
                file.write(f"{code}\n")
        except FileExistsError:
            return  # the shell was quicker
        except OSError as error:
            raise BackendUnavailableError(
                f"job {shorten(repr(self.name))}: its end could not be written down ({error.strerror})"
            ) from error


def _end_processes(job: _Job, grace_seconds: float) -> signal.Signals | None:
    """End every process of the job and return the last signal that it took; ``None`` if there was nothing to end."""
    began = time.monotonic()
    asked: set[int] = set()
    pause = 0.002
    number: signal.Signals | None = None
    while running := job.processes():
        spent = time.monotonic() - began
        number = signal.SIGTERM if spent < grace_seconds else signal.SIGKILL
        if spent > grace_seconds + _KILL_SECONDS:
            listed = ", ".join(map(str, running[:10]))
            raise BackendUnavailableError(
                f"job {shorten(repr(job.name))}: processes {listed} do not end although they were killed; "
                "they wait for a device or a network drive, look at those"
            )
        # The shell ends by itself when its command has, and writes the code down; it is asked only before it has a command.
        spares_shell = number is signal.SIGTERM and (running != [job.pid] or (asked and spent < _SHELL_SECONDS))
        for pid in running:
            # Asked once, those too that were started meanwhile; killed as often as it takes.
            if (number is signal.SIGKILL or pid not in asked) and not (spares_shell and pid == job.pid):
                asked.add(pid)
                send_signal(pid, number)
        time.sleep(min(pause, grace_seconds - spent) if spent < grace_seconds else pause)
        pause = min(pause * 2, 0.05)
    return number


def _read_from(path: Path, offset: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(_CHUNK)
    except OSError as error:
        raise BackendUnavailableError(f"the log {shorten(str(path))} of a job could not be read ({error.strerror})") from error


def _launch_error(request: LaunchRequest, error: OSError | ValueError) -> Exception:
    where = f"job {shorten(repr(request.job_name))}"
    if isinstance(error, ValueError):
        return DefinitionError(
            f"{where}: an argument or variable cannot be passed to a process ({shorten(str(error))}); remove the character"
        )
    if error.errno == errno.E2BIG:
        return DefinitionError(
            f"{where}: arguments and environment variables are longer than this machine allows; hand long values over in a file"
        )
    return BackendUnavailableError(f"{where} could not be started: {error.strerror or error} ({shorten(str(error.filename or ''))})")
