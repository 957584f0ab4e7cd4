"""What kinds of datastores are there, and which ones does every workspace have without anybody registering them?"""

from __future__ import annotations

from typing import Final, Literal

__all__ = ["DATABASE_TYPES", "DEFAULT_DATASTORE", "WELL_KNOWN_DATASTORES", "DatastoreType", "is_web_folder"]

# SDK v1's words for what lay behind a datastore (Datastore.datastore_type).
DatastoreType = Literal["AzureBlob", "AzureFile", "AzureDataLakeGen2", "AzureSqlDatabase", "AzurePostgreSql", "AzureMySql"]
# Those that hold tables instead of files.
DATABASE_TYPES: Final[frozenset[DatastoreType]] = frozenset({"AzureSqlDatabase", "AzurePostgreSql", "AzureMySql"})

# SDK v1 gave every workspace these (``Workspace.datastores``, ``Workspace.get_default_datastore``).
DEFAULT_DATASTORE: Final = "workspaceblobstore"
WELL_KNOWN_DATASTORES: Final[dict[str, DatastoreType]] = {
    DEFAULT_DATASTORE: "AzureBlob",
    "workspacefilestore": "AzureFile",
    "workspaceartifactstore": "AzureBlob",
}


def is_web_folder(name: str) -> bool:
    """Whether a path says, in place of a datastore's name, in which folder of a web server it lies: a file of the web needs no datastore."""
    return name.startswith(("https://", "http://"))
