"""What does a datastore look like that SDK v1 kept in a Data Lake?"""

from __future__ import annotations

from airflow_amlpipe.sdk.data.abstract_datastore import TextDetail
from airflow_amlpipe.sdk.data.azure_storage_datastore import AbstractAzureStorageDatastore

__all__ = ["AzureDataLakeGen2Datastore"]


class AzureDataLakeGen2Datastore(AbstractAzureStorageDatastore):
    """A file system of a Data Lake Storage Gen2. Unlike SDK v1's it can be uploaded to and downloaded from."""

    tenant_id = TextDetail()
    client_id = TextDetail()
    resource_url = TextDetail()
    authority_url = TextDetail()

    @property
    def client_secret(self) -> str | None:
        """The secret that this process was given; never one that a connection holds."""
        login = self._given_login()
        return None if login is None else login.password
