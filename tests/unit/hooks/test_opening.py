"""As whom does a process log in: what its script gave, then Airflow, then its environment?"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_amlpipe.exceptions import BackendUnavailableError, DefinitionError, UnknownNameError
from airflow_amlpipe.hooks import opening
from airflow_amlpipe.services.handed_logins import pack_logins, unpack_logins
from airflow_amlpipe.settings import Settings
from airflow_amlpipe.storage.login import Login
from airflow_amlpipe.workspace.datastores import DatastoreRecord

LAKE = "s3://bucket/lake"


@pytest.fixture(autouse=True)
def memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that was given nothing yet."""
    monkeypatch.setattr(opening, "_given", {})
    monkeypatch.setattr(opening, "_conn_ids", {})


def test_airflow_says_what_a_connection_is(monkeypatch: pytest.MonkeyPatch) -> None:
    extra = {"region_name": "eu-west-1", "n": {"a": 1}}
    fields = {"conn_type": "aws", "login": "K", "password": "S", "host": "h", "port": 1, "schema": "s", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_MINE", json.dumps(fields))
    assert opening.find_login("mine") == Login("mine", "aws", "h", 1, "s", "K", "S", extra)
    assert opening.find_login("nobodys") is None


def test_trouble_of_airflows_is_no_absence(monkeypatch: pytest.MonkeyPatch) -> None:
    """S11."""
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowException

    def fail(conn_id: str) -> None:
        raise AirflowException(f"cannot read {conn_id}: c4n4ry")

    monkeypatch.setattr(BaseHook, "get_connection", fail)
    with pytest.raises(BackendUnavailableError, match=r"Airflow did not say what the connection 'mine' is \(AirflowException\)") as caught:
        opening.find_login("mine")
    assert "c4n4ry" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("option", ["AIRFLOW__SECRETS__BACKEND", "AIRFLOW__WORKERS__SECRETS_BACKEND"])
def test_a_connection_that_a_secrets_backend_may_have_hidden_is_not_called_unknown(monkeypatch: pytest.MonkeyPatch, option: str) -> None:
    """Airflow passes over a backend that fails, and calls the connection not found."""
    import airflow.sdk.configuration  # noqa: F401  as in a process of Airflow's

    logins = opening.store_access(Settings.load()).logins
    assert logins("mine") is None
    monkeypatch.setenv(option, "airflow.secrets.local_filesystem.LocalFilesystemBackend")
    with pytest.raises(
        BackendUnavailableError, match=r"no connection 'mine', or its secrets backend \S+LocalFilesystemBackend did not answer"
    ):
        logins("mine")
    monkeypatch.setenv("AIRFLOW_CONN_MINE", '{"conn_type": "aws"}')
    assert logins("mine") == Login("mine", "aws", extra={})


def test_without_airflow_the_environment_says_it_and_airflow_is_not_started() -> None:
    code = (
        "import sys; from airflow_amlpipe.hooks.opening import find_login; "
        "print(find_login('mine'), find_login('other'), [name for name in sys.modules if name.split('.')[0] == 'airflow'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"AIRFLOW_CONN_MINE": "aws://key:c4n4ry@"}
    )
    assert done.stdout == "Login(conn_id='mine', conn_type='aws', host=None, port=None, schema=None) None []\n"


def test_what_the_script_gave_goes_first_and_in_its_workspace_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_MINE", "aws://K:of-airflow@")
    given = Login("mine", "aws", login="K", password="of-the-script")
    opening.give_login(f"{tmp_path}/a/", given)
    for folder, password in {"a": "of-the-script", "b": "of-airflow"}.items():
        login = opening.store_access(Settings(), workspace=f"{tmp_path}/{folder}").logins("mine")
        assert login is not None
        assert login.password == password


def test_a_login_reaches_the_engine_through_its_pipe(tmp_path: Path) -> None:
    given = Login("mine", "wasb", "h", None, None, "account", "key", {"n": {"a": 1}})
    opening.give_login(str(tmp_path), given)
    packed = pack_logins(str(tmp_path))
    opening._given.clear()
    assert pack_logins(str(tmp_path)) == b""
    unpack_logins(str(tmp_path), b"")
    assert opening.given_logins(str(tmp_path)) == ()
    unpack_logins(str(tmp_path), packed)
    assert opening.given_logins(str(tmp_path)) == (given,)


def test_airflow_masks_what_a_script_gave() -> None:
    """S11."""
    from airflow.sdk._shared.secrets_masker import redact

    opening.give_login("w", Login("mine", "wasb", password="c4n4ry-password", extra={"sas_token": "c4n4ry-token"}))
    assert "c4n4ry" not in str(redact("with c4n4ry-password and c4n4ry-token"))


@pytest.mark.parametrize("says", ["argument", "config", "setting"])
def test_a_workspace_is_opened_with_the_connection_that_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, says: str) -> None:
    if says == "config":
        opening.use_connection(f"{LAKE}/", "mine")
    if says == "setting":
        monkeypatch.setenv("AMLPIPE_WORKSPACE_CONN_ID", "mine")
    assert opening.workspace_connection(LAKE) == ({} if says == "argument" else {"AMLPIPE_WORKSPACE_CONN_ID": "mine"})
    with pytest.raises(UnknownNameError, match="workspace logs in with the Airflow connection 'mine', which there is not"):
        opening.open_workspace(LAKE, home=tmp_path, conn_id="mine" if says == "argument" else None)


