"""What is a dataset of files, and what becomes of it when it is registered?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_amlpipe.sdk._workspace_store import open_workspace
from airflow_amlpipe.sdk.data.abstract_dataset import AbstractDataset
from airflow_amlpipe.sdk.lowering_values import lower_paths
from airflow_amlpipe.workspace.inputs import resolve_paths
from airflow_amlpipe.workspace.staging import fetch_input
from azureml.core import Dataset, Datastore, Workspace
from azureml.data import DataPath, FileDataset
from azureml.data.dataset_error_handling import DatasetValidationError
from azureml.exceptions import UserErrorException


@pytest.fixture
def store(ws: Workspace, project: Path) -> Any:
    for name in ("a.csv", "b.txt", "sub/c.csv"):
        file = project / "data" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    store = ws.get_default_datastore()
    store.upload(str(project / "data"), "images", show_progress=False)
    return store


# ---- from_files


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("images", ["/a.csv", "/b.txt", "/sub/c.csv"]),
        ("images/", ["/a.csv", "/b.txt", "/sub/c.csv"]),
        ("/images/**", ["/a.csv", "/b.txt", "/sub/c.csv"]),
        ("images/*.csv", ["/a.csv"]),
        ("images/**/*.csv", ["/a.csv", "/sub/c.csv"]),
        ("images/sub/c.csv", ["/c.csv"]),
    ],
)
def test_a_path_is_a_file_a_folder_or_a_glob(store: Any, path: str, found: list[str]) -> None:
    for form in ((store, path), [(store, path)], DataPath(store, path)):
        assert Dataset.File.from_files(form).to_path() == found


def test_several_paths_make_one_dataset(store: Any) -> None:
    dataset = Dataset.File.from_files([(store, "images/a.csv"), DataPath(store, "images/sub")])
    assert dataset.to_path() == ["/a.csv", "/sub/c.csv"]


@pytest.mark.parametrize("path", ["imgaes", "images/*.png", "images/a.csv/x"])
def test_a_path_that_matches_nothing_is_refused(store: Any, path: str) -> None:
    with pytest.raises(DatasetValidationError, match="on datastore 'workspaceblobstore' matches nothing; check the path"):
        Dataset.File.from_files((store, path))
    assert Dataset.File.from_files((store, path), validate=False).to_path() == []


def test_a_path_is_not_looked_at_while_airflow_parses(ws: Workspace, airflow_is_parsing: None, home: Path) -> None:
    Dataset.File.from_files((ws.get_default_datastore(), "imgaes"))
    assert not home.exists()


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ([], "path is an empty list"),
        ("./data", "upload the files to a datastore"),
        (3, "that is no path"),
        (("workspaceblobstore", "x"), "'workspaceblobstore' is no Datastore; use Datastore.get"),
    ],
)
def test_what_is_no_place_is_refused(ws: Workspace, path: Any, message: str) -> None:
    with pytest.raises(UserErrorException, match=message):
        Dataset.File.from_files(path)


@pytest.mark.parametrize("path", ["../x", "a/../../b", "a\nb", "a\x00", "~/x", "C:/x", "s3://bucket/x"])
def test_a_path_outside_the_datastore_is_refused(store: Any, path: str) -> None:
    with pytest.raises(UserErrorException, match="must be relative and stay below its root"):
        Dataset.File.from_files((store, path))


def test_a_path_must_be_text(store: Any) -> None:
    with pytest.raises(UserErrorException, match="the path 3 is of type int"):
        Dataset.File.from_files((store, 3))


def test_what_is_taken_of_files_is_files_again(ws: Workspace, store: Any) -> None:
    files = Dataset.File.from_files((store, "images"))
    assert files.take(2).to_path() == ["/a.csv", "/b.txt"]
    assert files.skip(2).to_path() == ["/sub/c.csv"]
    first, second = files.random_split(0.5, seed=2)
    assert sorted(first.to_path() + second.to_path()) == files.to_path()
    assert files.filter(files.file_metadata("Size") > 5).to_path() == ["/sub/c.csv"]
    registered = files.skip(2).register(ws, "last")
    assert Dataset.get_by_name(ws, "last").to_path() == ["/sub/c.csv"]  # type: ignore[union-attr]
    assert Dataset.get_by_id(ws, str(registered.id)).to_path() == ["/sub/c.csv"]  # type: ignore[union-attr]
    with pytest.raises(UserErrorException, match="file_metadata\\('CreatedTime'\\): of a file its 'Size' is known"):
        files.file_metadata("CreatedTime")


def test_what_the_paths_say_is_known_of_the_files(store: Any) -> None:
    files = Dataset.File.from_files((store, "images/*.*"), partition_format="/{name}.{kind}")
    assert files.partition_keys == ["name", "kind"]
    assert files.get_partition_key_values(["kind"]) == [{"kind": "csv"}, {"kind": "txt"}]
    assert files.filter(files["kind"] == "csv").to_path() == ["/a.csv"]


def test_files_are_mounted_while_a_context_lasts(store: Any, project: Path) -> None:
    files = Dataset.File.from_files((store, "images"))
    with files.mount() as context:
        folder = Path(context.mount_point)
        assert sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*.csv")) == ["a.csv", "sub/c.csv"]
    assert not folder.exists()
    context = files.mount(str(project / "here"))
    context.start()
    assert (project / "here" / "a.csv").read_text() == "a.csv"
    context.stop()
    context.stop()
    assert not (project / "here").exists()
    with pytest.raises(UserErrorException, match="src' exists already; give an empty folder, or none"):
        files.mount(str(project / "src")).start()


def test_a_directory_is_uploaded_and_becomes_a_dataset(store: Any, project: Path) -> None:
    dataset = Dataset.File.upload_directory(str(project / "data"), (store, "up"), pattern="*.csv", show_progress=False)
    assert dataset.to_path() == ["/a.csv", "/sub/c.csv"]
    with pytest.raises(UserErrorException, match="'nowhere' is no folder"):
        Dataset.File.upload_directory("nowhere", (store, "up"))


def test_paths_of_several_workspaces_are_refused(ws: Workspace, store: Any) -> None:
    other = Workspace("", "", "other").get_default_datastore()
    with pytest.raises(
        UserErrorException, match=r"from_files: datastore 'workspaceblobstore' is of workspace 'other' .*used in workspace 'team'"
    ):
        Dataset.File.from_files([(store, "images"), (other, "images")], validate=False)


# ---- download


def test_files_are_downloaded_with_their_place_below_the_dataset(store: Any, project: Path) -> None:
    paths = Dataset.File.from_files((store, "images")).download(str(project / "here"))
    assert paths == [str(project / "here" / name) for name in ("a.csv", "b.txt", "sub/c.csv")]
    assert Path(paths[2]).read_text() == "sub/c.csv"


def test_files_of_equal_names_are_all_downloaded_laid_out_as_a_step_gets_them(ws: Workspace, store: Any, project: Path) -> None:
    other = Datastore.get(ws, "workspacefilestore")
    for datastore, folder in ((store, "2024"), (store, "2025"), (other, "2024")):
        (project / "new").mkdir(exist_ok=True)
        (project / "new/a.csv").write_text(f"{datastore.name}/{folder}")
        datastore.upload(str(project / "new"), folder, show_progress=False)
    for number, places in enumerate(
        [
            [(store, "2024"), (store, "2025")],
            [(store, "2024/a.csv"), (store, "2025/*.csv")],
            [(store, "2024/?.csv"), (store, "2024"), (store, "2025/**")],
            [(store, "2024"), (other, "2024")],
            [(store, "images"), (store, "images/sub/c.csv")],
        ]
    ):
        dataset = Dataset.File.from_files(places)
        target = project / f"here-{number}"
        assert dataset.download(str(target)) == [f"{target}{path}" for path in dataset.to_path()]
        assert contents(target) == as_a_step_gets_it(ws, dataset, project / f"step-{number}")
    assert dataset.to_path() == ["/a.csv", "/b.txt", "/sub/c.csv"]


def contents(folder: Path) -> dict[str, str]:
    return {str(file.relative_to(folder)): file.read_text() for file in folder.rglob("*") if file.is_file()}


def as_a_step_gets_it(ws: Workspace, dataset: Any, folder: Path) -> dict[str, str]:
    workspace = open_workspace(ws)
    return contents(fetch_input(workspace, resolve_paths(workspace, "test", "data", lower_paths("test", dataset._paths())), folder))


def test_without_a_target_a_fresh_folder_is_made(store: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (path,) = Dataset.File.from_files((store, "images/a.csv")).download()
    assert Path(path).read_text() == "a.csv"
    assert Path(path).is_relative_to(tmp_path)


def test_files_that_are_there_are_not_overwritten_unasked(store: Any, project: Path) -> None:
    dataset = Dataset.File.from_files((store, "images"))
    dataset.download(str(project / "here"))
    with pytest.raises(UserErrorException, match=r"exists already \(3 in all\); use overwrite=True"):
        dataset.download(str(project / "here"))
    assert len(dataset.download(str(project / "here"), overwrite=True)) == 3


def test_a_dataset_without_files_is_not_downloaded_silently(store: Any, project: Path) -> None:
    dataset = Dataset.File.from_files((store, "nothing"), validate=False)
    with pytest.raises(UserErrorException, match="has no files; check its paths, or use ignore_not_found=True"):
        dataset.download(str(project / "here"))
    assert dataset.download(str(project / "here"), ignore_not_found=True) == []


# ---- registered


def test_an_unregistered_dataset_has_no_name(store: Any) -> None:
    dataset = Dataset.File.from_files((store, "images"))
    assert (dataset.id, dataset.name, dataset.version, dataset.tags, dataset.data_changed_time) == (None, None, None, None, None)
    with pytest.raises(UserErrorException, match="not registered"):
        dataset.unregister_all_versions()


def test_registering_the_same_definition_again_returns_what_is_there(ws: Workspace, store: Any) -> None:
    dataset = Dataset.File.from_files((store, "images"))
    first = dataset.register(ws, "digits", "all of them", {"a": "b"})
    assert (first.name, first.version, first.description, first.tags) == ("digits", 1, "all of them", {"a": "b"})
    assert dataset.name is None
    assert Dataset.File.from_files((store, "images/")).register(ws, "digits").id == first.id


def test_another_definition_needs_a_new_version(ws: Workspace, store: Any) -> None:
    Dataset.File.from_files((store, "images")).register(ws, "digits")
    other = Dataset.File.from_files((store, "images/*.csv"))
    with pytest.raises(
        UserErrorException, match=r"dataset 'digits' is registered already, with other paths \(version 1\); use create_new_version=True"
    ):
        other.register(ws, "digits")
    assert other.register(ws, "digits", create_new_version=True).version == 2
    assert Dataset.get_by_name(ws, "digits").to_path() == ["/a.csv"]
    assert Dataset.get_by_name(ws, "digits", version=1).to_path() == ["/a.csv", "/b.txt", "/sub/c.csv"]
    assert Dataset.get_by_name(ws, "digits", version="1").version == 1


def test_data_is_registered_in_its_own_workspace_only(ws: Workspace, store: Any) -> None:
    other = Workspace("", "", "other")
    dataset = Dataset.File.from_files((store, "images"))
    for unregistered_or_not in (dataset, dataset.register(ws, "digits")):
        with pytest.raises(UserErrorException, match=r"is of workspace 'team' .*used in workspace 'other'"):
            unregistered_or_not.register(other, "digits")
    assert Dataset.get_all(other) == {}


def test_a_dataset_is_found_by_name_by_id_and_among_all(ws: Workspace, store: Any) -> None:
    registered = Dataset.File.from_files((store, "images")).register(ws, "digits")
    assert Dataset.get_by_id(ws, registered.id).name == "digits"
    assert AbstractDataset.get_by_name(ws, "digits").id == registered.id
    assert list(Dataset.get_all(ws)) == ["digits"]
    assert registered.data_changed_time is not None
    registered.unregister_all_versions()
    assert Dataset.get_all(ws) == {}


def test_an_unknown_dataset_lists_what_there_is(ws: Workspace, store: Any) -> None:
    Dataset.File.from_files((store, "images")).register(ws, "digits")
    with pytest.raises(UserErrorException, match="dataset 'digit' is not registered in the workspace; registered are: digits"):
        Dataset.get_by_name(ws, "digit")
    with pytest.raises(UserErrorException, match="version 7"):
        Dataset.get_by_name(ws, "digits", 7)
    with pytest.raises(UserErrorException, match="version 'newest' is not known; give a whole number, or 'latest'"):
        Dataset.get_by_name(ws, "digits", "newest")
    with pytest.raises(UserErrorException, match="no dataset of the workspace has the id"):
        Dataset.get_by_id(ws, "00000000-0000-0000-0000-000000000000")


@pytest.mark.parametrize("name", ["x" * 300, "a\nb", "a*", "[a]", "..", "a/b", ""])
def test_a_name_that_cannot_be_registered_is_refused(ws: Workspace, store: Any, name: str) -> None:
    with pytest.raises(ValueError, match="cannot be registered"):
        Dataset.File.from_files((store, "images")).register(ws, name)


def test_while_airflow_parses_a_dataset_is_its_name(ws: Workspace, airflow_is_parsing: None, home: Path) -> None:
    dataset = Dataset.get_by_name(ws, "digits")
    assert isinstance(dataset, FileDataset)
    assert (dataset.name, dataset.version) == ("digits", None)
    assert Dataset.get_by_name(ws, "digits", 3).version == 3
    with pytest.raises(UserErrorException, match="Dataset.get_by_id uses the workspace"):
        Dataset.get_by_id(ws, "x")
    with pytest.raises(UserErrorException, match="Dataset.register uses the workspace"):
        dataset.register(ws, "x")
    assert not home.exists()
