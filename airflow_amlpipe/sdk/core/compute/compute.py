"""What does a compute target's name stand for?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import DefinitionError, UnknownNameError, shorten
from airflow_amlpipe.sdk._absent import absent
from airflow_amlpipe.sdk._parsing import is_airflow_parsing
from airflow_amlpipe.sdk._workspace_store import open_workspace
from airflow_amlpipe.sdk.exceptions import ComputeTargetException

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.core.workspace import Workspace

__all__ = ["ComputeTarget", "ComputeTargetProvisioningConfiguration"]


class ComputeTargetProvisioningConfiguration:
    """What a new compute target shall be like."""

    def validate_configuration(self) -> None:
        """:raises ComputeTargetException: it cannot be made like this."""

    def _to_spec(self, name: str) -> Any:
        raise NotImplementedError


class ComputeTarget:
    """``ComputeTarget(workspace, name)`` is the registered compute target of that name, of its concrete class.

    :raises ComputeTargetException: there is none; the message lists those there are
    """

    # The registered definition; None while Airflow is parsing, when it is looked up at run time.
    _spec: Any

    def __new__(cls, workspace: Workspace, name: str) -> ComputeTarget:  # noqa: PYI034  always a concrete class
        from airflow_amlpipe.sdk.core.compute.amlcompute import AmlCompute

        spec = None
        if not is_airflow_parsing():
            try:
                spec = open_workspace(workspace).computes.get(name)
            except (UnknownNameError, DefinitionError) as error:
                raise ComputeTargetException(
                    f"ComputeTargetNotFound: {error}. Make it with ComputeTarget.create(ws, {shorten(repr(name))}, ...)"
                ) from error
        made: ComputeTarget = object.__new__(cls if issubclass(cls, AmlCompute) else AmlCompute)
        made.workspace, made.name, made._spec = workspace, name, spec
        return made

    def __init__(self, workspace: Workspace, name: str) -> None:
        self.workspace = workspace
        self.name = name
        self.type = "AmlCompute"

    @staticmethod
    def create(workspace: Workspace, name: str, provisioning_configuration: ComputeTargetProvisioningConfiguration) -> ComputeTarget:
        """Register a compute target and return it; one of that name takes the new definition.

        :raises ComputeTargetException: the configuration or the name cannot be used
        """
        if not isinstance(provisioning_configuration, ComputeTargetProvisioningConfiguration):
            raise ComputeTargetException(
                f"ComputeTarget.create: {shorten(repr(provisioning_configuration))} is no configuration; use AmlCompute.provisioning_configuration(...)"
            )
        provisioning_configuration.validate_configuration()
        if not isinstance(name, str):
            raise ComputeTargetException(f"ComputeTarget.create: the name {shorten(repr(name))} cannot be used; give text")
        registry = open_workspace(workspace, "ComputeTarget.create").computes
        try:
            registry.register(name, provisioning_configuration._to_spec(name))
        except DefinitionError as error:
            raise ComputeTargetException(str(error)) from error
        return ComputeTarget(workspace, name)

    @staticmethod
    def list(workspace: Workspace) -> list[ComputeTarget]:
        """Return every compute target of the workspace."""
        return [ComputeTarget(workspace, name) for name in open_workspace(workspace).computes.names()]

    def delete(self) -> None:
        """Take this compute target out of the workspace."""
        try:
            open_workspace(self.workspace, "ComputeTarget.delete").computes.remove(self.name)
        except DefinitionError as error:
            raise ComputeTargetException(str(error)) from error

    def detach(self) -> None:
        """Like :meth:`delete`."""
        self.delete()

    def get_status(self) -> Any:
        raise NotImplementedError

    def refresh_state(self) -> None:
        """Read the registered definition again."""
        self._spec = ComputeTarget(self.workspace, self.name)._spec

    def serialize(self) -> dict[str, Any]:
        raise NotImplementedError

    def wait_for_completion(self, show_output: bool = False, is_delete_operation: bool = False) -> None:
        """Return at once: a compute target is a definition, nothing has to be started for it."""
        if show_output:
            print("Succeeded")

    attach = absent(
        "ComputeTarget.attach", "make a compute target with ComputeTarget.create(ws, name, AmlCompute.provisioning_configuration(...))"
    )
    deserialize = absent("ComputeTarget.deserialize", "use ComputeTarget(ws, name)")

    def __repr__(self) -> str:
        return f"{type(self).__name__}(workspace={self.workspace.name!r}, name={self.name!r})"
