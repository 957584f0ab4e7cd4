"""Are two stores of one place known to be of one place, however they are named?"""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_amlpipe.storage.login import Login
from airflow_amlpipe.storage.open import open_store

AWS = Login("aws", "aws", login="key", password="secret")
AZURE = Login("lake", "wasb", login="account", password="a2V5")


@pytest.mark.parametrize(
    ("one", "other", "login"),
    [
        ("s3://bucket/in", "s3a://bucket/in/", AWS),
        ("abfs://container/in", "abfss://container@account.dfs.core.windows.net/in", AZURE),
        ("az://container/in", "abfs://container/in/", AZURE),
        ("sftp://host/srv/in", "sftp://other@host:2222/srv/in/", None),
    ],
)
def test_another_spelling_is_the_same_place(one: str, other: str, login: Login | None) -> None:
    """R58."""
    assert open_store(one, login=login).whereabouts == open_store(other, login=login).whereabouts


def test_a_folder_behind_a_link_is_the_same_place(tmp_path: Path) -> None:
    """R58."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert open_store((tmp_path / "link").as_uri()).whereabouts == open_store((tmp_path / "real").as_uri()).whereabouts


@pytest.mark.parametrize("other", ["s3://bucket/out", "s3://else/in", "s3://bucket", "gs://bucket/in"])
def test_another_folder_bucket_or_service_is_another_place(other: str) -> None:
    assert (
        open_store("s3://bucket/in", login=AWS).whereabouts != open_store(other, login=None if other.startswith("gs") else AWS).whereabouts
    )
