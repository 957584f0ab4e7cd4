"""What is an AKS cluster where there is no Azure? A name for steps."""

from __future__ import annotations

from airflow_amlpipe.sdk._absent import absent
from airflow_amlpipe.sdk.core.compute.compute import ComputeTarget, ComputeTargetAttachConfiguration

__all__ = ["AksCompute"]


class AksCompute(ComputeTarget):
    """A name that was attached. It is a name for steps, which run on the machine of the Airflow worker; nothing is contacted, and no password or token is kept."""

    _type = "AKS"

    @staticmethod
    def attach_configuration(
        resource_group: str | None = None,
        cluster_name: str | None = None,
        resource_id: str | None = None,
        cluster_purpose: str | None = None,
    ) -> ComputeTargetAttachConfiguration:
        """Return the configuration of one for ``ComputeTarget.attach``. Nothing is contacted."""
        return ComputeTargetAttachConfiguration(
            "AksCompute",
            {
                "resource_group": resource_group,
                "cluster_name": cluster_name,
                "resource_id": resource_id,
                "cluster_purpose": cluster_purpose,
            },
        )

    deserialize = absent("AksCompute.deserialize", "use ComputeTarget(ws, name)")
