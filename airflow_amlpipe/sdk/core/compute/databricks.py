"""What is a Databricks workspace where there is no Azure? A name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_amlpipe.sdk._absent import absent
from airflow_amlpipe.sdk.core.compute.compute import ComputeTarget, ComputeTargetAttachConfiguration

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.core.workspace import Workspace

__all__ = ["DatabricksCompute"]


class DatabricksCompute(ComputeTarget):
    """A name that was attached. DatabricksStep is not supported; use Airflow's Databricks provider."""

    _type = "Databricks"

    @staticmethod
    def attach_configuration(
        resource_group: str | None = None, workspace_name: str | None = None, resource_id: str | None = None, access_token: str = ""
    ) -> ComputeTargetAttachConfiguration:
        """Return the configuration of one for ``ComputeTarget.attach``. Nothing is contacted."""
        return ComputeTargetAttachConfiguration(
            "DatabricksCompute", {"resource_group": resource_group, "workspace_name": workspace_name, "resource_id": resource_id}
        )

    deserialize = absent("DatabricksCompute.deserialize", "use ComputeTarget(ws, name)")
    get_credentials = absent(
        "DatabricksCompute.get_credentials", "keep credentials in Airflow connections; none are kept with a compute target"
    )

    @staticmethod
    def attach(workspace: Workspace, name: str, resource_id: str, access_token: str) -> ComputeTarget:  # type: ignore[override]  # SDK v1's own arguments
        """Register one and return it; the token is not kept."""
        return ComputeTarget.attach(workspace, name, DatabricksCompute.attach_configuration(resource_id=resource_id))
