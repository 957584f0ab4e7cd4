"""How does the core's idea of a database become SQLAlchemy's?

SQLAlchemy takes its time to import, so it is only when a database is asked something.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import DefinitionError, shorten
from airflow_amlpipe.spec.dataset import SqlQuery
from airflow_amlpipe.storage.database import Answer, Database, DatabaseAddress, DatabaseOpener, QueryStoppedError

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, CursorResult

__all__ = ["SqlDatabase", "SqlOpener"]


class SqlOpener(DatabaseOpener):
    """Opens databases with SQLAlchemy."""

    def open(self, address: DatabaseAddress) -> Database:
        """Return the database; nothing is contacted."""
        return SqlDatabase(address)


class SqlDatabase(Database):
    """A database that SQLAlchemy has a driver for. Each question has a connection of its own, and changes nothing."""

    def __init__(self, address: DatabaseAddress) -> None:
        self.address = address
        self._is_stopped = False
        self._asked: list[Any] = []

    @contextmanager
    def ask(self, query: SqlQuery, what: str) -> Iterator[Answer]:
        """Return the rows as the server hands them out, batch by batch."""
        from airflow_amlpipe.hooks.sql_statements import carried_out, prepare_session

        with self._connected(query.timeout_seconds) as connection:
            driver = connection.connection.dbapi_connection
            self._asked.append(driver)
            try:
                with self._translated(what):
                    prepare_session(connection, query.timeout_seconds)
                    result = carried_out(connection, query, f"{self.address.what}: {what}")
                yield _Rows(self, result, what)
            finally:
                self._asked.remove(driver)

    def stop(self) -> None:
        """Ask the server to give up what it is at; where the driver cannot, hang up."""
        self._is_stopped = True
        for driver in list(self._asked):
            # Best effort: what is asked for next hears of it either way.
            with suppress(Exception):
                if hasattr(driver, "cancel"):
                    driver.cancel()
                else:
                    driver._sock.shutdown(socket.SHUT_RDWR)  # pymysql's

    def test(self) -> str:
        """Log in and ask for nothing."""
        from sqlalchemy import text

        with self._connected() as connection, self._translated("SELECT 1"):
            connection.execute(text("SELECT 1"))
        return "answers as a database"

    @contextmanager
    def _translated(self, what: str) -> Iterator[None]:
        """Raise our errors for SQLAlchemy's that leave the block."""
        from sqlalchemy.exc import SQLAlchemyError

        if self._is_stopped:
            raise self._stopped(what)
        try:
            yield
        except SQLAlchemyError as error:
            from airflow_amlpipe.hooks.sql_errors import translated_error

            if self._is_stopped:
                raise self._stopped(what) from None
            # "from None": the cause may quote the password.
            raise translated_error(error, self.address, is_connected=True, what=what) from None

    def _stopped(self, what: str) -> QueryStoppedError:
        return QueryStoppedError(f"{self.address.what}: {what} was stopped, because nobody waits for it any more")

    @contextmanager
    def _connected(self, timeout_seconds: int | None = None) -> Iterator[Connection]:
        from sqlalchemy.exc import SQLAlchemyError

        from airflow_amlpipe.hooks.sql_engine import sql_engine
        from airflow_amlpipe.hooks.sql_errors import translated_error

        engine = sql_engine(self.address, timeout_seconds=timeout_seconds)
        try:
            connection = engine.connect()
        except SQLAlchemyError as error:
            raise translated_error(error, self.address, is_connected=False) from None
        try:
            yield connection
        finally:
            # Whatever was begun is undone. A lost connection cannot say goodbye, and need not.
            try:
                connection.close()
            except SQLAlchemyError:
                connection.invalidate()


class _Rows:
    """The rows of one query."""

    def __init__(self, database: SqlDatabase, result: CursorResult[Any], what: str) -> None:
        self._database = database
        self._result = result
        self._what = what
        self.columns: Sequence[str] = _column_names(f"{database.address.what}: {what}", list(result.keys()))

    def fetch(self, count: int) -> Sequence[Sequence[Any]]:
        with self._database._translated(self._what):
            return self._result.fetchmany(count)


def _column_names(where: str, names: list[str]) -> list[str]:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or not all(names):
        trouble = (
            f"has {len(names)} columns, and more than one is called {shorten(repr(twice[0]), 80)}"
            if twice
            else "has a column without a name"
        )
        raise DefinitionError(f"{where} {trouble}; give each a name of its own (SELECT ... AS name)")
    return names