def test_the_datastores_of_a_workspace_are_opened_with_its_connection(tmp_path: Path) -> None:
    workspace = opening.open_workspace(str(tmp_path / "ws"), home=tmp_path, conn_id="mine")
    assert workspace.datastores.get("workspaceblobstore").conn_id == "mine"
    workspace.datastores.register("lake", DatastoreRecord(name="lake", url=LAKE, conn_id="other"))
    with pytest.raises(UnknownNameError, match="datastore 'lake' logs in with the Airflow connection 'other'"):
        workspace.datastores.open("lake")


def test_the_settings_say_where_datastores_may_be(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """S17."""
    monkeypatch.setenv("AMLPIPE_ALLOWED_LOCAL_ROOTS", f"/srv/data, {tmp_path}/data")
    workspace = opening.open_workspace(str(tmp_path / "ws"), home=tmp_path)
    assert workspace.datastores.open("workspaceblobstore").url == f"file://{tmp_path}/ws/workspaceblobstore"
    for name in ("data", "other"):
        workspace.datastores.register(name, DatastoreRecord(name=name, url=str(tmp_path / name)))
    assert workspace.datastores.open("data").url == f"file://{tmp_path}/data"
    with pytest.raises(DefinitionError, match="datastore 'other': .*/other is below none of the allowed folders"):
        workspace.datastores.open("other")


def test_a_record_that_was_changed_is_opened_anew(tmp_path: Path) -> None:
    datastores = opening.open_workspace(str(tmp_path / "ws"), home=tmp_path).datastores
    for name in ("a", "b"):
        datastores.register("lake", DatastoreRecord(name="lake", url=str(tmp_path / name)))
        assert datastores.open("lake").url == f"file://{tmp_path}/{name}"
    datastores.remove("lake")
    with pytest.raises(UnknownNameError, match="datastore 'lake' is not registered"):
        datastores.open("lake")


def test_a_database_holds_no_files(tmp_path: Path) -> None:
    datastores = opening.open_workspace(str(tmp_path / "ws"), home=tmp_path).datastores
    datastores.register("db", DatastoreRecord(name="db", url="mssql://h/d", sdk_type="AzureSqlDatabase"))
    with pytest.raises(DefinitionError, match=r"datastore 'db' is a database \(AzureSqlDatabase\) and holds no files"):
        datastores.open("db")
