"""Which workspace is a command about, when it is told one or when it is not?

In this order: ``--workspace``, ``$AMLPIPE_WORKSPACE`` (or the option ``workspace``), the ``config.json`` that ``Workspace.from_config`` would
find from the current folder, and the only workspace below ``$AMLPIPE_HOME/workspaces``. Nothing is guessed among several.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from airflow_amlpipe.exceptions import DefinitionError, UnknownNameError, shorten
from airflow_amlpipe.settings import Settings

__all__ = ["ChosenWorkspace", "choose_workspace", "workspace_url"]


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
        return ChosenWorkspace(workspace_url(given, home), home, "--workspace")
    if settings.workspace:
        return ChosenWorkspace(workspace_url(settings.workspace, home), home, "the setting 'workspace'")
    found = _from_config()
    if found is not None:
        return ChosenWorkspace(found[0], home, f"{found[1]}")
    names = _names(home)
    if len(names) == 1:
        return ChosenWorkspace((home / "workspaces" / names[0]).as_uri(), home, "the only workspace there is")
    there = f"{home / 'workspaces'} has {len(names)}: {shorten(', '.join(names), 300)}" if names else f"{home / 'workspaces'} has none"
    raise DefinitionError(
        f"no workspace is named, no config.json is found from {shorten(str(Path.cwd()))}, and {there}; give --workspace NAME"
    )


def workspace_url(text: str, home: Path) -> str:
    """Return the URL that ``text`` means: a URL, a path (with a separator in it), or the name of a workspace below ``home``.

    :raises UnknownNameError: a name, and no such workspace is there
    """
    if "://" in text:
        return text
    if os.sep in text or text.startswith((".", "~")):
        return Path(text).expanduser().absolute().as_uri()
    if text in _names(home):
        return (home / "workspaces" / text).as_uri()
    known = ", ".join(_names(home)) or "none"
    raise UnknownNameError(
        f"workspace {shorten(repr(text))} is not in {home / 'workspaces'}; there are: {shorten(known, 300)}. "
        "Give one of these, or a folder with a '/' in it, or a URL"
    )


def _names(home: Path) -> list[str]:
    folder = home / "workspaces"
    return sorted(entry.name for entry in folder.iterdir() if entry.is_dir()) if folder.is_dir() else []


def _from_config() -> tuple[str, Path] | None:
    from airflow_amlpipe.sdk.core._config_file import find_config, read_config
    from airflow_amlpipe.sdk.exceptions import UserErrorException

    try:
        file = find_config()
    except UserErrorException:
        return None
    try:
        return read_config(file).root, file
    except UserErrorException as error:
        raise DefinitionError(str(error)) from error
