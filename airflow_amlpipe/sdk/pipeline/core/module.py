"""How are scripts published once and used as steps of many pipelines?"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk._absent import absent
from airflow_amlpipe.sdk._arguments import check_text, check_workspace_given
from airflow_amlpipe.sdk._workspace_store import as_user_error, home, workspace_url
from airflow_amlpipe.sdk.core.runconfig import RunConfiguration
from airflow_amlpipe.sdk.exceptions import UserErrorException
from airflow_amlpipe.sdk.pipeline.core._module_version import (
    Changeable,
    ModuleVersion,
    ModuleVersionDescriptor,
    StructuredInterface,
    module_registry,
)

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.core.workspace import Workspace
    from airflow_amlpipe.sdk.pipeline.core._port_defs import InputPortDef, OutputPortDef

__all__ = ["Module", "ModuleVersion", "ModuleVersionDescriptor", "StructuredInterface"]

_SCRIPT = "use publish_python_script"
_AZURE = "it needs an Azure service; call that service from a script that publish_python_script publishes"


class Module(Changeable):
    """A name under which versions of a script are published; :meth:`create` and :meth:`get` return one."""

    def __init__(
        self,
        workspace: Workspace,
        module_id: str,
        name: str,
        description: str | None,
        status: str,
        default_version: str | None,
        module_version_list: list[ModuleVersionDescriptor] | None,
        _module_provider: Any = None,
        _module_version_provider: Any = None,
    ) -> None:
        check_workspace_given("Module", workspace)
        self._workspace = workspace
        self._id = module_id
        self._name = name
        self._description = description
        self._status = status
        self._default_version = default_version
        self._versions = list(module_version_list or ())

    @staticmethod
    def create(workspace: Workspace, name: str, description: str | None, _workflow_provider: Any = None) -> Module:
        """Make a module without versions.

        :raises UserErrorException: there is one of that name
        """
        check_text("Module.create: name", name)
        with as_user_error():
            return _module(workspace, module_registry(workspace, "Module.create").create(name, description))

    @staticmethod
    def get(workspace: Workspace, module_id: str | None = None, name: str | None = None, _workflow_provider: Any = None) -> Module:
        """Return a module by its id or its name.

        :raises UserErrorException: neither is given, or there is none
        """
        if module_id is None and name is None:
            raise UserErrorException("Module.get: give module_id or name")
        registry = module_registry(workspace, "Module.get")
        with as_user_error():
            return _module(workspace, registry.get(str(module_id)) if module_id is not None else registry.named(str(name)))

    @staticmethod
    def get_versions(workspace: Workspace, name: str, _workflow_provider: Any = None) -> list[ModuleVersionDescriptor]:
        """Return the versions of the module called ``name``."""
        return Module.get(workspace, name=name).module_version_list()

    @property
    def id(self) -> str:
        return self._id

    @property
    def name(self) -> str:
        return self._name

    @property
    def description(self) -> str | None:
        return self._description

    @property
    def status(self) -> str:
        """Active, Deprecated or Disabled."""
        return self._status

    @property
    def default_version(self) -> str | None:
        """The version that is meant when none is named, if one was chosen."""
        return self._default_version

    def get_default_version(self) -> str | None:
        """Return :attr:`default_version`."""
        return self._default_version

    def get_default(self) -> ModuleVersion | None:
        """Return the version that is meant when none is named, if one was chosen."""
        return None if self._default_version is None else self.resolve(self._default_version)

    def set_default_version(self, version_id: str) -> str:
        """Choose the version that is meant when none is named, by its text, and return it.

        :raises UserErrorException: the module has no such version
        """
        with as_user_error():
            self._refresh(module_registry(self._workspace, "Module.set_default_version").set_default(self._id, version_id))
        return str(self._default_version)

    def module_version_list(self) -> list[ModuleVersionDescriptor]:
        """Return the versions, the oldest first."""
        self._refresh(module_registry(self._workspace, "Module.module_version_list").get(self._id))
        return list(self._versions)

    def resolve(self, version: str | None = None) -> ModuleVersion | None:
        """Return the version named; without one the default, else the highest number that is not disabled, else the newest. ``None`` if there is none."""
        from airflow_amlpipe.workspace.modules import resolve_version

        record = module_registry(self._workspace, "Module.resolve").get(self._id)
        found = resolve_version(record, None if version is None else str(version))
        return None if found is None else ModuleVersion(self._workspace, found, found.version, None)

    def publish_python_script(
        self,
        script_name: str,
        description: str | None,
        inputs: list[InputPortDef] | None,
        outputs: list[OutputPortDef] | None,
        params: dict[str, Any] | None = None,
        create_sequencing_ports: bool = True,
        version: str | None = None,
        is_default: bool = False,
        source_directory: str | None = None,
        hash_paths: list[str] | None = None,
        category: str | None = None,
        arguments: list[Any] | None = None,
        runconfig: RunConfiguration | None = None,
    ) -> ModuleVersion:
        """Publish a script with everything in its folder as a version, which never changes afterwards.

        :param inputs: what a step that uses it maps to data (``ModuleStep(inputs_map=...)``)
        :param params: values by name, which a step may change; the script finds them as ``AML_PARAMETER_<name>``
        :param version: any text; without it, the number after the highest
        :param arguments: text, numbers and the ports above; a step may give others
        :raises UserErrorException: the script is missing, there is such a version, or a port cannot be used
        """
        if hash_paths:
            warnings.warn(
                f"module {self._name!r}: hash_paths has no effect: every file of the source folder counts", DeprecationWarning, stacklevel=2
            )
        if runconfig is not None and not isinstance(runconfig, RunConfiguration):
            raise UserErrorException(f"module {self._name!r}: runconfig must be a RunConfiguration, not {shorten(repr(runconfig))}")
        from airflow_amlpipe.sdk.lowering_modules import lower_module
        from airflow_amlpipe.services.modules import publish_version

        url = workspace_url("Module.publish_python_script", self._workspace)
        with as_user_error():
            definition = lower_module(
                f"module {shorten(repr(self._name))}",
                script_name=check_text("Module.publish_python_script: script_name", script_name),
                source_directory="." if source_directory is None else str(source_directory),
                arguments=arguments,
                inputs=inputs,
                outputs=outputs,
                params=params,
                runconfig=runconfig,
            )
            record = publish_version(
                url,
                self._id,
                definition,
                source_base=Path.cwd(),
                home=home(),
                description=description,
                version=None if version is None else str(version),
                category=category,
                is_default=is_default,
            )
            self._refresh(module_registry(self._workspace, "Module.publish_python_script").get(self._id))
        return ModuleVersion(self._workspace, record, record.version, None)

    def set_name(self, name: str) -> None:
        """Give it another name.

        :raises UserErrorException: another module has that name
        """
        with as_user_error():
            self._refresh(module_registry(self._workspace, "Module.set_name").rename(self._id, check_text("Module.set_name", name)))

    module_def_builder = absent("Module.module_def_builder", _SCRIPT)
    process_source_directory = absent("Module.process_source_directory", _SCRIPT)
    publish = absent("Module.publish", _SCRIPT)
    publish_adla_script = absent("Module.publish_adla_script", _AZURE)
    publish_azure_batch = absent("Module.publish_azure_batch", _AZURE)

    def _change(self, **changes: Any) -> None:
        with as_user_error():
            self._refresh(module_registry(self._workspace, "changing a module").change(self._id, **changes))

    def _refresh(self, record: Any) -> None:
        self._name, self._description, self._status = record.name, record.description, record.status
        self._default_version = record.default_version
        self._versions = [ModuleVersionDescriptor(item.version, item.id) for item in record.versions]

    def __repr__(self) -> str:
        return f"Module(Name: {self._name},\nId: {self._id},\nStatus: {self._status})"


def _module(workspace: Workspace, record: Any) -> Module:
    made = Module(workspace, record.id, record.name, record.description, record.status, record.default_version, None)
    made._refresh(record)
    return made
