"""Does the client of an object store get what a connection says, and nothing beside it?"""

from __future__ import annotations

import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import ModuleType
from typing import Any

import pytest

from airflow_amlpipe.exceptions import DefinitionError, UnsupportedFeatureError
from airflow_amlpipe.storage.login import Login
from airflow_amlpipe.storage.object_login import ObjectLogin, object_login
from airflow_amlpipe.storage.open import open_store
from airflow_amlpipe.storage.store_url import parse_store_url

ACCOUNT_URL = "abfss://container@lake.dfs.core.windows.net/x"
LAKE = {"account_name": "lake"}


def told(url: str, login: Login | None, **environ: str) -> ObjectLogin:
    return object_login(parse_store_url(url), login, environ)


def credentials(found: ObjectLogin) -> dict[str, Any] | None:
    return None if found.credential_provider is None else dict(found.credential_provider())


def aws(extra: dict[str, Any] | None = None, **fields: Any) -> Login:
    return Login("my_aws", "aws", extra=extra or {}, **fields)


def wasb(extra: dict[str, Any] | None = None, **fields: Any) -> Login:
    return Login("my_lake", "wasb", extra=extra or {}, **fields)


def google(extra: dict[str, Any]) -> Login:
    return Login("my_google", "google_cloud_platform", extra=extra)


# ---- S3


def test_a_key_and_its_secret_are_handed_over_by_a_function() -> None:
    found = told("s3://b/x", aws({"region_name": "eu-west-1"}, login="K", password="S"), AWS_SESSION_TOKEN="of somebody else")
    assert credentials(found) == {"access_key_id": "K", "secret_access_key": "S", "token": None, "expires_at": None}
    assert (found.config, found.client_options) == ({"region": "eu-west-1"}, {})


def test_a_session_token_of_the_environment_is_not_sent_with_a_connections_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """S11."""
    pytest.importorskip("obstore")
    seen: list[dict[str, str]] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append({name.lower(): value for name, value in self.headers.items()})
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    for name, value in {"AWS_ACCESS_KEY_ID": "other", "AWS_SECRET_ACCESS_KEY": "other", "AWS_SESSION_TOKEN": "c4n4ry"}.items():
        monkeypatch.setenv(name, value)
    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        login = aws({"endpoint_url": f"http://127.0.0.1:{server.server_port}"}, login="K", password="S")
        with pytest.raises(FileNotFoundError):
            open_store("s3://bucket/x", login=login).read("a.txt")
        server.shutdown()
    assert {request["authorization"].partition("Credential=")[2].partition("/")[0] for request in seen} == {"K"}
    assert [request for request in seen if "x-amz-security-token" in request or "c4n4ry" in str(request)] == []


def test_the_key_may_be_in_the_extra_with_its_session_token() -> None:
    extra = {"aws_access_key_id": "K", "aws_secret_access_key": "S", "aws_session_token": "T"}
    assert credentials(told("s3://b/x", aws(extra))) == {
        "access_key_id": "K",
        "secret_access_key": "S",
        "token": "T",
        "expires_at": None,
    }


@pytest.mark.parametrize(
    ("login", "config", "options"),
    [
        (aws({"endpoint_url": "http://127.0.0.1:9000"}), {"endpoint": "http://127.0.0.1:9000"}, {"allow_http": True}),
        (aws({"endpoint_url": "https://minio.example"}), {"endpoint": "https://minio.example"}, {}),
        (aws({"service_config": {"s3": {"endpoint_url": "https://m"}}}), {"endpoint": "https://m"}, {}),
        (aws(host="minio.example", port=9000), {"endpoint": "https://minio.example:9000"}, {}),
        (aws(host="http://minio.example"), {"endpoint": "http://minio.example"}, {"allow_http": True}),
        (aws({"anonymous": True}), {"skip_signature": True}, {}),
        (aws({"config_kwargs": {"signature_version": "unsigned"}}, login="K", password="S"), {"skip_signature": True}, {}),
        (aws(), {}, {}),
    ],
)
def test_plain_http_is_spoken_only_where_the_endpoint_says_so(login: Login, config: object, options: object) -> None:
    found = told("s3://b/x", login)
    assert (found.config, found.client_options, credentials(found)) == (config, options, None)


def test_without_a_connection_the_client_asks_the_environment_itself() -> None:
    found = told("s3://b/x", None, AWS_ACCESS_KEY_ID="K", AWS_ENDPOINT_URL="http://127.0.0.1:1")
    assert (found.config, found.client_options, credentials(found)) == ({}, {"allow_http": True}, None)
    assert told("s3://b/x", None).client_options == {}
    assert told("s3://b/x", aws(login="K", password="S"), AWS_ENDPOINT_URL="http://127.0.0.1:1").client_options == {"allow_http": True}


@pytest.mark.parametrize("fields", [{"login": "K"}, {"password": "c4n4ry"}])
def test_half_a_key_is_refused(fields: dict[str, str]) -> None:
    with pytest.raises(DefinitionError, match=r"connection 'my_aws' has no (secret|key); fill in both login") as caught:
        told("s3://b/x", aws(**fields))
    assert "c4n4ry" not in str(caught.value)


