"""Is a dataset the same asset for whoever names it?"""

from __future__ import annotations

import pytest

from airflow_amlpipe.operators.assets import dataset_asset


@pytest.mark.parametrize("workspace", ["file:///srv/ws/team", "/srv/ws/team/", "s3://bucket/ws/team", "team"])
def test_a_workspace_is_known_by_the_last_part_of_its_url(workspace: str) -> None:
    asset = dataset_asset(workspace, "digits-prepared")
    assert (asset.name, asset.uri, asset.group) == ("team/digits-prepared", "amlpipe://team/datasets/digits-prepared", "amlpipe")


def test_names_with_spaces_are_quoted() -> None:
    assert dataset_asset("/ws/my team", "a b").uri == "amlpipe://my%20team/datasets/a%20b"


def test_equal_names_give_equal_assets() -> None:
    assert dataset_asset("/a/team", "x") == dataset_asset("file:///b/team", "x") != dataset_asset("/a/team", "y")
