"""Is a store opened with the login that its record names, and only where it may be?"""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_amlpipe.exceptions import DefinitionError, UnknownNameError
from airflow_amlpipe.storage.access import StoreAccess
from airflow_amlpipe.storage.local_roots import LocalRoots
from airflow_amlpipe.storage.login import Login


def test_a_connection_that_there_is_not_is_named_with_how_to_make_it() -> None:
    with pytest.raises(UnknownNameError) as caught:
        StoreAccess(logins=lambda _: None).open_datastore("lake", "abfss://c@acc.dfs.core.windows.net/x", conn_id="my_lake")
    assert str(caught.value) == (
        "datastore 'lake' logs in with the Airflow connection 'my_lake', which there is not; make it in Airflow (airflow connections add my_lake "
        "--conn-type wasb ...), or describe it in the environment variable AIRFLOW_CONN_MY_LAKE (docs/how-to/datastores.md)"
    )


def test_the_login_is_asked_for_when_the_store_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def logins(conn_id: str) -> Login:
        asked.append(conn_id)
        return Login(conn_id, "sftp")

    access = StoreAccess(logins=logins)
    assert asked == []
    with pytest.raises(DefinitionError, match="connection 'mine' is of type 'sftp'"):
        access.open("s3://bucket", conn_id="mine", what="workspace")
    assert asked == ["mine"]


def test_nobody_logs_in_to_a_folder(tmp_path: Path) -> None:
    store = StoreAccess(logins=lambda _: None).open_datastore("lake", str(tmp_path), conn_id="whatever")
    assert store.local_path("") == tmp_path


def test_a_datastore_may_not_be_where_a_workspace_may(tmp_path: Path) -> None:
    """S17."""
    access = StoreAccess(local_roots=LocalRoots(allowed=("/srv",)))
    assert access.open(str(tmp_path), conn_id=None, what="workspace").url == f"file://{tmp_path}"
    with pytest.raises(DefinitionError, match="datastore 'lake': .* is below none of the allowed folders"):
        access.open_datastore("lake", str(tmp_path), conn_id=None)
