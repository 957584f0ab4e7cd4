"""Which secrets does a script on the host read, set and list, and where do they stay?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_amlpipe.hooks import secrets
from airflow_amlpipe.sdk.exceptions import UserErrorException
from airflow_amlpipe.services.handed_logins import pack_logins, unpack_logins
from azureml.core import Keyvault, Workspace
from tests.unit.sdk.runs import a_run

VALUE = "s3cret-of-nothing"


@pytest.fixture(autouse=True)
def _without_airflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests of this process have imported Airflow; a script that only uses the SDK has not."""
    monkeypatch.setattr(secrets, "_is_airflow_running", lambda: False)
    monkeypatch.setattr(secrets, "_given", {})


@pytest.fixture
def vault(ws: Workspace) -> Keyvault:
    return ws.get_default_keyvault()


def test_a_script_reads_the_variable_that_airflow_would_read(ws: Workspace, vault: Keyvault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_AMLPIPE_SECRET_DB_PASSWORD", VALUE)
    assert (vault.get_secret("db-password"), vault.get_secrets(["db-password"])) == (VALUE, {"db-password": VALUE})
    assert vault.list_secrets() == {"db-password": "application/NotProvided"}
    assert ws.get_run(a_run(ws)).get_secret("db-password") == VALUE
    with pytest.raises(ValueError, match="is the environment variable AIRFLOW_VAR_AMLPIPE_SECRET_DB_PASSWORD; take it out there"):
        vault.delete_secret("db-password")


def test_what_is_set_stays_in_memory_and_reaches_the_runs_engine_through_its_pipe(
    ws: Workspace, vault: Keyvault, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S11"""
    a_run(ws)
    with pytest.warns(
        UserWarning,
        match="is set for this process and the runs that it submits; for others, make the Airflow variable amlpipe_secret_token",
    ):
        vault.set_secret("token", VALUE)
    assert (vault.get_secret("token"), vault.get_secret_content_type("token")) == (VALUE, "application/NotProvided")
    body = pack_logins(ws._url)
    monkeypatch.setattr(secrets, "_given", {})
    with pytest.raises(UserErrorException, match="there is no secret 'token'"):
        vault.get_secret("token")
    unpack_logins(ws._url, body)
    assert vault.get_secret("token") == VALUE
    assert VALUE.encode() not in b"".join(file.read_bytes() for file in home.rglob("*") if file.is_file())
    vault.delete_secrets(["token"])
    assert vault.list_secrets() == {}


def test_a_batch_is_set_at_once(vault: Keyvault) -> None:
    with pytest.warns(UserWarning, match="is set for this process"):
        vault.set_secrets({"a": "1", "b": "2"})
    assert vault.get_secrets({"a", "b"}) == {"a": "1", "b": "2"}


@pytest.mark.parametrize("name", ["", "a b", "../x", "a=b", "x" * 200, "api_key"])
def test_a_name_that_no_secret_can_have_is_refused(vault: Keyvault, name: str) -> None:
    with pytest.raises(ValueError, match="a name has letters, digits and '-'"):
        vault.get_secret(name)


@pytest.mark.parametrize("value", [None, 3, b"x", ["x"]])
def test_a_value_that_is_no_text_is_refused_without_being_shown(vault: Keyvault, value: Any) -> None:
    with pytest.raises(UserErrorException, match="the value of 'a' must be text, not a"):
        vault.set_secret("a", value)
    with pytest.raises(UserErrorException, match="give a dictionary of names and values, not a list"):
        vault.set_secrets(["a"])  # type: ignore[arg-type]


def test_an_unknown_secret_says_which_variable_to_make(vault: Keyvault) -> None:
    with pytest.raises(
        UserErrorException, match="make the Airflow variable amlpipe_secret_db_password, or set AIRFLOW_VAR_AMLPIPE_SECRET_DB_PASSWORD"
    ):
        vault.get_secret("db-password")
    with pytest.raises(UserErrorException, match="there is no secret 'nope'"):
        vault.delete_secret("nope")
