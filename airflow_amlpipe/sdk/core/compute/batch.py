"""What is an Azure Batch account where there is no Azure? A name."""

from __future__ import annotations

from airflow_amlpipe.sdk._absent import absent
from airflow_amlpipe.sdk.core.compute.compute import ComputeTarget, ComputeTargetAttachConfiguration

__all__ = ["BatchCompute"]


class BatchCompute(ComputeTarget):
    """A name that was attached. It is a name for steps, which run on the machine of the Airflow worker; nothing is contacted, and no password or token is kept."""

    _type = "Batch"

    @staticmethod
    def attach_configuration(
        resource_group: str | None = None, account_name: str | None = None, resource_id: str | None = None
    ) -> ComputeTargetAttachConfiguration:
        """Return the configuration of one for ``ComputeTarget.attach``. Nothing is contacted."""
        return ComputeTargetAttachConfiguration(
            "BatchCompute", {"resource_group": resource_group, "account_name": account_name, "resource_id": resource_id}
        )

    deserialize = absent("BatchCompute.deserialize", "use ComputeTarget(ws, name)")
