"""How does a script register the databases of Azure?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_amlpipe.sdk._azure_urls import database_url
from airflow_amlpipe.sdk._datastore_registration import register
from airflow_amlpipe.sdk.data._datastore_classes import registered

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.core.workspace import Workspace
    from airflow_amlpipe.spec.datastores import DatastoreType

__all__ = ["AzureDatabases"]


class AzureDatabases:
    """The part of ``Datastore`` that registers databases of Azure, with SDK v1's signatures."""

    @staticmethod
    def register_azure_sql_database(
        workspace: Workspace,
        datastore_name: str,
        server_name: str,
        database_name: str,
        tenant_id: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        resource_url: str | None = None,
        authority_url: str | None = None,
        endpoint: str | None = None,
        overwrite: bool = False,
        username: str | None = None,
        password: str | None = None,
        subscription_id: str | None = None,
        resource_group: str | None = None,
        grant_workspace_access: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Register an Azure SQL database and return it; ``password`` or ``client_secret`` is never stored.

        :raises UserErrorException: the name is taken by something else and ``overwrite`` is ``False``, or something cannot be used
        """
        return _register_database(
            workspace,
            "register_azure_sql_database",
            datastore_name,
            database=("AzureSqlDatabase", "mssql", endpoint or "database.windows.net", kwargs.get("port_number") or 1433),
            server_name=server_name,
            database_name=database_name,
            login=username or client_id,
            password=password or client_secret,
            extra={"tenant_id": tenant_id, "authority_url": authority_url},
            details={
                "username": username,
                "tenant_id": tenant_id,
                "client_id": client_id,
                "resource_url": resource_url,
                "authority_url": authority_url,
                "endpoint": endpoint,
                "subscription_id": subscription_id,
                "resource_group": resource_group,
            },
            overwrite=overwrite,
        )

    @staticmethod
    def register_azure_postgre_sql(
        workspace: Workspace,
        datastore_name: str,
        server_name: str,
        database_name: str,
        user_id: str,
        user_password: str,
        port_number: int | None = None,
        endpoint: str | None = None,
        overwrite: bool = False,
        enforce_ssl: bool = True,
        **kwargs: Any,  # SDK v1 took and ignored more
    ) -> Any:
        """Register a PostgreSQL database and return it; the password is never stored.

        :raises UserErrorException: the name is taken by something else and ``overwrite`` is ``False``, or something cannot be used
        """
        return _register_database(
            workspace,
            "register_azure_postgre_sql",
            datastore_name,
            database=("AzurePostgreSql", "postgresql", endpoint or "postgres.database.azure.com", port_number or 5432),
            server_name=server_name,
            database_name=database_name,
            login=user_id,
            password=user_password,
            extra={"sslmode": "require"} if enforce_ssl else {},
            details={"user_id": user_id, "enforce_ssl": bool(enforce_ssl), "endpoint": endpoint},
            overwrite=overwrite,
        )

    @staticmethod
    def register_azure_my_sql(
        workspace: Workspace,
        datastore_name: str,
        server_name: str,
        database_name: str,
        user_id: str,
        user_password: str,
        port_number: int | None = None,
        endpoint: str | None = None,
        overwrite: bool = False,
        **kwargs: Any,  # SDK v1 took and ignored more
    ) -> Any:
        """Register a MySQL database and return it; the password is never stored.

        :raises UserErrorException: the name is taken by something else and ``overwrite`` is ``False``, or something cannot be used
        """
        return _register_database(
            workspace,
            "register_azure_my_sql",
            datastore_name,
            database=("AzureMySql", "mysql", endpoint or "mysql.database.azure.com", port_number or 3306),
            server_name=server_name,
            database_name=database_name,
            login=user_id,
            password=user_password,
            extra={},
            details={"user_id": user_id, "endpoint": endpoint},
            overwrite=overwrite,
        )


def _register_database(
    workspace: Workspace,
    method: str,
    name: str,
    *,
    database: tuple[DatastoreType, str, str, int],
    server_name: str,
    database_name: str,
    login: str | None,
    password: str | None,
    extra: dict[str, Any],
    details: dict[str, Any],
    overwrite: bool,
) -> Any:
    sdk_type, protocol, domain, port = database
    url = database_url(name, protocol, server_name, domain, port, database_name)
    register(
        workspace,
        f"Datastore.{method}",
        name,
        url,
        sdk_type=sdk_type,
        conn_type="postgres" if protocol == "postgresql" else protocol,
        host=urlsplit(url).hostname,
        login=login,
        password=password,
        extra=extra,
        details={"server_name": server_name, "database_name": database_name, "port_number": port, **details},
        overwrite=overwrite,
    )
    return registered(workspace, name)
