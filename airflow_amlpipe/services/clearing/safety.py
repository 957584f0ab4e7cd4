"""May this one thing be deleted at all, whatever a plan says? (the last look before it is)

What is asked here follows from the item alone, and from nothing that a plan, a record or a rule may have wrong.
"""

from __future__ import annotations

import re

from airflow_amlpipe.exceptions import DefinitionError, shorten
from airflow_amlpipe.fingerprint.scan import UNFINISHED
from airflow_amlpipe.services.clearing.places import Places, Roots
from airflow_amlpipe.services.clearing.plan import ClearingItem
from airflow_amlpipe.storage.paths import exactly_one
from airflow_amlpipe.workspace.ids import time_of_id
from airflow_amlpipe.workspace.layout import key_folder, log_folder, records_root, run_folder
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["refuse_unsafe"]

_CONTENT = re.compile(
    re.escape(records_root())
    + r"/(?:(?:specs|manifests)/[0-9a-f]{64}\.json|snapshots/[0-9a-f]{64}\.zip|model-files/[0-9a-f]{64}(?:\.[0-9a-f]{32})?)"
)
_KEY = re.compile(r"[0-9a-f]{64}")


def refuse_unsafe(workspace: WorkspaceStore, item: ClearingItem) -> None:
    """Pass what is exactly one thing of ours.

    :raises DefinitionError: a root, a pattern, a path that leaves its store, another's file, or the workspace's records; nothing was deleted
    """
    store = workspace.store if item.datastore is None else workspace.datastores.open(item.datastore)
    exactly_one(store.url, item.path)
    why = _why_not(workspace, item)
    if why is not None:
        where = f"on datastore {item.datastore!r}" if item.datastore else "in the workspace"
        raise DefinitionError(f"{shorten(repr(item.path))} {where} will not be deleted: {why}")


def _why_not(workspace: WorkspaceStore, item: ClearingItem) -> str | None:
    if item.path != item.path.strip("/") or "//" in item.path or "/./" in f"/{item.path}/":
        return "it is not written as one exact path"
    if item.kind == "output":
        return _why_not_output(workspace, item)
    if item.kind == "unfinished":
        return None if item.path.rpartition("/")[2].startswith(UNFINISHED) else "its name is not that of an unfinished write"
    is_ours = {
        "run": item.path == run_folder(item.owner) and "/" not in item.owner and item.owner != "",
        "key": _KEY.fullmatch(item.key) is not None and item.path == key_folder(item.key),
        "content": _CONTENT.fullmatch(item.path) is not None,
        "plan": item.path.rpartition("/")[0] == log_folder("gc", "plans"),
    }.get(item.kind, False)
    return None if is_ours and item.datastore is None else f"it is no {item.kind} of the workspace"


def _why_not_output(workspace: WorkspaceStore, item: ClearingItem) -> str | None:
    if time_of_id(item.owner) is None or item.owner not in item.path:
        return "the path does not name the step run that is said to have written it"
    roots = Roots(workspace)
    place = None if item.datastore is None else roots.absolute(item.datastore, item.path)
    if place is None or Places([roots.records]).touches(place):
        return "the workspace keeps its records there"
    return None
