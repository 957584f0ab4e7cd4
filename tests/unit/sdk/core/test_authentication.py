"""Which header does a script get for the REST API, and what is kept of what it was given?"""

from __future__ import annotations

from typing import Any

import pytest

from airflow_amlpipe.sdk.exceptions import AuthenticationException
from azureml.core import Workspace
from azureml.core.authentication import (
    AbstractAuthentication,
    ArmTokenAuthentication,
    AzureCliAuthentication,
    AzureMLTokenAuthentication,
    InteractiveLoginAuthentication,
    MsiAuthentication,
    ServicePrincipalAuthentication,
    TokenAuthentication,
)

WAYS = [
    InteractiveLoginAuthentication,
    AzureCliAuthentication,
    MsiAuthentication,
    AzureMLTokenAuthentication,
    lambda: ServicePrincipalAuthentication("tenant", "an-id", "hunter2"),
]


@pytest.fixture(autouse=True)
def _no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AMLPIPE_TOKEN", "AIRFLOW_CLI_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("way", WAYS)
def test_the_header_has_the_token_of_the_environment(way: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CLI_TOKEN", "airflows")
    made: AbstractAuthentication = way()
    assert made.get_authentication_header() == {"Authorization": "Bearer airflows"}
    monkeypatch.setenv("AMLPIPE_TOKEN", "ours\n")
    assert made.get_authentication_header() == {"Authorization": "Bearer ours"}
    assert (made.get_token("a-scope").token, made.get_token().expires_on) == ("ours", 0)


@pytest.mark.parametrize("way", WAYS)
def test_without_a_token_the_header_says_so_and_a_warning_says_what_to_do(way: Any) -> None:
    with pytest.warns(UserWarning, match="there is no token for the REST API; set AMLPIPE_TOKEN"):
        header = way().get_authentication_header()
    assert header == {"Authorization": "Bearer no-token-is-set-see-AMLPIPE_TOKEN"}


def test_a_token_that_the_script_gives_is_used_where_the_environment_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def give(audience: str) -> str:
        asked.append(audience)
        return "given"

    assert TokenAuthentication(give).get_authentication_header() == {"Authorization": "Bearer given"}
    assert asked == ["http://localhost:8080/amlpipe"]
    arm = ArmTokenAuthentication("first")
    arm.update_arm_access_token("second")
    assert arm.get_authentication_header() == {"Authorization": "Bearer second"}
    monkeypatch.setenv("AMLPIPE_TOKEN", "environments")
    assert arm.get_authentication_header() == {"Authorization": "Bearer environments"}
    with pytest.raises(AuthenticationException, match="get_token_for_audience must be a function, not str"):
        TokenAuthentication("token")  # type: ignore[arg-type]


def test_a_session_sends_the_header(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMLPIPE_TOKEN", "ours")
    assert AzureCliAuthentication().signed_session().headers["Authorization"] == "Bearer ours"


@pytest.mark.parametrize("token", ["two words", "line\nbreak", "gr\u00fcn"])
def test_what_no_header_can_hold_is_refused_without_being_shown(token: str) -> None:
    """S11"""
    with pytest.raises(AuthenticationException, match="the token given to ArmTokenAuthentication is no token") as caught:
        ArmTokenAuthentication(token).get_authentication_header()
    assert token not in str(caught.value)


def test_a_password_that_is_given_is_kept_nowhere(ws: Workspace) -> None:
    """S11"""
    made = ServicePrincipalAuthentication("tenant", "an-id", "hunter2")
    assert (vars(made), repr(made)) == ({}, "ServicePrincipalAuthentication()")
    Workspace("subscription", "group", "team", auth=made)
