"""Which storage roots does a workspace know, and which one is the default?"""

from __future__ import annotations

import json

from pydantic import Field

from airflow_amlpipe.exceptions import DefinitionError, shorten
from airflow_amlpipe.spec.datastores import DATABASE_TYPES, DEFAULT_DATASTORE, WELL_KNOWN_DATASTORES, DatastoreType, is_web_folder
from airflow_amlpipe.spec.json_text import read_note
from airflow_amlpipe.spec.model import SpecModel
from airflow_amlpipe.storage.access import StoreAccess
from airflow_amlpipe.storage.database import Database
from airflow_amlpipe.storage.log import AppendLog
from airflow_amlpipe.storage.store import Store
from airflow_amlpipe.workspace.layout import log_folder
from airflow_amlpipe.workspace.registry import Registry

__all__ = ["DatastoreRecord", "DatastoreRegistry"]


class DatastoreRecord(SpecModel):
    """A named storage root: an fsspec URL, and the Airflow connection that holds its credentials. Never a secret.

    :ivar url: of a database: ``mssql``, ``postgresql`` or ``mysql``, host, port and name
    :ivar sdk_type: which class of SDK v1 shows it
    :ivar details: what SDK v1's class shows beside it (``container_name``, ``account_name``, ``server_name``, ...)
    """

    name: str
    url: str
    conn_id: str | None = None
    sdk_type: DatastoreType = "AzureBlob"
    details: dict[str, str | int | bool] = Field(default_factory=dict)

    @property
    def is_database(self) -> bool:
        """Whether it holds tables instead of files."""
        return self.sdk_type in DATABASE_TYPES


class DatastoreRegistry(Registry[DatastoreRecord]):
    """The datastores of one workspace."""

    def __init__(self, store: Store, workspace_url: str, *, access: StoreAccess | None = None, conn_id: str | None = None) -> None:
        root = workspace_url.rstrip("/")
        built_in = {
            name: DatastoreRecord(name=name, url=f"{root}/{name}", conn_id=conn_id, sdk_type=sdk_type)
            for name, sdk_type in WELL_KNOWN_DATASTORES.items()
        }
        self._access = access or StoreAccess()
        super().__init__(store, kind="datastores", noun="datastore", model=DatastoreRecord, built_in=built_in)
        self._default = AppendLog(store, log_folder("defaults", "datastore"))
        self._open: dict[str, Store] = {}
        self._databases: dict[str, Database] = {}
        self._is_stopped = False

    def default_name(self) -> str:
        """Return the name of the default datastore."""
        latest = self._default.latest()
        return DEFAULT_DATASTORE if latest is None else str(read_note(latest[1], "default datastore", "name")["name"])

    def set_default(self, name: str) -> None:
        """Make ``name`` the default.

        :raises UnknownNameError: it is not registered
        """
        self.get(name)
        self._default.append(json.dumps({"name": name}).encode())

    def register(self, name: str, record: DatastoreRecord) -> int:
        """Append ``record`` and return its number; see :meth:`Registry.register`."""
        self.forget(name)
        return super().register(name, record)

    def remove(self, name: str) -> None:
        """Take ``name`` out; see :meth:`Registry.remove`."""
        self.forget(name)
        super().remove(name)

    def forget(self, name: str) -> None:
        """Open ``name`` anew the next time: its record or its login changed."""
        self._open.pop(name, None)
        self._databases.pop(name, None)

    def open(self, name: str) -> Store:
        """Return the bytes below the datastore's root, or in a folder of a web server. Nothing is contacted, but Airflow is asked for the connection.

        :raises UnknownNameError: it is not registered, or there is no such connection
        :raises DefinitionError: it is a database, or its root cannot be opened here
        """
        if name not in self._open and is_web_folder(name):
            self._open[name] = self._access.open(name, conn_id=None, what="a file of the web")
        if name not in self._open:
            record = self.get(name)
            if record.is_database:
                raise DefinitionError(
                    f"datastore {shorten(repr(name))} is a database ({record.sdk_type}) and holds no files; use a datastore that does"
                )
            is_built_in = self._built_in.get(name) == record
            self._open[name] = (
                self._access.open(record.url, conn_id=record.conn_id, what=f"datastore {name!r}")
                if is_built_in
                else self._access.open_datastore(name, record.url, conn_id=record.conn_id)
            )
        return self._open[name]

    def open_database(self, name: str) -> Database:
        """Return the database that the datastore ``name`` is. Nothing is contacted, but Airflow is asked for the connection.

        :raises UnknownNameError: it is not registered, or there is no such connection
        :raises DefinitionError: it holds files, or what is registered cannot be used
        """
        record = self.get(name)
        if not record.is_database:
            raise DefinitionError(
                f"datastore {shorten(repr(name))} holds files and takes no query; name one that was registered with "
                "Datastore.register_azure_sql_database, register_azure_postgre_sql or register_azure_my_sql"
            )
        if name not in self._databases:
            self._databases[name] = self._access.open_database(name, record.url, conn_id=record.conn_id, details=record.details)
        if self._is_stopped:
            self._databases[name].stop()
        return self._databases[name]

    def stop_queries(self) -> None:
        """Stop what databases are asked, now and from now on; called by a signal handler while it is asked."""
        self._is_stopped = True
        for database in list(self._databases.values()):
            database.stop()
