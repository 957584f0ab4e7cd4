"""How does Airflow code reach a workspace by the id of a connection?"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook

from airflow_amlpipe.exceptions import AmlPipeError
from airflow_amlpipe.hooks.connection_fields import root_of_connection
from airflow_amlpipe.hooks.opening import open_workspace
from airflow_amlpipe.settings import Settings

if TYPE_CHECKING:
    from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["WorkspaceHook"]


class WorkspaceHook(BaseHook):
    """Opens the workspace of a connection of type ``amlpipe_workspace``.

    :param amlpipe_conn_id: id of the connection whose field ``url`` is the workspace's root, and ``credentials_conn_id`` whom to log in as
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
        return root_of_connection(self.amlpipe_conn_id)[0]

    def get_conn(self) -> WorkspaceStore:
        """Return the workspace, opened; an empty root becomes a workspace when something is first stored in it."""
        url, credentials = root_of_connection(self.amlpipe_conn_id)
        return open_workspace(url, home=Settings.load().home, conn_id=credentials)

    def test_connection(self) -> tuple[bool, str]:
        """Return whether the workspace can be read and its store keeps its promise, and a sentence for the connection form."""
        from airflow_amlpipe.storage.probe import require_exclusive

        try:
            workspace = self.get_conn()
            datastores = workspace.datastores.names()
            is_folder = workspace.store.local_path("") is not None
            if not is_folder:
                require_exclusive(workspace.store.url, workspace.store.create_exclusive)
        except AmlPipeError as error:
            return False, str(error)
        promise = "" if is_folder else "; its store refuses to create what exists, as a workspace needs it"
        return True, f"The workspace can be read; its datastores are: {', '.join(datastores)}{promise}"
