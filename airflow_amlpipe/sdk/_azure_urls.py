"""Which URL is meant by SDK v1's names of Azure's accounts, shares and servers?"""

from __future__ import annotations

import re

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk._arguments import check_text
from airflow_amlpipe.sdk.exceptions import UserErrorException

__all__ = ["azure_address", "azure_names", "azure_url", "database_url", "share_url"]

# Azure's own rules.
_CONTAINER = re.compile(r"\$root|\$web|[a-z0-9](?:[a-z0-9-]{1,61})[a-z0-9]")
_ACCOUNT = re.compile(r"[a-z0-9]{3,24}")
_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*")
_SHARE = re.compile(r"[A-Za-z0-9$][A-Za-z0-9$._-]*")
_PUBLIC = "core.windows.net"


def azure_names(where: str, container: object, account: object) -> tuple[str, str]:
    """Return the names of a container and its account.

    :raises UserErrorException: Azure has no such names
    """
    for what, name, rule in (("container", container, _CONTAINER), ("account", account, _ACCOUNT)):
        if not isinstance(name, str) or not rule.fullmatch(name):
            raise UserErrorException(
                f"{where}: {what}_name {shorten(repr(name))} is no name of Azure's; it has lower-case letters and digits"
                + (" and '-', 3 to 63" if what == "container" else ", 3 to 24")
            )
    return str(container), str(account)


def azure_url(container: str, account: str, endpoint: str | None) -> str:
    """Return the URL of a container; ``endpoint`` is the domain of the account, or the address of another server."""
    domain = check_text("endpoint", endpoint) if endpoint else _PUBLIC
    return f"abfss://{container}@{account}" if "://" in domain else f"abfss://{container}@{account}.dfs.{domain}"


def azure_address(account: str, protocol: str | None, endpoint: str | None) -> dict[str, str | None]:
    """Return what a connection says of an account that is not where Azure's are; nothing for one that is."""
    if endpoint and "://" in endpoint:
        return {"endpoint_url": endpoint}
    if endpoint in {None, "", _PUBLIC} and protocol in {None, "https"}:
        return {}
    return {"account_host": f"{protocol or 'https'}://{account}.blob.{endpoint or _PUBLIC}"}


def share_url(name: str, account: str, share: str, endpoint: str | None) -> str:
    """Return the folder or URL of a file share.

    :raises UserErrorException: nothing says where shares are
    """
    if endpoint and (endpoint.startswith("/") or "://" in endpoint):
        return endpoint
    for what, given in (("account_name", account), ("file_share_name", share)):
        if not _SHARE.fullmatch(given):
            raise UserErrorException(f"datastore {name!r}: {what} {shorten(repr(given))} is no name of Azure's")
    from airflow_amlpipe.settings import Settings

    root = Settings.load().file_share_root
    if root is None:
        raise UserErrorException(
            f"datastore {name!r}: a file share is a mounted folder here, or one of an SFTP server; mount {share!r} of {account!r} as "
            f"<folder>/{account}/{share} and name that folder in the setting file_share_root (AMLPIPE_FILE_SHARE_ROOT=/mnt/shares), "
            "or register it with Datastore.register(ws, name, folder)"
        )
    return f"{root.rstrip('/')}/{account}/{share}"


def database_url(name: str, protocol: str, server: object, domain: str, port: object, database: object) -> str:
    """Return the URL of a database; a server's name without a point is one of Azure's in ``domain``.

    :raises UserErrorException: no such names
    """
    where = f"datastore {name!r}"
    host, table = check_text(f"{where}: server_name", server), check_text(f"{where}: database_name", database)
    host = host if "." in host else f"{host}.{domain}"
    if not _HOST.fullmatch(host) or not table.strip() or "/" in table or not table.isprintable():
        raise UserErrorException(f"{where}: {shorten(repr(server))} and {shorten(repr(database))} are no server and database")
    try:
        return f"{protocol}://{host}:{int(str(port))}/{table}"
    except ValueError as error:
        raise UserErrorException(f"{where}: port_number {shorten(repr(port))} is no number") from error
