"""How does a script become a version of a module?"""

from __future__ import annotations

from pathlib import Path

from airflow_amlpipe.hooks.opening import open_workspace
from airflow_amlpipe.settings import Settings
from airflow_amlpipe.spec.step import StepSpec
from airflow_amlpipe.workspace.modules import ModuleDefinition, ModuleVersion
from airflow_amlpipe.workspace.package_logins import PackageLogins
from airflow_amlpipe.workspace.sources import read_source, store_source

__all__ = ["publish_version"]


def publish_version(
    workspace: str,
    module_id: str,
    definition: ModuleDefinition,
    *,
    source_base: Path,
    home: Path,
    description: str | None = None,
    version: str | None = None,
    category: str | None = None,
    is_default: bool = False,
) -> ModuleVersion:
    """Freeze and store the source of ``definition``, and make it a version; a crash before that leaves files that nothing refers to.

    :param source_base: what a relative source folder is relative to
    :raises DefinitionError: the script is missing, or there is such a version
    :raises UnknownNameError: there is no such module
    """
    opened = open_workspace(workspace, home=home)
    module = opened.modules.get(module_id)
    settings = Settings.load()
    step = StepSpec(id="module", name=module.name, command=definition.command, source=definition.source)
    snapshot = read_source(opened, step, source_base, limit_bytes=settings.source_limit_bytes, limit_files=settings.source_limit_files)
    store_source(opened, step, source_base, snapshot)
    if definition.environment is not None:
        PackageLogins(home).keep([definition.environment])
    source = definition.source.model_copy(update={"snapshot": snapshot.digest})
    return opened.modules.publish(
        module_id,
        definition.model_copy(update={"source": source}),
        description=description,
        version=version,
        category=category,
        is_default=is_default,
    )
