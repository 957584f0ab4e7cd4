"""Is a dataset the same asset for whoever names it, and for nobody else?"""

from __future__ import annotations

import pytest

from airflow_amlpipe.operators.assets import dataset_asset


def test_an_asset_names_its_workspace_for_people_and_by_a_digest_of_its_url() -> None:
    asset = dataset_asset("file:///srv/ws/team", "digits-prepared")
    assert (asset.name, asset.uri, asset.group) == (
        "team-69abc906/digits-prepared",
        "amlpipe://team-69abc906/datasets/digits-prepared",
        "amlpipe",
    )


@pytest.mark.parametrize("workspace", ["/srv/ws/team", "/srv/ws/team/", "file:///srv/ws/team/", "FILE:///srv/./ws//team"])
def test_one_workspace_has_one_name(workspace: str) -> None:
    assert dataset_asset(workspace, "x") == dataset_asset("file:///srv/ws/team", "x")


@pytest.mark.parametrize("workspace", ["/b/digits", "s3://a/digits", "/a/Digits", "/digits", "/"])
def test_workspaces_that_are_called_alike_do_not_share_assets(workspace: str) -> None:
    one, other = dataset_asset("/a/digits", "x"), dataset_asset(workspace, "x")
    assert one.name != other.name
    assert one.uri != other.uri


def test_a_new_password_leaves_the_asset_as_it_is() -> None:
    assert dataset_asset("sftp://me:old@host/ws", "x") == dataset_asset("sftp://me:new@host/ws", "x")
    assert dataset_asset("sftp://me:new@host/", "x").name.startswith("host-")


def test_names_with_spaces_are_quoted() -> None:
    assert dataset_asset("/ws/my team", "a b").uri.startswith("amlpipe://my%20team-")
    assert dataset_asset("/ws/my team", "a b").uri.endswith("/datasets/a%20b")


def test_different_datasets_are_different_assets() -> None:
    assert dataset_asset("/a/team", "x") != dataset_asset("/a/team", "y")
