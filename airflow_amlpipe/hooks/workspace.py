"""How does Airflow code reach a workspace by the id of a connection?"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook

from airflow_amlpipe.exceptions import AmlPipeError, DefinitionError
from airflow_amlpipe.settings import Settings

if TYPE_CHECKING:
    from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["WorkspaceHook"]


class WorkspaceHook(BaseHook):
    """Opens the workspace of a connection of type ``amlpipe_workspace``.

    :param amlpipe_conn_id: id of the connection whose field ``url`` is the workspace's root
    """

    conn_name_attr = "amlpipe_conn_id"
    default_conn_name = "amlpipe_default"
    conn_type = "amlpipe_workspace"
    hook_name = "AML workspace (airflow-amlpipe)"

    def __init__(self, amlpipe_conn_id: str = default_conn_name, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.amlpipe_conn_id = amlpipe_conn_id

    @cached_property
    def url(self) -> str:
        """Root of the workspace.

        :raises DefinitionError: the connection names none
        """
        return _root_url(self.amlpipe_conn_id)

    def get_conn(self) -> WorkspaceStore:
        """Return the workspace, opened; an empty root becomes a workspace when something is first stored in it."""
        from airflow_amlpipe.workspace.workspace import WorkspaceStore

        return WorkspaceStore.open(self.url, home=Settings.load().home)

    def test_connection(self) -> tuple[bool, str]:
        """Return whether the workspace can be read, and a sentence for the connection form."""
        try:
            datastores = self.get_conn().datastores.names()
        except AmlPipeError as error:
            return False, str(error)
        return True, f"The workspace can be read; its datastores are: {', '.join(datastores)}"


def _root_url(conn_id: str) -> str:
    connection = BaseHook.get_connection(conn_id)
    url = connection.extra_dejson.get("url")
    if not isinstance(url, str) or not url.strip():
        raise DefinitionError(
            f'connection {conn_id!r} names no root URL; fill in its field \'url\' (in its extra: {{"url": "file:///..."}})'
        )
    return url.strip()
