"""What must every back end do, whatever it runs jobs on? Inherit, and say how to make one."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from airflow_amlpipe.compute.backend import ComputeBackend, JobHandle, JobState, JobStatus, LaunchRequest
from airflow_amlpipe.compute.folder import create_step_folder
from airflow_amlpipe.exceptions import DefinitionError

__all__ = ["BackendContract", "a_job"]


def a_job(root: Path, script: str, *arguments: str, name: str = "job-1", **changes: object) -> LaunchRequest:
    """A job that runs ``script`` (Python) in a private folder of its own."""
    folder = create_step_folder(root / name)
    folder.code.mkdir()
    (folder.code / "script.py").write_text(script, encoding="utf-8")
    fields: dict[str, object] = {
        "job_name": name,
        "argv": (sys.executable, "script.py", *arguments),
        "environment": {"PYTHONUNBUFFERED": "1"},
        "working_folder": folder.code,
        "folder": folder.root,
        "log_folder": folder.logs,
    }
    return LaunchRequest(**{**fields, **changes})  # type: ignore[arg-type]


class BackendContract:
    """The promise of ``compute/backend.py``."""

    def make_backend(self) -> ComputeBackend:
        raise NotImplementedError

    def until(self, handle: JobHandle, *states: JobState, seconds: float = 20) -> JobStatus:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            status = self.make_backend().status(handle)  # a new one each time: nothing is kept in memory
            if status.state in states:
                return status
            time.sleep(0.01)
        raise TimeoutError(f"still {status}")

    def stdout(self, handle: JobHandle) -> bytes:
        return self.make_backend().logs(handle, {}).stdout

    def test_a_job_that_ends_well_has_succeeded_with_code_0(self, tmp_path: Path) -> None:
        handle = self.make_backend().launch(a_job(tmp_path, "print('hello')"))
        assert self.until(handle, JobState.SUCCEEDED).exit_code == 0
        assert self.stdout(handle) == b"hello\n"

    def test_a_job_that_fails_has_its_own_exit_code(self, tmp_path: Path) -> None:
        handle = self.make_backend().launch(a_job(tmp_path, "raise SystemExit(42)"))
        assert self.until(handle, JobState.FAILED, JobState.SUCCEEDED) == JobStatus(JobState.FAILED, 42)

    def test_a_signal_is_told_as_a_negative_code(self, tmp_path: Path) -> None:
        handle = self.make_backend().launch(a_job(tmp_path, "import os; os.kill(os.getpid(), 9)"))
        assert self.until(handle, JobState.FAILED, JobState.SUCCEEDED).exit_code == -9

    def test_launch_returns_while_the_job_runs(self, tmp_path: Path) -> None:
        backend = self.make_backend()
        handle = backend.launch(a_job(tmp_path, "import time; time.sleep(60)"))
        try:
            assert not self.until(handle, JobState.RUNNING).state.is_final
        finally:
            backend.terminate(handle, 0)

    def test_a_handle_survives_being_written_down(self, tmp_path: Path) -> None:
        handle = self.make_backend().launch(a_job(tmp_path, "print('x')"))
        again = JobHandle.from_json(handle.to_json())
        assert again == handle
        assert self.until(again, JobState.SUCCEEDED).exit_code == 0

    def test_a_job_gets_the_variables_it_was_given_and_its_own_working_folder(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """S12."""
        monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", "canary")
        script = "import os; print(os.environ.get('GIVEN'), os.environ.get('AIRFLOW__CORE__FERNET_KEY'), os.path.exists('script.py'))"
        handle = self.make_backend().launch(a_job(tmp_path, script, environment={"GIVEN": "yes"}))
        self.until(handle, JobState.SUCCEEDED)
        assert self.stdout(handle) == b"yes None True\n"

    @pytest.mark.parametrize(
        "argument", ["", " ", "a b", "$(echo no)", "`echo no`", "; echo no", "'", '"', "*", "\n", "-c", "--x=1", "é", "{{ x }}"]
    )
    def test_arguments_arrive_as_they_are(self, tmp_path: Path, argument: str) -> None:
        """S08."""
        handle = self.make_backend().launch(a_job(tmp_path, "import sys; print(ascii(sys.argv[1:]))", argument, "end"))
        self.until(handle, JobState.SUCCEEDED)
        assert self.stdout(handle).decode() == ascii([argument, "end"]) + "\n"

    def test_standard_input_is_empty(self, tmp_path: Path) -> None:
        handle = self.make_backend().launch(a_job(tmp_path, "import sys; print(repr(sys.stdin.read()))"))
        self.until(handle, JobState.SUCCEEDED)
        assert self.stdout(handle) == b"''\n"

    def test_logs_read_on_from_where_they_stopped(self, tmp_path: Path) -> None:
        go = tmp_path / "go"
        script = "import os, sys, time\nprint('one')\nwhile not os.path.exists(sys.argv[1]): time.sleep(0.01)\nprint('two', file=sys.stderr)\nprint('three')"
        backend = self.make_backend()
        handle = backend.launch(a_job(tmp_path, script, str(go)))
        first = backend.logs(handle, {})
        while not first.stdout.endswith(b"\n"):
            first = backend.logs(handle, {})
        go.touch()
        self.until(handle, JobState.SUCCEEDED)
        second = self.make_backend().logs(handle, first.position)
        assert (first.stdout, second.stdout, second.stderr) == (b"one\n", b"three\n", b"two\n")
        assert self.make_backend().logs(handle, second.position).is_empty

    def test_a_terminated_job_has_failed_and_nothing_of_it_runs(self, tmp_path: Path) -> None:
        """R04, R11."""
        beat = tmp_path / "beat"
        backend = self.make_backend()
        handle = backend.launch(a_job(tmp_path, BEATING, str(beat)))
        self._until_beating(beat)
        backend.terminate(handle, 5)
        assert self.make_backend().status(handle).state is JobState.FAILED
        self._assert_still(beat)

    def test_terminating_asks_first(self, tmp_path: Path) -> None:
        ready, asked = tmp_path / "ready", tmp_path / "asked"
        script = (
            "import signal, sys, time, pathlib\n"
            "def on_term(*_):\n    pathlib.Path(sys.argv[2]).touch()\n    sys.exit(7)\n"
            "signal.signal(signal.SIGTERM, on_term)\npathlib.Path(sys.argv[1]).touch()\ntime.sleep(60)\n"
        )
        backend = self.make_backend()
        handle = backend.launch(a_job(tmp_path, script, str(ready), str(asked)))
        self._until_beating(ready)
        backend.terminate(handle, 10)
        assert asked.exists()
        assert backend.status(handle) == JobStatus(JobState.FAILED, 7)

    def test_terminating_forces_what_does_not_listen(self, tmp_path: Path) -> None:
        ready = tmp_path / "ready"
        script = "import signal, sys, time, pathlib\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\npathlib.Path(sys.argv[1]).touch()\ntime.sleep(60)\n"
        backend = self.make_backend()
        handle = backend.launch(a_job(tmp_path, script, str(ready)))
        self._until_beating(ready)
        began = time.monotonic()
        backend.terminate(handle, 0.2)
        assert time.monotonic() - began < 10
        assert backend.status(handle) == JobStatus(JobState.FAILED, -9)

    def test_terminating_twice_is_not_an_error(self, tmp_path: Path) -> None:
        backend = self.make_backend()
        handle = backend.launch(a_job(tmp_path, "import time; time.sleep(60)"))
        backend.terminate(handle, 0.5)
        backend.terminate(handle, 0.5)
        self.make_backend().terminate(handle, 0.5)

    def test_terminating_what_has_ended_well_leaves_it_succeeded(self, tmp_path: Path) -> None:
        backend = self.make_backend()
        handle = backend.launch(a_job(tmp_path, "print('x')"))
        self.until(handle, JobState.SUCCEEDED)
        backend.terminate(handle, 0.5)
        assert backend.status(handle) == JobStatus(JobState.SUCCEEDED, 0)

    def test_what_a_job_leaves_in_the_background_is_ended_by_terminate(self, tmp_path: Path) -> None:
        """R04, R54."""
        beat = tmp_path / "beat"
        script = "import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', sys.argv[2], sys.argv[1]])\n"
        backend = self.make_backend()
        handle = backend.launch(a_job(tmp_path, script, str(beat), BEATING))
        self.until(handle, JobState.SUCCEEDED)
        self._until_beating(beat)
        backend.terminate(handle, 5)
        self._assert_still(beat)
        assert backend.status(handle) == JobStatus(JobState.SUCCEEDED, 0)

    def test_a_command_that_is_not_there_is_the_authors_error(self, tmp_path: Path) -> None:
        with pytest.raises(DefinitionError, match="'/no/such/python' was not found"):
            self.make_backend().launch(a_job(tmp_path, "", argv=("/no/such/python", "script.py")))

    def _until_beating(self, beat: Path) -> None:
        deadline = time.monotonic() + 20
        while not beat.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert beat.exists()

    def _assert_still(self, beat: Path) -> None:
        before = beat.read_bytes()
        time.sleep(0.15)
        assert beat.read_bytes() == before


BEATING = """
import sys, time
while True:
    with open(sys.argv[1], "a") as file:
        file.write(".")
    time.sleep(0.01)
"""
