"""What is a Synapse Spark pool where there is no Azure? A name."""

from __future__ import annotations

from airflow_amlpipe.sdk._absent import absent
from airflow_amlpipe.sdk.core.compute.compute import ComputeTarget, ComputeTargetAttachConfiguration

__all__ = ["SynapseCompute"]


class SynapseCompute(ComputeTarget):
    """A name that was attached. SynapseSparkStep is not supported."""

    _type = "SynapseSpark"

    @staticmethod
    def attach_configuration(linked_service: object, type: str, pool_name: str) -> ComputeTargetAttachConfiguration:
        """Return the configuration of one for ``ComputeTarget.attach``. Nothing is contacted."""
        return ComputeTargetAttachConfiguration("SynapseCompute", {"type": type, "pool_name": pool_name})

    deserialize = absent("SynapseCompute.deserialize", "use ComputeTarget(ws, name)")
