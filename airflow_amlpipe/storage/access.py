"""As whom, and where, may this process open stores?

Handed down from the edges (operators, hooks, services), which know Airflow and the settings. A record only names a connection; what it says is
asked for anew by whoever opens the store, and kept nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from airflow_amlpipe.exceptions import UnknownConnectionError, UnsupportedFeatureError, shorten
from airflow_amlpipe.storage.database import CONN_TYPES as DATABASE_CONN_TYPES
from airflow_amlpipe.storage.database import Database, DatabaseOpener, database_address
from airflow_amlpipe.storage.environment_logins import VARIABLE_PREFIX, environment_login
from airflow_amlpipe.storage.http_hosts import HttpHosts
from airflow_amlpipe.storage.local_roots import LocalRoots
from airflow_amlpipe.storage.login import Login, LoginSource
from airflow_amlpipe.storage.open import open_store
from airflow_amlpipe.storage.store import Store
from airflow_amlpipe.storage.store_url import Service, parse_store_url

__all__ = ["CONN_TYPES", "StoreAccess"]

CONN_TYPES = {
    Service.S3: "aws",
    Service.AZURE: "wasb",
    Service.GCS: "google_cloud_platform",
    Service.SFTP: "sftp",
    Service.HTTP: "http",
}
"""The type of Airflow connection that is meant for each service."""


@dataclass(frozen=True)
class StoreAccess:
    """What this process may open, and as whom.

    :ivar logins: returns the login behind a connection's id; by default what ``AIRFLOW_CONN_*`` say
    :ivar databases: what asks databases, where something can
    """

    logins: LoginSource = environment_login
    local_roots: LocalRoots = field(default_factory=LocalRoots)
    http_hosts: HttpHosts = field(default_factory=HttpHosts)
    databases: DatabaseOpener | None = None

    def open(self, url: str, *, conn_id: str | None, what: str) -> Store:
        """Return the store at ``url``. Nothing is contacted, but Airflow is asked for the connection.

        :param conn_id: id of the connection to log in with; ``None``: what the environment of the process says
        :raises UnknownConnectionError: there is no such connection
        :raises DefinitionError: the URL or the connection cannot be used
        """
        return open_store(url, what=what, login=self._login(url, conn_id, what), http_hosts=self.http_hosts)

    def open_datastore(self, name: str, url: str, *, conn_id: str | None) -> Store:
        """Return the store of a registered datastore; of folders only those that may be one.

        :raises UnknownConnectionError: there is no such connection
        :raises DefinitionError: the URL, the folder or the connection cannot be used
        """
        what = f"datastore {shorten(repr(name))}"
        place = parse_store_url(url, what)
        if place.service is Service.FILE:
            self.local_roots.check(place.path, what)
        return self.open(url, conn_id=conn_id, what=what)

    def open_database(self, name: str, url: str, *, conn_id: str | None, details: Mapping[str, str | int | bool]) -> Database:
        """Return the database of a registered datastore. Nothing is contacted, but Airflow is asked for the connection.

        :param details: of the datastore's record
        :raises UnknownConnectionError: there is no such connection
        :raises DefinitionError: the URL or the connection cannot be used, or nothing here asks databases
        """
        what = f"datastore {shorten(repr(name))}"
        conn_type = DATABASE_CONN_TYPES.get(url.partition("://")[0], "generic")
        login = None if conn_id is None else self._known(conn_id, conn_type, what)
        address = database_address(what, url, login, details)
        if self.databases is None:
            raise UnsupportedFeatureError(f"{what} is a database, and nothing here asks databases; open the workspace with hooks.opening")
        return self.databases.open(address)

    def _login(self, url: str, conn_id: str | None, what: str) -> Login | None:
        service = parse_store_url(url, what).service
        return None if conn_id is None or service is Service.FILE else self._known(conn_id, CONN_TYPES[service], what)

    def _known(self, conn_id: str, conn_type: str, what: str) -> Login:
        login = self.logins(conn_id)
        if login is None:
            raise UnknownConnectionError(
                f"{what} logs in with the Airflow connection {shorten(repr(conn_id))}, which there is not; make it in Airflow "
                f"(airflow connections add {shorten(conn_id)} --conn-type {conn_type} ...), or describe it in the environment variable "
                f"{VARIABLE_PREFIX}{shorten(conn_id.upper())} (docs/how-to/datastores.md)"
            )
        return login
