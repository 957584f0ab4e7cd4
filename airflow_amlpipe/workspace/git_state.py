"""Which commit was this code at when it was submitted, or when a step of a DAG file ran?"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

__all__ = ["git_state", "without_credentials"]

_SECONDS = 2.0


def git_state(folder: Path) -> dict[str, Any] | None:
    """Return commit, branch (``None`` when detached), whether files differ from the commit, and the remote without credentials.

    ``None`` if the folder is in no repository, there is no git, or it does not answer at once: nobody waits for it.
    """
    # One call says commit, branch and what differs; --no-optional-locks leaves other people's git alone.
    answer = _git(folder, "--no-optional-locks", "status", "--porcelain=v2", "--branch", "--untracked-files=normal", "--", ".")
    if answer is None:
        return None
    facts: dict[str, str] = {}
    is_dirty = False
    for line in answer.splitlines():
        if line.startswith("# "):
            name, _, value = line[2:].partition(" ")
            facts[name] = value
        else:
            is_dirty = True
    commit, branch = facts.get("branch.oid"), facts.get("branch.head")
    remote = _git(folder, "config", "--get", "remote.origin.url")
    return {
        "commit": None if commit in {None, "(initial)"} else commit,
        "branch": None if branch in {None, "(detached)"} else branch,
        "dirty": is_dirty,
        "remote": without_credentials(remote.strip()) if remote and remote.strip() else None,
    }


def without_credentials(remote: str) -> str:
    """Return a remote's address without user, password, query and fragment; ``git@host:path`` has no secret and stays."""
    if "://" not in remote:
        return remote
    parts = urlsplit(remote)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, text=True, errors="replace", timeout=_SECONDS, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
