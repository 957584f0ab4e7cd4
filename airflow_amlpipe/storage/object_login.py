"""How does a login become what an object store's client is told?

The client is obstore, which reads the process environment itself (``AWS_*``, ``AZURE_*``, ``GOOGLE_*``), also beside what it is told: a
session token left in the environment would be sent along with a connection's key. So keys and tokens are handed over by a function, which
takes the place of everything the environment says, and stay out of every ``repr``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from airflow_amlpipe.exceptions import DefinitionError, UnsupportedFeatureError, shorten
from airflow_amlpipe.storage.login import Login
from airflow_amlpipe.storage.store_url import Service, StoreUrl

__all__ = ["ObjectLogin", "object_login"]

_CONN_TYPES: dict[Service, tuple[str, ...]] = {
    Service.S3: ("aws", "generic"),
    Service.AZURE: ("wasb", "adls", "azure_data_lake", "azure", "generic"),
    Service.GCS: ("google_cloud_platform", "generic"),
}
# Domains of Azure's clouds, the public one first.
_CLOUDS = (".core.windows.net", ".core.chinacloudapi.cn", ".core.usgovcloudapi.net", ".core.cloudapi.de", ".fabric.microsoft.com")
_TRUE = {"1", "true", "yes"}


@dataclass(frozen=True, slots=True)
class ObjectLogin:
    """What ``obstore.store.S3Store``, ``AzureStore`` and ``GCSStore`` take beside the name of the bucket.

    :ivar credential_provider: returns the credentials; ``None`` where ``config`` or the environment has them
    """

    config: Mapping[str, Any] = field(default_factory=dict, repr=False)
    client_options: Mapping[str, Any] = field(default_factory=dict)
    credential_provider: Callable[[], Any] | None = field(default=None, repr=False)


def object_login(url: StoreUrl, login: Login | None, environ: Mapping[str, str] | None = None) -> ObjectLogin:
    """Return what the client of ``url`` is told: what ``login`` says; without one, what the environment of the process says.

    Plain HTTP is spoken only where the endpoint says ``http://``.

    :raises DefinitionError: the login is of another service, or lacks something
    :raises UnsupportedFeatureError: it asks for a way to log in that is not supported; the message says which are
    """
    environ = os.environ if environ is None else environ
    if login is not None and login.conn_type not in _CONN_TYPES[url.service]:
        known = ", ".join(_CONN_TYPES[url.service])
        raise DefinitionError(f"{_name(login)} is of type {shorten(repr(login.conn_type))}, but {shorten(url.text)} takes one of: {known}")
    return {Service.S3: _s3, Service.AZURE: _azure, Service.GCS: _gcs}[url.service](url, login, environ)


# ---- S3


def _s3(url: StoreUrl, login: Login | None, environ: Mapping[str, str]) -> ObjectLogin:  # noqa: ARG001  # one shape for all services
    around = environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL")
    if login is None:
        return ObjectLogin(client_options=_client_options(around))
    config: dict[str, Any] = {}
    if region := login.text("region_name", "region"):
        config["region"] = region
    endpoint = login.text("endpoint_url") or _service_endpoint(login)
    if endpoint is None and login.host:
        endpoint = login.host if "://" in login.host else f"https://{login.host}"
        endpoint += f":{login.port}" if login.port else ""
    if endpoint:
        config["endpoint"] = endpoint
    options = _client_options(endpoint or around)
    if _is_anonymous(login) or _mapping(login, "config_kwargs").get("signature_version") == "unsigned":
        return ObjectLogin({**config, "skip_signature": True}, options)
    key, secret = login.login or login.text("aws_access_key_id"), login.password or login.text("aws_secret_access_key")
    if login.text("role_arn", "profile_name"):
        return ObjectLogin(config, options, _boto3_provider(login, key, secret))
    if bool(key) != bool(secret):
        raise DefinitionError(
            f"{_name(login)} has {'no secret' if key else 'no key'}; fill in both login (access key id) and password (secret)"
        )
    if not key:
        return ObjectLogin(config, options)
    token = login.text("aws_session_token")
    return ObjectLogin(config, options, _fixed(access_key_id=key, secret_access_key=secret, token=token))


def _service_endpoint(login: Login) -> str | None:
    # Airflow's aws connection: {"service_config": {"s3": {"endpoint_url": ...}}}
    found = _mapping(login, "service_config").get("s3", {})
    return found.get("endpoint_url") if isinstance(found, dict) else None


def _boto3_provider(login: Login, key: str | None, secret: str | None) -> Callable[[], Any]:
    try:
        import boto3
        from obstore.auth.boto3 import Boto3CredentialProvider, StsCredentialProvider
    except ImportError as error:
        raise DefinitionError(
            f"{_name(login)} takes on a role or a profile, which needs boto3; install airflow-amlpipe[s3-roles], or give key and secret"
        ) from error
    session = boto3.Session(
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=login.text("aws_session_token"),
        region_name=login.text("region_name", "region"),
        profile_name=login.text("profile_name"),
    )
    role = login.text("role_arn")
    if role is None:
        return Boto3CredentialProvider(session)
    further = dict(_mapping(login, "assume_role_kwargs"))
    if external := login.text("external_id"):
        further["ExternalId"] = external
    further.setdefault("RoleSessionName", "airflow-amlpipe")
    return StsCredentialProvider(session, RoleArn=role, **further)


# ---- Azure


def _azure(url: StoreUrl, login: Login | None, environ: Mapping[str, str]) -> ObjectLogin:
    login = login or _azure_environment(environ)
    given = _connection_string(login)
    tenant = login.text("tenant_id", "tenantId", "tenant", "extra__wasb__tenant_id")
    # With a tenant, login and password are an application's id and secret, and the account is the host (Airflow's wasb and adls).
    is_application = tenant is not None or login.conn_type in {"azure_data_lake", "azure"}
    host = login.text("account_host") or login.host
    named = login.text("account_name") or given.get("accountname")
    account = _account(url, named or (None if is_application or login.conn_type == "adls" else login.login), host)
    config: dict[str, Any] = {"account_name": account}
    endpoint = login.text("endpoint_url", "account_url") or given.get("blobendpoint") or _azure_endpoint(url.account, account)
    if endpoint is None and host:
        endpoint = host if "://" in host else _azure_endpoint(host, account)
    if endpoint:
        config["endpoint"] = endpoint.rstrip("/").replace(".dfs.", ".blob.", 1)
    options = _client_options(endpoint)
    key = login.text("account_key", "shared_access_key") or given.get("accountkey") or (None if is_application else login.password)
    sas = login.text("sas_token", "extra__wasb__sas_token") or given.get("sharedaccesssignature")
    if sas:
        return ObjectLogin(config, options, _fixed(sas_token=sas.lstrip("?")))
    if key:
        return ObjectLogin(config, options, _fixed(access_key=key))
    if _is_anonymous(login):
        return ObjectLogin({**config, "skip_signature": True}, options)
    if is_application and login.password:
        return ObjectLogin({**config, **_application(login, tenant, environ)}, options)
    if identity := login.text("managed_identity_client_id"):
        config["client_id"] = identity
    return ObjectLogin(config, options)


def _azure_environment(environ: Mapping[str, str]) -> Login:
    extra = {
        "account_name": environ.get("AZURE_STORAGE_ACCOUNT_NAME") or environ.get("AZURE_STORAGE_ACCOUNT"),
        "account_key": environ.get("AZURE_STORAGE_ACCOUNT_KEY") or environ.get("AZURE_STORAGE_KEY"),
        "sas_token": environ.get("AZURE_STORAGE_SAS_TOKEN"),
        "connection_string": environ.get("AZURE_STORAGE_CONNECTION_STRING"),
        "endpoint_url": environ.get("AZURE_STORAGE_ENDPOINT"),
    }
    return Login("the environment", "generic", extra={name: value for name, value in extra.items() if value})


def _connection_string(login: Login) -> dict[str, str]:
    text = login.text("connection_string", "extra__wasb__connection_string") or ""
    pairs = [part.partition("=") for part in text.split(";") if part.strip()]
    found = {name.strip().lower(): value.strip() for name, _, value in pairs}
    if found.get("usedevelopmentstorage", "").lower() == "true":
        raise UnsupportedFeatureError(
            f"{_name(login)}: write the emulator's whole connection string, with AccountName, AccountKey and BlobEndpoint"
        )
    if "blobendpoint" not in found and "accountname" in found and "endpointsuffix" in found:
        protocol = found.get("defaultendpointsprotocol", "https")
        found["blobendpoint"] = f"{protocol}://{found['accountname']}.blob.{found['endpointsuffix']}"
    return found


def _account(url: StoreUrl, named: str | None, host: str | None) -> str:
    in_url = url.account.partition(".")[0] if url.account else None
    if url.account and "." in url.account and not url.account.endswith(_CLOUDS) and url.account != _host_name(host):
        # Whoever writes URLs must not be able to send somebody's token to a server of their choice.
        raise DefinitionError(
            f"{shorten(url.text)} is on no server of Azure's; name that host in its connection too (extra account_host), or correct the URL"
        )
    if in_url and named and in_url != named:
        raise DefinitionError(
            f"{shorten(url.text)} is on the storage account {shorten(repr(in_url))}, but its connection is for {shorten(repr(named))}; use one that is for it"
        )
    if in_url or named:
        return in_url or named or ""
    if host:
        return _host_name(host).partition(".")[0]
    raise DefinitionError(
        f"{shorten(url.text)} names no storage account; write abfss://container@ACCOUNT.dfs.core.windows.net/folder, "
        "or name it in the connection (extra account_name) or in AZURE_STORAGE_ACCOUNT_NAME"
    )


def _host_name(host: str | None) -> str:
    text = host or ""
    return urlsplit(text if "://" in text else f"//{text}").hostname or ""


def _azure_endpoint(host: str | None, account: str) -> str | None:
    """Return the endpoint of an account that is not in Azure's public cloud; that one the client knows itself."""
    if host is None or "." not in host or host.endswith(_CLOUDS[0]):
        return None
    is_azures = host.endswith(_CLOUDS)
    return f"https://{account}.blob.{host.partition('.')[2].partition('.')[2]}" if is_azures else f"https://{host}"


