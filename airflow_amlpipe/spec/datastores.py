"""Which datastores does every workspace have, without anybody registering them?"""

from __future__ import annotations

from typing import Final, Literal

__all__ = ["DEFAULT_DATASTORE", "WELL_KNOWN_DATASTORES", "DatastoreType"]

# SDK v1's words for what lay behind a datastore (Datastore.datastore_type).
DatastoreType = Literal["AzureBlob", "AzureFile"]

# SDK v1 gave every workspace these (``Workspace.datastores``, ``Workspace.get_default_datastore``).
DEFAULT_DATASTORE: Final = "workspaceblobstore"
WELL_KNOWN_DATASTORES: Final[dict[str, DatastoreType]] = {
    DEFAULT_DATASTORE: "AzureBlob",
    "workspacefilestore": "AzureFile",
    "workspaceartifactstore": "AzureBlob",
}
