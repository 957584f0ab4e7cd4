"""What is a compute instance where there is no Azure? A name for steps."""

from __future__ import annotations

from typing import Any

from airflow_amlpipe.sdk._absent import absent
from airflow_amlpipe.sdk.core.compute.compute import ComputeTarget, ComputeTargetAttachConfiguration

__all__ = ["ComputeInstance", "ComputeInstanceStatus"]


class ComputeInstanceStatus:
    """What is known of a compute instance: a definition is always ready."""

    def __init__(self, state: str = "Running", vm_size: str = "", errors: list[Any] | None = None) -> None:
        self.state = state
        self.vm_size = vm_size
        self.errors = list(errors or [])

    def serialize(self) -> dict[str, Any]:
        """Return the status under the keys that SDK v1 printed."""
        return {"state": self.state, "vmSize": self.vm_size, "errors": self.errors}


class ComputeInstance(ComputeTarget):
    """A name for steps, which run on the machine of the Airflow worker. Nothing has to be started, and nothing costs money while it is idle."""

    _type = "ComputeInstance"

    @staticmethod
    def provisioning_configuration(
        vm_size: str = "",
        ssh_public_access: bool = False,
        admin_user_ssh_public_key: str | None = None,
        vnet_resourcegroup_name: str | None = None,
        vnet_name: str | None = None,
        subnet_name: str | None = None,
        tags: dict[str, str] | None = None,
        description: str | None = None,
        assigned_user_object_id: str | None = None,
        assigned_user_tenant_id: str | None = None,
    ) -> ComputeTargetAttachConfiguration:
        """Return the configuration of one for ``ComputeTarget.create``. What only Azure could use is taken and ignored."""
        return ComputeTargetAttachConfiguration("ComputeInstance", {"vm_size": vm_size, "description": description})

    @property
    def vm_size(self) -> str:
        return str(self._known().details.get("vm_size", ""))

    def get(self) -> ComputeInstance:
        """Return this compute target as it is registered now."""
        self.refresh_state()
        return self

    def get_status(self) -> ComputeInstanceStatus:
        """Return that it runs: it is a definition."""
        return ComputeInstanceStatus(vm_size=self.vm_size)

    def delete(self, wait_for_completion: bool = False, show_output: bool = False) -> None:
        """Take this compute target out of the workspace."""
        super().delete()

    def start(self, wait_for_completion: bool = False, show_output: bool = False) -> None:
        """Return at once: nothing has to be started."""

    def stop(self, wait_for_completion: bool = False, show_output: bool = False) -> None:
        """Return at once: nothing runs."""

    def restart(self, wait_for_completion: bool = False, show_output: bool = False) -> None:
        """Return at once: nothing runs."""

    deserialize = absent("ComputeInstance.deserialize", "use ComputeTarget(ws, name)")
    get_active_runs = absent("ComputeInstance.get_active_runs", "use Experiment.get_runs()")
    supported_vmsizes = absent("ComputeInstance.supported_vmsizes", "any vm_size can be given")
    update_sso_settings = absent("ComputeInstance.update_sso_settings", "leave it out: there is no sign-in of its own")

    @classmethod
    def get_docs_url(cls) -> str:
        """Return where this class is described."""
        return "docs/reference/coverage.md"
