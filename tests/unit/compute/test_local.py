"""What does the local back end do beyond the contract: survive its worker, and never signal a stranger?"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from airflow_amlpipe.compute import local
from airflow_amlpipe.compute.backend import JobHandle, JobState, JobStatus
from airflow_amlpipe.compute.local import LocalBackend
from airflow_amlpipe.compute.processes import job_processes, start_of
from airflow_amlpipe.exceptions import BackendUnavailableError, DefinitionError, ProtocolError
from tests.contract.backend_contract import BEATING, a_job

WORKER = """
import os, sys
from pathlib import Path
from airflow_amlpipe.compute.local import LocalBackend
from tests.contract.backend_contract import a_job
handle = LocalBackend().launch(a_job(Path(sys.argv[1]), sys.argv[2], *sys.argv[3:]))
print(handle.to_json(), flush=True)
os.kill(os.getpid(), 9)
"""


def started_by_a_worker_that_is_killed(repository: Path, tmp_path: Path, script: str, *arguments: str) -> JobHandle:
    worker = subprocess.run(
        [sys.executable, "-c", WORKER, str(tmp_path), script, *arguments], cwd=repository, capture_output=True, text=True
    )
    assert worker.returncode == -9, worker.stderr
    return JobHandle.from_json(worker.stdout)


def wait_until_final(handle: JobHandle) -> JobStatus:
    backend = LocalBackend()
    for _ in range(400):
        status = backend.status(handle)
        if status.state.is_final:
            return status
        backend.wait(handle, 0.05)
    raise TimeoutError


def test_a_job_outlives_the_worker_that_was_killed_and_is_found_again(repository: Path, tmp_path: Path) -> None:
    """R04."""
    go = tmp_path / "go"
    script = "import os, sys, time\nwhile not os.path.exists(sys.argv[1]): time.sleep(0.01)\nprint('done')\nsys.exit(3)"
    handle = started_by_a_worker_that_is_killed(repository, tmp_path, script, str(go))
    assert LocalBackend().status(handle) == JobStatus(JobState.RUNNING)
    go.touch()
    assert wait_until_final(handle) == JobStatus(JobState.FAILED, 3)
    assert LocalBackend().logs(handle, {}).stdout == b"done\n"


def test_a_job_whose_worker_was_killed_can_be_terminated(repository: Path, tmp_path: Path) -> None:
    handle = started_by_a_worker_that_is_killed(repository, tmp_path, "import time; time.sleep(60)")
    LocalBackend().terminate(handle, 5)
    assert LocalBackend().status(handle) == JobStatus(JobState.FAILED, -signal.SIGTERM)
    assert not LocalBackend().status(handle).detail


def test_everything_of_a_process_tree_ends_also_what_made_a_session_of_its_own(tmp_path: Path) -> None:
    """R04."""
    beats = [tmp_path / name for name in ("child", "grandchild", "daemon")]
    script = f"""
