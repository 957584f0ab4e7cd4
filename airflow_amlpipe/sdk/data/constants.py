"""Which names does SDK v1 give to the modes of data, and to the datastores that every workspace has?"""

from __future__ import annotations

__all__ = ["DIRECT_MODE", "DOWNLOAD_MODE", "MOUNT_MODE", "UPLOAD_MODE", "WORKSPACE_BLOB_DATASTORE", "WORKSPACE_FILE_DATASTORE"]

DIRECT_MODE = "direct"
DOWNLOAD_MODE = "download"
MOUNT_MODE = "mount"
UPLOAD_MODE = "upload"
WORKSPACE_BLOB_DATASTORE = "workspaceblobstore"
WORKSPACE_FILE_DATASTORE = "workspacefilestore"
