"""What is an AmlCompute where there is no Azure: a named size for steps, on a back end of ours?"""

from __future__ import annotations

from typing import Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk._absent import absent
from airflow_amlpipe.sdk._arguments import check_tags, check_text
from airflow_amlpipe.sdk._workspace_store import open_workspace
from airflow_amlpipe.sdk.core.compute.compute import ComputeTarget, ComputeTargetProvisioningConfiguration
from airflow_amlpipe.sdk.exceptions import ComputeTargetException

__all__ = ["AmlCompute", "AmlComputeProvisioningConfiguration", "AmlComputeStatus", "ScaleSettings"]

_PRIORITIES = ("dedicated", "lowpriority")
_NO_NETWORK = "leave it out: there is no Azure network or identity behind a compute target"


class AmlComputeProvisioningConfiguration(ComputeTargetProvisioningConfiguration):
    """What :meth:`AmlCompute.provisioning_configuration` returns. What only Azure could use is taken and ignored."""

    def __init__(
        self,
        vm_size: str = "",
        vm_priority: str = "dedicated",
        min_nodes: int = 0,
        max_nodes: int | None = None,
        idle_seconds_before_scaledown: int = 1800,
        admin_username: str | None = None,
        admin_user_password: str | None = None,
        admin_user_ssh_key: str | None = None,
        vnet_resourcegroup_name: str | None = None,
        vnet_name: str | None = None,
        subnet_name: str | None = None,
        tags: dict[str, str] | None = None,
        description: str | None = None,
        remote_login_port_public_access: str = "NotSpecified",
        identity_type: str | None = None,
        identity_id: list[str] | None = None,
        compute_location: str | None = None,
        enable_node_public_ip: bool = True,
    ) -> None:
        self.vm_size = vm_size
        self.vm_priority = vm_priority
        self.min_nodes = _as_number(min_nodes)
        self.max_nodes = _as_number(max_nodes)
        self.idle_seconds_before_scaledown = _as_number(idle_seconds_before_scaledown)
        self.tags = tags
        self.description = description
        self.location = compute_location
        self.validate_configuration()

    def validate_configuration(self) -> None:
        """:raises ComputeTargetException: a value cannot be used."""
        if not isinstance(self.vm_priority, str) or self.vm_priority.lower() not in _PRIORITIES:
            raise ComputeTargetException(
                f"AmlCompute: vm_priority {shorten(repr(self.vm_priority))} is not known; use one of: {', '.join(_PRIORITIES)}"
            )
        if self.description is not None:
            check_text("AmlCompute: description", self.description)
        check_tags("AmlCompute: tags", self.tags)
        for what in ("min_nodes", "max_nodes", "idle_seconds_before_scaledown"):
            value = getattr(self, what)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
                raise ComputeTargetException(f"AmlCompute: {what} must be a whole number, not {shorten(repr(value))}")
        if self.max_nodes is not None and (self.max_nodes < 1 or self.min_nodes > self.max_nodes):
            raise ComputeTargetException(
                f"AmlCompute: min_nodes={self.min_nodes} and max_nodes={self.max_nodes} do not fit; give max_nodes >= 1, min_nodes"
            )

    def _to_spec(self, name: str) -> Any:
        from airflow_amlpipe.sdk.lowering_environment import lower_compute

        return lower_compute(name, self)


class ScaleSettings:
    """Between how many nodes a compute target scales."""

    def __init__(self, minimum_node_count: int, maximum_node_count: int | None, idle_seconds_before_scaledown: int | None) -> None:
        self.minimum_node_count = minimum_node_count
        self.maximum_node_count = maximum_node_count
        self.idle_seconds_before_scaledown = idle_seconds_before_scaledown

    def serialize(self) -> dict[str, Any]:
        return {
            "minNodeCount": self.minimum_node_count,
            "maxNodeCount": self.maximum_node_count,
            "nodeIdleTimeBeforeScaleDown": f"PT{self.idle_seconds_before_scaledown}S",
        }

    @staticmethod
    def deserialize(object_dict: dict[str, Any]) -> ScaleSettings:
        idle = str(object_dict.get("nodeIdleTimeBeforeScaleDown") or "PT1800S").removeprefix("PT").removesuffix("S")
        return ScaleSettings(object_dict.get("minNodeCount") or 0, object_dict.get("maxNodeCount"), int(idle))


class AmlComputeStatus:
    """What is known of a compute target; a definition without machines of its own is always at rest."""

    _keys = (
        "allocation_state",
        "allocation_state_transition_time",
        "creation_time",
        "current_node_count",
        "errors",
        "modified_time",
        "node_state_counts",
        "provisioning_state",
        "provisioning_state_transition_time",
        "scale_settings",
        "target_node_count",
        "vm_priority",
        "vm_size",
    )

    def __init__(
        self,
        allocation_state: str | None,
        allocation_state_transition_time: str | None,
        creation_time: str | None,
        current_node_count: int | None,
        errors: list[Any] | None,
        modified_time: str | None,
        node_state_counts: dict[str, int] | None,
        provisioning_state: str | None,
        provisioning_state_transition_time: str | None,
        scale_settings: ScaleSettings | None,
        target_node_count: int | None,
        vm_priority: str | None,
        vm_size: str | None,
    ) -> None:
        given = dict(locals())
        for key in self._keys:
            setattr(self, key, given[key])

    def serialize(self) -> dict[str, Any]:
        """Return the status under the keys that SDK v1 printed."""
        values = {_camel(key): getattr(self, key) for key in self._keys}
        settings: ScaleSettings | None = values["scaleSettings"]
        return {**values, "scaleSettings": settings.serialize() if settings is not None else None}

    @staticmethod
    def deserialize(object_dict: dict[str, Any]) -> AmlComputeStatus:
        values = {key: object_dict.get(_camel(key)) for key in AmlComputeStatus._keys}
        if values["scale_settings"] is not None:
            values["scale_settings"] = ScaleSettings.deserialize(values["scale_settings"])
        return AmlComputeStatus(**values)


