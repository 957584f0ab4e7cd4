"""How does Airflow code reach the files of a datastore by the id of a connection?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook

from airflow_amlpipe.exceptions import AmlPipeError, DefinitionError, UnsupportedFeatureError

if TYPE_CHECKING:
    from airflow_amlpipe.storage.store import Store

__all__ = ["DatastoreHook"]


class DatastoreHook(BaseHook):
    """Opens the store of a connection of type ``amlpipe_datastore``.

    :param amlpipe_datastore_conn_id: id of the connection whose field ``url`` is the datastore's root
    """

    conn_name_attr = "amlpipe_datastore_conn_id"
    default_conn_name = "amlpipe_datastore_default"
    conn_type = "amlpipe_datastore"
    hook_name = "AML datastore (airflow-amlpipe)"

    def __init__(self, amlpipe_datastore_conn_id: str = default_conn_name, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.amlpipe_datastore_conn_id = amlpipe_datastore_conn_id

    def get_conn(self) -> Store:
        """Return the store, opened.

        :raises DefinitionError: the connection has no ``url``, or one that this version cannot open
        """
        from airflow_amlpipe.storage.open import open_store

        fields = BaseHook.get_connection(self.amlpipe_datastore_conn_id).extra_dejson
        url, credentials = fields.get("url"), fields.get("credentials_conn_id")
        where = f"connection {self.amlpipe_datastore_conn_id!r}"
        if not isinstance(url, str) or not url.strip():
            raise DefinitionError(f'{where} names no root URL; fill in its field \'url\' (in its extra: {{"url": "file:///..."}})')
        if credentials:
            # Local folders are the only stores so far, and nobody logs in to a folder: ignoring it would hide a mistake.
            raise UnsupportedFeatureError(
                f"{where} names the credentials {credentials!r}, which local folders do not take; leave its field 'credentials_conn_id' empty"
            )
        return open_store(url.strip())

    def test_connection(self) -> tuple[bool, str]:
        """Return whether the datastore can be listed, and a sentence for the connection form."""
        try:
            names = self.get_conn().list_names("")
        except AmlPipeError as error:
            return False, str(error)
        return True, f"The datastore can be listed; {len(names)} files and folders lie at its root"
