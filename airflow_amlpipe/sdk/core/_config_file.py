"""Which config.json describes the workspace, and what does it say?"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from airflow_amlpipe.exceptions import DefinitionError, shorten
from airflow_amlpipe.sdk._arguments import check_local_path
from airflow_amlpipe.sdk._workspace_choice import default_root
from airflow_amlpipe.sdk._workspace_store import home
from airflow_amlpipe.sdk.exceptions import UserErrorException
from airflow_amlpipe.spec.json_text import read_json
from airflow_amlpipe.storage.urls import folder_url

__all__ = ["CONFIG_FOLDER", "WorkspaceConfig", "find_config", "read_config"]

CONFIG_FOLDER = ".azureml"
# SDK v1's order (``Workspace.from_config``): a .azureml/config.json in any parent beats a config.json in the folder itself.
_FOLDERS = (CONFIG_FOLDER, "aml_config", "")
_FILES = ("config.json", "project.json")
_TRUSTED_SIZE = 1024 * 1024


class WorkspaceConfig:
    """The keys of a config.json, and the root URL that they mean."""

    def __init__(self, keys: dict[str, Any], root: str) -> None:
        self.subscription_id: str = keys.get("subscription_id") or ""
        self.resource_group: str = keys.get("resource_group") or ""
        self.workspace_name: str = keys["workspace_name"]
        self.location: str | None = keys.get("location")
        self.sku: str = keys.get("sku") or "Basic"
        self.tags: dict[str, str] = keys.get("tags") or {}
        self.workspace_conn_id: str | None = keys.get("workspace_conn_id")
        self.root = root


def find_config(path: str | Path | None = None, file_name: str | None = None) -> Path:
    """Return the config.json that holds for ``path`` (a file, or a folder to search upwards from; without it, the current folder).

    :raises UserErrorException: there is none
    """
    start = check_local_path("workspace configuration", path).absolute() if path is not None else Path.cwd()
    if start.is_file():
        return start
    for folder in _FOLDERS:
        for name in (file_name,) if file_name else _FILES:
            for parent in (start, *start.parents):
                candidate = parent / folder / name
                if candidate.is_file() and _is_trusted(candidate, start):
                    return candidate
    raise UserErrorException(
        f"no workspace configuration: neither {CONFIG_FOLDER}/{file_name or _FILES[0]} nor {file_name or _FILES[0]} is in "
        f"{shorten(repr(str(start)))} or a folder above it; write one that holds "
        '{"subscription_id": "local", "resource_group": "local", "workspace_name": "NAME"}'
    )


def _is_trusted(candidate: Path, start: Path) -> bool:
    """Whether a file found on the way up may say where this user's data goes: not one that a stranger could put in a shared folder (``/tmp``).

    What belongs to whoever owns the folder the search began in is part of the same project, as in a container that shows a folder of its host.
    """
    owner = candidate.stat().st_uid
    if candidate.parent == start or owner in {0, os.geteuid(), start.stat().st_uid}:
        return True
    sys.stderr.write(
        f"WARNING: the workspace configuration {shorten(str(candidate), 400)} is left aside, because another user (uid {owner}) owns it; "
        f"name it in Workspace.from_config(path=...) if it is yours to use\n"
    )
    return False


def read_config(file: Path) -> WorkspaceConfig:
    """Return what a config.json says.

    :raises UserErrorException: it cannot be read; the message names the file, the line and what to write
    """
    where = f"workspace configuration {shorten(str(file), 400)}"
    try:
        if file.stat().st_size > _TRUSTED_SIZE:
            raise UserErrorException(f"{where} is larger than {_TRUSTED_SIZE} bytes; it is no config.json")
        keys = read_json(file.read_text(encoding="utf-8-sig"), where)
    except (OSError, UnicodeDecodeError) as error:
        raise UserErrorException(f"{where} cannot be read ({shorten(str(error))}); make it a readable JSON file in UTF-8") from error
    except UserErrorException:
        raise
    except DefinitionError as error:
        raise UserErrorException(str(error)) from error
    if not isinstance(keys, dict):
        raise UserErrorException(f"{where}, line 1: it must hold an object {{...}}, not {type(keys).__name__}")
    keys = _with_scope(keys)
    for key in ("workspace_name", "subscription_id", "resource_group", "location", "sku", "root", "workspace_conn_id"):
        if keys.get(key) is not None and not isinstance(keys[key], str):
            raise UserErrorException(f'{where}: "{key}" must be text, not {shorten(repr(keys[key]))}; write it in quotes')
    if not keys.get("workspace_name"):
        raise UserErrorException(
            f'{where} has no "workspace_name"; its keys are: {shorten(", ".join(map(str, keys)) or "none")}. Add "workspace_name": "NAME"'
        )
    return WorkspaceConfig(keys, _root(keys, file, where))


def _with_scope(keys: dict[str, Any]) -> dict[str, Any]:
    """Take the three keys out of an ARM id, as SDK v1's first config files had it."""
    parts = str(keys.get("Scope") or "").strip("/").split("/")
    found = {parts[index].lower(): parts[index + 1] for index in range(0, len(parts) - 1, 2)}
    if "workspaces" not in found:
        return keys
    return {
        "subscription_id": found.get("subscriptions"),
        "resource_group": found.get("resourcegroups"),
        "workspace_name": found["workspaces"],
        **keys,
    }


def _root(keys: dict[str, Any], file: Path, where: str) -> str:
    root = keys.get("root")
    if root is None:
        return default_root(keys["workspace_name"], home())
    if not root.strip() or not root.isprintable():
        raise UserErrorException(f'{where}: "root" is {shorten(repr(root))}; give a folder or a URL, or leave it out')
    if len(urlsplit(root).scheme) > 1:
        return str(root)
    # A path is relative to the project: the folder of config.json, or the one that holds .azureml.
    project = file.parent.parent if file.parent.name in {CONFIG_FOLDER, "aml_config"} else file.parent
    return folder_url((project / Path(root).expanduser()).resolve())
