"""Which storage root does a name stand for?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk._absent import absent
from airflow_amlpipe.sdk._arguments import check_text, check_workspace_given
from airflow_amlpipe.sdk._datastore_registration import register
from airflow_amlpipe.sdk._parsing import is_airflow_parsing
from airflow_amlpipe.sdk.core._azure_databases import AzureDatabases
from airflow_amlpipe.sdk.core._azure_storage import AzureStorage
from airflow_amlpipe.sdk.data._datastore_classes import datastore_of, registered
from airflow_amlpipe.sdk.exceptions import UserErrorException
from airflow_amlpipe.spec.datastores import WELL_KNOWN_DATASTORES

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.core.workspace import Workspace

__all__ = ["Datastore"]

_REGISTER = "register a folder or URL with Datastore.register(ws, name, url)"


class Datastore(AzureStorage, AzureDatabases):
    """``Datastore(ws, name)`` is the datastore of that name, ``Datastore(ws)`` the default one; both are of a concrete class."""

    def __new__(cls, workspace: Workspace, name: str | None = None) -> Any:
        return Datastore.get_default(workspace) if name is None else Datastore.get(workspace, name)

    @staticmethod
    def get(workspace: Workspace, datastore_name: str) -> Any:
        """Return a registered datastore. In a DAG file the name is checked when the step runs.

        :raises UserErrorException: it is not registered; the message lists those that are
        """
        check_workspace_given("Datastore.get", workspace)
        if not isinstance(datastore_name, str) or not datastore_name:
            raise UserErrorException(f"Datastore.get: {shorten(repr(datastore_name))} is no name of a datastore; give text")
        # Nothing is looked up for what every workspace has.
        if datastore_name in WELL_KNOWN_DATASTORES:
            return datastore_of(workspace, datastore_name, WELL_KNOWN_DATASTORES[datastore_name])
        if is_airflow_parsing():
            return datastore_of(workspace, datastore_name, "AzureBlob")
        return registered(workspace, datastore_name)

    @staticmethod
    def get_default(workspace: Workspace) -> Any:
        """Return the workspace's default datastore."""
        check_workspace_given("Datastore.get_default", workspace)
        return workspace.get_default_datastore()

    @staticmethod
    def register(workspace: Workspace, name: str, url: str, conn_id: str | None = None, overwrite: bool = False) -> Any:
        """Register a folder or URL as a datastore and return it. Ours: SDK v1 had one method for each of Azure's services.

        :param url: a folder, or ``s3://``, ``abfss://``, ``gs://``, ``sftp://``, ``https://``; never with a key or password in it
        :param conn_id: id of the Airflow connection to log in with; without it, what the environment of each process says
        :raises UserErrorException: the name is taken by something else and ``overwrite`` is ``False``, or something cannot be used
        """
        check_text("Datastore.register: url", url)
        register(workspace, "Datastore.register", name, url, conn_id=conn_id, overwrite=overwrite)
        return Datastore.get(workspace, name)

    @staticmethod
    def register_url(workspace: Workspace, datastore_name: str, url: str, overwrite: bool = False) -> Any:
        """Do what :meth:`register` does."""
        return Datastore.register(workspace, datastore_name, url, overwrite=overwrite)

    register_azure_data_lake = absent(
        "Datastore.register_azure_data_lake",
        "use register_azure_data_lake_gen2: Azure retired Data Lake Storage Gen1 on 2024-02-29",
    )
    register_dbfs = absent("Datastore.register_dbfs", _REGISTER)
    register_hdfs = absent("Datastore.register_hdfs", _REGISTER)
