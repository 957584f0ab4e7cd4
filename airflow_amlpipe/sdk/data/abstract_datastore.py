"""What do all datastores have in common?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_amlpipe.sdk._workspace_store import as_user_error, open_workspace

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.core.workspace import Workspace

__all__ = ["AbstractDatastore"]


class AbstractDatastore:
    """A named storage root of a workspace."""

    workspace: Workspace
    name: str
    datastore_type: str

    def __init__(self, workspace: Workspace, name: str, datastore_type: str) -> None:
        self.workspace = workspace
        self.name = name
        self.datastore_type = datastore_type

    def set_as_default(self) -> None:
        """Make this the workspace's default datastore."""
        self.workspace.set_default_datastore(self.name)

    def unregister(self) -> None:
        """Take this datastore out of the workspace; its data stays where it is."""
        with as_user_error():
            open_workspace(self.workspace, "Datastore.unregister").datastores.remove(self.name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AbstractDatastore) and (self.name, self.workspace) == (other.name, other.workspace)

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(name={self.name!r}, workspace={self.workspace.name!r})"
