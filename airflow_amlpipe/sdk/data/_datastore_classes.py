"""Of which class is a datastore?"""

from __future__ import annotations

import sys
from functools import cache
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import UnknownNameError
from airflow_amlpipe.sdk._workspace_store import open_workspace
from airflow_amlpipe.sdk.data.azure_data_lake_datastore import AzureDataLakeGen2Datastore
from airflow_amlpipe.sdk.data.azure_my_sql_datastore import AzureMySqlDatastore
from airflow_amlpipe.sdk.data.azure_postgre_sql_datastore import AzurePostgreSqlDatastore
from airflow_amlpipe.sdk.data.azure_sql_database_datastore import AzureSqlDatabaseDatastore
from airflow_amlpipe.sdk.data.azure_storage_datastore import AzureBlobDatastore, AzureFileDatastore
from airflow_amlpipe.sdk.exceptions import UserErrorException

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

    :raises UserErrorException: it is not registered; the message lists those that are. It is an ``HttpOperationError`` too for a script that
        has imported that from msrest: SDK v1 raised one, and scripts which register what they do not find catch it
    """
    try:
        record = open_workspace(workspace).datastores.get(name)
    except UnknownNameError as error:
        raise _unknown(str(error)) from error
    return datastore_of(workspace, name, record.sdk_type)


def _unknown(message: str) -> UserErrorException:
    known = getattr(sys.modules.get("msrest.exceptions"), "HttpOperationError", None)
    return UserErrorException(message) if known is None else _caught_as(known)(message)


@cache
def _caught_as(known: type[Exception]) -> type[UserErrorException]:
    def __init__(self: Any, message: str) -> None:
        # Theirs wants the answer of a service, and there is none.
        Exception.__init__(self, message)
        self.inner_exception = None

    names = {
        "__init__": __init__,
        "__str__": Exception.__str__,
        "__reduce__": lambda self: (_unknown, (str(self),)),
        "__module__": __name__,
    }
    return type("UnknownDatastoreException", (UserErrorException, known), names)
