"""What does a datastore look like that is a PostgreSQL database?"""

from __future__ import annotations

from airflow_amlpipe.sdk.data.abstract_database_datastore import AbstractDatabaseDatastore
from airflow_amlpipe.sdk.data.abstract_datastore import TextDetail

__all__ = ["AzurePostgreSqlDatastore"]


class AzurePostgreSqlDatastore(AbstractDatabaseDatastore):
    """A PostgreSQL database."""

    user_id = TextDetail()

    @property
    def user_password(self) -> str | None:
        """The user's password, if this process was given it."""
        return self._given_password()

    @property
    def enforce_ssl(self) -> bool:
        """Whether the connection to the server has to be encrypted."""
        return bool(self._details().get("enforce_ssl", True))
