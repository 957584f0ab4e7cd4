"""What becomes of a try whose script is shown its data where it lies?"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from airflow_amlpipe.compute import local
from airflow_amlpipe.compute.environments import StepInterpreter
from airflow_amlpipe.exceptions import DefinitionError, SourceChangedError, ViewRefusedError
from airflow_amlpipe.operators import preparing
from airflow_amlpipe.settings import Settings
from airflow_amlpipe.spec.data import DatasetSource, DatastorePath, InputMode, InputSpec
from airflow_amlpipe.spec.step import InputArgument, LiteralArgument, OutputArgument, StepSpec
from airflow_amlpipe.workspace.workspace import WorkspaceStore
from tests.builders import OUT, a_step
from tests.unit.operators.test_execution import Opener, carry_out, crash_after_launch, open_try, said, tries

__all__ = ["open_try", "said"]

SCRIPT = """
import os, pathlib, sys, time
data, out, before = map(pathlib.Path, sys.argv[1:4])
files = [data] if data.is_file() else sorted(path for path in data.rglob("*") if path.is_file())
found = [f"{path.relative_to(data) if path != data else path.name}={path.read_text()}" for path in files]
try:
    files[0].write_text("changed")
    found.append("writable")
except OSError:
    found.append("read-only")
(out / "found.txt").write_text("\\n".join(found))
if before.name != "none":
    (before / "ready").touch()
    while not (before / "go").exists():
        time.sleep(0.01)
