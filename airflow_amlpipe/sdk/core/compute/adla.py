"""What is a Data Lake Analytics account where there is no Azure? A name."""

from __future__ import annotations

from airflow_amlpipe.sdk._absent import absent
from airflow_amlpipe.sdk.core.compute.compute import ComputeTarget, ComputeTargetAttachConfiguration

__all__ = ["AdlaCompute"]


class AdlaCompute(ComputeTarget):
    """A name that was attached. The service is gone; its steps are not supported."""

    _type = "DataLakeAnalytics"

    @staticmethod
    def attach_configuration(
        resource_group: str | None = None, account_name: str | None = None, resource_id: str | None = None
    ) -> ComputeTargetAttachConfiguration:
        """Return the configuration of one for ``ComputeTarget.attach``. Nothing is contacted."""
        return ComputeTargetAttachConfiguration(
            "AdlaCompute", {"resource_group": resource_group, "account_name": account_name, "resource_id": resource_id}
        )

    deserialize = absent("AdlaCompute.deserialize", "use ComputeTarget(ws, name)")
