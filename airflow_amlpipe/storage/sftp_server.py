"""Which SFTP server does a URL name, as whom does one log in there, and how does it prove that it is the one that is meant?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_amlpipe.exceptions import DefinitionError, shorten
from airflow_amlpipe.storage.login import Login
from airflow_amlpipe.storage.store_url import StoreUrl

__all__ = ["SftpServer", "sftp_server"]

_ADDRESS = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+(?:%[\w.-]+)?\]|[\w.-]+)(?::(?P<port>\d{1,5}))?")
_CONN_TYPES = ("sftp", "ssh", "generic")
_CONNECT_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class SftpServer:
    """A server, and how to log in. Secrets are left out of its ``repr``.

    :ivar user: ``None``: the user of this process
    :ivar conn_id: where the login is from, for messages; ``None``: the keys and the agent of this user
    :ivar private_key: the text of a key, which goes before ``key_file``
    :ivar host_key: the server's public key as ``known_hosts`` has it, with or without its type; ``None``: look in ``known_hosts``
    :ivar known_hosts: path of a file; ``None``: the user's own
    """

    host: str
    port: int = 22
    user: str | None = None
    conn_id: str | None = None
    password: str | None = field(default=None, repr=False)
    private_key: str | None = field(default=None, repr=False)
    key_file: str | None = None
    passphrase: str | None = field(default=None, repr=False)
    host_key: str | None = None
    known_hosts: str | None = None
    checks_host_key: bool = True
    connect_seconds: float = _CONNECT_SECONDS

    @property
    def address(self) -> str:
        """The server as a URL has it, without the user."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == 22 else f"{host}:{self.port}"

    @property
    def login(self) -> str:
        """Where the login is from, as messages name it."""
        return "the keys of this user (no connection was named)" if self.conn_id is None else f"the connection {self.conn_id!r}"


def sftp_server(place: StoreUrl, login: Login | None = None) -> tuple[SftpServer, str]:
    """Return the server that ``place`` names and the absolute path of the root there. Nothing is contacted.

    What the URL leaves out, the connection says. From its extra are read, as in Airflow's own connections: ``key_file``,
    ``private_key``, ``private_key_passphrase``, ``host_key``, ``no_host_key_check``, ``known_hosts`` and ``conn_timeout``. Unlike
    there, a server that nothing vouches for is refused unless ``no_host_key_check`` says not to.

    :raises DefinitionError: no such address; the URL contradicts the connection
    """
    user, _, address = place.root.rpartition("@")
    found = _ADDRESS.fullmatch(address)
    if found is None or not 1 <= int(found["port"] or 22) <= 65535:
        raise DefinitionError(
            f"the URL {shorten(place.text)} names no server; write it as sftp://[user@]host[:port]/folder, with the path from the server's root"
        )
    port = int(found["port"]) if found["port"] else None
    return _server(found["host"].strip("[]"), port, user or None, login), f"/{place.path}"


def _server(host: str, port: int | None, user: str | None, login: Login | None) -> SftpServer:
    extra: Mapping[str, Any] = {} if login is None else login.extra
    if login is not None:
        if login.conn_type not in _CONN_TYPES:
            raise DefinitionError(
                f"connection {shorten(repr(login.conn_id))} is of type {shorten(repr(login.conn_type))}, "
                f"but an SFTP server takes one of: {', '.join(_CONN_TYPES)}"
            )
        # Whoever writes URLs must not be able to send somebody's password to a server of their choice.
        for word, in_url, in_login in (("host", host, login.host), ("port", port, login.port), ("user", user, login.login)):
            if in_url and in_login and in_url != in_login:
                raise DefinitionError(
                    f"the sftp URL names the {word} {shorten(str(in_url), 60)} and the connection {shorten(repr(login.conn_id))} another one; "
                    f"write the same in both, or name the connection that belongs to it"
                )
        port, user = port or login.port, user or login.login
    return SftpServer(
        host=host,
        port=port or 22,
        user=user,
        conn_id=None if login is None else login.conn_id,
        password=None if login is None else login.password,
        private_key=None if login is None else login.text("private_key"),
        key_file=None if login is None else login.text("key_file"),
        passphrase=None if login is None else login.text("private_key_passphrase"),
        host_key=None if login is None else login.text("host_key"),
        known_hosts=None if login is None else login.text("known_hosts"),
        checks_host_key=bool(extra.get("host_key")) or str(extra.get("no_host_key_check")).lower() != "true",
        connect_seconds=_seconds(login),
    )


def _seconds(login: Login | None) -> float:
    given = None if login is None else login.extra.get("conn_timeout")
    try:
        return max(1.0, float(given or _CONNECT_SECONDS))
    except (TypeError, ValueError) as error:
        raise DefinitionError(
            f"connection {shorten(repr(login and login.conn_id))}: its extra 'conn_timeout' must be a number of seconds"
        ) from error
