"""Is a job followed to its end, whatever it prints and however it ends?"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from airflow_amlpipe.compute.backend import ComputeBackend, JobHandle, JobState, JobStatus, LaunchRequest, LogChunk, LogPosition
from airflow_amlpipe.compute.local import LocalBackend
from airflow_amlpipe.compute.waiting import TAIL_LINES, follow_job
from airflow_amlpipe.exceptions import BackendUnavailableError, StepFailedError
from tests.contract.backend_contract import BEATING, a_job

Lines = list[tuple[str, str]]


def follow(tmp_path: Path, script: str, *arguments: str, **options: object) -> tuple[JobStatus, Lines]:
    lines: Lines = []
    backend = LocalBackend()
    handle = backend.launch(a_job(tmp_path, script, *arguments))
    return follow_job(backend, handle, on_line=lambda stream, line: lines.append((stream, line)), what="step 'train'", **options), lines  # type: ignore[arg-type]


class ScriptedBackend(ComputeBackend):
    """A back end whose jobs are in the states it is told, one look after the other."""

    kind = "scripted"

    def __init__(self, *states: JobStatus, stdout: bytes = b"") -> None:
        self.states = list(states)
        self.stdout = stdout
        self.terminated = 0
        self.waited: list[float] = []

    def launch(self, request: LaunchRequest) -> JobHandle:
        raise NotImplementedError

    def status(self, handle: JobHandle) -> JobStatus:
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]

    def logs(self, handle: JobHandle, position: LogPosition) -> LogChunk:
        at = int(position.get("at", 0))
        return LogChunk(self.stdout[at : at + 4], b"", {"at": at + len(self.stdout[at : at + 4])})

    def terminate(self, handle: JobHandle, grace_seconds: float = 10.0) -> None:
        self.terminated += 1

    def wait(self, handle: JobHandle, seconds: float) -> None:
        self.waited.append(seconds)


HANDLE = JobHandle("scripted", {})


def test_every_line_of_both_streams_is_handed_on_in_order(tmp_path: Path) -> None:
    script = "import sys\nfor i in range(3):\n    print('out', i)\n    print('err', i, file=sys.stderr)\nprint('no end', end='')"
    status, lines = follow(tmp_path, script)
    assert status == JobStatus(JobState.SUCCEEDED, 0)
    assert [line for stream, line in lines if stream == "stdout"] == ["out 0", "out 1", "out 2", "no end"]
    assert [line for stream, line in lines if stream == "stderr"] == ["err 0", "err 1", "err 2"]


def test_lines_come_while_the_script_still_runs(tmp_path: Path) -> None:
    go = tmp_path / "go"
    script = "import os, sys, time\nprint('first')\nwhile not os.path.exists(sys.argv[1]): time.sleep(0.01)\n"
    backend = LocalBackend()
    handle = backend.launch(a_job(tmp_path, script, str(go)))
    status = follow_job(backend, handle, on_line=lambda *_: go.touch(), timeout_seconds=20, poll_interval_seconds=0.02)
    assert status == JobStatus(JobState.SUCCEEDED, 0)


def test_the_end_is_noticed_at_once_and_not_at_the_next_look(tmp_path: Path) -> None:
    began = time.monotonic()
    follow(tmp_path, "pass", poll_interval_seconds=30)
    assert time.monotonic() - began < 5


def test_output_that_is_no_text_is_handed_on(tmp_path: Path) -> None:
    script = "import sys\nsys.stdout.buffer.write(bytes(range(256)) * 4 + 'é\\n'.encode())"
    _, lines = follow(tmp_path, script)
    assert "".join(line for _, line in lines).endswith("é")


def test_an_emoji_in_a_worker_without_a_locale_is_handed_on(tmp_path: Path) -> None:
    _, lines = follow(tmp_path, "print('été \U0001f600')")
    assert lines == [("stdout", "été \U0001f600")]


def test_a_failure_carries_exit_code_last_words_and_the_last_lines(tmp_path: Path) -> None:
    script = "for i in range(100): print('line', i)\nraise ValueError('no such column')"
    with pytest.raises(
        StepFailedError, match=r"^step 'train' failed with exit code 1; its last words: ValueError: no such column$"
    ) as caught:
        follow(tmp_path, script)
    assert caught.value.exit_code == 1
    tail = caught.value.log_tail.splitlines()
    assert len(tail) == TAIL_LINES
    assert "line 99" in tail
    assert tail[-1] == "ValueError: no such column"


def test_a_silent_failure_says_that_there_were_no_words(tmp_path: Path) -> None:
    with pytest.raises(StepFailedError, match="failed with exit code 3; it wrote nothing$"):
        follow(tmp_path, "raise SystemExit(3)")


def test_a_failure_that_was_told_on_stdout_only_is_repeated_from_there(tmp_path: Path) -> None:
    script = "for i in range(50): print('line', i)\nprint('\\nno such été')\nraise SystemExit(3)"
    with pytest.raises(
        StepFailedError, match=r"exit code 3; it wrote nothing to stderr; its last words on stdout: line 48 \| line 49 \| no such été$"
    ) as caught:
        follow(tmp_path, script)
    assert caught.value.log_tail.endswith("line 49\n\nno such été")


@pytest.mark.parametrize(
    ("number", "reason"), [(9, "SIGKILL .*out of memory"), (11, "SIGSEGV .*native code crashed"), (15, "SIGTERM"), (31, "SIGSYS")]
)
def test_a_signal_is_explained(tmp_path: Path, number: int, reason: str) -> None:
    with pytest.raises(StepFailedError, match=f"was ended by {reason}") as caught:
        follow(tmp_path, f"import os; os.kill(os.getpid(), {number})")
    assert caught.value.exit_code == -number


def test_the_tail_is_bounded(tmp_path: Path) -> None:
    with pytest.raises(StepFailedError) as caught:
        follow(tmp_path, "for i in range(100): print('x' * 100_000)\nraise SystemExit(1)")
    assert len(caught.value.log_tail) < 20_000


def test_after_the_timeout_the_whole_job_is_stopped_and_has_no_exit_code(tmp_path: Path) -> None:
    beat = tmp_path / "beat"
    script = "import subprocess, sys\nprint('started')\nsubprocess.run([sys.executable, '-c', sys.argv[2], sys.argv[1]])"
    began = time.monotonic()
    with pytest.raises(StepFailedError, match=r"step 'train' ran longer than its timeout of 0\.5 s and was stopped") as caught:
        follow(tmp_path, script, str(beat), BEATING, timeout_seconds=0.5)
    assert time.monotonic() - began < 8
    assert caught.value.exit_code is None
    assert caught.value.log_tail.splitlines()[0] == "started"
    size = beat.stat().st_size if beat.exists() else 0
    time.sleep(0.1)
    assert (beat.stat().st_size if beat.exists() else 0) == size


def test_the_time_a_job_has_run_before_counts_towards_its_timeout() -> None:
    backend = ScriptedBackend(JobStatus(JobState.RUNNING), stdout=b"one\n")
    began = time.monotonic()
    with pytest.raises(StepFailedError, match=r"ran longer than its timeout of 60 s"):
        follow_job(backend, HANDLE, on_line=lambda *_: None, timeout_seconds=60, running_seconds=60.5)
    assert time.monotonic() - began < 10
    assert backend.terminated == 1


def test_a_job_that_ended_well_before_anybody_looked_is_not_stopped_by_its_timeout() -> None:
    backend = ScriptedBackend(JobStatus(JobState.SUCCEEDED, 0))
    assert follow_job(backend, HANDLE, on_line=lambda *_: None, timeout_seconds=60, running_seconds=600).exit_code == 0


def test_what_a_script_leaves_in_the_background_is_ended_before_its_end_is_reported(tmp_path: Path) -> None:
    beat = tmp_path / "beat"
    script = (
        "import os, subprocess, sys, time\nsubprocess.Popen([sys.executable, '-c', sys.argv[2], sys.argv[1]])\n"
        "while not os.path.exists(sys.argv[1]): time.sleep(0.01)\n"
    )
    status, _ = follow(tmp_path, script, str(beat), BEATING)
    size = beat.stat().st_size
    assert status.state is JobState.SUCCEEDED
    time.sleep(0.1)
    assert beat.stat().st_size == size


def test_nobody_knows_how_it_ended_is_not_a_failure_of_the_script() -> None:
    backend = ScriptedBackend(JobStatus(JobState.RUNNING), JobStatus(JobState.GONE, detail="the pod was removed"))
    with pytest.raises(BackendUnavailableError, match="step 'x': nobody can say how it ended: the pod was removed; retry it"):
        follow_job(backend, HANDLE, on_line=lambda *_: None, what="step 'x'")


def test_whatever_the_back_end_everything_it_kept_is_handed_on_and_what_is_left_is_ended() -> None:
    backend = ScriptedBackend(
        JobStatus(JobState.PENDING), JobStatus(JobState.RUNNING), JobStatus(JobState.SUCCEEDED, 0), stdout=b"one\ntwo\nthree"
    )
    lines: list[str] = []
    follow_job(backend, HANDLE, on_line=lambda _, line: lines.append(line), poll_interval_seconds=1.5)
    assert lines == ["one", "two", "three"]
    assert backend.terminated == 1
    assert backend.waited == [1.5, 1.5]


def test_an_error_of_the_listener_leaves_the_job_running(tmp_path: Path) -> None:
    backend = LocalBackend()
    handle = backend.launch(a_job(tmp_path, "import time; print('x'); time.sleep(60)"))

    def refuse(stream: str, line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        follow_job(backend, handle, on_line=refuse, poll_interval_seconds=0.01)
    assert backend.status(handle).state is JobState.RUNNING
    backend.terminate(handle, 1)


def test_200_megabytes_of_output_need_no_memory(repository: Path, tmp_path: Path) -> None:
    follower = """
import resource, sys
from pathlib import Path
from airflow_amlpipe.compute.local import LocalBackend
from airflow_amlpipe.compute.waiting import follow_job
from tests.contract.backend_contract import a_job
script = "import sys\\nfor _ in range(100):\\n    sys.stdout.buffer.write((b'x' * 999 + b'\\\\n') * 1000)\\n    sys.stdout.buffer.write(b'y' * 1000000)\\n"
backend = LocalBackend()
handle = backend.launch(a_job(Path(sys.argv[1]), script))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
count = 0
def take(stream, line):
    global count
    count += len(line)
follow_job(backend, handle, on_line=take)
print(count, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
    found = subprocess.run([sys.executable, "-c", follower, str(tmp_path)], cwd=repository, capture_output=True, text=True)
    assert not found.stderr
    count, megabytes = map(int, found.stdout.split())
    assert count == 100 * (999 * 1000 + 1_000_000)
    assert megabytes < 50
