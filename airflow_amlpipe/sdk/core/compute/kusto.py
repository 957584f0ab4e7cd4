"""What is a Kusto cluster where there is no Azure? A name."""

from __future__ import annotations

from airflow_amlpipe.sdk._absent import absent
from airflow_amlpipe.sdk.core.compute.compute import ComputeTarget, ComputeTargetAttachConfiguration

__all__ = ["KustoCompute"]


class KustoCompute(ComputeTarget):
    """A name that was attached. KustoStep is not supported; read the data with a PythonScriptStep."""

    _type = "Kusto"

    @staticmethod
    def attach_configuration(
        resource_group: str,
        workspace_name: str,
        resource_id: str,
        tenant_id: str,
        kusto_connection_string: str,
        application_id: str,
        application_key: str = "",
    ) -> ComputeTargetAttachConfiguration:
        """Return the configuration of one for ``ComputeTarget.attach``. Nothing is contacted."""
        return ComputeTargetAttachConfiguration(
            "KustoCompute",
            {
                "resource_group": resource_group,
                "workspace_name": workspace_name,
                "resource_id": resource_id,
                "tenant_id": tenant_id,
                "application_id": application_id,
            },
        )

    deserialize = absent("KustoCompute.deserialize", "use ComputeTarget(ws, name)")
