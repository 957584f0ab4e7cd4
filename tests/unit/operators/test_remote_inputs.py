"""What does a script find where an input of an object store is mounted?"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from airflow_amlpipe.compute import remote_views
from airflow_amlpipe.compute.environments import StepInterpreter
from airflow_amlpipe.compute.remote_views import RemoteViews
from airflow_amlpipe.exceptions import SourceChangedError, StepFailedError, ViewRefusedError
from airflow_amlpipe.operators import preparing
from airflow_amlpipe.settings import Settings
from airflow_amlpipe.spec.data import DatasetSource, DatastorePath, InputMode
from airflow_amlpipe.spec.dataset import DatasetDefinition, Take
from airflow_amlpipe.storage.objects import ObjectStore
from airflow_amlpipe.storage.store import Store
from airflow_amlpipe.workspace.datastores import DatastoreRegistry
from airflow_amlpipe.workspace.serving import ServedFile
from tests.servers import s3_place
from tests.unit.operators.test_execution import Opener, open_try, said
from tests.unit.operators.test_mounted_inputs import FILES, SCRIPT, a_reader, appears, found_by

__all__ = ["open_try", "said"]

LARGE = os.urandom(9_000_000)


@pytest.fixture(scope="module", autouse=True)
def fuse_works(tmp_path_factory: pytest.TempPathFactory) -> None:
    try:
        RemoteViews({"probe": (ServedFile("a", 1, lambda start, end: b"1"),)}, tmp_path_factory.mktemp("probe") / "mounted", print).close()
    except ViewRefusedError as error:
        pytest.skip(f"this machine cannot mount with FUSE: {error}")


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, open_try: Opener) -> ObjectStore:
    """Let the default datastore of the workspace be a bucket with data in it."""
    store = ObjectStore(s3_place())
    real = DatastoreRegistry.open

    def open_it(datastores: DatastoreRegistry, name: str) -> Store:
        return store if name == "workspaceblobstore" else real(datastores, name)

    monkeypatch.setattr(DatastoreRegistry, "open", open_it)
    monkeypatch.setattr(preparing, "prepare_environment", lambda *_, **__: StepInterpreter(sys.executable))
    (tmp_path / "src/train.py").write_text(SCRIPT)
    for path, text in FILES.items():
        store.put(path, text.encode())
    return store


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (("raw",), ["a.csv=1", "b.txt=2", "deep/c.csv=3"]),
        (("raw/a.csv",), ["a.csv=1"]),
        (("raw/**/*.csv",), ["a.csv=1", "deep/c.csv=3"]),
        (("raw", "other"), ["other/d.csv=4", "raw/a.csv=1", "raw/b.txt=2", "raw/deep/c.csv=3"]),
    ],
)
def test_a_mounted_input_is_read_from_the_store_and_cannot_be_written_to(
    open_try: Opener, bucket: ObjectStore, said: list[str], paths: tuple[str, ...], expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """R55: and nothing is fetched before."""
    monkeypatch.setattr(ObjectStore, "fetch", lambda *_, **__: pytest.fail("it was fetched"))
    assert found_by(a_reader(*paths), open_try) == [*expected, "read-only"]
    assert bucket.read("raw/a.csv") == b"1"
    assert not [line for line in said if "copied" in line]
    assert "amlpipe" not in Path("/proc/self/mountinfo").read_text()


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        (DatasetDefinition(kind="file", operations=(Take(count=1),)), ["a.csv=1"]),
        (DatasetDefinition(kind="file", path_glob="*.csv"), ["a.csv=1", "deep/c.csv=3"]),
    ],
)
def test_of_an_input_that_is_some_files_of_a_folder_only_those_arrive(
    open_try: Opener, bucket: ObjectStore, said: list[str], definition: DatasetDefinition, expected: list[str]
) -> None:
    step = a_reader("raw")
    source = DatasetSource(paths=(DatastorePath(datastore="workspaceblobstore", path="raw"),), definition=definition)
    step = step.model_copy(update={"inputs": (step.inputs[0].model_copy(update={"source": source}),)})
    assert found_by(step, open_try) == [*expected, "writable"]
    assert "input 'raw' is copied instead of mounted: only some of its files are taken" in said


@pytest.mark.parametrize("off", ["download", "setting"])
def test_what_is_not_mounted_is_fetched(open_try: Opener, bucket: ObjectStore, off: str) -> None:
    mode: InputMode = "download" if off == "download" else "mount"
    settings = Settings(poll_interval_seconds=0.01, mount_remote_inputs=off != "setting")
    assert found_by(a_reader("raw", mode=mode), open_try, settings=settings) == ["a.csv=1", "b.txt=2", "deep/c.csv=3", "writable"]


@pytest.mark.parametrize("missing", ["fusepy", "device"])
def test_where_there_is_no_fuse_the_input_is_fetched_and_the_log_says_why(
    open_try: Opener, bucket: ObjectStore, said: list[str], missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if missing == "fusepy":
        monkeypatch.setattr(remote_views.importlib.util, "find_spec", lambda name: None)
    else:
        monkeypatch.setattr(remote_views.sys, "platform", "darwin")
    assert found_by(a_reader("raw"), open_try)[:3] == ["a.csv=1", "b.txt=2", "deep/c.csv=3"]
    reason = "fusepy is not installed" if missing == "fusepy" else "this machine has no FUSE"
    assert [line for line in said if line.startswith(f"input 'raw' is copied instead of mounted: {reason}")]


def test_a_version_that_was_not_identified_is_never_read(open_try: Opener, bucket: ObjectStore, tmp_path: Path, said: list[str]) -> None:
    """R45: the script meets an error, not other bytes."""
    signals = tmp_path / "signals"
    signals.mkdir()
    (tmp_path / "src/train.py").write_text(
        "import pathlib, sys, time\ndata, signals = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[3])\n(signals / 'ready').touch()\n"
        "while not (signals / 'go').exists(): time.sleep(0.01)\nprint((data / 'a.csv').read_text())\n"
    )
    step = open_try(a_reader("raw", signals=str(signals)))
    step.identify()
    step.decide()
    handle = step.launch()
    appears(signals / "ready")
    bucket.put("raw/a.csv", b"9")
    (signals / "go").touch()
    with pytest.raises(StepFailedError, match="Input/output error"):
        step.wait(handle)
    assert "9" not in said
    assert "'a.csv' was written to" in (step._folder.logs / "notices.txt").read_text()


def test_data_that_changed_before_the_script_starts_is_not_shown(open_try: Opener, bucket: ObjectStore) -> None:
    """R45."""
    step = open_try(a_reader("raw"))
    step.identify()
    step.decide()
    bucket.put("raw/a.csv", b"9")
    with pytest.raises(SourceChangedError, match="input 'raw': 'raw' on datastore 'workspaceblobstore' changed since it was identified"):
        step.launch()


def test_nothing_is_mounted_and_nobody_reads_when_the_step_has_ended(open_try: Opener, bucket: ObjectStore) -> None:
    step = open_try(a_reader("raw"))
    step.identify()
    step.decide()
    handle = step.launch()
    assert step._handover is not None
    process = step._handover.views_from
    assert Path(f"/proc/{process}").exists()
    step.wait(handle)
    assert not Path(f"/proc/{process}").exists()
    step.record()
    assert not step._folder.root.exists()


WORKER = """
import os, sys, time
from pathlib import Path
from airflow_amlpipe.compute.remote_views import RemoteViews
from airflow_amlpipe.workspace.serving import ServedFile
views = RemoteViews({"x": (ServedFile("a", 3, lambda start, end: b"abc"[start:end]),)}, Path(sys.argv[1]) / "mounted", print)
print(views.process, flush=True)
time.sleep(60)
"""


def test_a_worker_that_is_killed_takes_the_mount_with_it(repository: Path, tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", WORKER, str(tmp_path)], cwd=repository, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        process = int(worker.stdout.readline())
        assert "fuse" in Path(f"/proc/{process}/mountinfo").read_text()
        worker.kill()
    deadline = time.monotonic() + 20
    while Path(f"/proc/{process}/mountinfo").exists() and time.monotonic() < deadline:
        if Path(f"/proc/{process}/stat").read_text().split()[2] == "Z":
            break  # gone; whoever inherited it has not looked yet
        time.sleep(0.02)
    else:
        assert not Path(f"/proc/{process}").exists()
    (tmp_path / "mounted").rmdir()


READER_THAT_FAILS = """
import os, sys
from pathlib import Path
from airflow_amlpipe.compute import served_files
from airflow_amlpipe.compute.remote_views import RemoteViews

