"""Do scripts that register Azure's storage and databases run unchanged, and is nothing of their keys kept?"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_amlpipe.hooks import opening
from azureml.core import Datastore, Workspace
from azureml.data.azure_data_lake_datastore import AzureDataLakeGen2Datastore
from azureml.data.azure_my_sql_datastore import AzureMySqlDatastore
from azureml.data.azure_postgre_sql_datastore import AzurePostgreSqlDatastore
from azureml.data.azure_sql_database_datastore import AzureSqlDatabaseDatastore
from azureml.data.azure_storage_datastore import AzureBlobDatastore, AzureFileDatastore
from azureml.exceptions import UserErrorException
from tests.servers import AZURITE_ACCOUNT, AZURITE_KEY, azure_place, s3_place

CANARY = "c4n4ry"
# An account's key is Base64.
KEY = "YzRuNHJ5"


@pytest.fixture(autouse=True)
def memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that was given nothing yet."""
    monkeypatch.setattr(opening, "_given", {})


def blob(ws: Workspace, **given: Any) -> AzureBlobDatastore:
    return Datastore.register_azure_blob_container(
        **{"workspace": ws, "datastore_name": "lake", "container_name": "images", "account_name": "acc", "skip_validation": True, **given}
    )


def login(ws: Workspace, name: str) -> Any:
    (found,) = (given for given in opening.given_logins(ws._url) if given.conn_id == name)
    return found


def bytes_below(folder: Path) -> bytes:
    return b"".join(file.read_bytes() + str(file).encode() for file in folder.rglob("*") if file.is_file())


# ---- what is registered


def test_a_blob_container_is_registered_as_in_sdk_v1(ws: Workspace) -> None:
    lake = blob(ws, account_key=KEY, subscription_id="s", resource_group="g")
    assert (type(lake), lake.datastore_type, lake == Datastore.get(ws, "lake") == ws.datastores["lake"]) == (
        AzureBlobDatastore,
        "AzureBlob",
        True,
    )
    assert (lake.container_name, lake.account_name, lake.subscription_id, lake.resource_group) == ("images", "acc", "s", "g")
    assert (lake.account_key, lake.sas_token, lake.is_sas) == (KEY, None, False)
    assert login(ws, "amlpipe_lake").conn_type == "wasb"


def test_a_sas_token_is_used_for_this_process(ws: Workspace) -> None:
    lake = blob(ws, sas_token=f"sv=1&sig={CANARY}")
    assert (lake.is_sas, lake.sas_token, lake.account_key) == (True, f"sv=1&sig={CANARY}", None)
    assert dict(login(ws, "amlpipe_lake").extra) == {"sas_token": f"sv=1&sig={CANARY}"}


def test_a_container_without_a_key_is_for_the_environment_to_open(ws: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    lake = blob(ws)
    assert (lake.account_key, lake.sas_token, opening.given_logins(ws._url)) == (None, None, ())
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("given", "url", "extra"),
    [
        ({}, "abfss://images@acc.dfs.core.windows.net", {}),
        ({"protocol": "https", "endpoint": "core.windows.net"}, "abfss://images@acc.dfs.core.windows.net", {}),
        (
            {"endpoint": "core.chinacloudapi.cn"},
            "abfss://images@acc.dfs.core.chinacloudapi.cn",
            {"account_host": "https://acc.blob.core.chinacloudapi.cn"},
        ),
        ({"endpoint": "http://127.0.0.1:1/acc"}, "abfss://images@acc", {"endpoint_url": "http://127.0.0.1:1/acc"}),
    ],
)
def test_the_endpoint_says_which_cloud(ws: Workspace, given: dict[str, str], url: str, extra: dict[str, str]) -> None:
    blob(ws, account_key=KEY, **given)
    assert opening.open_workspace(ws._url, home=Path("/nowhere")).datastores.get("lake").url == url
    assert dict(login(ws, "amlpipe_lake").extra) == extra


def test_a_data_lake_is_registered_with_its_application(ws: Workspace) -> None:
    lake = Datastore.register_azure_data_lake_gen2(ws, "my-lake", "images", "acc", tenant_id="t", client_id="app", client_secret=CANARY)
    assert (type(lake), lake.datastore_type, lake.container_name, lake.tenant_id, lake.client_id, lake.client_secret) == (
        AzureDataLakeGen2Datastore,
        "AzureDataLakeGen2",
        "images",
        "t",
        "app",
        CANARY,
    )
    given = login(ws, "amlpipe_my_lake")
    assert (given.conn_type, given.login, given.password, dict(given.extra)) == ("adls", "app", CANARY, {"tenant_id": "t"})


