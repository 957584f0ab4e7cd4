"""What do datastores have in common that hold tables instead of files?"""

from __future__ import annotations

from airflow_amlpipe.sdk.data.abstract_datastore import AbstractDatastore, TextDetail

__all__ = ["AbstractDatabaseDatastore"]


class AbstractDatabaseDatastore(AbstractDatastore):
    """A database of a server. Steps read the rows of queries: ``Dataset.Tabular.from_sql_query((datastore, 'SELECT ...'))``."""

    server_name = TextDetail()
    database_name = TextDetail()
    endpoint = TextDetail()

    @property
    def port_number(self) -> int | None:
        """Port of the server."""
        port = self._details().get("port_number")
        return int(port) if port is not None else None

    def _given_password(self) -> str | None:
        login = self._given_login()
        return None if login is None else login.password
