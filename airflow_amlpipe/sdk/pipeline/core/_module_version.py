"""What is one version of a published script: what it reads, writes and takes, and in which state it is?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk._arguments import check_text
from airflow_amlpipe.sdk._workspace_store import as_user_error, open_workspace
from airflow_amlpipe.sdk.exceptions import UserErrorException
from airflow_amlpipe.sdk.pipeline.core._port_defs import InputPortDef, OutputPortDef, ParamDef

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.core.workspace import Workspace
    from airflow_amlpipe.sdk.pipeline.core.module import Module
    from airflow_amlpipe.workspace.modules import ModuleRegistry
    from airflow_amlpipe.workspace.modules import ModuleVersion as VersionRecord

__all__ = ["Changeable", "ModuleVersion", "ModuleVersionDescriptor", "StructuredInterface", "module_registry"]


class ModuleVersionDescriptor:
    """A version of a module by its text and its id."""

    def __init__(self, version: str, module_version_id: str) -> None:
        self._version = version
        self._id = module_version_id

    @property
    def version(self) -> str:
        return self._version

    @property
    def module_version_id(self) -> str:
        return self._id

    def __repr__(self) -> str:
        return f"ModuleVersionDescriptor({self._version!r}, {self._id!r})"


class StructuredInterface:
    """What a version of a module reads, writes and takes.

    :ivar inputs: InputPortDef
    :ivar outputs: OutputPortDef
    :ivar parameters: ParamDef
    """

    def __init__(self, inputs: list[InputPortDef], outputs: list[OutputPortDef], parameters: list[ParamDef]) -> None:
        self.inputs = inputs
        self.outputs = outputs
        self.parameters = parameters


class Changeable:
    """A module, or one of its versions: what may be said of it anew."""

    def enable(self) -> None:
        """Let it be used again."""
        self._change(status="Active")

    def disable(self) -> None:
        """Let no new step use it."""
        self._change(status="Disabled")

    def deprecate(self) -> None:
        """Warn whoever makes a step of it."""
        self._change(status="Deprecated")

    def set_description(self, description: str) -> None:
        """Describe it anew."""
        self._change(description=check_text(f"{type(self).__name__}.set_description", description))

    def _change(self, **changes: Any) -> None:
        """Write down what changes, and tell from now on how it stands then."""
        raise NotImplementedError


class ModuleVersion(Changeable):
    """A script with its ports as it was published."""

    def __init__(self, workspace: Workspace, module_entity: VersionRecord, version: str, _module_version_provider: Any) -> None:
        self._workspace = workspace
        self._record = module_entity

    @staticmethod
    def get(workspace: Workspace, module_version_id: str | None = None, _workflow_provider: Any = None) -> ModuleVersion:
        """Return a version by its id.

        :raises UserErrorException: there is none
        """
        for module in module_registry(workspace, "ModuleVersion.get").all():
            for item in module.versions:
                if item.id == module_version_id:
                    return ModuleVersion(workspace, item, item.version, None)
        raise UserErrorException(f"the workspace has no version of a module with the id {shorten(repr(module_version_id))}")

    @property
    def module_version_id(self) -> str:
        return self._record.id

    @property
    def module_id(self) -> str:
        return self._record.module_id

    @property
    def version(self) -> str:
        return self._record.version

    @property
    def description(self) -> str | None:
        return self._record.description

    @property
    def category(self) -> str | None:
        return self._record.category

    @property
    def status(self) -> str:
        """Active, Deprecated or Disabled."""
        return self._record.status

    @property
    def runconfig(self) -> str | None:
        """The environment and run settings that it was published with, as JSON; ``None`` if it has none."""
        environment = self._record.definition.environment
        return None if environment is None else environment.model_dump_json()

    @property
    def interface(self) -> StructuredInterface:
        """What it reads, writes and takes."""
        made = self._record.definition
        return StructuredInterface(
            [
                InputPortDef(port.name, None, port.mode, port.path_on_compute, is_optional=port.is_optional, label=port.label)
                for port in made.inputs
            ],
            [
                OutputPortDef(port.name, port.datastore, port.mode, port.path_on_compute, port.is_directory, label=port.label)
                for port in made.outputs
            ],
            [ParamDef(name, value, is_optional=value is not None) for name, value in made.params.items()],
        )

    def module(self, _workflow_provider: Any = None) -> Module:
        """Return the module that this is a version of."""
        from airflow_amlpipe.sdk.pipeline.core.module import Module

        return Module.get(self._workspace, self._record.module_id)

    def _change(self, **changes: Any) -> None:
        registry = module_registry(self._workspace, "changing a version of a module")
        with as_user_error():
            module = registry.change(self._record.module_id, version_id=self._record.id, **changes)
        self._record = next(item for item in module.versions if item.id == self._record.id)

    def __repr__(self) -> str:
        return f"ModuleVersion({self.version!r}, {self.module_version_id!r})"


def module_registry(workspace: Any, what: str) -> ModuleRegistry:
    return open_workspace(workspace, what).modules
