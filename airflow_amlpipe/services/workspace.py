"""What is in a workspace, and how do scripts and commands open one?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from airflow_amlpipe.hooks.opening import find_login, give_login, given_logins, open_workspace, use_connection

__all__ = ["find_login", "give_login", "given_logins", "open_workspace", "show_workspace", "use_connection"]


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
