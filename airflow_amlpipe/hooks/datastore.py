"""How does Airflow code reach the files of a datastore by the id of a connection?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook

from airflow_amlpipe.exceptions import AmlPipeError
from airflow_amlpipe.hooks.connection_fields import root_of_connection
from airflow_amlpipe.settings import Settings
from airflow_amlpipe.storage.database import is_database_url

if TYPE_CHECKING:
    from airflow_amlpipe.storage.database import Database
    from airflow_amlpipe.storage.store import Store

__all__ = ["DatastoreHook"]


class DatastoreHook(BaseHook):
    """Opens the store of a connection of type ``amlpipe_datastore``.

    :param amlpipe_datastore_conn_id: id of the connection whose field ``url`` is the datastore's root, and ``credentials_conn_id`` whom to log in as
    """

    conn_name_attr = "amlpipe_datastore_conn_id"
    default_conn_name = "amlpipe_datastore_default"
    conn_type = "amlpipe_datastore"
    hook_name = "AML datastore (airflow-amlpipe)"

    def __init__(self, amlpipe_datastore_conn_id: str = default_conn_name, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.amlpipe_datastore_conn_id = amlpipe_datastore_conn_id

    def get_conn(self) -> Store:
        """Return the store, opened; a database is none, see :meth:`get_database`.

        :raises DefinitionError: the connection has no ``url``, or one that cannot be opened here
        :raises UnknownNameError: there is no such connection as its ``credentials_conn_id``
        """
        from airflow_amlpipe.hooks.opening import store_access

        url, credentials = root_of_connection(self.amlpipe_datastore_conn_id)
        access = store_access(Settings.load())
        return access.open_datastore(self.amlpipe_datastore_conn_id, url, conn_id=credentials)

    def get_database(self) -> Database:
        """Return the database, where ``url`` is that of one (``postgresql://host:5432/sales``); nothing is contacted.

        :raises DefinitionError: it is none, or cannot be opened here
        :raises UnknownNameError: there is no such connection as its ``credentials_conn_id``
        """
        from airflow_amlpipe.hooks.opening import store_access

        url, credentials = root_of_connection(self.amlpipe_datastore_conn_id)
        return store_access(Settings.load()).open_database(self.amlpipe_datastore_conn_id, url, conn_id=credentials, details={})

    def test_connection(self) -> tuple[bool, str]:
        """Return whether the datastore can be reached, and a sentence for the connection form."""
        try:
            url, _ = root_of_connection(self.amlpipe_datastore_conn_id)
            found = self.get_database().test() if is_database_url(url) else self.get_conn().look_at_root()
        except AmlPipeError as error:
            return False, str(error)
        return True, f"The datastore {found}"
