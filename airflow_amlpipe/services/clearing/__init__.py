"""What does a workspace no longer need, and how is it cleared away? (``amlpipe gc``)

``inventory.py`` reads what there is, ``reach.py`` says what is needed, ``planning.py`` makes of the rest a list that people can read, ``kept_plans.py`` keeps
it, and ``sweeping.py`` deletes what such a list names and is still not needed.
"""

from __future__ import annotations

from airflow_amlpipe.services.clearing.kept_plans import keep_plan, latest_plan, load_plan
from airflow_amlpipe.services.clearing.maintenance import clear_workspace
from airflow_amlpipe.services.clearing.plan import ClearingItem, ClearingPlan
from airflow_amlpipe.services.clearing.planning import plan_clearing
from airflow_amlpipe.services.clearing.retention import RetentionPolicy, load_policy, save_policy
from airflow_amlpipe.services.clearing.sweeping import MOST_OBJECTS, Swept, apply_plan

__all__ = [
    "MOST_OBJECTS",
    "ClearingItem",
    "ClearingPlan",
    "RetentionPolicy",
    "Swept",
    "apply_plan",
    "clear_workspace",
    "keep_plan",
    "latest_plan",
    "load_plan",
    "load_policy",
    "plan_clearing",
    "save_policy",
]
