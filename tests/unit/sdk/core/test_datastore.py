"""Which datastore does a name stand for, and how do files get there?"""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_amlpipe.exceptions import UnsupportedFeatureError
from azureml.core import Datastore, Workspace
from azureml.data.azure_storage_datastore import AzureBlobDatastore, AzureFileDatastore
from azureml.data.data_reference import DataReference
from azureml.data.datapath import DataPath, DataPathComputeBinding
from azureml.exceptions import UserErrorException


@pytest.fixture
def data(project: Path) -> Path:
    for name in ("a.txt", "sub/b.txt"):
        file = project / "data" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"first {name}")
    return project / "data"


# ---- names


@pytest.mark.parametrize(
    ("name", "of"),
    [
        ("workspaceblobstore", AzureBlobDatastore),
        ("workspacefilestore", AzureFileDatastore),
        ("workspaceartifactstore", AzureBlobDatastore),
    ],
)
def test_well_known_datastores_are_never_looked_up(ws: Workspace, home: Path, name: str, of: type) -> None:
    for found in (Datastore(ws, name), Datastore.get(ws, name)):
        assert (type(found), found.name, found.workspace) == (of, name, ws)
    assert not home.exists()


def test_without_a_name_it_is_the_default(ws: Workspace) -> None:
    assert Datastore(ws) == Datastore.get_default(ws) == ws.get_default_datastore()


@pytest.mark.parametrize("name", ["lake", "a/b", "../x", "x" * 300])
def test_an_unknown_datastore_is_refused(ws: Workspace, name: str) -> None:
    with pytest.raises(ValueError, match="datastore"):
        Datastore(ws, name)


def test_what_is_no_name_is_refused(ws: Workspace) -> None:
    with pytest.raises(UserErrorException, match="Datastore.get: 3 is no name"):
        Datastore.get(ws, 3)  # type: ignore[arg-type]


def test_a_folder_can_be_registered_and_used(ws: Workspace, tmp_path: Path, data: Path) -> None:
    lake = Datastore.register_url(ws, "lake", str(tmp_path / "lake"))
    lake.upload(str(data), "in")
    assert (tmp_path / "lake/in/sub/b.txt").read_text() == "first sub/b.txt"
    lake.set_as_default()
    assert ws.get_default_datastore() == lake
    with pytest.raises(UserErrorException, match="registered already, with another URL or connection; use overwrite=True"):
        Datastore.register_url(ws, "lake", str(tmp_path / "other"))
    assert Datastore.register_url(ws, "lake", (tmp_path / "other").as_uri(), overwrite=True) == lake
    lake.unregister()
    with pytest.raises(UserErrorException, match="datastore 'lake' is not registered"):
        Datastore.get(ws, "lake")


def test_services_that_are_not_supported_say_what_to_use(ws: Workspace) -> None:
    with pytest.raises(UnsupportedFeatureError, match=r"register_hdfs is not supported .*Datastore.register\(ws, name, url\)"):
        Datastore.register_hdfs(ws, "x")


def test_while_airflow_parses_any_name_is_taken(ws: Workspace, airflow_is_parsing: None, home: Path) -> None:
    assert Datastore.get(ws, "lake").name == "lake"
    with pytest.raises(UserErrorException, match="Datastore.upload uses the workspace"):
        Datastore.get(ws, "lake").upload(".")
    assert not home.exists()


# ---- files


def test_an_uploaded_folder_comes_back_with_its_whole_path(ws: Workspace, data: Path, project: Path) -> None:
    store = ws.get_default_datastore()
    reference = store.upload(str(data), "in/put", show_progress=False)
    assert (reference.path_on_datastore, reference.data_reference_name) == ("in/put", "workspaceblobstore")
    assert store.download(str(project / "back"), "in/put", show_progress=False) == 2
    assert (project / "back/in/put/sub/b.txt").read_text() == "first sub/b.txt"
    assert store.download(str(project / "one"), "in/put/a.txt", show_progress=False) == 1
    assert store.download(str(project / "all"), show_progress=False) == 2
    assert store.download(str(project / "none"), "nothing/there") == 0


@pytest.mark.parametrize("overwrite", [False, True])
def test_what_is_there_is_left_unless_it_may_be_overwritten(
    ws: Workspace, data: Path, capsys: pytest.CaptureFixture[str], overwrite: bool
) -> None:
    store = ws.get_default_datastore()
    store.upload(str(data), "in")
    (data / "a.txt").write_text("second")
    store.upload(str(data), "in", overwrite=overwrite)
    assert ("Target already exists. Skipping upload for in/a.txt" in capsys.readouterr().out) is not overwrite
    target = data.parent / "back"
    store.download(str(target), "in")
    assert (target / "in/a.txt").read_text() == ("second" if overwrite else "first a.txt")


