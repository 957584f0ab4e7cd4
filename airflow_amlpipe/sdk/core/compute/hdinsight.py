"""What is an HDInsight cluster where there is no Azure? A name for steps."""

from __future__ import annotations

from airflow_amlpipe.sdk._absent import absent
from airflow_amlpipe.sdk.core.compute.compute import ComputeTarget, ComputeTargetAttachConfiguration

__all__ = ["HDInsightCompute"]


class HDInsightCompute(ComputeTarget):
    """A name that was attached. It is a name for steps, which run on the machine of the Airflow worker; nothing is contacted, and no password or token is kept."""

    _type = "HDInsight"

    @staticmethod
    def attach_configuration(
        username: str,
        resource_id: str | None = None,
        address: str | None = None,
        ssh_port: int = 22,
        password: str = "",
        private_key_file: str = "",
        private_key_passphrase: str = "",
    ) -> ComputeTargetAttachConfiguration:
        """Return the configuration of one for ``ComputeTarget.attach``. Nothing is contacted."""
        return ComputeTargetAttachConfiguration(
            "HDInsightCompute", {"username": username, "resource_id": resource_id, "address": address, "ssh_port": ssh_port}
        )

    deserialize = absent("HDInsightCompute.deserialize", "use ComputeTarget(ws, name)")