@pytest.mark.parametrize(
    ("register", "of", "url", "conn_type"),
    [
        (
            lambda ws: Datastore.register_azure_sql_database(ws, "db", "srv", "sales", username="me", password=CANARY),
            AzureSqlDatabaseDatastore,
            "mssql://srv.database.windows.net:1433/sales",
            "mssql",
        ),
        (
            lambda ws: Datastore.register_azure_sql_database(ws, "db", "srv", "sales", tenant_id="t", client_id="me", client_secret=CANARY),
            AzureSqlDatabaseDatastore,
            "mssql://srv.database.windows.net:1433/sales",
            "mssql",
        ),
        (
            lambda ws: Datastore.register_azure_postgre_sql(ws, "db", "pg.example.com", "sales", "me", CANARY, port_number=5433),
            AzurePostgreSqlDatastore,
            "postgresql://pg.example.com:5433/sales",
            "postgres",
        ),
        (
            lambda ws: Datastore.register_azure_my_sql(ws, "db", "srv", "sales", "me", CANARY),
            AzureMySqlDatastore,
            "mysql://srv.mysql.database.azure.com:3306/sales",
            "mysql",
        ),
    ],
)
def test_a_database_is_a_record(ws: Workspace, register: Callable[[Workspace], Any], of: type, url: str, conn_type: str) -> None:
    database = register(ws)
    assert (type(database), database.database_name, database.port_number) == (of, "sales", int(url.rpartition(":")[2].partition("/")[0]))
    assert opening.open_workspace(ws._url, home=Path("/nowhere")).datastores.get("db").url == url
    given = login(ws, "amlpipe_db")
    assert (given.conn_type, given.login, given.password) == (conn_type, "me", CANARY)


def test_the_password_of_a_database_is_shown_by_the_name_of_its_kind(ws: Workspace) -> None:
    by_user = Datastore.register_azure_sql_database(ws, "a", "srv", "d", username="me", password=CANARY)
    assert (by_user.username, by_user.password, by_user.client_secret) == ("me", CANARY, None)
    by_application = Datastore.register_azure_sql_database(ws, "b", "srv", "d", tenant_id="t", client_id="i", client_secret=CANARY)
    assert (by_application.username, by_application.password, by_application.client_secret) == (None, None, CANARY)
    postgres = Datastore.register_azure_postgre_sql(ws, "c", "srv", "d", "me", CANARY, enforce_ssl=False)
    assert (postgres.user_id, postgres.user_password, postgres.enforce_ssl) == ("me", CANARY, False)


def test_a_database_holds_no_files(ws: Workspace) -> None:
    database = Datastore.register_azure_my_sql(ws, "db", "srv", "sales", "me", CANARY)
    assert not hasattr(database, "upload")
    database.unregister()
    with pytest.raises(UserErrorException, match="datastore 'db' is not registered"):
        Datastore.get(ws, "db")


# ---- file shares


def test_a_file_share_is_a_mounted_folder(ws: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserErrorException, match="a file share is a mounted folder here, .* setting file_share_root"):
        Datastore.register_azure_file_share(ws, "share", "files", "acc", account_key=KEY)
    monkeypatch.setenv("AMLPIPE_FILE_SHARE_ROOT", str(tmp_path / "shares"))
    with pytest.raises(UserErrorException, match="shares/acc/files is no folder; mount the share there, use create_if_not_exists=True"):
        Datastore.register_azure_file_share(ws, "share", "files", "acc", account_key=KEY)
    share = Datastore.register_azure_file_share(ws, "share", "files", "acc", account_key=KEY, create_if_not_exists=True)
    assert (type(share), share.container_name, share.account_key) == (AzureFileDatastore, "files", None)
    (tmp_path / "up").mkdir()
    (tmp_path / "up/a.txt").write_text("a")
    share.upload(str(tmp_path / "up"))
    assert (tmp_path / "shares/acc/files/a.txt").read_text() == "a"


def test_a_file_share_is_the_folder_that_the_endpoint_names(ws: Workspace, tmp_path: Path) -> None:
    share = Datastore.register_azure_file_share(ws, "share", "files", "acc", endpoint=str(tmp_path))
    assert share.endpoint == str(tmp_path)
    share = Datastore.register_azure_file_share(ws, "far", "files", "acc", endpoint="sftp://host/files", skip_validation=True)
    record = opening.open_workspace(ws._url, home=Path("/nowhere")).datastores.get("far")
    assert (record.url, record.conn_id) == ("sftp://host/files", "amlpipe_far")


