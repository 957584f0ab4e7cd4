"""What does a job see of data that it is shown where it lies, and what can it do to it?"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_amlpipe.compute import starting, view_launcher
from airflow_amlpipe.compute.backend import ComputeBackend, JobHandle, JobState, LaunchRequest
from airflow_amlpipe.compute.local import STDOUT, LocalBackend
from airflow_amlpipe.exceptions import ViewRefusedError
from airflow_amlpipe.storage.view import View
from tests.contract.backend_contract import BackendContract, a_job
from tests.unit.compute.test_local import wait_until_final

# Everything that a script may try, deliberately or not; prints what the kernel said.
VANDAL = """
import json, os, sys
folder = sys.argv[1]
def attempt(call, *arguments):
    try:
        call(*arguments)
    except OSError as error:
        return error.strerror
    return "done"
file = os.path.join(folder, "a.csv")
print(json.dumps({
    "user": os.getuid(), "group": os.getgid(), "groups": os.getgroups(),
    "seen": sorted(os.listdir(folder)), "text": open(file).read(),
    "overwrite": attempt(open, file, "w"), "append": attempt(open, file, "a"), "create": attempt(open, os.path.join(folder, "new"), "x"),
    "delete": attempt(os.unlink, file), "rename": attempt(os.rename, file, file + "2"), "mode": attempt(os.chmod, file, 0o777),
    "times": attempt(os.utime, file), "link": attempt(os.link, file, file + "3"),
    "ignored": int(open(f"/proc/{os.getppid()}/status").read().split("SigIgn:")[1].split()[0], 16),
}))
"""
NOBODY = 65534
REFUSED = ("overwrite", "append", "create", "delete", "rename", "mode", "times", "link")


def shown(request: LaunchRequest, source: Path, name: str = "raw") -> LaunchRequest:
    """The same job, which finds ``source`` below its inputs."""
    view = View(name, source, request.folder / "inputs" / name, is_folder=source.is_dir())
    view.make_target()
    return LaunchRequest(**{**{field: getattr(request, field) for field in LaunchRequest.__slots__}, "views": (*request.views, view)})  # type: ignore[arg-type]


@pytest.fixture(scope="module", autouse=True)
def mounts_work(tmp_path_factory: pytest.TempPathFactory) -> None:
    place = tmp_path_factory.mktemp("probe")
    (place / "data").mkdir()
    try:
        wait_until_final(LocalBackend().launch(shown(a_job(place, ""), place / "data")))
    except ViewRefusedError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"this machine has no private mounts: {error}")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "data/deep").mkdir(parents=True)
    (tmp_path / "data/a.csv").write_text("1")
    (tmp_path / "data/deep/b.csv").write_text("2")
    return tmp_path / "data"


def state_of(folder: Path) -> dict[str, tuple[str, int, int]]:
    return {
        str(path.relative_to(folder)): (path.read_text(), path.stat().st_mode, path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


class WithView(LocalBackend):
    """Shows every job some data."""

    def launch(self, request: LaunchRequest) -> JobHandle:
        return super().launch(shown(request, Path(__file__).parent))


class TestLocalBackendWithAView(BackendContract):
    """Nothing else about a job is any different."""

    def make_backend(self) -> ComputeBackend:
        return WithView()


def test_a_job_reads_the_data_where_it_lies_and_can_do_nothing_to_it(data: Path, tmp_path: Path) -> None:
    """R55, also for root."""
    before = state_of(data)
    request = shown(a_job(tmp_path, VANDAL, str(tmp_path / "job-1/inputs/raw")), data)
    handle = LocalBackend().launch(request)
    assert wait_until_final(handle).state is JobState.SUCCEEDED
    found = json.loads(LocalBackend().logs(handle, {}).stdout)
    assert (found["user"], found["group"], found["seen"], found["text"]) == (os.getuid(), os.getgid(), ["a.csv", "deep"], "1")
    assert {name: found[name] for name in REFUSED} == dict.fromkeys(REFUSED, "Read-only file system")
    assert not found["ignored"] & (1 << (signal.SIGPIPE - 1))  # Python ignores it, and what it becomes would too
    assert state_of(data) == before


@pytest.fixture
def open_place() -> Iterator[Path]:
    """A folder that every user can reach; the ones of pytest are its user's alone."""
    place = Path(tempfile.mkdtemp())
    place.chmod(0o755)
    yield place
    shutil.rmtree(place)


def test_a_user_without_rights_is_shown_data_too_and_stays_who_it_is(open_place: Path) -> None:
    """R55: also data that this user could write to."""
    python = shutil.which("python3", path="/usr/bin:/usr/local/bin")
    if os.getuid() or python is None:
        pytest.skip("needs root, to become another user, and an interpreter that every user can run")
    launcher = shutil.copy(view_launcher.__file__, open_place)
    for name in ("data", "target"):
        (open_place / name).mkdir()
        os.chown(open_place / name, NOBODY, NOBODY)
    (open_place / "data/a.csv").write_text("1")
    os.chown(open_place / "data/a.csv", NOBODY, NOBODY)
    script = 'id -u; id -g; cat "$0/a.csv"; for it in "$0/a.csv" "$0/new"; do (echo x >"$it"); done; umount "$0"; cat "$0/a.csv"'
    heard, told = os.pipe()
    paths = (str(open_place / "data"), str(open_place / "target"))
    found = subprocess.run(
        [python, "-I", "-S", launcher, str(told), "0", "1", *paths, "/bin/sh", "-c", script, paths[1]],
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        pass_fds=(told,),
        user=NOBODY,
        group=NOBODY,
        extra_groups=[4],
    )
    os.close(told)
    with os.fdopen(heard, "rb") as said:
        assert said.read() == view_launcher.READY
    assert found.stdout == f"{NOBODY}\n{NOBODY}\n11"
    assert found.stderr.count("Read-only file system") == 2
    assert state_of(open_place / "data").keys() == {"a.csv"}


