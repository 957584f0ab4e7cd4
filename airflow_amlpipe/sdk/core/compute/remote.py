"""What is a machine of one's own where there is no Azure? A name for steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_amlpipe.sdk._absent import absent
from airflow_amlpipe.sdk.core.compute.compute import ComputeTarget, ComputeTargetAttachConfiguration

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.core.workspace import Workspace

__all__ = ["RemoteCompute"]


class RemoteCompute(ComputeTarget):
    """A name that was attached. It is a name for steps, which run on the machine of the Airflow worker; nothing is contacted, and no password or token is kept."""

    _type = "VirtualMachine"

    @staticmethod
    def attach_configuration(
        username: str,
        subscription_id: str | None = None,
        resource_group: str | None = None,
        vm_name: str | None = None,
        resource_id: str | None = None,
        address: str | None = None,
        ssh_port: int = 22,
        password: str = "",
        private_key_file: str = "",
        private_key_passphrase: str = "",
    ) -> ComputeTargetAttachConfiguration:
        """Return the configuration of one for ``ComputeTarget.attach``. Nothing is contacted."""
        return ComputeTargetAttachConfiguration(
            "RemoteCompute",
            {
                "username": username,
                "subscription_id": subscription_id,
                "resource_group": resource_group,
                "vm_name": vm_name,
                "resource_id": resource_id,
                "address": address,
                "ssh_port": ssh_port,
            },
        )

    deserialize = absent("RemoteCompute.deserialize", "use ComputeTarget(ws, name)")
    get_credentials = absent(
        "RemoteCompute.get_credentials", "keep credentials in Airflow connections; none are kept with a compute target"
    )

    @staticmethod
    def attach(  # type: ignore[override]  # SDK v1's own arguments
        workspace: Workspace,
        name: str,
        username: str,
        address: str,
        ssh_port: int = 22,
        password: str = "",
        private_key_file: str = "",
        private_key_passphrase: str = "",
    ) -> ComputeTarget:
        """Register one and return it; passwords and keys are not kept."""
        return ComputeTarget.attach(workspace, name, RemoteCompute.attach_configuration(username, address=address, ssh_port=ssh_port))
