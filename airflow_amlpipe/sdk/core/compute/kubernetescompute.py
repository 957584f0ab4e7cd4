"""What is an attached Kubernetes cluster where there is no Azure? A name for steps."""

from __future__ import annotations

from airflow_amlpipe.sdk._absent import absent
from airflow_amlpipe.sdk.core.compute.compute import ComputeTarget, ComputeTargetAttachConfiguration

__all__ = ["KubernetesCompute"]


class KubernetesCompute(ComputeTarget):
    """A name that was attached. It is a name for steps, which run on the machine of the Airflow worker; nothing is contacted, and no password or token is kept."""

    _type = "Kubernetes"

    @staticmethod
    def attach_configuration(
        resource_id: str | None = None, namespace: str | None = None, default_instance_type: str | None = None
    ) -> ComputeTargetAttachConfiguration:
        """Return the configuration of one for ``ComputeTarget.attach``. Nothing is contacted."""
        return ComputeTargetAttachConfiguration(
            "KubernetesCompute", {"resource_id": resource_id, "namespace": namespace, "default_instance_type": default_instance_type}
        )

    deserialize = absent("KubernetesCompute.deserialize", "use ComputeTarget(ws, name)")
