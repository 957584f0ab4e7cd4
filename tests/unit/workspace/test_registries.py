"""Are named things kept, versioned, listed and refused as promised?"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from airflow_amlpipe.exceptions import DefinitionError, ProtocolError, UnknownNameError, UnsupportedFeatureError
from airflow_amlpipe.spec.compute import ComputeTargetSpec
from airflow_amlpipe.spec.data import DatastorePath
from airflow_amlpipe.spec.environment import EnvironmentSpec
from airflow_amlpipe.workspace import WorkspaceStore
from airflow_amlpipe.workspace.datastores import DatastoreRecord
from tests.unit.storage.racing import in_processes, tag_many

PATHS = (DatastorePath(datastore="workspaceblobstore", path="x"),)


def test_a_workspace_where_none_can_be_is_not_called_a_datastore(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedFeatureError, match="^a workspace on 'ftp' cannot be opened"):
        WorkspaceStore.open("ftp://host/ws", home=tmp_path)


def test_a_fresh_workspace_has_the_well_known_datastores_and_the_first_is_the_default(workspace: WorkspaceStore) -> None:
    assert workspace.datastores.names() == ["workspaceartifactstore", "workspaceblobstore", "workspacefilestore"]
    assert workspace.datastores.default_name() == "workspaceblobstore"
    assert workspace.datastores.get("workspacefilestore").url.endswith("/ws/workspacefilestore")


def test_an_unknown_datastore_is_refused_and_the_known_ones_are_listed(workspace: WorkspaceStore) -> None:
    with pytest.raises(
        UnknownNameError,
        match="datastore 'lake' is not registered in the workspace; registered are: workspaceartifactstore, workspaceblobstore",
    ):
        workspace.datastores.get("lake")


def test_the_default_datastore_can_be_changed_to_one_that_is_registered(workspace: WorkspaceStore) -> None:
    with pytest.raises(UnknownNameError):
        workspace.datastores.set_default("lake")
    workspace.datastores.register("lake", DatastoreRecord(name="lake", url="file:///data/lake"))
    workspace.datastores.set_default("lake")
    assert workspace.datastores.default_name() == "lake"


def test_an_unknown_compute_target_is_refused_and_the_known_ones_are_listed(workspace: WorkspaceStore) -> None:
    workspace.computes.register("cpu", ComputeTargetSpec(name="cpu"))
    with pytest.raises(UnknownNameError, match="compute target 'gpu' is not registered in the workspace; registered are: cpu, local"):
        workspace.computes.get("gpu")


def test_a_misspelt_name_is_answered_with_the_one_that_was_meant(workspace: WorkspaceStore) -> None:
    with pytest.raises(UnknownNameError, match=r"; did you mean 'workspaceblobstore'\?$"):
        workspace.datastores.get("workspaceblobstor")
    with pytest.raises(UnknownNameError, match=r"registered are: local$"):
        workspace.computes.get("gpu")


def test_a_removed_thing_is_gone_from_the_list_but_its_versions_stay_readable(workspace: WorkspaceStore) -> None:
    workspace.environments.register("sk", EnvironmentSpec(name="sk", pip_requirements=("a",)))
    workspace.environments.register("sk", EnvironmentSpec(name="sk", pip_requirements=("b",)))
    workspace.environments.remove("sk")
    assert workspace.environments.names() == []
    assert workspace.environments.find("sk") is None
    assert workspace.environments.get("sk", 1).pip_requirements == ("a",)
    assert workspace.environments.register("sk", EnvironmentSpec(name="sk", pip_requirements=("b",))) == 4


def test_registering_the_same_again_makes_no_new_version(workspace: WorkspaceStore) -> None:
    spec = EnvironmentSpec(name="sk", pip_requirements=("a",))
    assert [workspace.environments.register("sk", spec), workspace.environments.register("sk", spec)] == [1, 1]


def test_an_unknown_version_is_refused_and_the_known_ones_are_listed(workspace: WorkspaceStore) -> None:
    workspace.environments.register("sk", EnvironmentSpec(name="sk"))
    with pytest.raises(UnknownNameError, match="environment 'sk' has no version 7; its versions are: 1"):
        workspace.environments.get("sk", 7)


def test_what_is_built_in_cannot_be_removed(workspace: WorkspaceStore) -> None:
    with pytest.raises(DefinitionError, match="built in"):
        workspace.computes.remove("local")


@pytest.mark.parametrize("name", ["", "n" * 300, "a\nb", "a*", "[a]", "..", ".", "a/b", "/a", "a.", " a", "a\\b", "~"])
def test_names_that_could_leave_their_folder_or_confuse_a_listing_are_refused(workspace: WorkspaceStore, name: str) -> None:
    """S01."""
    with pytest.raises(DefinitionError, match="cannot be registered"):
        workspace.computes.register(name, ComputeTargetSpec(name=name))
    with pytest.raises(DefinitionError):
        workspace.datasets.add_version(name, PATHS)


def test_a_record_of_another_version_is_refused_instead_of_guessed_at(workspace: WorkspaceStore) -> None:
    """R31, R59."""
    workspace.store.put(".amlpipe/v1/computes/cpu/00000001.json", b'{"name":"cpu","quantum":true}')
    with pytest.raises(ProtocolError, match="quantum"):
        workspace.computes.get("cpu")


def test_dataset_versions_count_from_one_and_are_found_by_name_version_and_id(workspace: WorkspaceStore) -> None:
    first, second = (workspace.datasets.add_version("digits", PATHS, description=text) for text in ("one", "two"))
    assert [first.version, second.version] == [1, 2]
    assert workspace.datasets.get("digits").description == "two"
    assert workspace.datasets.get("digits", 1).description == "one"
    assert workspace.datasets.find_id(first.id) == first


def test_registering_with_the_same_token_again_returns_the_same_version(workspace: WorkspaceStore) -> None:
    """R09, R10."""
    first = workspace.datasets.add_version("digits", PATHS, token="run/out")
    workspace.datasets.add_version("digits", PATHS, token="other/out")
    assert workspace.datasets.add_version("digits", PATHS, token="run/out") == first
    assert workspace.datasets.versions("digits") == [1, 2]


def test_many_registrations_at_once_get_versions_without_holes_or_doubles(workspace: WorkspaceStore) -> None:
    """R36."""
    with ThreadPoolExecutor(8) as pool:
        versions = sorted(
            record.version for record in pool.map(lambda index: workspace.datasets.add_version("d", PATHS, token=str(index)), range(20))
        )
    assert versions == list(range(1, 21))


def test_an_unknown_dataset_id_is_refused(workspace: WorkspaceStore) -> None:
    with pytest.raises(UnknownNameError, match="no dataset of the workspace has the id 'nope'"):
        workspace.datasets.find_id("nope")


def test_processes_that_tag_a_version_of_a_dataset_at_once_lose_no_tag(tmp_path: Path) -> None:
    url, home = (tmp_path / "ws").as_uri(), tmp_path / "home"
    datasets = WorkspaceStore.open(url, home=home).datasets
    record = datasets.add_version("sales", PATHS, tags={"a": "1"})
    in_processes(2, tag_many, url, str(home), 10)
    assert datasets.labelled(record).tags == {"a": "1", **{f"{number}-{turn}": "set" for number in range(2) for turn in range(10)}}
