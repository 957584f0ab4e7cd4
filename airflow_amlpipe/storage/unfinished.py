"""Which writes were begun and never finished? Files and folders whose names no reader takes for data; only a killed process leaves one."""

from __future__ import annotations

import os
from dataclasses import dataclass

from airflow_amlpipe.exceptions import DatastoreUnavailableError, shorten
from airflow_amlpipe.fingerprint.scan import UNFINISHED
from airflow_amlpipe.storage.store import Store

__all__ = ["UnfinishedWrite", "unfinished_writes"]


@dataclass(frozen=True, slots=True)
class UnfinishedWrite:
    """What a killed process left.

    :ivar path: below the store's root
    :ivar written: when something was last written to it, in seconds since 1970
    """

    path: str
    size_bytes: int
    written: float


def unfinished_writes(store: Store, folder: str = "") -> list[UnfinishedWrite]:
    """Return the unfinished writes below ``folder``, sorted by path.

    (Stores of objects keep none: an object appears whole or not at all.)

    :raises DatastoreUnavailableError: a folder could not be listed
    """
    root = store.local_path(folder)
    if root is None:
        return sorted((UnfinishedWrite(*left) for left in store.unfinished(folder)), key=lambda item: item.path)
    found = []
    for above, folders, files in os.walk(root, onerror=_unlistable):
        for name in [name for name in (*folders, *files) if name.startswith(UNFINISHED)]:
            place = os.path.join(above, name)
            size, newest = _measured(place)
            if newest is not None:
                shown = os.path.relpath(place, root)
                found.append(UnfinishedWrite(f"{folder}/{shown}" if folder else shown, size, newest))
        folders[:] = [name for name in folders if not name.startswith(UNFINISHED)]
    return sorted(found, key=lambda item: item.path)


def _unlistable(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):  # a folder that went away holds nothing
        raise DatastoreUnavailableError(
            f"could not list {shorten(str(error.filename))}: {error.strerror}; let this user read the folder, and look again"
        ) from error


def _measured(place: str) -> tuple[int, float | None]:
    """Return the size, and when it was last written to; ``None`` if it is gone."""
    size, newest = 0, None
    for above, folders, files in [("", [], [place]), *os.walk(place)]:
        for name in (*folders, *files):
            try:
                status = os.lstat(os.path.join(above, name))
            except OSError:
                continue
            size += 0 if os.path.isdir(os.path.join(above, name)) else status.st_size
            newest = max(newest or 0.0, status.st_mtime, status.st_ctime)
    return size, newest