def test_a_role_needs_boto3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(
        DefinitionError, match="connection 'my_aws' takes on a role or a profile, which needs boto3; install airflow-amlpipe"
    ):
        told("s3://b/x", aws({"role_arn": "arn:aws:iam::1:role/r"}))


def test_a_role_is_taken_on_through_boto3(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def provider(session: Any, **further: Any) -> Any:
        asked.update(session=session, **further)
        return lambda: {"access_key_id": "role's"}

    boto3, auth = ModuleType("boto3"), ModuleType("obstore.auth.boto3")
    boto3.Session = lambda **given: given  # type: ignore[attr-defined]
    auth.StsCredentialProvider = auth.Boto3CredentialProvider = provider  # type: ignore[attr-defined]
    for name, module in {"boto3": boto3, "obstore": ModuleType("obstore"), "obstore.auth": ModuleType("obstore.auth")}.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setitem(sys.modules, "obstore.auth.boto3", auth)
    found = told("s3://b/x", aws({"role_arn": "arn", "external_id": "e", "region_name": "r"}, login="K", password="S"))
    assert credentials(found) == {"access_key_id": "role's"}
    assert (asked["RoleArn"], asked["ExternalId"], asked["RoleSessionName"]) == ("arn", "e", "airflow-amlpipe")
    assert (asked["session"]["aws_access_key_id"], asked["session"]["region_name"]) == ("K", "r")


def test_an_extra_of_the_wrong_kind_is_refused() -> None:
    with pytest.raises(DefinitionError, match="connection 'my_aws': its extra 'service_config' must be a JSON object"):
        told("s3://b/x", aws({"service_config": "x"}))


# ---- Azure


@pytest.mark.parametrize(
    ("url", "login", "expected"),
    [
        (ACCOUNT_URL, wasb(login="lake", password="a2V5"), {"access_key": "a2V5"}),
        ("az://container/x", wasb(login="lake", password="a2V5"), {"access_key": "a2V5"}),
        (ACCOUNT_URL, wasb({"shared_access_key": "a2V5"}), {"access_key": "a2V5"}),
        (ACCOUNT_URL, wasb({"sas_token": "?sv=1&sig=s"}, login="lake"), {"sas_token": "sv=1&sig=s"}),
        (
            "az://c/x",
            wasb({"connection_string": "AccountName=lake;AccountKey=a2V5==;EndpointSuffix=core.windows.net"}),
            {"access_key": "a2V5=="},
        ),
        (ACCOUNT_URL, wasb({"connection_string": "SharedAccessSignature=sv=1&sig=s"}), {"sas_token": "sv=1&sig=s"}),
        ("az://c/x", Login("l", "adls", host="lake", password="a2V5"), {"access_key": "a2V5"}),
        (ACCOUNT_URL, Login("l", "generic", extra={"account_key": "a2V5"}), {"access_key": "a2V5"}),
    ],
)
def test_an_account_key_or_sas_is_handed_over_by_a_function(url: str, login: Login, expected: dict[str, str]) -> None:
    found = told(url, login, AZURE_STORAGE_ACCOUNT_KEY="of somebody else")
    assert credentials(found) == {**expected, "expires_at": None}
    assert found.config["account_name"] == "lake"


@pytest.mark.parametrize(
    "login",
    [
        wasb({"tenant_id": "t"}, login="app", password="secret", host="https://lake.blob.core.windows.net"),
        Login("l", "adls", login="app", password="secret", host="lake", extra={"tenant_id": "t"}),
        Login("l", "azure_data_lake", login="app", password="secret", extra={"tenant": "t", "account_name": "lake"}),
        Login("l", "azure", login="app", password="secret", extra={"tenantId": "t", "account_name": "lake"}),
    ],
)
def test_with_a_tenant_login_and_password_are_an_applications(login: Login) -> None:
    found = told("az://container/x", login)
    assert credentials(found) is None
    assert {name: found.config[name] for name in ("account_name", "tenant_id", "client_id", "client_secret")} == {
        "account_name": "lake",
        "tenant_id": "t",
        "client_id": "app",
        "client_secret": "secret",
    }


def test_an_application_does_not_give_way_to_a_key_of_the_environment() -> None:
    login = wasb({"tenant_id": "t"}, login="app", password="secret")
    with pytest.raises(DefinitionError, match="AZURE_STORAGE_ACCOUNT_KEY is set and would be used instead; unset it"):
        told(ACCOUNT_URL, login, AZURE_STORAGE_ACCOUNT_KEY="a2V5")


def test_an_application_without_a_tenant_is_refused() -> None:
    with pytest.raises(DefinitionError, match="has a client secret but no tenant"):
        told(ACCOUNT_URL, Login("l", "azure", login="app", password="c4n4ry"))


@pytest.mark.parametrize(
    ("url", "login", "endpoint", "options"),
    [
        (ACCOUNT_URL, None, None, {}),
        ("abfss://c@lake.dfs.core.chinacloudapi.cn/x", None, "https://lake.blob.core.chinacloudapi.cn", {}),
        (ACCOUNT_URL, wasb({"account_host": "http://127.0.0.1:10000/lake"}), "http://127.0.0.1:10000/lake", {"allow_http": True}),
        ("az://c", wasb({"connection_string": "AccountName=lake;BlobEndpoint=http://h/lake;"}), "http://h/lake", {"allow_http": True}),
        ("az://c", wasb(host="lake.privatelink.example", login="lake"), "https://lake.privatelink.example", {}),
    ],
)
def test_accounts_elsewhere_have_their_own_endpoint(url: str, login: Login | None, endpoint: str | None, options: object) -> None:
    found = told(url, login)
    assert (found.config.get("endpoint"), found.config["account_name"], found.client_options) == (endpoint, "lake", options)


def test_the_environment_says_account_and_key() -> None:
    found = told("az://c/x", None, AZURE_STORAGE_CONNECTION_STRING="AccountName=lake;AccountKey=a2V5")
    assert (found.config, credentials(found)) == (LAKE, {"access_key": "a2V5", "expires_at": None})
    assert told("az://c/x", None, AZURE_STORAGE_ACCOUNT_NAME="lake").config == LAKE
    assert credentials(told("az://c/x", None, AZURE_STORAGE_ACCOUNT="lake", AZURE_STORAGE_KEY="k")) == {
        "access_key": "k",
        "expires_at": None,
    }


def test_an_anonymous_login_signs_nothing() -> None:
    assert told(ACCOUNT_URL, wasb({"anonymous": "true"})).config == {**LAKE, "skip_signature": True}


def test_a_managed_identity_is_named() -> None:
    assert told(ACCOUNT_URL, wasb({"managed_identity_client_id": "m"})).config == {**LAKE, "client_id": "m"}


@pytest.mark.parametrize(
    ("url", "login", "trouble"),
    [
        ("az://container/x", None, r"names no storage account; write abfss://container@ACCOUNT\.dfs"),
        (ACCOUNT_URL, wasb(login="other", password="c4n4ry"), "is on the storage account 'lake', but its connection is for 'other'"),
        (ACCOUNT_URL, wasb({"connection_string": "UseDevelopmentStorage=true"}), "write the emulator's whole connection string"),
    ],
)
def test_an_account_that_does_not_fit_is_refused(url: str, login: Login | None, trouble: str) -> None:
    with pytest.raises(DefinitionError, match=trouble) as caught:
        told(url, login)
    assert "c4n4ry" not in str(caught.value)


# ---- Google


@pytest.mark.parametrize(
    ("extra", "config"),
    [
        ({"keyfile_dict": {"private_key": "k"}}, {"service_account_key": '{"private_key": "k"}'}),
        ({"keyfile_dict": '{"private_key": "k"}'}, {"service_account_key": '{"private_key": "k"}'}),
        ({"key_path": "/run/key.json"}, {"service_account": "/run/key.json"}),
        ({"is_anonymous": True}, {"skip_signature": True}),
        ({"project": "p"}, {}),
    ],
)
def test_a_google_connection_says_which_key_file(extra: dict[str, Any], config: object) -> None:
    assert told("gs://b/x", google(extra)).config == config


def test_an_emulator_is_spoken_to_in_plain_http_where_it_says_so() -> None:
    found = told("gs://b/x", google({"endpoint_url": "http://127.0.0.1:9023", "anonymous": True}))
    assert (found.config, found.client_options) == ({"base_url": "http://127.0.0.1:9023", "skip_signature": True}, {"allow_http": True})
    found = told("gs://b/x", None, STORAGE_EMULATOR_HOST="127.0.0.1:9023")
    assert (found.config, found.client_options) == ({"base_url": "http://127.0.0.1:9023", "bearer_token": "emulator"}, {"allow_http": True})
    assert told("gs://b/x", None) == ObjectLogin()


def test_a_way_to_log_in_that_is_not_supported_is_named() -> None:
    with pytest.raises(UnsupportedFeatureError, match="connection 'my_google': 'impersonation_chain' is not supported; give keyfile_dict"):
        told("gs://b/x", google({"impersonation_chain": "x"}))


# ---- of all


@pytest.mark.parametrize(
    ("url", "login", "known"),
    [
        ("s3://b/x", wasb(), "aws, generic"),
        (ACCOUNT_URL, aws(), "wasb, adls, azure_data_lake, azure, generic"),
        ("gs://b/x", aws(), "google_cloud_platform, generic"),
    ],
)
def test_a_connection_of_another_service_is_refused(url: str, login: Login, known: str) -> None:
    with pytest.raises(DefinitionError, match=f"connection 'my_.*' is of type .*, but .* takes one of: {known}"):
        told(url, login)


@pytest.mark.parametrize(
    "found",
    [
        told("s3://b/x", aws({"aws_session_token": "c4n4ry"}, login="K", password="c4n4ry")),
        told(ACCOUNT_URL, wasb({"tenant_id": "t"}, login="app", password="c4n4ry")),
        told("gs://b/x", google({"keyfile_dict": {"private_key": "c4n4ry"}})),
    ],
)
def test_no_secret_is_shown(found: ObjectLogin) -> None:
    """S11."""
    assert "c4n4ry" not in repr(found)
