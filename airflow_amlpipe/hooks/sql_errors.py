"""Whose is an error of a database: the author's, whose query is wrong, or the database's, and what may be told of it?

What a driver says can hold the password, so whatever the connection holds is taken out of it; SQLAlchemy's own text, which repeats the
query and its parameters, is not told at all.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from airflow_amlpipe.exceptions import AmlPipeError, DatastoreUnavailableError, DefinitionError, shorten
from airflow_amlpipe.storage.database import QueryStoppedError

if TYPE_CHECKING:
    from airflow_amlpipe.storage.database import DatabaseAddress

__all__ = ["told", "translated_error"]

# Classes of SQLSTATE that say nothing against the query: connection, resources, serialisation, an operator's doing, the server's own trouble.
_TROUBLE: Final = ("08", "40", "53", "55", "57", "58", "XX")
_CANCELED: Final = {"57014", "HYT00"}
# MySQL's numbers for a wrong query, which its driver tells as trouble of the server: ambiguous or unknown column, access, no such procedure ...
_MYSQL_AUTHORS: Final = {1044, 1052, 1054, 1056, 1060, 1066, 1109, 1142, 1143, 1305, 1318, 1370, 1690}
_MYSQL_TIMEOUTS: Final = {1969, 3024}
_SQLSTATE: Final = re.compile(r"[0-9A-Z]{5}")


def translated_error(error: SQLAlchemyError, address: DatabaseAddress, *, is_connected: bool, what: str = "") -> AmlPipeError:
    """Return what is raised in place of an error of SQLAlchemy's.

    :param is_connected: whether the database had let us in
    :param what: was asked of it, as messages name it
    """
    said = told(error, address)
    if not is_connected:
        conn = f" and the connection {shorten(repr(address.conn_id))}" if address.conn_id else ""
        return DatastoreUnavailableError(
            f"{address.what}: {address.host}:{address.port} did not let us in to the database {shorten(repr(address.database))} ({said}); "
            f"check host, port, database{conn}, and whether the server is up"
        )
    if _sqlstate(error) in _CANCELED or _number(error) in _MYSQL_TIMEOUTS:
        return QueryStoppedError(
            f"{address.what}: {what} took longer than it may and was stopped ({said}); give it more time with query_timeout=, or make it faster"
        )
    if _is_authors(error):
        return DefinitionError(f"{address.what} refuses {what}: {said}; correct it")
    return DatastoreUnavailableError(f"{address.what}: the database failed while it was asked {what} ({said}); try again")


def told(error: BaseException, address: DatabaseAddress) -> str:
    """Return what a driver says, in one line, without any secret of the connection."""
    original = getattr(error, "orig", None) or error
    diagnosis = getattr(original, "diag", None)
    # PostgreSQL's whole message shows the statement that the query was wrapped in.
    sentences = [getattr(diagnosis, name, None) for name in ("message_primary", "message_detail", "message_hint")]
    told_apart = "; ".join(sentence for sentence in sentences if sentence)
    text = " ".join((told_apart or str(original)).split()) or type(original).__name__
    for secret in address.secrets:
        text = text.replace(secret, "***")
    return shorten(f"{type(original).__name__}: {text}", 400)


def _is_authors(error: SQLAlchemyError) -> bool:
    state = _sqlstate(error)
    if state is not None:
        return not state.startswith(_TROUBLE)
    if _number(error) in _MYSQL_AUTHORS:
        return True
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return False
    return not isinstance(error, (OperationalError, InterfaceError, InternalError, PoolTimeoutError))


def _sqlstate(error: BaseException) -> str | None:
    original: Any = getattr(error, "orig", error)
    for name in ("sqlstate", "pgcode"):  # psycopg, psycopg2
        state = getattr(original, name, None)
        if isinstance(state, str):
            return state
    first = original.args[0] if original is not None and original.args else None  # pyodbc
    return first if isinstance(first, str) and _SQLSTATE.fullmatch(first) else None


def _number(error: BaseException) -> int | None:
    original: Any = getattr(error, "orig", error)
    first = original.args[0] if original is not None and original.args else None
    return first if isinstance(first, int) else None
