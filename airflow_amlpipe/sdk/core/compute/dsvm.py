"""What is a data science virtual machine where there is no Azure? A name for steps."""

from __future__ import annotations

from airflow_amlpipe.sdk._absent import absent
from airflow_amlpipe.sdk.core.compute.compute import ComputeTarget, ComputeTargetAttachConfiguration

__all__ = ["DsvmCompute"]


class DsvmCompute(ComputeTarget):
    """A name that was attached. It is a name for steps, which run on the machine of the Airflow worker; nothing is contacted, and no password or token is kept."""

    _type = "VirtualMachine"

    @staticmethod
    def attach_configuration(
        resource_group: str | None = None, vm_name: str | None = None, resource_id: str | None = None
    ) -> ComputeTargetAttachConfiguration:
        """Return the configuration of one for ``ComputeTarget.attach``. Nothing is contacted."""
        return ComputeTargetAttachConfiguration(
            "DsvmCompute", {"resource_group": resource_group, "vm_name": vm_name, "resource_id": resource_id}
        )

    deserialize = absent("DsvmCompute.deserialize", "use ComputeTarget(ws, name)")
