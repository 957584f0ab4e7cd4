"""What do all datastores have in common?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_amlpipe.sdk._workspace_store import as_user_error, given_login, open_workspace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_amlpipe.sdk.core.workspace import Workspace
    from airflow_amlpipe.storage.login import Login

__all__ = ["AbstractDatastore", "TextDetail"]


class TextDetail:
    """An attribute that the datastore's record has, or ``None``; the workspace is asked when it is read."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: AbstractDatastore | None, owner: type) -> Any:
        if instance is None:
            return self
        return instance._details().get(self._name)


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

    def _details(self) -> Mapping[str, Any]:
        """Return what was said of the account or server when this was registered; nothing for what every workspace has."""
        record = open_workspace(self.workspace, f"looking at datastore {self.name!r}").datastores.find(self.name)
        return {} if record is None else record.details

    def _given_login(self) -> Login | None:
        """Return the login that this process was given for this datastore; never one of Airflow's."""
        return given_login(self.workspace, self.name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AbstractDatastore) and (self.name, self.workspace) == (other.name, other.workspace)

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(name={self.name!r}, workspace={self.workspace.name!r})"
