"""Which storage root does a name stand for?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk._absent import absent
from airflow_amlpipe.sdk._arguments import check_workspace_given
from airflow_amlpipe.sdk._parsing import is_airflow_parsing
from airflow_amlpipe.sdk._workspace_store import as_user_error, open_workspace, register_datastore
from airflow_amlpipe.sdk.data.azure_storage_datastore import AbstractAzureStorageDatastore, AzureBlobDatastore, AzureFileDatastore
from airflow_amlpipe.sdk.exceptions import UserErrorException
from airflow_amlpipe.spec.datastores import WELL_KNOWN_DATASTORES, DatastoreType
from airflow_amlpipe.storage.urls import folder_url

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.core.workspace import Workspace

__all__ = ["Datastore"]

_TYPES: dict[DatastoreType, type[AbstractAzureStorageDatastore]] = {"AzureBlob": AzureBlobDatastore, "AzureFile": AzureFileDatastore}
_REGISTER = "register a folder or URL with Datastore.register_url(ws, name, url)"


class Datastore:
    """``Datastore(ws, name)`` is the datastore of that name, ``Datastore(ws)`` the default one; both are of a concrete class."""

    def __new__(cls, workspace: Workspace, name: str | None = None) -> Any:
        return Datastore.get_default(workspace) if name is None else Datastore.get(workspace, name)

    @staticmethod
    def get(workspace: Workspace, datastore_name: str) -> AbstractAzureStorageDatastore:
        """Return a registered datastore. In a DAG file the name is checked when the step runs.

        :raises UserErrorException: it is not registered; the message lists those that are
        """
        check_workspace_given("Datastore.get", workspace)
        if not isinstance(datastore_name, str) or not datastore_name:
            raise UserErrorException(f"Datastore.get: {shorten(repr(datastore_name))} is no name of a datastore; give text")
        # Nothing is looked up for what every workspace has.
        if datastore_name in WELL_KNOWN_DATASTORES:
            return _made(workspace, datastore_name, WELL_KNOWN_DATASTORES[datastore_name])
        if is_airflow_parsing():
            return _made(workspace, datastore_name, "AzureBlob")
        with as_user_error():
            record = open_workspace(workspace).datastores.get(datastore_name)
        return _made(workspace, datastore_name, record.sdk_type)

    @staticmethod
    def get_default(workspace: Workspace) -> AbstractAzureStorageDatastore:
        """Return the workspace's default datastore."""
        check_workspace_given("Datastore.get_default", workspace)
        return workspace.get_default_datastore()

    @staticmethod
    def register_url(workspace: Workspace, datastore_name: str, url: str, overwrite: bool = False) -> AbstractAzureStorageDatastore:
        """Register a folder or URL as a datastore and return it. Ours: SDK v1 had one method for each of Azure's services.

        :raises UserErrorException: the name is taken by another URL and ``overwrite`` is ``False``, or cannot be used
        """
        if not isinstance(url, str) or not url.strip() or not url.isprintable():
            raise UserErrorException(f"datastore {datastore_name!r}: {shorten(repr(url))} is no folder or URL")
        root = url if len(urlsplit(url).scheme) > 1 else folder_url(Path(url).expanduser())
        known = open_workspace(workspace, "Datastore.register_url").datastores.find(datastore_name)
        if known is not None and known.url != root and not overwrite:
            raise UserErrorException(
                f"datastore {datastore_name!r} is registered already, with another URL; use overwrite=True, or another name"
            )
        register_datastore(workspace, datastore_name, root)
        return Datastore.get(workspace, datastore_name)

    register_azure_blob_container = absent("Datastore.register_azure_blob_container", _REGISTER)
    register_azure_data_lake = absent("Datastore.register_azure_data_lake", _REGISTER)
    register_azure_data_lake_gen2 = absent("Datastore.register_azure_data_lake_gen2", _REGISTER)
    register_azure_file_share = absent("Datastore.register_azure_file_share", _REGISTER)
    register_azure_my_sql = absent("Datastore.register_azure_my_sql", "connect to the database in the script")
    register_azure_postgre_sql = absent("Datastore.register_azure_postgre_sql", "connect to the database in the script")
    register_azure_sql_database = absent("Datastore.register_azure_sql_database", "connect to the database in the script")
    register_dbfs = absent("Datastore.register_dbfs", _REGISTER)
    register_hdfs = absent("Datastore.register_hdfs", _REGISTER)


def _made(workspace: Workspace, name: str, datastore_type: DatastoreType) -> AbstractAzureStorageDatastore:
    return _TYPES[datastore_type](workspace, name, datastore_type)
