"""Which workspace is a command about, when it is told one or when it is not?

In this order: ``--workspace``, ``$AMLPIPE_WORKSPACE`` (or the option ``workspace``), the ``config.json`` that ``Workspace.from_config`` would
find from the current folder, and the only workspace below ``$AMLPIPE_HOME/workspaces``. Nothing is guessed among several.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from airflow_amlpipe.exceptions import DefinitionError, shorten
from airflow_amlpipe.sdk._workspace_choice import known_workspaces, workspace_root
from airflow_amlpipe.sdk._workspace_store import log_in_with
from airflow_amlpipe.settings import Settings

__all__ = ["ChosenWorkspace", "choose_workspace"]


@dataclass(frozen=True, slots=True)
class ChosenWorkspace:
    """A workspace, and why it is this one."""

    url: str
    home: Path
    chosen_by: str


def choose_workspace(given: str | None) -> ChosenWorkspace:
    """Return the workspace a command works on.

    :param given: the value of ``--workspace``
    :raises DefinitionError: none is named and none is found, or several are; a config.json cannot be read
    :raises UnknownNameError: the name of none
    """
    settings = Settings.load()
    home = settings.home
    if given:
        return ChosenWorkspace(workspace_root(given, home), home, "--workspace")
    if settings.workspace:
        return ChosenWorkspace(workspace_root(settings.workspace, home), home, "the setting 'workspace'")
    found = _from_config()
    if found is not None:
        return ChosenWorkspace(found[0], home, f"{found[1]}")
    names = known_workspaces(home)
    if len(names) == 1:
        return ChosenWorkspace(workspace_root(names[0], home), home, "the only workspace there is")
    there = f"{home / 'workspaces'} has {len(names)}: {shorten(', '.join(names), 300)}" if names else f"{home / 'workspaces'} has none"
    raise DefinitionError(
        f"no workspace is named, no config.json is found from {shorten(str(Path.cwd()))}, and {there}; give --workspace NAME"
    )


def _from_config() -> tuple[str, Path] | None:
    from airflow_amlpipe.sdk.core._config_file import find_config, read_config
    from airflow_amlpipe.sdk.exceptions import UserErrorException

    try:
        file = find_config()
    except UserErrorException:
        return None
    try:
        config = read_config(file)
    except UserErrorException as error:
        raise DefinitionError(str(error)) from error
    if config.workspace_conn_id is not None:
        log_in_with(config.root, config.workspace_conn_id)
    return config.root, file
