"""What must hold of a workspace's store after anything whatever has happened to it?"""

from __future__ import annotations

import tempfile
from collections.abc import Collection
from pathlib import Path

from airflow_amlpipe.services.fsck import check_workspace
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["assert_store_ok"]


def assert_store_ok(root: WorkspaceStore | Path | str, *, canaries: Collection[str] = ()) -> None:
    """Fail with every breach of I1 to I4 and I6 that the workspace has, and if anything could not be looked at; every byte is read."""
    with tempfile.TemporaryDirectory() as home:
        workspace = root if isinstance(root, WorkspaceStore) else WorkspaceStore.open(str(root), home=Path(home))
        findings = check_workspace(workspace, depth="full", canaries=canaries)
    found = [f"{item.check.invariant} {item.check.name} {item.where}: {item.problem}" for item in (*findings.breaches, *findings.troubles)]
    assert not found, "\n".join(found)
