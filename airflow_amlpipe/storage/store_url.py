"""What does the URL of a store say, and which URLs are none?

A URL is written into records and shown in messages, so it never holds a secret: whatever may be one is refused without being repeated.
Only the protocols below are opened. fsspec knows many more, and some of them reach whatever their URL says (``github``, ``reference``,
``zip``, ``simplecache::``): a name that somebody registers must not become a way to anywhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final
from urllib.parse import unquote, urlsplit

from airflow_amlpipe.exceptions import DefinitionError, UnsupportedFeatureError, shorten

__all__ = ["Service", "StoreUrl", "parse_store_url"]


class Service(Enum):
    """What serves the bytes of a store."""

    FILE = "file"
    S3 = "s3"
    AZURE = "azure"
    GCS = "gcs"
    SFTP = "sftp"
    HTTP = "http"


_PROTOCOLS: Final = {
    "file": Service.FILE,
    "s3": Service.S3,
    "s3a": Service.S3,
    "az": Service.AZURE,
    "abfs": Service.AZURE,
    "abfss": Service.AZURE,
    "adl": Service.AZURE,
    "gs": Service.GCS,
    "gcs": Service.GCS,
    "sftp": Service.SFTP,
    "ssh": Service.SFTP,
    "http": Service.HTTP,
    "https": Service.HTTP,
}
_PROTOCOL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(::[A-Za-z][A-Za-z0-9+.-]*)*")
_EXAMPLES: Final = {
    Service.S3: "s3://bucket/folder",
    Service.AZURE: "abfss://container@account.dfs.core.windows.net/folder",
    Service.GCS: "gs://bucket/folder",
    Service.SFTP: "sftp://host/folder",
    Service.HTTP: "https://host/folder",
}
_ADVICE: Final = (
    "a URL is kept in records and shown, so it must hold no user with a password, key, token, SAS or query string: "
    "put them into an Airflow connection and name it (conn_id), or into the environment"
)


@dataclass(frozen=True, slots=True)
class StoreUrl:
    """A URL in its parts; nothing in it is a secret.

    :ivar text: the URL as people are shown it, without a ``/`` at its end
    :ivar root: bucket, container, or ``host[:port]`` with the user that SFTP takes; ``""`` for a local folder
    :ivar path: below the root, without ``/`` at either end (of a local folder: the absolute path)
    :ivar account: host of the storage account, where an Azure URL names one
    """

    service: Service
    text: str
    root: str
    path: str
    account: str | None = None


def parse_store_url(url: str, what: str = "datastore") -> StoreUrl:
    """Return the parts of ``url``.

    The path is literal: ``%20`` is no space, as in fsspec. Only a web server's is encoded.

    :param what: what is kept there, as people know it: it is in the messages
    :raises UnsupportedFeatureError: another protocol, or several behind one another
    :raises DefinitionError: it holds what may be a secret, or cannot be the URL of a store
    """
    protocol, separator, rest = url.partition("://")
    if not separator:
        protocol, rest = "file", url
    service = _PROTOCOLS.get(protocol.lower())
    if service is None or ("::" in url and service is not Service.FILE):
        raise _unsupported(protocol, what)
    if service is Service.FILE:
        return _folder(url, rest, what)
    if not url.isprintable() or "\\" in url:
        raise _wrong(service, protocol, what, "has characters that no URL has")
    try:
        parts = urlsplit(f"//{rest}")
        _ = parts.port if service in {Service.SFTP, Service.HTTP} else None
    except ValueError:
        raise _wrong(service, protocol, what, "names no server: its address or port cannot be read") from None
    if parts.query or parts.fragment or "?" in rest or "#" in rest or _has_credentials(service, parts.netloc):
        raise DefinitionError(f"the {what} URL on {protocol.lower()!r}: {_ADVICE}")
    root, path = parts.netloc, parts.path.strip("/")
    account = None
    if service is Service.AZURE and "@" in root:
        root, _, account = root.partition("@")
    if not root or account == "":
        raise _wrong(service, protocol, what, "names no bucket, container or host")
    literal = unquote(path) if service is Service.HTTP else path
    if any(part in {"", ".", ".."} for part in literal.split("/")) and path:
        raise _wrong(service, protocol, what, "has an empty, '.' or '..' part in its path")
    return StoreUrl(service, f"{protocol.lower()}://{parts.netloc}{'/' if path else ''}{path}", root, path, account)


def _folder(url: str, rest: str, what: str) -> StoreUrl:
    is_chain = "::" in rest and "://" in rest
    if is_chain or not rest.startswith("/") or "\0" in rest:
        shown = "" if is_chain or "@" in rest else f" {shorten(repr(url))}"
        raise DefinitionError(f"the {what} URL{shown} names no absolute folder; write it as file:///folder or /folder")
    return StoreUrl(Service.FILE, url, "", rest)


def _has_credentials(service: Service, netloc: str) -> bool:
    user, separator, _ = netloc.rpartition("@")
    if not separator:
        return False
    # "container@account" and "user@host" say where and who, not with which secret.
    return service not in {Service.AZURE, Service.SFTP} or bool(set(user) & set(":@"))


def _unsupported(protocol: str, what: str) -> UnsupportedFeatureError:
    # Only what is a protocol, or several, is repeated: the rest may hold a password.
    shown = shorten(repr(protocol), 60) if _PROTOCOL.fullmatch(protocol) else "something that is no protocol"
    known = ", ".join(sorted(_PROTOCOLS))
    return UnsupportedFeatureError(
        f"a {what} on {shown} cannot be opened; use a folder of this machine or a mounted one (file:///...), "
        f"or one of these protocols: {known}"
    )


def _wrong(service: Service, protocol: str, what: str, trouble: str) -> DefinitionError:
    return DefinitionError(f"the {what} URL on {protocol.lower()!r} {trouble}; write it as {_EXAMPLES[service]}")
