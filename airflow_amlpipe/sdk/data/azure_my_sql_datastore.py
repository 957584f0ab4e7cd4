"""What does a datastore look like that is a MySQL database?"""

from __future__ import annotations

from airflow_amlpipe.sdk.data.abstract_database_datastore import AbstractDatabaseDatastore
from airflow_amlpipe.sdk.data.abstract_datastore import TextDetail

__all__ = ["AzureMySqlDatastore"]


class AzureMySqlDatastore(AbstractDatabaseDatastore):
    """A MySQL database."""

    user_id = TextDetail()

    @property
    def user_password(self) -> str | None:
        """The user's password, if this process was given it."""
        return self._given_password()
