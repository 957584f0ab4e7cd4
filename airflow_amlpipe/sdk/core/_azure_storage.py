"""How does a script register the storage of Azure: containers, file systems of a Data Lake, file shares?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk._arguments import check_text
from airflow_amlpipe.sdk._azure_urls import azure_address, azure_names, azure_url, share_url
from airflow_amlpipe.sdk._datastore_registration import default_conn_id, register
from airflow_amlpipe.sdk.data._datastore_classes import registered
from airflow_amlpipe.sdk.exceptions import UserErrorException

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.core.workspace import Workspace

__all__ = ["AzureStorage"]


class AzureStorage:
    """The part of ``Datastore`` that registers storage of Azure, with SDK v1's signatures."""

    @staticmethod
    def register_azure_blob_container(
        workspace: Workspace,
        datastore_name: str,
        container_name: str,
        account_name: str,
        sas_token: str | None = None,
        account_key: str | None = None,
        protocol: str | None = None,
        endpoint: str | None = None,
        overwrite: bool = False,
        create_if_not_exists: bool = False,  # the store says how to make a container that is not there
        skip_validation: bool = False,
        blob_cache_timeout: int | None = None,  # there is no cache
        grant_workspace_access: bool = False,
        subscription_id: str | None = None,
        resource_group: str | None = None,
    ) -> Any:
        """Register a container of Azure Blob Storage and return it.

        :param account_key: used by this process and the runs it submits, never stored; the line that is printed says which connection to make
        :param endpoint: domain of the account, ``core.windows.net`` by default, or the whole ``http(s)://`` address of another server
        :param create_if_not_exists: a container that is not there is refused all the same, with how to make it
        :param skip_validation: do not list the container first
        :raises UserErrorException: the name is taken by something else and ``overwrite`` is ``False``, or something cannot be used
        :raises DatastoreUnavailableError: the container could not be listed
        """
        where = f"datastore {datastore_name!r}"
        container, account = azure_names(where, container_name, account_name)
        register(
            workspace,
            "Datastore.register_azure_blob_container",
            datastore_name,
            azure_url(container, account, endpoint),
            sdk_type="AzureBlob",
            conn_type="wasb",
            login=account,
            password=account_key,
            extra={"sas_token": sas_token, **azure_address(account, protocol, endpoint)},
            details={
                "container_name": container,
                "account_name": account,
                "protocol": protocol,
                "endpoint": endpoint,
                "subscription_id": subscription_id,
                "resource_group": resource_group,
            },
            overwrite=overwrite,
            validate=not skip_validation,
        )
        return registered(workspace, datastore_name)

    @staticmethod
    def register_azure_file_share(
        workspace: Workspace,
        datastore_name: str,
        file_share_name: str,
        account_name: str,
        sas_token: str | None = None,  # of the service that is not asked
        account_key: str | None = None,
        protocol: str | None = None,
        endpoint: str | None = None,
        overwrite: bool = False,
        create_if_not_exists: bool = False,
        skip_validation: bool = False,
    ) -> Any:
        """Register a file share, which is a mounted folder or the folder of an SFTP server here, and return it.

        The share is ``<file_share_root>/<account_name>/<file_share_name>`` (a setting), or ``endpoint``, if that is a folder or URL. Keys and
        tokens are not used: whoever mounts the share has them.

        :raises UserErrorException: nothing says where the share is, or the name is taken by something else and ``overwrite`` is ``False``
        """
        account = check_text(f"datastore {datastore_name!r}: account_name", account_name)
        share = check_text(f"datastore {datastore_name!r}: file_share_name", file_share_name)
        url = share_url(datastore_name, account, share, endpoint)
        folder = None if "://" in url else Path(url)
        if folder is not None and not folder.is_dir() and not skip_validation:
            if not create_if_not_exists:
                raise UserErrorException(
                    f"datastore {datastore_name!r}: {shorten(url)} is no folder; mount the share there, use create_if_not_exists=True, "
                    "or skip_validation=True"
                )
            folder.mkdir(parents=True)
        register(
            workspace,
            "Datastore.register_azure_file_share",
            datastore_name,
            url,
            sdk_type="AzureFile",
            conn_id=None if folder is not None else default_conn_id(datastore_name),
            details={"container_name": share, "account_name": account, "protocol": protocol, "endpoint": endpoint},
            overwrite=overwrite,
            validate=not skip_validation,
        )
        return registered(workspace, datastore_name)

    @staticmethod
    def register_azure_data_lake_gen2(
        workspace: Workspace,
        datastore_name: str,
        filesystem: str,
        account_name: str,
        tenant_id: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        resource_url: str | None = None,
        authority_url: str | None = None,
        protocol: str | None = None,
        endpoint: str | None = None,
        overwrite: bool = False,
        subscription_id: str | None = None,
        resource_group: str | None = None,
        grant_workspace_access: bool = False,
    ) -> Any:
        """Register a file system of Data Lake Storage Gen2 and return it.

        :param client_secret: used by this process and the runs it submits, never stored; the line that is printed says which connection to make
        :raises UserErrorException: the name is taken by something else and ``overwrite`` is ``False``, or something cannot be used
        """
        container, account = azure_names(f"datastore {datastore_name!r}", filesystem, account_name)
        register(
            workspace,
            "Datastore.register_azure_data_lake_gen2",
            datastore_name,
            azure_url(container, account, endpoint),
            sdk_type="AzureDataLakeGen2",
            conn_type="adls",
            login=client_id,
            password=client_secret,
            host=account,
            extra={"tenant_id": tenant_id, "authority_host": authority_url, **azure_address(account, protocol, endpoint)},
            details={
                "container_name": container,
                "account_name": account,
                "tenant_id": tenant_id,
                "client_id": client_id,
                "resource_url": resource_url,
                "authority_url": authority_url,
                "protocol": protocol,
                "endpoint": endpoint,
                "subscription_id": subscription_id,
                "resource_group": resource_group,
            },
            overwrite=overwrite,
        )
        return registered(workspace, datastore_name)
