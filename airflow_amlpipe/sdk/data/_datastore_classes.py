"""Of which class is a datastore?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_amlpipe.sdk._workspace_store import as_user_error, open_workspace
from airflow_amlpipe.sdk.data.azure_data_lake_datastore import AzureDataLakeGen2Datastore
from airflow_amlpipe.sdk.data.azure_my_sql_datastore import AzureMySqlDatastore
from airflow_amlpipe.sdk.data.azure_postgre_sql_datastore import AzurePostgreSqlDatastore
from airflow_amlpipe.sdk.data.azure_sql_database_datastore import AzureSqlDatabaseDatastore
from airflow_amlpipe.sdk.data.azure_storage_datastore import AzureBlobDatastore, AzureFileDatastore

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.core.workspace import Workspace
    from airflow_amlpipe.sdk.data.abstract_datastore import AbstractDatastore
    from airflow_amlpipe.spec.datastores import DatastoreType

__all__ = ["datastore_of", "registered"]

_TYPES: dict[DatastoreType, type[AbstractDatastore]] = {
    "AzureBlob": AzureBlobDatastore,
    "AzureFile": AzureFileDatastore,
    "AzureDataLakeGen2": AzureDataLakeGen2Datastore,
    "AzureSqlDatabase": AzureSqlDatabaseDatastore,
    "AzurePostgreSql": AzurePostgreSqlDatastore,
    "AzureMySql": AzureMySqlDatastore,
}


def datastore_of(workspace: Workspace, name: str, datastore_type: DatastoreType) -> Any:
    """Return the datastore ``name`` as an object of SDK v1's class; nothing is looked up."""
    return _TYPES[datastore_type](workspace, name, datastore_type)


def registered(workspace: Workspace, name: str) -> Any:
    """Return a registered datastore.

    :raises UserErrorException: it is not registered; the message lists those that are
    """
    with as_user_error():
        record = open_workspace(workspace).datastores.get(name)
    return datastore_of(workspace, name, record.sdk_type)
