"""How does the core's idea of a database become SQLAlchemy's?

SQLAlchemy takes its time to import, so it is only when a database is asked something.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow_amlpipe.storage.database import Database, DatabaseAddress, DatabaseOpener

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

__all__ = ["SqlDatabase", "SqlOpener"]


class SqlOpener(DatabaseOpener):
    """Opens databases with SQLAlchemy."""

    def open(self, address: DatabaseAddress) -> Database:
        """Return the database; nothing is contacted."""
        return SqlDatabase(address)


class SqlDatabase(Database):
    """A database that SQLAlchemy has a driver for. Each question has a connection of its own."""

    def __init__(self, address: DatabaseAddress) -> None:
        self.address = address

    def test(self) -> str:
        """Log in and ask for nothing."""
        from sqlalchemy import text
        from sqlalchemy.exc import SQLAlchemyError

        from airflow_amlpipe.hooks.sql_errors import translated_error

        with self._connected() as connection:
            try:
                connection.execute(text("SELECT 1"))
            except SQLAlchemyError as error:
                raise translated_error(error, self.address, is_connected=True, what="SELECT 1") from None
        return "answers as a database"

    @contextmanager
    def _connected(self, timeout_seconds: int | None = None) -> Iterator[Connection]:
        from sqlalchemy.exc import SQLAlchemyError

        from airflow_amlpipe.hooks.sql_engine import sql_engine
        from airflow_amlpipe.hooks.sql_errors import translated_error

        engine = sql_engine(self.address, timeout_seconds=timeout_seconds)
        try:
            connection = engine.connect()
        except SQLAlchemyError as error:
            # "from None": the cause may quote the password.
            raise translated_error(error, self.address, is_connected=False) from None
        try:
            yield connection
        finally:
            # Whatever was begun is undone. A lost connection cannot say goodbye, and need not.
            try:
                connection.close()
            except SQLAlchemyError:
                connection.invalidate()
