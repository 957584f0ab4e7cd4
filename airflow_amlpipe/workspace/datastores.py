"""Which storage roots does a workspace know, and which one is the default?"""

from __future__ import annotations

import json

from airflow_amlpipe.spec.datastores import DEFAULT_DATASTORE, WELL_KNOWN_DATASTORES, DatastoreType
from airflow_amlpipe.spec.model import SpecModel
from airflow_amlpipe.storage.log import AppendLog
from airflow_amlpipe.storage.open import open_store
from airflow_amlpipe.storage.store import Store
from airflow_amlpipe.workspace.layout import log_folder
from airflow_amlpipe.workspace.registry import Registry

__all__ = ["DatastoreRecord", "DatastoreRegistry"]


class DatastoreRecord(SpecModel):
    """A named storage root: an fsspec URL, and the Airflow connection that holds its credentials. Never a secret."""

    name: str
    url: str
    conn_id: str | None = None
    sdk_type: DatastoreType = "AzureBlob"


class DatastoreRegistry(Registry[DatastoreRecord]):
    """The datastores of one workspace."""

    def __init__(self, store: Store, workspace_url: str) -> None:
        root = workspace_url.rstrip("/")
        built_in = {
            name: DatastoreRecord(name=name, url=f"{root}/{name}", sdk_type=sdk_type) for name, sdk_type in WELL_KNOWN_DATASTORES.items()
        }
        super().__init__(store, kind="datastores", noun="datastore", model=DatastoreRecord, built_in=built_in)
        self._default = AppendLog(store, log_folder("defaults", "datastore"))
        self._open: dict[str, Store] = {}

    def default_name(self) -> str:
        """Return the name of the default datastore."""
        latest = self._default.latest()
        return DEFAULT_DATASTORE if latest is None else str(json.loads(latest[1])["name"])

    def set_default(self, name: str) -> None:
        """Make ``name`` the default.

        :raises UnknownNameError: it is not registered
        """
        self.get(name)
        self._default.append(json.dumps({"name": name}).encode())

    def open(self, name: str) -> Store:
        """Return the bytes below the datastore's root.

        :raises UnknownNameError: it is not registered
        """
        if name not in self._open:
            self._open[name] = open_store(self.get(name).url)
        return self._open[name]
