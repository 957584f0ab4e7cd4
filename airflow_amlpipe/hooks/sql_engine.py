"""How does SQLAlchemy reach a database: by which driver, with which options?

Imported where a database is asked and nowhere else: SQLAlchemy comes with Airflow, drivers with the extras ``postgres``, ``mssql`` and ``mysql``.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import create_engine
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

from airflow_amlpipe.exceptions import DefinitionError, shorten
from airflow_amlpipe.runtime.rows import JsonText

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

    from airflow_amlpipe.storage.database import DatabaseAddress

__all__ = ["sql_engine", "sql_url"]

# The driver's module -> its name for SQLAlchemy; the first one that is installed is used.
_DRIVERS: Final = {
    "postgresql": {"psycopg": "postgresql+psycopg", "psycopg2": "postgresql+psycopg2"},
    "mssql": {"pyodbc": "mssql+pyodbc", "pymssql": "mssql+pymssql"},
    "mysql": {"pymysql": "mysql+pymysql"},
}
_EXTRAS: Final = {"postgresql": "postgres", "mssql": "mssql", "mysql": "mysql"}
_CONNECT_SECONDS: Final = 15
_GRACE_SECONDS: Final = 10
# From the weakest; "require" encrypts, without asking who the server is.
_SSL_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_LIBPQ: Final = ("sslrootcert", "sslcert", "sslkey", "sslcrl", "application_name", "options", "gssencmode", "channel_binding")
_ODBC_DRIVER: Final = "ODBC Driver 18 for SQL Server"


def sql_engine(address: DatabaseAddress, *, timeout_seconds: int | None = None) -> Engine:
    """Return the engine of a database; nothing is contacted. A connection of it is closed when it is given back.

    JSON comes as the database wrote it (:class:`JsonText`).

    :param timeout_seconds: how long one statement may take, where the driver is told when it connects
    :raises DefinitionError: no driver is installed, or the connection cannot be used
    """
    url = sql_url(address)
    options = {"json_deserializer": JsonText} if address.protocol == "postgresql" else {}
    try:
        return create_engine(url, poolclass=NullPool, connect_args=_connect_args(address, url.drivername, timeout_seconds), **options)
    except ImportError as error:
        raise DefinitionError(
            f"{address.what} cannot be asked here: its driver does not start ({shorten(str(error))}); {_advice(address)}"
        ) from error


def sql_url(address: DatabaseAddress) -> URL:
    """Return SQLAlchemy's URL of a database, with the password in it.

    :raises DefinitionError: no driver is installed, or the connection cannot be used
    """
    dialect = _dialect(address)
    query: dict[str, str] = {}
    if dialect == "mssql+pyodbc":
        query = {"driver": _option(address, "driver") or _ODBC_DRIVER}
        query |= {name: value for name in ("Encrypt", "TrustServerCertificate") if (value := _option(address, name))}
        if address.tenant_id:
            query["Authentication"] = "ActiveDirectoryServicePrincipal"
    elif address.tenant_id and address.protocol == "mssql":
        raise DefinitionError(
            f"{address.what} logs in as an application of a tenant, which the driver pymssql cannot; install pyodbc and Microsoft's "
            f"{_ODBC_DRIVER!r}, or log in by a user's name and password"
        )
    return URL.create(dialect, address.user, address.password, address.host, address.port, address.database, query=query)


def _dialect(address: DatabaseAddress) -> str:
    drivers = _DRIVERS[address.protocol]
    for module, dialect in drivers.items():
        if find_spec(module) is not None:
            return dialect
    raise DefinitionError(
        f"{address.what} cannot be asked here: no driver for {address.protocol} is installed ({' or '.join(drivers)}); {_advice(address)}"
    )


def _advice(address: DatabaseAddress) -> str:
    return f"install one: pip install 'airflow-amlpipe[{_EXTRAS[address.protocol]}]'"


def _connect_args(address: DatabaseAddress, dialect: str, timeout_seconds: int | None) -> dict[str, Any]:
    if dialect == "mssql+pyodbc":
        return {"timeout": _CONNECT_SECONDS}
    if dialect == "mssql+pymssql":
        # 0: as long as it takes.
        return {"login_timeout": _CONNECT_SECONDS, "timeout": timeout_seconds or 0, "charset": "UTF-8"}
    if dialect == "mysql+pymysql":
        ssl = address.extra.get("ssl")
        return {
            "connect_timeout": _CONNECT_SECONDS,
            "charset": "utf8mb4",
            # The server stops the statement itself; this is for one that does not.
            **({"read_timeout": timeout_seconds + _GRACE_SECONDS} if timeout_seconds else {}),
            **({"ssl": dict(ssl)} if isinstance(ssl, dict) else {"ssl": {"check_hostname": False}} if address.encrypted else {}),
        }
    found: dict[str, Any] = {"connect_timeout": _CONNECT_SECONDS}
    found |= {name: value for name in _LIBPQ if (value := _option(address, name))}
    ssl_mode = _ssl_mode(address)
    return {**found, "sslmode": ssl_mode} if ssl_mode else found


def _ssl_mode(address: DatabaseAddress) -> str | None:
    """Return the connection's mode, unless the datastore asks for a stronger one."""
    given = _option(address, "sslmode")
    if given is not None and given not in _SSL_MODES:
        raise DefinitionError(
            f"{address.what}: the connection's extra 'sslmode' is {shorten(repr(given), 40)}; use one of: {', '.join(_SSL_MODES)}"
        )
    if not address.encrypted:
        return given
    return max(given or "require", "require", key=_SSL_MODES.index)


def _option(address: DatabaseAddress, name: str) -> str | None:
    value = address.extra.get(name)
    if value in (None, ""):
        return None
    if not isinstance(value, str):
        raise DefinitionError(f"{address.what}: the connection's extra {name!r} must be text; write it in quotes")
    return value