def test_nobody_but_the_job_sees_the_view(data: Path, tmp_path: Path) -> None:
    request = shown(a_job(tmp_path, "import time\nprint('up', flush=True)\ntime.sleep(60)"), data)
    handle = LocalBackend().launch(request)
    try:
        assert not list((request.folder / "inputs/raw").iterdir())
        assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text()
        assert str(tmp_path) in Path(f"/proc/{handle.payload['pid']}/mountinfo").read_text()
    finally:
        LocalBackend().terminate(handle, 0)


def test_removing_the_private_folder_under_a_running_job_leaves_the_data_alone(data: Path, tmp_path: Path) -> None:
    before = state_of(data)
    request = shown(a_job(tmp_path, "import time\nprint('up', flush=True)\ntime.sleep(60)"), data)
    handle = LocalBackend().launch(request)
    try:
        while not (request.log_folder / STDOUT).read_text():
            time.sleep(0.01)
        shutil.rmtree(request.folder)
        assert state_of(data) == before
        assert not request.folder.exists()
    finally:
        os.killpg(int(handle.payload["pid"] or 0), signal.SIGKILL)


def test_a_single_file_is_shown_as_a_file(data: Path, tmp_path: Path) -> None:
    script = "import sys\nprint(open(sys.argv[1]).read())\ntry: open(sys.argv[1], 'w')\nexcept OSError as error: print(error.strerror)"
    request = shown(a_job(tmp_path, script, str(tmp_path / "job-1/inputs/a.csv")), data / "a.csv", "a.csv")
    handle = LocalBackend().launch(request)
    assert wait_until_final(handle).state is JobState.SUCCEEDED
    assert LocalBackend().logs(handle, {}).stdout.decode().split("\n")[:2] == ["1", "Read-only file system"]


def test_what_is_mounted_inside_the_data_is_shown_and_read_only_too(data: Path, tmp_path: Path, repository: Path) -> None:
    if os.getuid():
        pytest.skip("only root can mount something inside the data")
    script = """
import os, sys
from pathlib import Path
data, place = Path(sys.argv[1]), Path(sys.argv[2])
assert os.system(f"mount -t tmpfs none {data / 'deep'}") == 0
(data / "deep/inner").write_text("3")
from airflow_amlpipe.compute.local import LocalBackend
from tests.contract.backend_contract import a_job
from tests.unit.compute.test_views import shown
from tests.unit.compute.test_local import wait_until_final
job = "import sys\\nprint(open(sys.argv[1]).read())\\ntry: open(sys.argv[1], 'w')\\nexcept OSError as error: print(error.strerror)"
handle = LocalBackend().launch(shown(a_job(place, job, str(place / "job-1/inputs/raw/deep/inner")), data))
wait_until_final(handle)
print(LocalBackend().logs(handle, {}).stdout.decode(), end="")
"""
    found = subprocess.run(
        ["unshare", "-m", sys.executable, "-c", script, str(data), str(tmp_path)], cwd=repository, capture_output=True, text=True
    )
    assert found.stdout == "3\nRead-only file system\n", found.stderr


def test_what_cannot_be_mounted_is_refused_with_the_reason_and_nothing_is_started(data: Path, tmp_path: Path) -> None:
    request = shown(a_job(tmp_path, "print('ran')"), data)
    shutil.rmtree(data)
    with pytest.raises(ViewRefusedError, match=r"job 'job-1' cannot be shown data: .*inputs/raw: No such file or directory"):
        LocalBackend().launch(request)
    assert not list(request.log_folder.iterdir())


def test_a_machine_that_allows_no_private_mounts_says_so(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    request = shown(a_job(tmp_path, "print('ran')"), data)
    launcher = tmp_path / "launcher.py"
    launcher.write_text("import os, sys\nos.write(int(sys.argv[1]), b'unshare: Operation not permitted')\nos._exit(126)\n")
    with monkeypatch.context() as patch:
        patch.setattr(view_launcher, "__file__", str(launcher))
        with pytest.raises(ViewRefusedError, match="unshare: Operation not permitted"):
            LocalBackend().launch(request)
    with monkeypatch.context() as patch:
        patch.setattr(starting.sys, "platform", "darwin")
        with pytest.raises(ViewRefusedError, match="darwin has no private mounts"):
            LocalBackend().launch(request)
    handle = LocalBackend().launch(a_job(tmp_path, "print('ran')", name="job-2"))
    assert wait_until_final(handle).exit_code == 0


def test_a_launcher_that_dies_without_a_word_is_no_launch(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    launcher = tmp_path / "launcher.py"
    launcher.write_text("raise SystemExit('no ctypes here')\n")
    monkeypatch.setattr(view_launcher, "__file__", str(launcher))
    with pytest.raises(ViewRefusedError, match="no ctypes here"):
        LocalBackend().launch(shown(a_job(tmp_path, "print('ran')"), data))
