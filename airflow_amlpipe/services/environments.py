"""Which environments are built on this machine, and how are they built ahead of time or removed?"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airflow_amlpipe.compute.environments import prepare_environment
from airflow_amlpipe.exceptions import DefinitionError, UnknownNameError, shorten
from airflow_amlpipe.hooks.opening import open_workspace
from airflow_amlpipe.settings import Settings
from airflow_amlpipe.spec.environment import EnvironmentSpec

__all__ = ["list_environments", "prepare_now", "prepare_registered", "remove_environments"]

_READY = "amlpipe-environment.json"
_SHORTEST_PREFIX = 4


def list_environments(home: Path) -> list[dict[str, Any]]:
    """Return the environments that are built below ``home``, by name and digest; one whose build did not end is ``ready`` false."""
    folder = home / "environments"
    if not folder.is_dir():
        return []
    found = [_describe(entry) for entry in folder.iterdir() if entry.is_dir()]
    return sorted(found, key=lambda item: (item["name"], item["digest"]))


def prepare_registered(workspace: str, name: str, *, home: Path, say: Callable[[str], None], version: int | None = None) -> str:
    """Build a registered environment now and return its interpreter; at once if it is built.

    :raises UnknownNameError: no such environment is registered
    :raises EnvironmentBuildError: it cannot be installed as it is written
    """
    return prepare_now(open_workspace(workspace, home=home).environments.get(name, version), home=home, say=say)


def prepare_now(spec: EnvironmentSpec, *, home: Path, say: Callable[[str], None]) -> str:
    """Build an environment now and return its interpreter; at once if it is built.

    :raises EnvironmentBuildError: it cannot be installed as it is written
    """
    settings = Settings.load()
    return prepare_environment(
        spec,
        home=home,
        say=say,
        conda_packages_from_pypi=settings.conda_packages_from_pypi,
        python_downloads=settings.python_downloads,
    ).python


def remove_environments(home: Path, digests: Iterable[str] | None) -> list[dict[str, Any]]:
    """Delete built environments, by the beginnings of their digests or all of them (``None``), and return what they were.

    The lock file of each stays: somebody may be building the same environment anew under it.

    :raises UnknownNameError: none has such a digest
    :raises DefinitionError: several begin so, or the beginning is too short
    """
    built = list_environments(home)
    chosen = built if digests is None else [_chosen(built, text) for text in digests]
    for item in chosen:
        shutil.rmtree(item["path"], ignore_errors=True)
    return chosen


def _chosen(built: list[dict[str, Any]], text: str) -> dict[str, Any]:
    found = [item for item in built if item["digest"].startswith(text)]
    if not found:
        known = ", ".join(f"{item['digest'][:12]} ({item['name']})" for item in built) or "none"
        raise UnknownNameError(
            f"no built environment has a digest that begins with {shorten(repr(text))}; there are: {shorten(known, 300)}"
        )
    if len(found) > 1:
        known = ", ".join(item["digest"][:12] for item in found)
        raise DefinitionError(
            f"{len(found)} digests begin with {shorten(repr(text))}: {shorten(known, 300)}; give more of the one you mean"
        )
    if len(text) < _SHORTEST_PREFIX:
        raise DefinitionError(
            f"{shorten(repr(text))} is too short to remove an environment by: give at least {_SHORTEST_PREFIX} characters of its digest, "
            f"as in {found[0]['digest'][:12]}"
        )
    return found[0]


def _describe(folder: Path) -> dict[str, Any]:
    try:
        note = json.loads((folder / _READY).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        note = {}
    used = max((folder / "bin" / "python").lstat().st_atime if (folder / "bin" / "python").exists() else 0.0, note.get("built_at", 0.0))
    requirements = [*note.get("requirements", ()), *note.get("conda", ())]
    return {
        "name": note.get("name") or ", ".join(requirements) or "(not finished)",
        "digest": folder.name,
        "ready": bool(note),
        "python": note.get("python"),
        "requirements": requirements,
        "size_bytes": _size_of(folder),
        "last_used_at": datetime.fromtimestamp(used, UTC).isoformat(timespec="seconds") if used else None,
        "path": str(folder),
    }


def _size_of(folder: Path) -> int:
    """Return what deleting the folder frees: a file with several links is not freed by it."""
    total = 0
    for root, _, files in os.walk(folder):
        for name in files:
            stat = os.lstat(os.path.join(root, name))  # tens of thousands of files
            total += stat.st_size if stat.st_nlink == 1 else 0
    return total
