"""Which root does a person mean who names a workspace: by its name, by a folder, or by a URL?

The one rule for ``--workspace``, the setting ``workspace``, ``Workspace.get`` and ``config.json``.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from airflow_amlpipe.exceptions import UnknownNameError, shorten
from airflow_amlpipe.sdk.exceptions import UserErrorException
from airflow_amlpipe.storage.urls import folder_url

__all__ = ["default_root", "known_workspaces", "workspace_root"]

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}")


def default_root(workspace_name: object, home: Path) -> str:
    """Return the URL of the workspace that a config.json with only AML's three keys means, whether it exists yet or not.

    :raises UserErrorException: the name cannot be a folder's
    """
    if not isinstance(workspace_name, str) or not _NAME.fullmatch(workspace_name) or ".." in workspace_name:
        raise UserErrorException(
            f"workspace name {shorten(repr(workspace_name))} cannot be used; "
            "use letters, digits, '_', '-' and '.', at most 255 of them, no '..' and no '.' or '-' first"
        )
    return folder_url(home / "workspaces" / workspace_name)


def workspace_root(text: str, home: Path, *, may_be_new: bool = False) -> str:
    """Return the URL that ``text`` means: a URL, a path (with a separator in it), or the name of a workspace below ``home``.

    :param may_be_new: take a name without looking whether there is such a workspace
    :raises UnknownNameError: a name, and no such workspace is there; the message lists those there are
    :raises UserErrorException: the path of a file
    """
    if "://" in text:
        return text
    if os.sep in text or text.startswith((".", "~")):
        place = Path(text).expanduser().resolve()
        if place.is_file():
            raise UserErrorException(
                f"the workspace {shorten(repr(text))} is a file; give the folder that the workspace is in, its name, or a URL"
            )
        return folder_url(place)
    if may_be_new or text in known_workspaces(home):
        return default_root(text, home)
    known = ", ".join(known_workspaces(home)) or "none"
    raise UnknownNameError(
        f"workspace {shorten(repr(text))} is not in {home / 'workspaces'}; there are: {shorten(known, 300)}. "
        "Give one of these, or a folder with a '/' in it, or a URL"
    )


def known_workspaces(home: Path) -> list[str]:
    """Return the names of the workspaces below the home folder, sorted."""
    folder = home / "workspaces"
    return sorted(entry.name for entry in folder.iterdir() if entry.is_dir() and _NAME.fullmatch(entry.name)) if folder.is_dir() else []
