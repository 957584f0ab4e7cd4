"""What does a copy between two datastores leave, whatever happens on the way?"""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_amlpipe.exceptions import DatastoreUnavailableError, DefinitionError, InfrastructureError
from airflow_amlpipe.hooks.opening import open_workspace
from airflow_amlpipe.operators import transferring
from airflow_amlpipe.operators.execution import StepExecution
from airflow_amlpipe.operators.outline import PipelineOutline
from airflow_amlpipe.operators.run_request import RunRequest
from airflow_amlpipe.reuse.policy import ReusePolicy
from airflow_amlpipe.settings import Settings
from airflow_amlpipe.spec.data import DatasetSource, DatastorePath, InputSpec, OutputSpec
from airflow_amlpipe.spec.dataset import DatasetDefinition, SqlQuery
from airflow_amlpipe.spec.step import DataTransfer, SourceSpec, StepSpec
from airflow_amlpipe.storage import transfer
from airflow_amlpipe.workspace import staging
from airflow_amlpipe.workspace.datastores import DatastoreRecord
from airflow_amlpipe.workspace.records import StepFinished
from airflow_amlpipe.workspace.workspace import WorkspaceStore
from tests.builders import a_pipeline, a_step
from tests.postgres_server import postgres_server
from tests.unit.operators.test_execution import outline_of
from tests.unit.operators.test_job_note import DictStore

RUN = "01900000-0000-7000-8000-00000000000{}"


def copy_step(path: str = "raw", destination: str = "copied", **types: Any) -> StepSpec:
    return a_step(
        "copy",
        command=DataTransfer(source="from", destination="to", **types),
        source=SourceSpec(directory=""),
        inputs=(
            InputSpec(
                name="from", mode="download", source=DatasetSource(paths=(DatastorePath(datastore="workspacefilestore", path=path),))
            ),
        ),
        outputs=(OutputSpec(name="to", mode="upload", datastore="workspaceblobstore", destination=destination, overwrite=True),),
    )


class Copy:
    """Copies within one workspace, as the task of a step does."""

    def __init__(self, root: Path) -> None:
        self.workspace = WorkspaceStore.open(str(root / "ws"), home=root / "home")
        self.source = self._folder("workspacefilestore")
        self.target = self._folder("workspaceblobstore")
        self.said: list[str] = []
        self._root, self._runs = root, 0

    def _folder(self, datastore: str) -> Path:
        place = self.workspace.datastores.open(datastore).local_path("")
        assert place is not None
        return place

    def put(self, **files: str) -> None:
        for name, text in files.items():
            place = self.source / "raw" / name.replace("__", "/").replace("_", ".")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)

    def open(self, step: StepSpec, policy: str = "auto") -> StepExecution:
        self._runs += 1
        outline: PipelineOutline = outline_of(a_pipeline(step))
        return StepExecution(
            workspace=self.workspace,
            settings=Settings(poll_interval_seconds=0.01),
            outline=outline,
            request=RunRequest(run_id=RUN.format(self._runs), experiment="e", policy=ReusePolicy.parse(policy), tags={}, parameters={}),
            step=step,
            source_base=self._root,
            ancestors=tuple,
            airflow={"dag_id": "d", "dag_run_id": f"r{self._runs}", "task_id": step.id},
            try_number=1,
            is_last_try=False,
            notes=DictStore(),
            say=self.said.append,
        )

    def run(self, step: StepSpec, policy: str = "auto") -> StepFinished:
        execution = self.open(step, policy)
        with execution.bad_end_recorded():
            execution.identify()
            decision = execution.decide().decision
            return execution.reuse(decision.result) if decision.result is not None else execution.carry_out()


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path)