@pytest.mark.parametrize("name", ["../x", "a/b", ""])
def test_a_share_leads_nowhere_else(ws: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    """S01."""
    monkeypatch.setenv("AMLPIPE_FILE_SHARE_ROOT", str(tmp_path))
    with pytest.raises(UserErrorException, match="is no name of Azure's"):
        Datastore.register_azure_file_share(ws, "share", name, "acc", skip_validation=True)


# ---- registering again


def test_the_same_again_changes_nothing_and_another_needs_overwrite(ws: Workspace) -> None:
    blob(ws, account_key=KEY)
    blob(ws, account_key=KEY)
    with pytest.raises(UserErrorException, match="'lake' is registered already, with another URL or connection; use overwrite=True"):
        blob(ws, container_name="other", account_key=KEY)
    assert blob(ws, container_name="other", account_key=KEY, overwrite=True).container_name == "other"


def test_a_general_registration_names_a_connection(ws: Workspace, tmp_path: Path) -> None:
    lake = Datastore.register(ws, "lake", "s3://bucket/lake/", conn_id="my_aws")
    record = opening.open_workspace(ws._url, home=Path("/nowhere")).datastores.get("lake")
    assert (lake, record.url, record.conn_id) == (Datastore.get(ws, "lake"), "s3://bucket/lake", "my_aws")
    with pytest.raises(UserErrorException, match="datastore 'lake' logs in with the Airflow connection 'my_aws', which there is not"):
        lake.upload(str(tmp_path))


def test_a_connection_of_another_service_is_refused_at_once(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_MINE", f"wasb://acc:{CANARY}@")
    with pytest.raises(
        UserErrorException, match="connection 'mine' is of type 'wasb', but s3://bucket takes one of: aws, generic"
    ) as caught:
        Datastore.register(ws, "lake", "s3://bucket", conn_id="mine")
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    ("register", "trouble"),
    [
        (lambda ws: Datastore.register(ws, "lake", f"s3://k:{CANARY}@b"), "put them into an Airflow connection"),
        (lambda ws: Datastore.register(ws, "lake", f"https://h/c?sig={CANARY}"), "put them into an Airflow connection"),
        (lambda ws: Datastore.register(ws, "lake", f"simplecache::https://h/{CANARY}"), "cannot be opened"),
        (
            lambda ws: Datastore.register(ws, "lake", f"github://{CANARY}"),
            "a datastore 'lake' on 'github' cannot be opened|'github' cannot be",
        ),
        (lambda ws: Datastore.register(ws, "lake", "/etc"), "is a folder of the system"),
        (lambda ws: Datastore.register(ws, "lake", " "), "is no folder or URL"),
        (lambda ws: Datastore.register(ws, "a/b", "/srv"), "the name 'a/b' cannot be registered"),
        (lambda ws: blob(ws, container_name="Images"), "container_name 'Images' is no name of Azure's"),
        (lambda ws: blob(ws, account_name="acc.evil.example/x"), "account_name .* is no name of Azure's"),
        (lambda ws: blob(ws, account_key=KEY, endpoint=f"evil.example/?{CANARY}"), "put them into an Airflow connection"),
        (lambda ws: Datastore.register_azure_my_sql(ws, "db", "h/../x", "d", "u", "p"), "are no server and database"),
        (lambda ws: Datastore.register_azure_my_sql(ws, "db", "h", "d", "u", "p", port_number="x"), "port_number 'x' is no number"),
    ],
)
def test_what_cannot_be_a_datastore_is_refused(ws: Workspace, register: Callable[[Workspace], Any], trouble: str) -> None:
    """S16, S17."""
    with pytest.raises(UserErrorException, match=trouble) as caught:
        register(ws)
    assert CANARY not in str(caught.value)
    assert ws.datastores.keys() == {"workspaceartifactstore", "workspaceblobstore", "workspacefilestore"}


# ---- secrets


def test_no_secret_of_a_script_is_kept_or_shown(ws: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """S11."""
    key, token, secret, password = (f"{CANARY}{number}" for number in range(4))
    made = [
        blob(ws, account_key=key),
        blob(ws, datastore_name="sas", sas_token=f"sig={token}"),
        Datastore.register_azure_data_lake_gen2(ws, "gen2", "images", "acc", tenant_id="t", client_id="app", client_secret=secret),
        Datastore.register_azure_sql_database(ws, "db", "srv", "d", username="me", password=password),
    ]
    for store in made:
        ws.set_default_datastore(store.name)
        assert CANARY not in f"{store!r}{store}{vars(store)}"
    shown = capsys.readouterr()
    assert CANARY not in shown.out + shown.err + repr(opening.given_logins(ws._url)) + repr(opening._given)
    assert "make the Airflow connection 'amlpipe_lake' (type wasb, login acc, and: password)" in shown.err
    assert "or set AIRFLOW_CONN_AMLPIPE_GEN2" in shown.err
    assert CANARY.encode() not in bytes_below(tmp_path)
    assert b"amlpipe_gen2" in bytes_below(tmp_path)


def test_nothing_is_noted_where_the_connection_is_there(
    ws: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_AMLPIPE_LAKE", json.dumps({"conn_type": "wasb", "login": "acc", "password": KEY}))
    blob(ws, account_key=KEY)
    assert capsys.readouterr().err == ""


def test_nothing_is_registered_while_airflow_parses(ws: Workspace, airflow_is_parsing: None, home: Path) -> None:
    with pytest.raises(UserErrorException, match="Datastore.register_azure_blob_container uses the workspace"):
        blob(ws, account_key=KEY)
    assert not home.exists()


# ---- on real servers


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for name in ("a.txt", "sub/b.txt", "sub/ü [c].txt"):
        (tmp_path / "up" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "up" / name).write_text(f"first {name}")
    return tmp_path / "up"


def test_a_script_uploads_to_and_downloads_from_its_container(ws: Workspace, files: Path, tmp_path: Path) -> None:
    place = azure_place()
    lake = blob(
        ws,
        container_name=place.bucket,
        account_name=AZURITE_ACCOUNT,
        account_key=AZURITE_KEY,
        endpoint=place.config["endpoint"],
        skip_validation=False,
    )
    _there_and_back(lake, files, tmp_path)
    assert AZURITE_KEY.encode() not in bytes_below(tmp_path)
    with pytest.raises(UserErrorException, match="datastore 'lake' logs in with the Airflow connection 'amlpipe_lake', which there is not"):
        _in_another_process(lake, ws)


def test_a_container_that_is_not_there_is_not_registered(ws: Workspace) -> None:
    endpoint = azure_place().config["endpoint"]
    with pytest.raises(Exception, match=r"could not list|there is no container|no bucket"):
        blob(ws, account_name=AZURITE_ACCOUNT, account_key=AZURITE_KEY, endpoint=endpoint, skip_validation=False)
    assert "lake" not in ws.datastores


def test_files_go_to_a_bucket_and_back_with_a_connection(
    ws: Workspace, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = s3_place()
    extra = {"endpoint_url": place.config["endpoint"], "region_name": "us-east-1"}
    monkeypatch.setenv("AIRFLOW_CONN_MY_AWS", json.dumps({"conn_type": "aws", "login": "test", "password": f"{CANARY}x", "extra": extra}))
    _there_and_back(Datastore.register(ws, "lake", f"s3://{place.bucket}/lake", conn_id="my_aws"), files, tmp_path)
    assert CANARY.encode() not in bytes_below(tmp_path)


def _there_and_back(lake: Any, files: Path, tmp_path: Path) -> None:
    assert lake.upload(str(files), "in", show_progress=False).path_on_datastore == "in"
    (files / "a.txt").write_text("second")
    lake.upload(str(files), "in", show_progress=False)
    assert lake.download(str(tmp_path / "back"), "in", show_progress=False) == 3
    assert {str(file.relative_to(tmp_path / "back/in")): file.read_text() for file in (tmp_path / "back/in").rglob("*.txt")} == {
        name: f"first {name}" for name in ("a.txt", "sub/b.txt", "sub/ü [c].txt")
    }
    lake.upload_files([str(files / "a.txt")], target_path="in", overwrite=True, show_progress=False)
    assert lake.download(str(tmp_path / "again"), "in/a.txt", show_progress=False) == 1
    assert (tmp_path / "again/in/a.txt").read_text() == "second"
    lake.set_as_default()
    assert lake.workspace.get_default_datastore() == lake


def _in_another_process(lake: Any, ws: Workspace) -> None:
    from airflow_amlpipe.sdk import _workspace_store

    opening._given.clear()
    _workspace_store._CACHE.clear()
    Datastore.get(ws, lake.name).download("back")