def _application(login: Login, tenant: str | None, environ: Mapping[str, str]) -> dict[str, Any]:
    if not tenant or not login.login:
        raise DefinitionError(
            f"{_name(login)} has a client secret but no {'tenant (extra tenant_id)' if not tenant else 'client id (login)'}; add it"
        )
    # The client prefers a key of the environment to an application of the connection.
    for name in ("AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_ACCESS_KEY", "AZURE_STORAGE_TOKEN"):
        if environ.get(name):
            raise DefinitionError(f"{_name(login)} logs in as an application, but {name} is set and would be used instead; unset it")
    found = {"tenant_id": tenant, "client_id": login.login, "client_secret": login.password}
    authority = login.text("authority_host", "authority_url")
    return {**found, "authority_host": authority} if authority else found


# ---- Google


def _gcs(url: StoreUrl, login: Login | None, environ: Mapping[str, str]) -> ObjectLogin:  # noqa: ARG001
    if login is None:
        emulator = environ.get("STORAGE_EMULATOR_HOST")
        if not emulator:
            return ObjectLogin()
        endpoint = emulator if "://" in emulator else f"http://{emulator}"
        # A token, because obstore asks for one before it writes, whatever it is told about signatures; the emulator does not look at it.
        return ObjectLogin({"base_url": endpoint, "bearer_token": "emulator"}, _client_options(endpoint))
    for name in ("impersonation_chain", "key_secret_name", "credential_config_file"):
        if login.extra.get(name):
            raise UnsupportedFeatureError(f"{_name(login)}: {name!r} is not supported; give keyfile_dict or key_path")
    config: dict[str, Any] = {}
    endpoint_given = login.text("endpoint_url")
    if endpoint_given:
        config["base_url"] = endpoint_given
    options = _client_options(endpoint_given)
    if _is_anonymous(login):
        return ObjectLogin({**config, "skip_signature": True}, options)
    keyfile = login.extra.get("keyfile_dict") or login.extra.get("extra__google_cloud_platform__keyfile_dict")
    path = login.text("key_path", "extra__google_cloud_platform__key_path")
    if keyfile:
        config["service_account_key"] = keyfile if isinstance(keyfile, str) else json.dumps(keyfile)
    elif path:
        config["service_account"] = path
    return ObjectLogin(config, options)


# ---- of all


def _client_options(endpoint: str | None) -> dict[str, Any]:
    return {"allow_http": True} if (endpoint or "").lower().startswith("http://") else {}


def _fixed(**credentials: Any) -> Callable[[], Any]:
    return lambda: {**credentials, "expires_at": None}


def _is_anonymous(login: Login) -> bool:
    return any(str(login.extra.get(name, "")).lower() in _TRUE for name in ("anonymous", "anon", "is_anonymous"))


def _mapping(login: Login, key: str) -> Mapping[str, Any]:
    found = login.extra.get(key) or {}
    if not isinstance(found, Mapping):
        raise DefinitionError(f"{_name(login)}: its extra {key!r} must be a JSON object")
    return found


def _name(login: Login) -> str:
    return f"connection {shorten(repr(login.conn_id))}"
