"""Is everything a try left found again, and nothing lost that was kept before?"""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_amlpipe.exceptions import ProtocolError
from airflow_amlpipe.workspace.layout import run_folder, try_folder
from airflow_amlpipe.workspace.try_files import Logged, keep_artifacts, keep_logged, keep_logs, logged_by_steps, read_logged
from airflow_amlpipe.workspace.workspace import WorkspaceStore

RUN = "01900000-0000-7000-8000-000000000001"
FIRST, SECOND = "01900000-0000-7000-8000-00000000000a", "01900000-0000-7000-8000-00000000000b"
FOLDER = try_folder(RUN, "train", 1, FIRST)
AUC = {"kind": "metric", "key": "auc", "value": 0.9}


@pytest.fixture
def store(tmp_path: Path) -> WorkspaceStore:
    return WorkspaceStore.open(str(tmp_path / "ws"), home=tmp_path / "home")


def write(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def test_logs_are_moved_whole_and_only_once(store: WorkspaceStore, tmp_path: Path) -> None:
    logs = write(tmp_path / "try" / "logs" / "stdout.txt", "a line\n").parent
    keep_logs(store, FOLDER, logs)
    keep_logs(store, FOLDER, logs)
    assert store.store.read(f"{FOLDER}/logs/stdout.txt") == b"a line\n"
    assert not logs.exists()


def test_there_may_be_no_logs(store: WorkspaceStore, tmp_path: Path) -> None:
    keep_logs(store, FOLDER, tmp_path / "nothing")
    assert not store.store.exists(FOLDER)


def test_artifacts_keep_their_names(store: WorkspaceStore, tmp_path: Path) -> None:
    files = {"plot.txt": write(tmp_path / "a", "curve"), "deep/er/[x] y.txt": write(tmp_path / "b", "deep")}
    assert keep_artifacts(store, FOLDER, files) == ()
    assert store.store.read(f"{FOLDER}/artifacts/plot.txt") == b"curve"
    assert store.store.read(f"{FOLDER}/artifacts/deep/er/[x] y.txt") == b"deep"


def test_what_was_uploaded_first_under_a_name_stays(store: WorkspaceStore, tmp_path: Path) -> None:
    place = run_folder(RUN)
    keep_artifacts(store, place, {"report.txt": write(tmp_path / "a", "first")})
    assert keep_artifacts(store, place, {"report.txt": write(tmp_path / "b", "second")}) == ("report.txt",)
    assert store.store.read(f"{place}/artifacts/report.txt") == b"first"


def test_a_file_that_another_process_of_the_same_try_takes_meanwhile_is_kept_by_that_one(
    store: WorkspaceStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R12."""
    file = write(tmp_path / "a", "first")
    ingest = store.store.ingest

    def taken(source: Path, path: str) -> None:
        file.unlink()
        ingest(source, path)

    monkeypatch.setattr(store.store, "ingest", taken)
    assert keep_artifacts(store, FOLDER, {"report.txt": file}) == ()
    assert not store.store.exists(f"{FOLDER}/artifacts/report.txt")


def test_what_a_script_logged_is_read_back(store: WorkspaceStore) -> None:
    own = Logged(events=(AUC,), tags={"a": "1", "b": None}, properties={"p": "q"})
    keep_logged(store, RUN, FOLDER, FIRST, own=own, parent=Logged())
    assert read_logged(store, FOLDER) == own
    assert logged_by_steps(store, RUN) == Logged()


def test_nothing_is_written_for_nothing(store: WorkspaceStore) -> None:
    keep_logged(store, RUN, FOLDER, FIRST, own=Logged(), parent=Logged())
    assert not store.store.exists(run_folder(RUN))
    assert read_logged(store, FOLDER).is_empty


def test_what_steps_logged_for_the_pipelines_run_comes_in_the_order_they_started(store: WorkspaceStore) -> None:
    later, earlier = {**AUC, "value": 0.8}, {**AUC, "value": 0.7}
    for step_run_id, event, tag in ((SECOND, later, "second"), (FIRST, earlier, "first")):
        parent = Logged(events=(event,), tags={"best": tag}, properties={step_run_id: "x"})
        keep_logged(store, RUN, FOLDER, step_run_id, own=Logged(), parent=parent)
    logged = logged_by_steps(store, RUN)
    assert [event["value"] for event in logged.events] == [0.7, 0.8]
    assert logged.tags == {"best": "second"}
    assert set(logged.properties) == {FIRST, SECOND}


def test_a_record_that_cannot_be_read_is_an_error_and_not_no_record(store: WorkspaceStore) -> None:
    """R31."""
    store.store.put(f"{FOLDER}/metrics.json", b'{"events": 7}')
    with pytest.raises(ProtocolError, match="a record in the workspace cannot be read"):
        read_logged(store, FOLDER)