def test_a_local_file_is_left_unless_it_may_be_overwritten(ws: Workspace, data: Path, project: Path) -> None:
    store = ws.get_default_datastore()
    store.upload(str(data))
    (project / "back").mkdir()
    (project / "back/a.txt").write_text("mine")
    store.download(str(project / "back"))
    assert (project / "back/a.txt").read_text() == "mine"
    store.download(str(project / "back"), overwrite=True)
    assert (project / "back/a.txt").read_text() == "first a.txt"


def test_single_files_keep_their_place_below_a_root(ws: Workspace, data: Path, project: Path) -> None:
    store = ws.get_default_datastore()
    store.upload_files([str(data / "a.txt"), str(data / "sub/b.txt")], target_path="common")
    store.upload_files([str(data / "sub/b.txt")], relative_root=str(project), target_path="/rooted/")
    store.download(str(project / "back"))
    assert sorted(str(file.relative_to(project / "back")) for file in (project / "back").rglob("*.txt")) == [
        "common/a.txt",
        "common/sub/b.txt",
        "rooted/data/sub/b.txt",
    ]


def test_uploading_leaves_the_originals(ws: Workspace, data: Path) -> None:
    ws.get_default_datastore().upload(str(data))
    assert (data / "a.txt").read_text() == "first a.txt"


@pytest.mark.parametrize("target", ["../out", "a/../../b", "a\nb"])
def test_a_target_outside_the_datastore_is_refused(ws: Workspace, data: Path, target: str) -> None:
    with pytest.raises(UserErrorException, match="must be relative and stay below its root"):
        ws.get_default_datastore().upload(str(data), target)


def test_what_cannot_be_uploaded_is_refused(ws: Workspace, data: Path) -> None:
    store = ws.get_default_datastore()
    with pytest.raises(UserErrorException, match="'nowhere' is no folder"):
        store.upload("nowhere")
    with pytest.raises(UserErrorException, match="nope.txt' is no file"):
        store.upload_files(["nope.txt"])
    with pytest.raises(UserErrorException, match="is not below relative_root"):
        store.upload_files([str(data / "a.txt")], relative_root=str(data / "sub"))


# ---- references and paths


def test_references_are_copied_when_they_are_bound(ws: Workspace) -> None:
    whole = ws.get_default_datastore().path()
    part = whole.path("a/").path("b", "part").as_download("/tmp/x", overwrite=True)
    assert (whole.path_on_datastore, whole.mode) == (None, "mount")
    assert (part.path_on_datastore, part.data_reference_name, part.mode, part.path_on_compute) == ("a/b", "part", "download", "/tmp/x")
    assert str(part) == "$AZUREML_DATAREFERENCE_part"
    assert ws.get_default_datastore().as_upload().mode == "upload"


def test_a_reference_takes_its_datastores_name_as_far_as_a_variable_can_have_it(ws: Workspace, tmp_path: Path, data: Path) -> None:
    lake = Datastore.register_url(ws, "my-lake.v2", str(tmp_path / "lake"))
    assert lake.upload(str(data)).data_reference_name == "my_lake_v2"


def test_a_reference_and_a_path_become_each_other(ws: Workspace) -> None:
    path = DataPath(ws.get_default_datastore(), "a/b")
    reference = path.create_data_reference("raw", DataPathComputeBinding("download"))
    assert (reference.mode, reference.path_on_datastore) == ("download", "a/b")
    again = DataPath.create_from_data_reference(reference)
    assert (again.datastore_name, again.path_on_datastore) == ("workspaceblobstore", "a/b")
    assert DataPathComputeBinding.create_from_data_reference(reference).mode == "download"


def test_a_wrong_reference_is_refused(ws: Workspace) -> None:
    with pytest.raises(UserErrorException, match="mode 'copy' is not known"):
        DataReference(ws.get_default_datastore(), mode="copy")
    with pytest.raises(UserErrorException, match="the name 'a b' cannot be used"):
        ws.get_default_datastore().path("x", "a b")
    with pytest.raises(UserErrorException, match="datapath is missing"):
        DataReference.create("x")
    with pytest.raises(UserErrorException, match="datastore must be a Datastore, not str"):
        DataPath("workspaceblobstore", "x")  # type: ignore[arg-type]
