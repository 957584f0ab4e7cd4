"""What is a Data Factory where there is no Azure? A name for steps that copy data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_amlpipe.sdk._absent import absent
from airflow_amlpipe.sdk.core.compute.compute import ComputeTarget, ComputeTargetAttachConfiguration

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.core.workspace import Workspace

__all__ = ["DataFactoryCompute"]


class DataFactoryCompute(ComputeTarget):
    """A name for a DataTransferStep, which the Airflow worker carries out itself."""

    _type = "DataFactory"

    @staticmethod
    def attach_configuration(
        resource_group: str | None = None, factory_name: str | None = None, resource_id: str | None = None
    ) -> ComputeTargetAttachConfiguration:
        """Return the configuration of one for ``ComputeTarget.attach``. Nothing is contacted."""
        return ComputeTargetAttachConfiguration(
            "DataFactoryCompute", {"resource_group": resource_group, "factory_name": factory_name, "resource_id": resource_id}
        )

    deserialize = absent("DataFactoryCompute.deserialize", "use ComputeTarget(ws, name)")

    @staticmethod
    def attach(workspace: Workspace, name: str, resource_id: str) -> ComputeTarget:  # type: ignore[override]  # SDK v1's own arguments
        """Register one and return it."""
        return ComputeTarget.attach(workspace, name, DataFactoryCompute.attach_configuration(resource_id=resource_id))

    @staticmethod
    def provisioning_configuration(location: str | None = None) -> ComputeTargetAttachConfiguration:
        """Return the configuration of one for ``ComputeTarget.create``."""
        return ComputeTargetAttachConfiguration("DataFactoryCompute", {"location": location})
