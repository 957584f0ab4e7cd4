"""What does a datastore look like that is an Azure SQL database?"""

from __future__ import annotations

from airflow_amlpipe.sdk.data.abstract_database_datastore import AbstractDatabaseDatastore
from airflow_amlpipe.sdk.data.abstract_datastore import TextDetail

__all__ = ["AzureSqlDatabaseDatastore"]


class AzureSqlDatabaseDatastore(AbstractDatabaseDatastore):
    """A Microsoft SQL Server database: by a user's name and password, or by an application of a tenant."""

    username = TextDetail()
    tenant_id = TextDetail()
    client_id = TextDetail()
    resource_url = TextDetail()
    authority_url = TextDetail()

    @property
    def password(self) -> str | None:
        """The user's password, if this process was given it."""
        return self._given_password() if self.username else None

    @property
    def client_secret(self) -> str | None:
        """The application's secret, if this process was given it."""
        return None if self.username else self._given_password()
