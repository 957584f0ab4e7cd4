"""How does the first process of a job of this machine come to be, and does it see the data that it should?

A job that is shown data where it lies begins as ``view_launcher.py``, which mounts it for the job alone, says that it has, and becomes the
command: same process, same session, so nothing else about the job is any different.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from airflow_amlpipe.compute.backend import LaunchRequest
from airflow_amlpipe.exceptions import ViewRefusedError, shorten

__all__ = ["start_process"]


def start_process(
    request: LaunchRequest, environment: Mapping[str, str], command: Sequence[str], stdout: Path, stderr: Path
) -> subprocess.Popen[bytes]:
    """Start ``command`` as the leader of a session of its own; its output goes into two new files.

    :raises ViewRefusedError: this machine cannot show it ``request.views``; nothing runs, and there are no files
    :raises OSError: it could not be started
    :raises ValueError: an argument or variable cannot be passed
    """
    if not request.views:
        return _started(request, environment, command, stdout, stderr)
    if sys.platform != "linux":
        raise ViewRefusedError(f"job {shorten(repr(request.job_name))} cannot be shown data: {sys.platform} has no private mounts")
    from airflow_amlpipe.compute import view_launcher  # it has ctypes, which a job without views does not pay for

    paths = [str(path) for view in request.views for path in (view.source, view.target)]
    heard, told = os.pipe()
    try:
        # Isolated: nothing of the job's environment, or of ours, has a say in what it loads.
        launcher = [sys.executable, "-I", "-S", view_launcher.__file__, str(told), str(request.views_from), str(len(request.views)), *paths]
        process = _started(request, environment, [*launcher, *command], stdout, stderr, told)
        os.close(told)
        told = -1
        said = _read_all(heard)
    finally:
        os.close(heard)
        if told >= 0:
            os.close(told)
    if said != view_launcher.READY:
        _refuse(request, process, said, stdout, stderr)
    return process


def _started(
    request: LaunchRequest, environment: Mapping[str, str], command: Sequence[str], stdout: Path, stderr: Path, *descriptors: int
) -> subprocess.Popen[bytes]:
    with stdout.open("xb") as out, stderr.open("xb") as errors:
        return subprocess.Popen(
            command,
            cwd=request.working_folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=errors,
            start_new_session=True,
            pass_fds=descriptors,
        )


def _read_all(descriptor: int) -> bytes:
    found = b""
    while block := os.read(descriptor, 4096):
        found += block
    return found


def _refuse(request: LaunchRequest, process: subprocess.Popen[bytes], said: bytes, stdout: Path, stderr: Path) -> None:
    process.wait()
    last_words = (said or stderr.read_bytes()).decode(errors="replace").strip().rpartition("\n")[2]
    for log in (stdout, stderr):
        log.unlink()  # the next launch makes its own
    raise ViewRefusedError(
        f"job {shorten(repr(request.job_name))} cannot be shown data: {shorten(last_words) or f'exit code {process.returncode}'}"
    )