def serve(inputs, place, say, *, on_ready):
    on_ready()
    raise RuntimeError("it was unmounted by somebody else")

served_files.serve_files = serve
try:
    views = RemoteViews({}, Path(sys.argv[1]) / "mounted", print)
finally:
    print("goes on", flush=True)
print(os.waitstatus_to_exitcode(os.waitpid(views.process, 0)[1]))
"""


def test_a_reader_that_fails_ends_and_never_goes_on_with_what_the_task_does(repository: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", READER_THAT_FAILS, str(tmp_path)]
    task = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=True)
    assert task.stdout == "goes on\n1\n"


def test_a_large_file_is_read_from_any_offset(tmp_path: Path) -> None:
    asked: list[tuple[int, int]] = []

    def read(start: int, end: int) -> bytes:
        asked.append((start, end))
        return LARGE[start:end]

    views = RemoteViews({"x": (ServedFile("deep/large", len(LARGE), read),)}, tmp_path / "mounted", print)
    try:
        seen = Path(f"/proc/{views.process}/root{tmp_path}/mounted/x/deep/large")
        with seen.open("rb") as file:
            file.seek(5_000_000)
            assert file.read(100) == LARGE[5_000_000:5_000_100]
            file.seek(0)
            assert file.read() == LARGE
        with pytest.raises(OSError, match="Read-only file system"):
            seen.open("wb")
        with pytest.raises(OSError, match="Read-only file system"):
            (seen.parent / "new").touch()
        assert sorted(path.name for path in seen.parent.iterdir()) == ["large"]
        assert seen.stat().st_size == len(LARGE)
    finally:
        views.close()