class AmlCompute(ComputeTarget):
    """A named size for steps. For now every one runs its steps on the machine of the Airflow worker."""

    @staticmethod
    def provisioning_configuration(
        vm_size: str = "",
        vm_priority: str = "dedicated",
        min_nodes: int = 0,
        max_nodes: int | None = None,
        idle_seconds_before_scaledown: int = 1800,
        admin_username: str | None = None,
        admin_user_password: str | None = None,
        admin_user_ssh_key: str | None = None,
        vnet_resourcegroup_name: str | None = None,
        vnet_name: str | None = None,
        subnet_name: str | None = None,
        tags: dict[str, str] | None = None,
        description: str | None = None,
        remote_login_port_public_access: str = "NotSpecified",
        identity_type: str | None = None,
        identity_id: list[str] | None = None,
        location: str | None = None,
        enable_node_public_ip: bool = True,
    ) -> AmlComputeProvisioningConfiguration:
        """Return the configuration of a compute target for ``ComputeTarget.create``.

        :raises ComputeTargetException: a value cannot be used
        """
        return AmlComputeProvisioningConfiguration(
            vm_size,
            vm_priority,
            min_nodes,
            max_nodes,
            idle_seconds_before_scaledown,
            tags=tags,
            description=description,
            compute_location=location,
        )

    @property
    def vm_size(self) -> str:
        return self._known().vm_size or ""

    @property
    def scale_settings(self) -> ScaleSettings:
        spec = self._known()
        return ScaleSettings(spec.min_nodes, spec.max_nodes, spec.idle_seconds_before_scaledown)

    def get(self) -> AmlCompute:
        """Return this compute target as it is registered now."""
        self.refresh_state()
        return self

    def get_status(self) -> AmlComputeStatus:
        """Return what is known of it: it is a definition, so it is always provisioned and steady."""
        spec = self._known()
        return AmlComputeStatus(
            allocation_state="Steady",
            allocation_state_transition_time=None,
            creation_time=None,
            current_node_count=0,
            errors=None,
            modified_time=None,
            node_state_counts={
                "preparingNodeCount": 0,
                "runningNodeCount": 0,
                "idleNodeCount": 0,
                "unusableNodeCount": 0,
                "leavingNodeCount": 0,
                "preemptedNodeCount": 0,
            },
            provisioning_state="Succeeded",
            provisioning_state_transition_time=None,
            scale_settings=self.scale_settings,
            target_node_count=0,
            vm_priority=spec.vm_priority.capitalize(),
            vm_size=spec.vm_size.upper(),
        )

    def serialize(self) -> dict[str, Any]:
        """Return the definition and its status."""
        return {
            "name": self.name,
            "type": self.type,
            "tags": self.tags,
            "description": self.description,
            "properties": self.get_status().serialize(),
        }

    def wait_for_completion(  # type: ignore[override]  # SDK v1's own order of arguments
        self,
        show_output: bool = False,
        min_node_count: int | None = None,
        timeout_in_minutes: float = 25,
        is_delete_operation: bool = False,
    ) -> None:
        """Return at once: a compute target is a definition, nothing has to be started for it."""
        super().wait_for_completion(show_output)
        if show_output and not is_delete_operation:
            print("AmlCompute wait for completion finished\n\nMinimum number of nodes requested have been provisioned")

    def update(self, min_nodes: int | None = None, max_nodes: int | None = None, idle_seconds_before_scaledown: int | None = None) -> None:
        """Change how many nodes it has; ``None`` leaves a value as it is."""
        given = {"min_nodes": min_nodes, "max_nodes": max_nodes, "idle_seconds_before_scaledown": idle_seconds_before_scaledown}
        changes = {name: _as_number(value) for name, value in given.items() if value is not None}
        spec = self._known()
        AmlComputeProvisioningConfiguration(
            spec.vm_size, spec.vm_priority, **{name: changes.get(name, getattr(spec, name)) for name in given}
        )
        self._spec = spec.model_copy(update=changes)
        open_workspace(self.workspace, "AmlCompute.update").computes.register(self.name, self._spec)

    def list_nodes(self) -> list[dict[str, Any]]:
        """Return an empty list: no node is its own."""
        return []

    get_active_runs = absent("AmlCompute.get_active_runs", "use Experiment.get_runs()")

    add_identity = absent("AmlCompute.add_identity", _NO_NETWORK)
    remove_identity = absent("AmlCompute.remove_identity", _NO_NETWORK)
    list_quotas = absent("AmlCompute.list_quotas", "leave it out: there are no quotas")
    list_usages = absent("AmlCompute.list_usages", "leave it out: there are no quotas")
    supported_vmsizes = absent("AmlCompute.supported_vmsizes", "any vm_size can be given")
    update_quotas = absent("AmlCompute.update_quotas", "leave it out: there are no quotas")


def _camel(key: str) -> str:
    first, *others = key.split("_")
    return first + "".join(word.capitalize() for word in others)


def _as_number(value: Any) -> Any:
    """Read digits as the number they are: scripts take sizes of clusters from their environment, and Azure's service took them as text."""
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value