"""
FILES = {"raw/a.csv": "1", "raw/b.txt": "2", "raw/deep/c.csv": "3", "other/d.csv": "4"}


@pytest.fixture(autouse=True)
def this_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparing, "prepare_environment", lambda *_, **__: StepInterpreter(sys.executable))


@pytest.fixture
def raw(tmp_path: Path, open_try: Opener) -> Path:
    """The folder of the data, on the datastore."""
    store = WorkspaceStore.open(str(tmp_path / "ws"), home=tmp_path / "home").datastores.open("workspaceblobstore")
    for path, text in FILES.items():
        store.put(path, text.encode())
    (tmp_path / "src/train.py").write_text(SCRIPT)
    place = store.local_path("raw")
    assert place is not None
    return place


def a_reader(*paths: str, mode: InputMode = "mount", signals: str = "none", **changes: object) -> StepSpec:
    source = DatasetSource(paths=tuple(DatastorePath(datastore="workspaceblobstore", path=path) for path in paths))
    return a_step(
        "train",
        outputs=OUT,
        inputs=(InputSpec(name="raw", mode=mode, source=source, **changes),),  # type: ignore[arg-type]
        arguments=(InputArgument(input="raw"), OutputArgument(output="out"), LiteralArgument(value=signals)),
    )


def appears(path: Path) -> None:
    """Wait until a script has made ``path``."""
    for _ in range(6000):
        if path.exists():
            return
        time.sleep(0.01)
    raise TimeoutError(path)


def found_by(step: StepSpec, open_try: Opener, **changes: object) -> list[str]:
    """What the script saw, and whether it could write."""
    tried = open_try(step, **changes)
    record = carry_out(tried).outputs["out"]
    return tried.workspace.datastores.open(record.datastore).read(f"{record.path}/found.txt").decode().split("\n")


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (("raw",), ["a.csv=1", "b.txt=2", "deep/c.csv=3"]),
        (("raw/a.csv",), ["a.csv=1"]),
        (("raw/**/*.csv",), ["a.csv=1", "deep/c.csv=3"]),
        (("raw", "other"), ["other/d.csv=4", "raw/a.csv=1", "raw/b.txt=2", "raw/deep/c.csv=3"]),
        (("raw/a.csv", "raw/b.txt"), ["a.csv=1", "b.txt=2"]),
    ],
)
def test_a_mounted_input_is_the_data_itself_and_read_only(
    open_try: Opener, raw: Path, said: list[str], paths: tuple[str, ...], expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """R55: and nothing is copied."""
    monkeypatch.setattr("airflow_amlpipe.storage.local.copy_files", lambda *_: pytest.fail("something was copied"))
    assert found_by(a_reader(*paths), open_try) == [*expected, "read-only"]
    assert (raw / "a.csv").read_text() == "1"
    assert not [line for line in said if "copied" in line]


@pytest.mark.parametrize("path", ["data/here", "/absolute/here"])
def test_a_mounted_input_is_found_at_the_path_its_author_named(open_try: Opener, raw: Path, path: str, tmp_path: Path) -> None:
    path = path.replace("/absolute", str(tmp_path / "absolute"))
    assert found_by(a_reader("raw", path_on_compute=path), open_try) == ["a.csv=1", "b.txt=2", "deep/c.csv=3", "read-only"]
    assert not Path(path).is_symlink()


@pytest.mark.parametrize("off", ["download", "setting"])
def test_what_is_downloaded_is_a_copy_that_may_be_written_to(open_try: Opener, raw: Path, off: str) -> None:
    """R55."""
    mode: InputMode = "download" if off == "download" else "mount"
    settings = Settings(poll_interval_seconds=0.01, mount_inputs=off != "setting")
    assert found_by(a_reader("raw", mode=mode), open_try, settings=settings) == ["a.csv=1", "b.txt=2", "deep/c.csv=3", "writable"]
    assert (raw / "a.csv").read_text() == "1"


@pytest.mark.parametrize("odd", ["link", "unfinished"])
def test_data_that_a_view_would_show_differently_is_copied_and_the_log_says_why(
    open_try: Opener, raw: Path, said: list[str], odd: str
) -> None:
    if odd == "link":
        # Absolute: through it a script could leave the view, and write.
        (raw / "also.csv").symlink_to(raw / "a.csv")
        expected = ["a.csv=1", "also.csv=1", "b.txt=2", "deep/c.csv=3"]
    else:
        (raw / ".amlpipe-tmp-1").write_text("half")
        expected = ["a.csv=1", "b.txt=2", "deep/c.csv=3"]
    assert found_by(a_reader("raw"), open_try) == [*expected, "writable"]
    assert "input 'raw' is copied instead of mounted: there are links in it, or unfinished writes" in said
    assert (raw / "a.csv").read_text() == "1"


@pytest.mark.parametrize(
    ("paths", "reason"),
    [(("many/*.csv",), "its pattern names 101 files"), (("raw", "raw/deep"), "its paths lie within each other")],
)
def test_what_cannot_be_shown_as_one_is_copied_and_the_log_says_why(
    open_try: Opener, raw: Path, said: list[str], paths: tuple[str, ...], reason: str
) -> None:
    (raw.parent / "many").mkdir()
    for number in range(101):
        (raw.parent / f"many/{number}.csv").write_text("x")
    assert found_by(a_reader(*paths), open_try)[-1] == "writable"
    assert [line for line in said if line.startswith(f"input 'raw' is copied instead of mounted: {reason}")]


def test_where_the_machine_cannot_mount_the_data_is_copied_to_the_same_paths_and_the_log_says_why(
    open_try: Opener, raw: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = local.start_process

    def refusing(request: object, *arguments: object) -> object:
        if request.views:  # type: ignore[attr-defined]
            raise ViewRefusedError("job 'x' cannot be shown data: unshare: Operation not permitted")
        return real(request, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(local, "start_process", refusing)
    assert found_by(a_reader("raw"), open_try) == ["a.csv=1", "b.txt=2", "deep/c.csv=3", "writable"]
    assert (raw / "a.csv").read_text() == "1"
    assert "inputs are copied instead of mounted: job 'x' cannot be shown data: unshare: Operation not permitted" in said


@pytest.mark.parametrize("change", ["content", "new file", "gone"])
def test_a_result_is_not_kept_when_the_data_changed_under_the_script_that_read_it(
    open_try: Opener, raw: Path, tmp_path: Path, change: str
) -> None:
    """R45."""
    signals = tmp_path / "signals"
    signals.mkdir()
    step = open_try(a_reader("raw", signals=str(signals)))

    def change_while_it_runs() -> None:
        handle = step.launch()
        appears(signals / "ready")
        if change == "content":
            (raw / "a.csv").write_text("9")
        elif change == "new file":
            (raw / "new.csv").write_text("9")
        else:
            raw.rename(raw.parent / "elsewhere")
        (signals / "go").touch()
        step.wait(handle)
        step.record()

    step.identify()
    step.decide()
    with pytest.raises(SourceChangedError, match="input 'raw': 'raw' on .*its result is not kept"), step.bad_end_recorded():
        change_while_it_runs()
    assert [item.status for item in tries(step)] == ["Failed"]
    assert not list((tmp_path / "ws").rglob("results/*"))
    assert not step._folder.root.exists()


def test_data_that_changed_before_the_script_starts_is_not_shown(open_try: Opener, raw: Path) -> None:
    """R45."""
    step = open_try(a_reader("raw"))
    step.identify()
    step.decide()
    (raw / "a.csv").write_text("9")
    with pytest.raises(SourceChangedError, match="input 'raw': 'raw' on datastore 'workspaceblobstore' changed since it was identified"):
        step.launch()


def test_a_job_that_is_taken_up_still_has_its_view_and_its_data_is_looked_at(open_try: Opener, raw: Path, tmp_path: Path) -> None:
    """R45."""
    signals = tmp_path / "signals"
    signals.mkdir()
    reader = a_reader("raw", signals=str(signals))
    crash_after_launch(open_try(reader))
    (signals / "go").touch()
    assert found_by(reader, open_try, try_number=2) == ["a.csv=1", "b.txt=2", "deep/c.csv=3", "read-only"]


def test_a_changed_input_of_a_job_that_is_taken_up_is_noticed(open_try: Opener, raw: Path, tmp_path: Path) -> None:
    """R45."""
    signals = tmp_path / "signals"
    signals.mkdir()
    reader = a_reader("raw", signals=str(signals))
    crash_after_launch(open_try(reader))
    step = open_try(reader, try_number=2)
    step.identify()
    step.decide()
    handle = step.launch()
    (raw / "a.csv").write_text("9")
    (signals / "go").touch()
    step.wait(handle)
    with pytest.raises(SourceChangedError, match="changed while the script ran"):
        step.record()


def test_what_a_script_leaves_writing_is_ended_before_its_outputs_are_stored(open_try: Opener, raw: Path, tmp_path: Path) -> None:
    """R54."""
    (tmp_path / "src/train.py").write_text(
        "import pathlib, subprocess, sys, time\nbeats = pathlib.Path(sys.argv[2], 'beats')\n"
        'child = \'import sys, time\\nwhile True:\\n    open(sys.argv[1], "a").write("x")\\n    time.sleep(0.001)\'\n'
        "subprocess.Popen([sys.executable, '-c', child, str(beats)], start_new_session=True)\n"
        "while not beats.exists(): time.sleep(0.01)\n"
    )
    step = open_try(a_reader("raw"))
    stored = carry_out(step).outputs["out"]
    store = step.workspace.datastores.open(stored.datastore)
    assert store.identify(stored.path).digest == stored.digest
    size = len(store.read(f"{stored.path}/beats"))
    time.sleep(0.1)
    assert len(store.read(f"{stored.path}/beats")) == size > 0


@pytest.mark.usefixtures("raw")
def test_an_empty_place_is_a_path_that_is_not_there_and_nothing_is_lost_in_it(tmp_path: Path, open_try: Opener, said: list[str]) -> None:
    source = DatasetSource(paths=(DatastorePath(datastore="workspaceblobstore", path="later/images"),), is_place=True)
    item = InputSpec(name="raw", mode="mount", source=source)
    step = a_step("train", inputs=(item,), arguments=(InputArgument(input="raw"),))
    script = tmp_path / "src/train.py"
    script.write_text("import os, sys; print(os.path.basename(sys.argv[1]), os.path.exists(sys.argv[1]))")
    carry_out(open_try(step))
    assert "images False" in said
    assert [line for line in said if line.startswith("WARNING: input 'raw': nothing is at 'later/images'")]
    script.write_text("import os, sys; os.makedirs(sys.argv[1], exist_ok=True)")
    carry_out(open_try(step))
    script.write_text("import os, sys; os.makedirs(sys.argv[1]); open(os.path.join(sys.argv[1], 'a'), 'w').close()")
    with pytest.raises(DefinitionError, match=r"step 'train': its script wrote to input 'raw', which is for reading; make it an output"):
        carry_out(open_try(step))


@pytest.mark.usefixtures("raw")
@pytest.mark.parametrize("is_absolute", [False, True])
def test_an_empty_place_with_a_path_of_its_own_is_no_link_to_nowhere(
    tmp_path: Path, open_try: Opener, said: list[str], is_absolute: bool
) -> None:
    path = str(tmp_path / "place/images") if is_absolute else "deep/images"
    source = DatasetSource(paths=(DatastorePath(datastore="workspaceblobstore", path="later/images"),), is_place=True)
    item = InputSpec(name="raw", mode="mount", source=source, path_on_compute=path)
    step = a_step("train", inputs=(item,), arguments=(InputArgument(input="raw"),))
    script = tmp_path / "src/train.py"
    script.write_text("import os, sys; os.makedirs(sys.argv[1], exist_ok=True); print(os.listdir(sys.argv[1]))")
    carry_out(open_try(step))
    assert "[]" in said
    script.write_text("import os, sys; os.makedirs(sys.argv[1], exist_ok=True); open(os.path.join(sys.argv[1], 'a'), 'w').close()")
    with pytest.raises(DefinitionError, match=r"step 'train': its script wrote to input 'raw'"):
        carry_out(open_try(step))
