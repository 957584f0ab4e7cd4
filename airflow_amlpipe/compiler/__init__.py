"""How does a pipeline become a DAG? ``plan.py`` says which tasks there are, ``dag_builder.py`` makes Airflow's objects of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_amlpipe.compiler.dag_builder import build_dag, load_dag
    from airflow_amlpipe.compiler.plan import TaskPlan, plan_tasks

__all__ = ["TaskPlan", "build_dag", "load_dag", "plan_tasks"]

# build_dag needs Airflow, plan_tasks does not: what is not asked for is not imported.
_HOMES = {"TaskPlan": "plan", "build_dag": "dag_builder", "load_dag": "dag_builder", "plan_tasks": "plan"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
