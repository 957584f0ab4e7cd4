"""Which database does a datastore mean, as whom is it asked, and what does the core see of it?

The core knows addresses and rows. What speaks to a database (SQLAlchemy and its drivers) is above it, in ``hooks/``, and handed down.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from airflow_amlpipe.exceptions import DatastoreUnavailableError, DefinitionError, shorten
from airflow_amlpipe.spec.dataset import SqlQuery
from airflow_amlpipe.storage.login import Login

__all__ = [
    "CONN_TYPES",
    "PROTOCOLS",
    "Answer",
    "Database",
    "DatabaseAddress",
    "DatabaseOpener",
    "QueryStoppedError",
    "database_address",
    "is_database_url",
]

CONN_TYPES: Final = {"postgresql": "postgres", "mssql": "mssql", "mysql": "mysql"}
"""The type of Airflow connection that is meant for each protocol of a database's URL."""

PROTOCOLS: Final = tuple(CONN_TYPES)
_ALSO: Final = {"postgresql": {"postgresql", "generic"}, "mssql": {"odbc", "generic"}, "mysql": {"generic"}}
_PORTS: Final = {"postgresql": 5432, "mssql": 1433, "mysql": 3306}


class Database(ABC):
    """One database. Nothing is contacted before it is asked something."""

    @abstractmethod
    def ask(self, query: SqlQuery, what: str) -> AbstractContextManager[Answer]:
        """Return the rows of a query while the block lasts; what the query did otherwise is undone at its end.

        :param what: the query, as messages name it
        :raises DefinitionError: the query is wrong, or gives no rows; the message has the database's words
        :raises QueryStoppedError: it took too long, or was stopped
        :raises DatastoreUnavailableError: the database does not answer, lets nobody in with this login, or went away
        """

    @abstractmethod
    def stop(self) -> None:
        """Stop what is asked, now and from now on; called by a signal handler while another method is at work."""

    @abstractmethod
    def test(self) -> str:
        """Log in, and return what was found, as the rest of a sentence about the datastore. Nothing is written.

        :raises DefinitionError: no driver is installed
        :raises DatastoreUnavailableError: it does not answer, or lets nobody in with this login
        """


class Answer(Protocol):
    """What a database gives to a query, as it comes; errors as :meth:`Database.ask` has them."""

    @property
    def columns(self) -> Sequence[str]:
        """Their names, in order; no two are the same."""

    def fetch(self, count: int) -> Sequence[Sequence[Any]]:
        """Return the next rows, ``count`` at most; none when there are no more."""


class QueryStoppedError(DatastoreUnavailableError):
    """A query took too long, or nobody waits for it any more; asking again at once would be no better."""


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """A database and who asks it; secrets are left out of its ``repr``.

    :ivar what: the datastore, as messages name it
    :ivar protocol: ``postgresql``, ``mssql`` or ``mysql``
    :ivar encrypted: whether what is said must be encrypted
    :ivar tenant_id: of the application that logs in, where one does
    :ivar extra: what else the connection says
    """

    what: str
    protocol: str
    host: str
    port: int
    database: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    encrypted: bool = False
    tenant_id: str | None = None
    conn_id: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def place(self) -> str:
        """The address as people read it."""
        return f"{self.protocol}://{self.host}:{self.port}/{self.database}"

    @property
    def secrets(self) -> tuple[str, ...]:
        """Whatever the connection holds that no message may repeat, the longest first."""
        texts = [self.password or "", *(value for value in self.extra.values() if isinstance(value, str))]
        return tuple(sorted({text for text in texts if len(text) > 3}, key=len, reverse=True))


class DatabaseOpener(ABC):
    """Makes a :class:`Database` of an address; handed down by code that may know how."""

    @abstractmethod
    def open(self, address: DatabaseAddress) -> Database:
        """Return the database; nothing is contacted."""


def is_database_url(url: str) -> bool:
    """Whether ``url`` names a database, and no place for files."""
    return url.partition("://")[0].lower() in CONN_TYPES


def database_address(what: str, url: str, login: Login | None, details: Mapping[str, str | int | bool]) -> DatabaseAddress:
    """Return the address that a record's URL and a connection name together.

    :param what: the datastore, as messages name it
    :param details: of the record: who logs in where the connection does not say, and whether encryption is enforced
    :raises DefinitionError: no such address; the connection is of another service, or of another server
    """
    protocol, host, port, database = _parts(what, url)
    if login is not None:
        _check(what, protocol, host, port, login)
    named = next((str(details[name]) for name in ("user_id", "username", "client_id") if details.get(name)), None)
    return DatabaseAddress(
        what,
        protocol,
        host,
        port,
        database,
        user=login.login if login is not None and login.login else named,
        password=None if login is None else login.password,
        encrypted=bool(details.get("enforce_ssl", False)),
        tenant_id=(None if login is None else login.text("tenant_id")) or _text(details.get("tenant_id")),
        conn_id=None if login is None else login.conn_id,
        extra={} if login is None else dict(login.extra),
    )


def _parts(what: str, url: str) -> tuple[str, str, int, str]:
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = 0
    database = parts.path.strip("/")
    if parts.scheme not in CONN_TYPES or not parts.hostname or port == 0 or not database or "@" in parts.netloc or parts.query:
        # The URL may hold a password, so it is not repeated.
        raise DefinitionError(
            f"{what}: its URL is none of a database; write it as PROTOCOL://host:port/database, the protocol being one of "
            f"{', '.join(PROTOCOLS)}, and user and password in the connection"
        )
    return parts.scheme, parts.hostname, port or _PORTS[parts.scheme], database


def _check(what: str, protocol: str, host: str, port: int, login: Login) -> None:
    conn = f"connection {shorten(repr(login.conn_id))}"
    if login.conn_type not in {CONN_TYPES[protocol], *_ALSO[protocol]}:
        raise DefinitionError(
            f"{what}: {conn} is of type {shorten(repr(login.conn_type))}, but a database on {protocol} takes one of type {CONN_TYPES[protocol]!r}"
        )
    # Whoever writes records must not be able to send somebody's password to a server of their choice.
    if login.password and not login.host:
        raise DefinitionError(
            f"{what}: {conn} holds a password but names no host, so that nobody can tell which server may be sent it; write the host into it"
        )
    for word, in_url, in_login in (("host", host, (login.host or "").lower()), ("port", port, login.port)):
        if in_login and in_url != in_login:
            raise DefinitionError(
                f"{what} is on the {word} {shorten(str(in_url), 60)} and its {conn} is for another one; "
                "write the same in both, or name the connection that belongs to it"
            )


def _text(value: object) -> str | None:
    return str(value) if value else None
