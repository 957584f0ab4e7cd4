"""Which modules has the workspace, in which versions, and which version is meant when none is named?

A module is a script with named ports, frozen when a version of it was published. All modules share one log, so that two people can neither
give one name to two modules nor one version to two scripts; its entries are what happened, and are never changed.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

from airflow_amlpipe.exceptions import DefinitionError, UnknownNameError, shorten
from airflow_amlpipe.spec.command import PythonScript
from airflow_amlpipe.spec.compute import RunSettingsSpec
from airflow_amlpipe.spec.environment import EnvironmentSpec
from airflow_amlpipe.spec.model import Scalar, SpecModel
from airflow_amlpipe.spec.names import check_display_name
from airflow_amlpipe.spec.step import InputArgument, LiteralArgument, OutputArgument, SourceSpec
from airflow_amlpipe.storage.log import AppendLog
from airflow_amlpipe.storage.store import Store
from airflow_amlpipe.workspace.ids import now_text
from airflow_amlpipe.workspace.layout import log_folder
from airflow_amlpipe.workspace.record_text import parse_record, record_body

__all__ = ["Module", "ModuleDefinition", "ModuleEntry", "ModulePort", "ModuleRegistry", "ModuleStatus", "ModuleVersion", "resolve_version"]

ModuleStatus = Literal["Active", "Deprecated", "Disabled"]


class ModulePort(SpecModel):
    """An input or output of a module, as its author described it."""

    name: str
    mode: str | None = None
    path_on_compute: str | None = None
    is_optional: bool = False
    is_directory: bool = False
    datastore: str | None = None
    label: str | None = None


class ModuleDefinition(SpecModel):
    """What a version of a module runs.

    :ivar arguments: as of a step
    :ivar params: values by name; ``None`` has to be given by the step
    """

    command: PythonScript
    source: SourceSpec
    arguments: tuple[LiteralArgument | InputArgument | OutputArgument, ...] = ()
    inputs: tuple[ModulePort, ...] = ()
    outputs: tuple[ModulePort, ...] = ()
    params: dict[str, Scalar | None] = {}
    environment: EnvironmentSpec | None = None
    run_settings: RunSettingsSpec | None = None


class ModuleVersion(SpecModel):
    """One version as it was published; ``id`` finds it without its module."""

    id: str
    module_id: str
    version: str
    description: str | None = None
    category: str | None = None
    created_at: str
    status: ModuleStatus = "Active"
    definition: ModuleDefinition


class ModuleEntry(SpecModel):
    """Something that happened to a module: it was made (``name``), published (``version``), or changed.

    :ivar version_id: of the version that ``status`` or ``description`` is about; ``None`` if they are the module's own
    :ivar default_version: the version that is meant when none is named, from now on
    """

    format: Literal["amlpipe/module/v1"] = "amlpipe/module/v1"
    at: str
    module_id: str
    name: str | None = None
    description: str | None = None
    version: ModuleVersion | None = None
    version_id: str | None = None
    status: ModuleStatus | None = None
    default_version: str | None = None


@dataclass(frozen=True)
class Module:
    """One module as it stands; ``versions`` in the order they were published."""

    id: str
    name: str
    description: str | None
    status: ModuleStatus = "Active"
    default_version: str | None = None
    versions: tuple[ModuleVersion, ...] = field(default=())

    def version(self, version: str) -> ModuleVersion | None:
        """Return the version with this text, ``None`` if there is none."""
        return next((item for item in self.versions if item.version == version), None)


class ModuleRegistry:
    """The modules of one workspace."""

    def __init__(self, store: Store) -> None:
        self._log = AppendLog(store, log_folder("modules", "all"))

    def all(self) -> tuple[Module, ...]:
        """Return every module, the oldest first."""
        return tuple(_fold(self._log.entries()).values())

    def get(self, module_id: str) -> Module:
        """:raises UnknownNameError: there is none with this id; the message names those there are."""
        modules = _fold(self._log.entries())
        return _known(modules, module_id)

    def named(self, name: str) -> Module:
        """:raises UnknownNameError: there is none with this name; the message names those there are."""
        found = next((item for item in self.all() if item.name == name), None)
        if found is None:
            raise UnknownNameError(f"the workspace has no module {shorten(repr(name))}; its modules are: {_names(self.all())}")
        return found

    def create(self, name: str, description: str | None) -> Module:
        """:raises DefinitionError: there is a module of that name."""
        check_display_name("module", name)
        module_id = str(uuid.uuid4())

        def decide(modules: dict[str, Module]) -> ModuleEntry:
            _refuse_taken(modules, name)
            return ModuleEntry(at=now_text(), module_id=module_id, name=name, description=description)

        return self._append(module_id, decide)

    def publish(
        self,
        module_id: str,
        definition: ModuleDefinition,
        *,
        description: str | None = None,
        version: str | None = None,
        category: str | None = None,
        is_default: bool = False,
    ) -> ModuleVersion:
        """Write down a new version, whose source is stored already, and return it.

        :param version: any text that no other version has; without it, the number after the highest
        :raises DefinitionError: there is such a version
        """
        version_id = str(uuid.uuid4())

        def decide(modules: dict[str, Module]) -> ModuleEntry:
            module = _known(modules, module_id)
            given = version or str(1 + max((int(item.version) for item in module.versions if item.version.isdecimal()), default=0))
            if module.version(given) is not None:
                raise DefinitionError(f"module {module.name!r} has a version {shorten(repr(given))} already; give another one")
            now = now_text()
            made = ModuleVersion(
                id=version_id,
                module_id=module_id,
                version=given,
                description=description,
                category=category,
                created_at=now,
                definition=definition,
            )
            return ModuleEntry(at=now, module_id=module_id, version=made, default_version=given if is_default else None)

        module = self._append(module_id, decide)
        return next(item for item in module.versions if item.id == version_id)

    def rename(self, module_id: str, name: str) -> Module:
        """:raises DefinitionError: another module has that name."""
        check_display_name("module", name)

        def decide(modules: dict[str, Module]) -> ModuleEntry:
            if _known(modules, module_id).name != name:
                _refuse_taken(modules, name)
            return ModuleEntry(at=now_text(), module_id=module_id, name=name)

        return self._append(module_id, decide)

    def set_default(self, module_id: str, version: str) -> Module:
        """:raises UnknownNameError: the module has no such version."""

        def decide(modules: dict[str, Module]) -> ModuleEntry:
            module = _known(modules, module_id)
            if module.version(version) is None:
                raise _no_version(module, version)
            return ModuleEntry(at=now_text(), module_id=module_id, default_version=version)

        return self._append(module_id, decide)

    def change(
        self, module_id: str, *, version_id: str | None = None, status: ModuleStatus | None = None, description: str | None = None
    ) -> Module:
        """Give a module, or one version of it, another status or description."""

        def decide(modules: dict[str, Module]) -> ModuleEntry:
            _known(modules, module_id)
            return ModuleEntry(at=now_text(), module_id=module_id, version_id=version_id, status=status, description=description)

        return self._append(module_id, decide)

    def _append(self, module_id: str, decide: Callable[[dict[str, Module]], ModuleEntry]) -> Module:
        self._log.append_decided(lambda entries: record_body(decide(_fold(entries))))
        return self.get(module_id)


def resolve_version(module: Module, version: str | None = None) -> ModuleVersion | None:
    """Return the version that is meant: the one named, else the default, else the highest that is not disabled, else the newest.

    The order is SDK v1's (``Module.resolve``); versions that are no numbers with dots between them are not high or low.
    """
    if version is not None:
        return module.version(version)
    if module.default_version is not None:
        return module.version(module.default_version)
    numbered = [item for item in module.versions if item.status != "Disabled" and _number(item.version)]
    if numbered:
        return max(numbered, key=lambda item: _number(item.version))
    return module.versions[-1] if module.versions else None


def _number(version: str) -> tuple[int, ...]:
    parts = version.split(".")
    return tuple(map(int, parts)) if all(part.isdecimal() for part in parts) else ()


def _fold(entries: list[tuple[int, bytes]]) -> dict[str, Module]:
    modules: dict[str, Module] = {}
    for number, body in entries:
        entry = parse_record(ModuleEntry, body, f"entry {number} of the modules")
        modules[entry.module_id] = _after(modules.get(entry.module_id), entry)
    return modules


def _after(module: Module | None, entry: ModuleEntry) -> Module:
    if module is None:
        return Module(entry.module_id, entry.name or entry.module_id, entry.description)
    if entry.version is not None:
        module = replace(module, versions=(*module.versions, entry.version))
    if entry.default_version is not None:
        module = replace(module, default_version=entry.default_version)
    if entry.name is not None:
        module = replace(module, name=entry.name)
    changed = {key: value for key, value in (("status", entry.status), ("description", entry.description)) if value is not None}
    if entry.version_id is not None:
        versions = tuple(item.model_copy(update=changed) if item.id == entry.version_id else item for item in module.versions)
        return replace(module, versions=versions)
    return replace(module, **changed)  # type: ignore[arg-type]


def _known(modules: dict[str, Module], module_id: str) -> Module:
    if module_id not in modules:
        raise UnknownNameError(
            f"the workspace has no module with the id {shorten(repr(module_id))}; its modules are: {_names(tuple(modules.values()))}"
        )
    return modules[module_id]


def _refuse_taken(modules: dict[str, Module], name: str) -> None:
    if any(item.name == name for item in modules.values()):
        raise DefinitionError(f"the workspace has a module {shorten(repr(name))} already; use Module.get(ws, name=...), or another name")


def _no_version(module: Module, version: str) -> UnknownNameError:
    known = ", ".join(item.version for item in module.versions) or "none"
    return UnknownNameError(f"module {module.name!r} has no version {shorten(repr(version))}; its versions are: {shorten(known, 400)}")


def _names(modules: tuple[Module, ...]) -> str:
    return shorten(", ".join(item.name for item in modules) or "none", 400)
