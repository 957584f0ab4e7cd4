"""What is in a workspace, and how do scripts and commands open one?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from airflow_amlpipe.exceptions import UnknownNameError, shorten
from airflow_amlpipe.hooks.opening import find_login, give_login, given_logins, open_workspace, use_connection
from airflow_amlpipe.workspace.layout import records_root
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["find_login", "give_login", "given_logins", "open_used_workspace", "open_workspace", "show_workspace", "use_connection"]


def open_used_workspace(workspace: str, *, home: Path) -> WorkspaceStore:
    """Return a workspace that something was stored in; a mistyped name must not look like a workspace without faults.

    :raises UnknownNameError: nothing ever was
    :raises DatastoreUnavailableError: its store does not answer, or does not know us
    """
    opened = open_workspace(workspace, home=home)
    if not opened.store.list_names(records_root()):
        raise UnknownNameError(
            f"there is no workspace at {shorten(opened.store.url)}: nothing was ever stored in it; correct the name, or run a pipeline there first"
        )
    return opened


def show_workspace(workspace: str, *, home: Path) -> dict[str, Any]:
    """Return the names of everything registered in a workspace, and how many runs it has."""
    opened = open_workspace(workspace, home=home)
    run_ids = opened.runs.ids()
    return {
        "url": opened.store.url,
        "home": str(home),
        "default_datastore": opened.datastores.default_name(),
        "datastores": {name: opened.datastores.get(name).url for name in opened.datastores.names()},
        "computes": opened.computes.names(),
        "environments": opened.environments.names(),
        "datasets": opened.datasets.names(),
        "runs": len(run_ids),
        "latest_run": run_ids[0] if run_ids else None,
    }