def files_of(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_a_directory_is_copied_with_everything_in_it(copy: Copy) -> None:
    copy.put(a_csv="1", deep__b_csv="2")
    finished = copy.run(copy_step())
    assert files_of(copy.target / "copied") == {"a.csv": "1", "deep/b.csv": "2"}
    assert (finished.status, finished.outputs["to"].file_count, finished.outputs["to"].published_to) == ("Finished", 2, "copied")
    assert files_of(copy.source / "raw") == {"a.csv": "1", "deep/b.csv": "2"}, "a copy leaves its source"


def test_what_was_at_the_destination_and_is_not_replaced_stays(copy: Copy) -> None:
    (copy.target / "copied").mkdir(parents=True)
    (copy.target / "copied" / "theirs.csv").write_text("theirs")
    (copy.target / "copied" / "a.csv").write_text("old")
    copy.put(a_csv="new")
    copy.run(copy_step())
    assert files_of(copy.target / "copied") == {"a.csv": "new", "theirs.csv": "theirs"}


def test_a_copy_that_was_made_is_handed_on_until_its_source_changes(copy: Copy) -> None:
    copy.put(a_csv="1")
    first, second = copy.run(copy_step()), copy.run(copy_step())
    assert (first.reused, second.reused) == (False, True)
    copy.put(a_csv="2")
    assert not copy.run(copy_step()).reused
    assert files_of(copy.target / "copied") == {"a.csv": "2"}


@pytest.mark.parametrize(
    ("types", "there", "expected"),
    [
        ({}, None, {"copied": "1"}),
        ({"destination_type": "file"}, None, {"copied": "1"}),
        ({"destination_type": "directory"}, None, {"copied/a.csv": "1"}),
        ({"source_type": "file"}, "copied/other.csv", {"copied/a.csv": "1", "copied/other.csv": "there"}),
        ({}, "copied", {"copied": "1"}),
    ],
)
def test_a_file_becomes_the_destination_or_goes_into_it(
    copy: Copy, types: dict[str, Any], there: str | None, expected: dict[str, str]
) -> None:
    if there is not None:
        (copy.target / there).parent.mkdir(parents=True, exist_ok=True)
        (copy.target / there).write_text("there")
    copy.put(a_csv="1")
    copy.run(copy_step("raw/a.csv", **types))
    assert {name: text for name, text in files_of(copy.target).items() if name.startswith("copied")} == expected


@pytest.mark.parametrize(
    ("path", "types", "message"),
    [
        ("raw", {"source_type": "file"}, "source_reference_type is 'file', and what lies at the source is a directory"),
        ("raw/a.csv", {"source_type": "directory"}, "source_reference_type is 'directory', and what lies at the source is one file"),
        ("raw", {"destination_type": "file"}, "a directory cannot become the one file"),
        ("raw/none", {}, "nothing is at 'raw/none' on datastore 'workspacefilestore'"),
    ],
)
def test_what_does_not_fit_what_its_author_said_is_not_copied(copy: Copy, path: str, types: dict[str, Any], message: str) -> None:
    copy.put(a_csv="1", b_csv="2")
    with pytest.raises(DefinitionError, match=message):
        copy.run(copy_step(path, **types))
    assert not (copy.target / "copied").exists()


def test_after_a_kill_the_next_try_goes_on_with_what_had_arrived(copy: Copy, monkeypatch: pytest.MonkeyPatch) -> None:
    copy.put(a_csv="1", b_csv="2")
    fetched = transferring.fetch_input

    class Killed(BaseException):
        pass

    def killed(workspace: Any, resolved: Any, target: Path, **options: Any) -> Path:
        fetched(workspace, resolved, target, **options)
        (target / "b.csv").unlink()
        (target / ".amlpipe-tmp-half").write_text("ha")
        raise Killed

    monkeypatch.setattr(transferring, "fetch_input", killed)
    with pytest.raises(Killed):
        copy.run(copy_step())
    assert not (copy.target / "copied").exists(), "a half is never seen"
    (arrived,) = (copy.workspace.home / "tries").glob("transfer-*/inputs/data/a.csv")
    node = arrived.stat().st_ino
    arrived_nodes: list[int] = []

    def looked_at(workspace: Any, resolved: Any, target: Path, **options: Any) -> Path:
        place = fetched(workspace, resolved, target, **options)
        arrived_nodes.append((target / "a.csv").stat().st_ino)
        return place

    monkeypatch.setattr(transferring, "fetch_input", looked_at)
    copy.run(copy_step())
    assert arrived_nodes == [node]
    assert files_of(copy.target / "copied") == {"a.csv": "1", "b.csv": "2"}
    assert not list((copy.workspace.home / "tries").iterdir()), "nothing is left behind"


def test_after_an_outage_the_next_try_goes_on_with_what_had_arrived(copy: Copy, monkeypatch: pytest.MonkeyPatch) -> None:
    copy.put(a_csv="1", b_csv="2", sub__c_csv="3")
    monkeypatch.setattr(staging, "_PAUSES_SECONDS", ())
    copied = transfer._copy
    opened: list[str] = []

    def down(file: transfer.FileCopy, *arguments: Any) -> None:
        if len(opened) == 2:
            raise OSError(errno.EIO, "no answer")
        arrive(file, *arguments)

    def arrive(file: transfer.FileCopy, *arguments: Any) -> None:
        if "/transfer-" in file.target:
            opened.append(file.name)
        copied(file, *arguments)

    monkeypatch.setattr(transfer, "_copy", down)
    with pytest.raises(DatastoreUnavailableError, match="no answer"):
        copy.run(copy_step())
    assert not (copy.target / "copied").exists()
    monkeypatch.setattr(transfer, "_copy", arrive)
    copy.run(copy_step())
    assert sorted(opened) == ["a.csv", "b.csv", "sub/c.csv"], "each file came once"
    assert files_of(copy.target / "copied") == {"a.csv": "1", "b.csv": "2", "sub/c.csv": "3"}
    assert not list((copy.workspace.home / "tries").iterdir()), "nothing is left behind"


def test_two_copies_of_the_same_at_once_do_not_share_a_folder(copy: Copy, monkeypatch: pytest.MonkeyPatch) -> None:
    copy.put(a_csv="1")
    fetched: Callable[..., Path] = transferring.fetch_input
    targets: list[Path] = []

    def meanwhile(workspace: Any, resolved: Any, target: Path, **options: Any) -> Path:
        targets.append(target)
        if len(targets) == 1:
            copy.run(copy_step(), "refresh")
        return fetched(workspace, resolved, target, **options)

    monkeypatch.setattr(transferring, "fetch_input", meanwhile)
    copy.run(copy_step(), "refresh")
    assert len(set(targets)) == 2
    assert files_of(copy.target / "copied") == {"a.csv": "1"}


def test_trouble_on_the_way_is_told_and_leaves_nothing_at_the_destination(copy: Copy, monkeypatch: pytest.MonkeyPatch) -> None:
    copy.put(a_csv="1")

    def down(*_: Any, **__: Any) -> Path:
        raise DatastoreUnavailableError("datastore 'lake': HTTP 503")

    monkeypatch.setattr(transferring, "fetch_input", down)
    with pytest.raises(DatastoreUnavailableError, match="503"):
        copy.run(copy_step())
    assert not (copy.target / "copied").exists()


def test_a_task_that_was_stopped_stores_nothing(copy: Copy) -> None:
    copy.put(a_csv="1")
    execution = copy.open(copy_step())
    execution.identify()
    execution.decide()
    execution.stop()
    with pytest.raises(InfrastructureError, match="stopped by Airflow"), execution.bad_end_recorded():
        execution.carry_out()
    assert not (copy.target / "copied").exists()


@pytest.mark.parametrize(
    ("destination", "types", "place"), [("sales.csv", {}, "sales.csv"), ("in", {"destination_type": "directory"}, "in/rows.csv")]
)
def test_rows_of_a_database_are_copied_as_a_csv_file_and_again_only_for_other_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, destination: str, types: dict[str, Any], place: str
) -> None:
    server = postgres_server()
    database = server.new_database()
    server.execute(database, "CREATE TABLE sales (id int, shop text)", "INSERT INTO sales VALUES (1, 'a'), (2, NULL)")
    monkeypatch.setenv("AIRFLOW_CONN_PG", server.connection())
    copy = Copy(tmp_path)
    copy.workspace = open_workspace(str(tmp_path / "ws"), home=tmp_path / "home")
    copy.workspace.datastores.register("db", DatastoreRecord(name="db", url=server.url(database), conn_id="pg", sdk_type="AzurePostgreSql"))
    query = DatasetDefinition(kind="tabular", reading=SqlQuery(datastore="db", query="sales", statement="table"))
    asked = InputSpec(name="from", mode="direct", source=DatasetSource(definition=query))
    step = copy_step(destination=destination, **types).model_copy(update={"inputs": (asked,)})
    first = copy.run(step)
    assert (copy.target / place).read_text() == '"id","shop"\n1,"a"\n2,\n'
    second = copy.run(step)
    server.execute(database, "INSERT INTO sales VALUES (3, '')")
    third = copy.run(step)
    assert (copy.target / place).read_text() == '"id","shop"\n1,"a"\n2,\n3,""\n'
    assert [first.reused, second.reused, third.reused] == [False, True, False]
