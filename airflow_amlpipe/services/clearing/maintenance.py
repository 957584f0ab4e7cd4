"""How is a workspace cleared up by a schedule, with nobody there to read a plan?"""

from __future__ import annotations

from airflow_amlpipe.services.clearing.kept_plans import keep_plan
from airflow_amlpipe.services.clearing.planning import plan_clearing
from airflow_amlpipe.services.clearing.retention import load_policy
from airflow_amlpipe.services.clearing.sweeping import MOST_OBJECTS, Swept, apply_plan
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["clear_workspace"]


def clear_workspace(workspace: WorkspaceStore, *, most_objects: int = MOST_OBJECTS) -> Swept:
    """Clear away what a workspace needs no more by the rules that were saved for it, and return what became of the plan, which is kept.

    :param most_objects: delete nothing when it would be more files than this
    :raises DefinitionError: it would be more files
    :raises InfrastructureError: something could not be read or deleted; the next time goes on
    """
    plan = plan_clearing(workspace, load_policy(workspace))
    if plan.items:
        keep_plan(workspace, plan)
    return apply_plan(workspace, plan, most_objects=most_objects)
