"""Which data does an input stand for, and what arrives in the step?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_amlpipe.exceptions import DefinitionError, InfrastructureError, UnknownNameError
from airflow_amlpipe.fingerprint.memo import HashMemo
from airflow_amlpipe.fingerprint.tree import TreeIdentity
from airflow_amlpipe.spec.data import DatasetSource, DatastorePath, InputSpec
from airflow_amlpipe.storage.store import Store
from airflow_amlpipe.workspace import WorkspaceStore, inputs
from airflow_amlpipe.workspace.data_paths import identify_path
from airflow_amlpipe.workspace.inputs import ResolvedInput, resolve_input
from airflow_amlpipe.workspace.showing import refuse_written
from airflow_amlpipe.workspace.staging import fetch_input

FILES = {"raw/a.csv": "1", "raw/b.txt": "2", "raw/deep/c.csv": "3", "other/a.csv": "4"}


def resolve(workspace: WorkspaceStore, *paths: str, datastores: tuple[str, ...] = ()) -> ResolvedInput:
    places = tuple(
        DatastorePath(datastore=datastore, path=path)
        for path, datastore in zip(paths, datastores or ("workspaceblobstore",) * len(paths), strict=True)
    )
    return resolve_input(workspace, "step 'prepare'", InputSpec(name="raw", mode="mount", source=DatasetSource(paths=places)), {})


def arrived(workspace: WorkspaceStore, resolved: ResolvedInput, target: Path) -> dict[str, str]:
    fetch_input(workspace, resolved, target)
    return {file.relative_to(target).as_posix(): file.read_text() for file in sorted(target.rglob("*")) if file.is_file()}


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (("raw",), {"a.csv": "1", "b.txt": "2", "deep/c.csv": "3"}),
        (("raw/",), {"a.csv": "1", "b.txt": "2", "deep/c.csv": "3"}),
        (("raw/**",), {"a.csv": "1", "b.txt": "2", "deep/c.csv": "3"}),
        (("raw/*.csv",), {"a.csv": "1"}),
        (("raw/**/*.csv",), {"a.csv": "1", "deep/c.csv": "3"}),
        (("raw/b.txt",), {"b.txt": "2"}),
        (("raw", "other"), {"raw/a.csv": "1", "raw/b.txt": "2", "raw/deep/c.csv": "3", "other/a.csv": "4"}),
        (("raw/a.csv", "raw/b.txt"), {"a.csv": "1", "b.txt": "2"}),
        (("raw/a.csv", "other/a.csv"), {"raw/a.csv": "1", "other/a.csv": "4"}),
    ],
)
def test_what_a_path_names_arrives_in_its_own_layout(
    workspace: WorkspaceStore, put_data: Callable[..., None], tmp_path: Path, paths: tuple[str, ...], expected: dict[str, str]
) -> None:
    put_data(FILES)
    assert arrived(workspace, resolve(workspace, *paths), tmp_path / "in") == expected


def test_a_single_file_is_handed_over_as_that_file(workspace: WorkspaceStore, put_data: Callable[..., None], tmp_path: Path) -> None:
    put_data(FILES)
    assert fetch_input(workspace, resolve(workspace, "raw/a.csv"), tmp_path / "in") == tmp_path / "in" / "a.csv"


def test_paths_on_two_datastores_do_not_mix(workspace: WorkspaceStore, put_data: Callable[..., None], tmp_path: Path) -> None:
    put_data({"raw/a.csv": "1"})
    put_data({"raw/a.csv": "2"}, "workspacefilestore")
    resolved = resolve(workspace, "raw", "raw", datastores=("workspaceblobstore", "workspacefilestore"))
    assert arrived(workspace, resolved, tmp_path / "in") == {"workspaceblobstore/raw/a.csv": "1", "workspacefilestore/raw/a.csv": "2"}


def test_equal_files_have_one_identity_wherever_they_lie(workspace: WorkspaceStore, put_data: Callable[..., None]) -> None:
    put_data({"one/a": "1", "one/b": "2", "two/b": "2", "two/a": "1"})
    assert resolve(workspace, "one").digest == resolve(workspace, "one/**").digest
    if workspace.datastores.open("workspaceblobstore").identifies_content:
        assert resolve(workspace, "one").digest == resolve(workspace, "two").digest


@pytest.mark.parametrize("change", [{"raw/a.csv": "9"}, {"raw/new.csv": "1"}])
def test_changed_data_has_another_identity(workspace: WorkspaceStore, put_data: Callable[..., None], change: dict[str, str]) -> None:
    put_data(FILES)
    before = resolve(workspace, "raw").digest
    put_data(change)
    assert resolve(workspace, "raw").digest != before


def test_a_change_that_the_glob_does_not_name_changes_nothing(workspace: WorkspaceStore, put_data: Callable[..., None]) -> None:
    put_data(FILES)
    before = resolve(workspace, "raw/*.csv").digest
    put_data({"raw/b.txt": "9"})
    assert resolve(workspace, "raw/*.csv").digest == before


@pytest.mark.parametrize("path", ["nothing", "raw/*.parquet", "raw/a.csv/deeper"])
def test_a_path_that_matches_nothing_is_refused_with_the_place(workspace: WorkspaceStore, put_data: Callable[..., None], path: str) -> None:
    put_data(FILES)
    with pytest.raises(DefinitionError, match=r"step 'prepare': input 'raw': nothing is at .* on datastore 'workspaceblobstore'"):
        resolve(workspace, path)


@pytest.mark.parametrize(("path", "name"), [("nothing", "nothing"), ("raw/none.csv", "none.csv"), ("raw/*.parquet", "*.parquet")])
def test_a_place_may_be_empty_where_that_is_taken(
    workspace: WorkspaceStore, put_data: Callable[..., None], tmp_path: Path, path: str, name: str
) -> None:
    put_data(FILES)
    source = DatasetSource(paths=(DatastorePath(datastore="workspaceblobstore", path=path),), is_place=True)
    item = InputSpec(name="raw", mode="mount", source=source)
    with pytest.raises(DefinitionError, match="nothing is at"):
        resolve_input(workspace, "step 'copy'", item, {})
    resolved = resolve_input(workspace, "step 'train'", item, {}, takes_empty_places=True)
    said: list[str] = []
    place = fetch_input(workspace, resolved, tmp_path / "in", say=said.append)
    assert (place, place.exists(), (tmp_path / "in").is_dir()) == (tmp_path / "in" / name, False, True)
    assert said == [f"WARNING: {resolved.warning}"]
    assert f"nothing is at {path!r} on datastore 'workspaceblobstore'" in resolved.warning
    refuse_written("step 'train'", resolved, place)
    (place / "deep").mkdir(parents=True)
    refuse_written("step 'train'", resolved, place)  # a folder, and nothing in it to lose
    (place / "deep/a.csv").touch()
    with pytest.raises(DefinitionError, match=r"step 'train': its script wrote to input 'raw', .* make it an output"):
        refuse_written("step 'train'", resolved, place)
    put_data({"nothing/a": "1", "raw/none.csv": "1", "raw/a.parquet": "1"})
    found = resolve_input(workspace, "step 'train'", item, {}, takes_empty_places=True)
    assert (found.warning, found.digest != resolved.digest, len(found.parts)) == ("", True, 1)


def test_a_place_is_looked_at_once(workspace: WorkspaceStore, put_data: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    put_data(FILES)
    looked_at: list[str] = []

    def identify(store: Store, path: str, memo: HashMemo | None = None) -> tuple[str, str, TreeIdentity | None]:
        looked_at.append(path)
        return identify_path(store, path, memo)

    monkeypatch.setattr(inputs, "identify_path", identify)
    source = DatasetSource(paths=(DatastorePath(datastore="workspaceblobstore", path="raw"),), is_place=True)
    resolved = resolve_input(workspace, "step 'train'", InputSpec(name="raw", mode="mount", source=source), {}, takes_empty_places=True)
    assert looked_at == ["raw"]
    assert resolved.digest == resolve(workspace, "raw").digest


def test_an_unknown_datastore_is_refused(workspace: WorkspaceStore) -> None:
    with pytest.raises(UnknownNameError, match="datastore 'lake'"):
        resolve(workspace, "raw", datastores=("lake",))


def test_data_that_changes_between_identification_and_staging_never_reaches_the_script(
    workspace: WorkspaceStore, put_data: Callable[..., None], tmp_path: Path
) -> None:
    """R45."""
    put_data(FILES)
    resolved = resolve(workspace, "raw")
    put_data({"raw/a.csv": "9"})
    with pytest.raises(InfrastructureError):
        fetch_input(workspace, resolved, tmp_path / "in")


def test_writing_into_what_arrived_leaves_the_data_alone(workspace: WorkspaceStore, put_data: Callable[..., None], tmp_path: Path) -> None:
    """R55."""
    put_data(FILES)
    before = resolve(workspace, "raw").digest
    target = fetch_input(workspace, resolve(workspace, "raw"), tmp_path / "in")
    (target / "a.csv").write_text("overwritten")
    (target / "new").write_text("new")
    assert resolve(workspace, "raw").digest == before


def test_a_registered_dataset_is_looked_up_when_it_is_used(workspace: WorkspaceStore, put_data: Callable[..., None]) -> None:
    put_data(FILES)
    workspace.datasets.add_version("images", (DatastorePath(datastore="workspaceblobstore", path="raw"),))
    workspace.datasets.add_version("images", (DatastorePath(datastore="workspaceblobstore", path="other"),))
    latest, first = (
        resolve_input(workspace, "step 's'", InputSpec(name="i", mode="mount", source=DatasetSource(name="images", version=version)), {})
        for version in (None, 1)
    )
    assert (latest.digest, first.digest) == (resolve(workspace, "other").digest, resolve(workspace, "raw").digest)
