"""Where are plans kept until they are carried out?"""

from __future__ import annotations

from airflow_amlpipe.exceptions import UnknownNameError, shorten
from airflow_amlpipe.services.clearing.plan import ClearingPlan
from airflow_amlpipe.workspace.layout import log_folder
from airflow_amlpipe.workspace.record_text import parse_record, record_body
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["keep_plan", "latest_plan", "load_plan"]


def keep_plan(workspace: WorkspaceStore, plan: ClearingPlan) -> str:
    """Write a plan down in the workspace and return its path there."""
    path = _plan_path(plan.id)
    workspace.store.create_exclusive(path, record_body(plan))
    return path


def load_plan(workspace: WorkspaceStore, plan_id: str) -> ClearingPlan:
    """Return a plan that was kept.

    :raises UnknownNameError: there is none of this id
    :raises ProtocolError: this version cannot read it
    """
    known = [name.removesuffix(".json") for name in workspace.store.list_names(log_folder("gc", "plans"))]
    if plan_id not in known:
        shown = ", ".join(reversed(known[-5:])) or "none"
        raise UnknownNameError(f"the workspace has no plan {shorten(repr(plan_id))}; the newest are: {shown} (`amlpipe gc` makes one)")
    return parse_record(ClearingPlan, workspace.store.read(_plan_path(plan_id)), "plan")


def latest_plan(workspace: WorkspaceStore) -> str:
    """Return the id of the plan that was kept last.

    :raises UnknownNameError: there is none
    """
    names = workspace.store.list_names(log_folder("gc", "plans"))
    if not names:
        raise UnknownNameError("the workspace has no plan of what to clear away; `amlpipe gc` makes one")
    return names[-1].removesuffix(".json")


def _plan_path(plan_id: str) -> str:
    return f"{log_folder('gc', 'plans')}/{plan_id}.json"
