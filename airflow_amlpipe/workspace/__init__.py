"""Which named, versioned things make up a workspace?"""

from __future__ import annotations

from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["WorkspaceStore"]