import subprocess, sys, time
beating = {BEATING!r}
subprocess.Popen([sys.executable, "-c", beating, sys.argv[1]])
subprocess.Popen(["/bin/sh", "-c", '"$0" -c "$1" "$2" & wait', sys.executable, beating, sys.argv[2]])
subprocess.Popen([sys.executable, "-c", beating, sys.argv[3]], start_new_session=True)
time.sleep(60)
"""
    backend = LocalBackend()
    handle = backend.launch(a_job(tmp_path, script, *map(str, beats)))
    while not all(beat.exists() for beat in beats):
        time.sleep(0.01)
    backend.terminate(handle, 5)
    sizes = [beat.stat().st_size for beat in beats]
    time.sleep(0.1)
    assert [beat.stat().st_size for beat in beats] == sizes
    assert job_processes(int(handle.payload["pid"] or 0), str(handle.payload["started"]), "job-1") == []


def test_a_daemon_that_outlives_its_script_is_found_by_the_jobs_name(tmp_path: Path) -> None:
    """R04, R54."""
    beat = tmp_path / "beat"
    script = "import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', sys.argv[2], sys.argv[1]], start_new_session=True)"
    backend = LocalBackend()
    handle = backend.launch(a_job(tmp_path, script, str(beat), BEATING))
    assert wait_until_final(handle).state is JobState.SUCCEEDED
    while not beat.exists():
        time.sleep(0.01)
    backend.terminate(handle, 5)
    size = beat.stat().st_size
    time.sleep(0.1)
    assert beat.stat().st_size == size


def test_a_process_that_got_a_recycled_id_is_never_signalled(tmp_path: Path) -> None:
    """R04."""
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    try:
        (tmp_path / "logs").mkdir()
        mine = LocalBackend().launch(a_job(tmp_path, "print('x')"))
        wait_until_final(mine)
        earlier = {"pid": stranger.pid, "started": "1", "job_name": "job-9", "folder": str(tmp_path), "log_folder": str(tmp_path / "logs")}
        handle = JobHandle("local", {**mine.payload, **earlier})
        backend = LocalBackend()
        assert backend.status(handle).state is JobState.GONE
        backend.terminate(handle, 0.1)
        began = time.monotonic()
        backend.wait(handle, 120)
        assert time.monotonic() - began < 60  # not the two minutes that were asked for
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_job_that_was_killed_together_with_its_shell_is_gone_not_failed(tmp_path: Path) -> None:
    backend = LocalBackend()
    handle = backend.launch(a_job(tmp_path, "import time; time.sleep(60)"))
    os.killpg(int(handle.payload["pid"] or 0), signal.SIGKILL)
    status = wait_until_final(handle)
    assert (status.state, status.exit_code) == (JobState.GONE, None)
    assert "left no exit code" in status.detail


def test_a_job_from_before_the_machine_restarted_is_gone_and_nothing_is_signalled(tmp_path: Path) -> None:
    backend = LocalBackend()
    handle = backend.launch(a_job(tmp_path, "import time; time.sleep(60)"))
    older = JobHandle("local", {**handle.payload, "boot": "another"})
    assert backend.status(older).state is JobState.GONE
    backend.terminate(older)
    assert backend.status(handle).state is JobState.RUNNING
    backend.terminate(handle, 1)


def test_an_exit_code_that_is_still_being_written_is_not_believed(tmp_path: Path) -> None:
    backend = LocalBackend()
    handle = backend.launch(a_job(tmp_path, "import time; time.sleep(60)"))
    (tmp_path / "job-1" / local.EXIT_CODE).write_text("1")
    assert backend.status(handle).state is JobState.RUNNING
    backend.terminate(handle, 1)


def test_waiting_ends_when_the_job_does(tmp_path: Path) -> None:
    backend = LocalBackend()
    handle = backend.launch(a_job(tmp_path, "import time; time.sleep(0.2)"))
    began = time.monotonic()
    backend.wait(handle, 120)
    assert time.monotonic() - began < 60  # not the two minutes that were asked for
    assert wait_until_final(handle).state is JobState.SUCCEEDED


def test_waiting_works_without_pidfd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "pidfd_open")
    backend = LocalBackend()
    handle = backend.launch(a_job(tmp_path, "import time; time.sleep(120)"))
    backend.wait(handle, 0.05)
    assert backend.status(handle).state is JobState.RUNNING
    backend.terminate(handle, 0.1)
    backend.wait(handle, 120)
    assert wait_until_final(handle).state is JobState.FAILED


def test_no_zombie_stays_after_a_job_was_terminated(tmp_path: Path) -> None:
    backend = LocalBackend()
    handle = backend.launch(a_job(tmp_path, "print('x')"))
    wait_until_final(handle)
    backend.terminate(handle, 1)
    assert start_of(int(handle.payload["pid"] or 0)) is None


def test_arguments_longer_than_the_machine_allows_are_the_authors_error(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="longer than this machine allows; hand long values over in a file"):
        LocalBackend().launch(a_job(tmp_path, "", "x" * 10_000_000))


def test_an_argument_with_a_nul_is_the_authors_error(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="cannot be passed to a process"):
        LocalBackend().launch(a_job(tmp_path, "", "a\0b"))


def test_a_working_folder_that_is_gone_may_be_retried(tmp_path: Path) -> None:
    with pytest.raises(BackendUnavailableError, match="could not be started: No such file"):
        LocalBackend().launch(a_job(tmp_path, "", working_folder=tmp_path / "gone"))


def test_logs_that_are_gone_are_an_error_and_not_an_empty_answer(tmp_path: Path) -> None:
    backend = LocalBackend()
    handle = backend.launch(a_job(tmp_path, "print('x')"))
    wait_until_final(handle)
    (tmp_path / "job-1" / "logs" / local.STDOUT).unlink()
    with pytest.raises(BackendUnavailableError, match=r"stdout\.txt' of a job could not be read|stdout\.txt of a job could not be read"):
        backend.logs(handle, {})


def test_a_handle_of_another_version_is_refused() -> None:
    with pytest.raises(ProtocolError, match="not one of this version"):
        LocalBackend().status(JobHandle("local", {"pid": 1}))


def test_launching_twice_into_one_folder_is_refused(tmp_path: Path) -> None:
    backend = LocalBackend()
    request = a_job(tmp_path, "print('x')")
    handle = backend.launch(request)
    with pytest.raises(BackendUnavailableError, match="File exists"):
        backend.launch(request)
    wait_until_final(handle)
