"""Which compute targets does a workspace know, and how does it come to know one?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from airflow_amlpipe.hooks.opening import open_workspace
from airflow_amlpipe.spec.compute import ComputeKind, ComputeTargetSpec
from airflow_amlpipe.spec.names import check_record_name

__all__ = ["create_compute", "list_computes"]


def create_compute(
    workspace: str,
    name: str,
    *,
    home: Path,
    kind: ComputeKind = "local",
    vm_size: str = "",
    max_nodes: int | None = None,
    description: str | None = None,
) -> dict[str, Any]:
    """Register a compute target, or a new version of one, and return it as plain data.

    :raises DefinitionError: the name cannot be used
    """
    check_record_name("compute target", name)
    target = ComputeTargetSpec(name=name, kind=kind, vm_size=vm_size, max_nodes=max_nodes, description=description)
    open_workspace(workspace, home=home).computes.register(name, target)
    return target.model_dump(mode="json")


def list_computes(workspace: str, *, home: Path) -> list[dict[str, Any]]:
    """Return the compute targets of a workspace by name, also those that are there without having been registered."""
    computes = open_workspace(workspace, home=home).computes
    return [computes.get(name).model_dump(mode="json") for name in computes.names()]
