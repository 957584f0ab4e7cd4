"""Is a process known by more than its id?"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from airflow_amlpipe.compute import processes
from airflow_amlpipe.compute.processes import boot_id, host_name, is_running, job_processes, start_of
from airflow_amlpipe.runtime.protocol import ENV_JOB


@pytest.fixture(params=["proc", "ps"])
def looked_up_with(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "proc" and not processes._HAS_PROC:
        pytest.skip("this system has no /proc")
    monkeypatch.setattr(processes, "_HAS_PROC", request.param == "proc")
    return str(request.param)


@pytest.fixture
def sleeping() -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True, env={**os.environ, ENV_JOB: "job-7"}
    )
    yield process
    process.kill()
    process.wait()


def test_a_process_is_running_until_it_ends(looked_up_with: str, sleeping: subprocess.Popen[bytes]) -> None:
    started = start_of(sleeping.pid)
    assert started is not None
    assert is_running(sleeping.pid, started)
    sleeping.kill()
    os.waitid(os.P_PID, sleeping.pid, os.WEXITED | os.WNOWAIT)
    assert not is_running(sleeping.pid, started), "a zombie does not run"
    sleeping.wait()
    assert not is_running(sleeping.pid, started)
    assert start_of(sleeping.pid) is None


def test_another_start_time_is_another_process(looked_up_with: str, sleeping: subprocess.Popen[bytes]) -> None:
    assert not is_running(sleeping.pid, "1")
    assert job_processes(sleeping.pid, "1", "job-8") == []


def test_a_jobs_processes_are_found(looked_up_with: str, sleeping: subprocess.Popen[bytes]) -> None:
    started = start_of(sleeping.pid)
    assert started is not None
    assert job_processes(sleeping.pid, started, "job-7") == [sleeping.pid]


def test_the_job_name_must_match_whole(sleeping: subprocess.Popen[bytes]) -> None:
    started = start_of(sleeping.pid)
    assert started is not None
    assert job_processes(1, started, "job-") == []


def test_this_machine_has_a_name_and_a_start() -> None:
    assert boot_id() == boot_id() != ""
    assert host_name()
