"""What does a compute target's name stand for?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import DefinitionError, UnknownNameError, shorten
from airflow_amlpipe.sdk._absent import absent
from airflow_amlpipe.sdk._parsing import is_airflow_parsing
from airflow_amlpipe.sdk._workspace_store import open_workspace
from airflow_amlpipe.sdk.exceptions import ComputeTargetException, UserErrorException

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.core.workspace import Workspace

__all__ = ["ComputeTarget", "ComputeTargetAttachConfiguration", "ComputeTargetProvisioningConfiguration", "compute_name"]

# Where the class is that a compute target comes back as; any other is an AmlCompute.
_CLASSES = {
    "AdlaCompute": "adla",
    "AksCompute": "aks",
    "AmlCompute": "amlcompute",
    "BatchCompute": "batch",
    "ComputeInstance": "computeinstance",
    "DataFactoryCompute": "datafactory",
    "DatabricksCompute": "databricks",
    "DsvmCompute": "dsvm",
    "HDInsightCompute": "hdinsight",
    "KubernetesCompute": "kubernetescompute",
    "KustoCompute": "kusto",
    "RemoteCompute": "remote",
    "SynapseCompute": "synapse",
}


class ComputeTargetProvisioningConfiguration:
    """What a new compute target shall be like."""

    def validate_configuration(self) -> None:
        """:raises ComputeTargetException: it cannot be made like this."""

    def _to_spec(self, name: str) -> Any:
        raise NotImplementedError


class ComputeTargetAttachConfiguration(ComputeTargetProvisioningConfiguration):
    """What an attached compute target is known by. It becomes a name for steps; nothing is contacted, no password or token is kept.

    :param sdk_type: the class of SDK v1 that it comes back as
    :param details: what that class shows
    """

    def __init__(self, sdk_type: str, details: dict[str, str | int | None]) -> None:
        self._sdk_type = sdk_type
        self._details = {name: value for name, value in details.items() if value is not None and value != ""}

    def validate_configuration(self) -> None:
        """:raises ComputeTargetException: a value is neither text nor a number."""
        for name, value in self._details.items():
            if isinstance(value, bool) or not isinstance(value, str | int):
                raise ComputeTargetException(f"{self._sdk_type}: {name} {shorten(repr(value))} cannot be used; give text")

    def _to_spec(self, name: str) -> Any:
        from airflow_amlpipe.sdk.lowering_environment import lower_attached

        return lower_attached(name, self._sdk_type, self._details)


class ComputeTarget:
    """``ComputeTarget(workspace, name)`` is the registered compute target of that name, of its concrete class.

    :raises ComputeTargetException: there is none; the message lists those there are
    """

    _type = "AmlCompute"
    # The registered definition; None while Airflow is parsing, when it is looked up at run time.
    _spec: Any

    def __new__(cls, workspace: Workspace, name: str) -> ComputeTarget:  # noqa: PYI034  always a concrete class
        spec = None
        if not is_airflow_parsing():
            try:
                spec = open_workspace(workspace).computes.get(name)
            except (UnknownNameError, DefinitionError) as error:
                raise ComputeTargetException(
                    f"ComputeTargetNotFound: {error}. Make it with ComputeTarget.create(ws, {shorten(repr(name))}, ...)"
                ) from error
        found = _class_of(getattr(spec, "sdk_type", cls.__name__))
        if not issubclass(found, cls) and not issubclass(cls, found):
            raise ComputeTargetException(
                f"ComputeTargetNotFound: compute target {shorten(repr(name))} is a {found.__name__}, not a {cls.__name__}; use ComputeTarget(ws, name)"
            )
        made: ComputeTarget = object.__new__(cls if issubclass(cls, found) else found)
        made.workspace, made.name, made._spec = workspace, name, spec
        return made

    def __init__(self, workspace: Workspace, name: str) -> None:
        self.workspace = workspace
        self.name = name
        self.type = self._type

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
    def attach(workspace: Workspace, name: str, attach_configuration: ComputeTargetProvisioningConfiguration) -> ComputeTarget:
        """Register a compute target that exists elsewhere, under a name for steps, and return it. Nothing is contacted.

        :raises ComputeTargetException: the configuration or the name cannot be used
        """
        return ComputeTarget.create(workspace, name, attach_configuration)

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
        """Return ``Succeeded``: a compute target is a definition."""
        return "Succeeded"

    @property
    def status(self) -> Any:
        """What is known of it now."""
        return self.get_status()

    @property
    def provisioning_state(self) -> str:
        return "Succeeded"

    @property
    def tags(self) -> dict[str, str]:
        return dict(self._known().tags)

    @property
    def description(self) -> str | None:
        return self._known().description  # type: ignore[no-any-return]

    def refresh_state(self) -> None:
        """Read the registered definition again."""
        self._spec = ComputeTarget(self.workspace, self.name)._spec

    def serialize(self) -> dict[str, Any]:
        """Return the definition."""
        return {"name": self.name, "type": self.type, "provisioningState": "Succeeded", "properties": dict(self._known().details)}

    def wait_for_completion(self, show_output: bool = False, is_delete_operation: bool = False) -> None:
        """Return at once: a compute target is a definition, nothing has to be started for it."""
        if show_output:
            print("Succeeded")

    deserialize = absent("ComputeTarget.deserialize", "use ComputeTarget(ws, name)")

    def _known(self) -> Any:
        if self._spec is None:
            self.refresh_state()
        return self._spec

    def __repr__(self) -> str:
        return f"{type(self).__name__}(workspace={self.workspace.name!r}, name={self.name!r})"


def compute_name(what: str, target: Any) -> str:
    """Return the name of a compute target, which is given as itself, as its name, or as ``(name, type)``.

    :param what: where it was given, as messages name it
    :raises UserErrorException: it is none
    """
    given = target[0] if isinstance(target, (tuple, list)) and target else target
    name = given.name if isinstance(given, ComputeTarget) else given
    if isinstance(name, str) and name:
        return name
    from airflow_amlpipe.sdk.pipeline.core.graph import PipelineParameter

    if isinstance(given, PipelineParameter):
        raise UserErrorException(
            f"{what} is the PipelineParameter {given.name!r}; where a step runs is no value of a run, nor was it in SDK v1: "
            "give a compute target or its name, and take it as an argument of the script that builds the pipeline"
        )
    raise UserErrorException(f"{what} {shorten(repr(target))} is no compute target; give one, its name, or 'local'")


def _class_of(sdk_type: str) -> type[ComputeTarget]:
    import importlib

    name = sdk_type if sdk_type in _CLASSES else "AmlCompute"
    found: type[ComputeTarget] = getattr(importlib.import_module(f"airflow_amlpipe.sdk.core.compute.{_CLASSES[name]}"), name)
    return found
