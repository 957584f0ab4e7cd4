"""Which data is at a place in a bucket?

One listing says it: names, sizes and versions. Nothing is read.
"""

from __future__ import annotations

from collections.abc import Iterable

from airflow_amlpipe.exceptions import DefinitionError, shorten
from airflow_amlpipe.fingerprint.pattern import PathPattern
from airflow_amlpipe.fingerprint.scan import UNFINISHED
from airflow_amlpipe.fingerprint.tree import TreeFile, TreeIdentity, TreeManifest
from airflow_amlpipe.storage.object_client import Found, ObjectClient

__all__ = ["find_tree", "identity_of", "list_files"]


def find_tree(client: ObjectClient, key: str, pattern: PathPattern | None = None) -> TreeManifest | None:
    """Return what is at ``key``, a folder or one object, ``None`` if nothing is; with a ``pattern``, what it names below ``key``.

    :raises DefinitionError: an object is called as a folder is, so that they could not lie side by side on a disk
    """
    files = list_files(client, key)
    if files:
        named = (file for file in files if pattern is None or pattern.matches(file.path))
        return TreeManifest(tuple(named))
    found = client.find(key) if key and pattern is None else None
    return None if found is None else TreeManifest((_file(found, key.rpartition("/")[2]),), is_file=True)


def list_files(client: ObjectClient, key: str) -> list[TreeFile]:
    """Return every object below the folder ``key``.

    :raises DefinitionError: one is called as a folder is
    """
    start = len(key) + 1 if key else 0
    listed = [(found, found.key[start:].strip("/")) for found in client.below(key)]
    # Without a name: what a console made to show this very folder.
    files = [_file(found, path) for found, path in listed if path and not any(part.startswith(UNFINISHED) for part in path.split("/"))]
    return _without_markers(client, key, files)


def identity_of(manifest: TreeManifest) -> TreeIdentity:
    """Return the identity of what ``manifest`` lists."""
    return TreeIdentity(manifest.digest, len(manifest.files), manifest.size_bytes, lambda: manifest)


def _file(found: Found, path: str) -> TreeFile:
    return TreeFile(path, found.size, version=found.version)


def _without_markers(client: ObjectClient, key: str, files: Iterable[TreeFile]) -> list[TreeFile]:
    """Leave out the empty objects that consoles and Azure's drivers make to show a folder."""
    folders: set[str] = set()
    listed = list(files)
    for file in listed:
        folder = file.path.rpartition("/")[0]
        while folder and folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    kept = []
    for file in listed:
        if file.path not in folders:
            kept.append(file)
        elif file.size:
            shown = f"{client.shown(key)}/{file.path}".lstrip("/")
            raise DefinitionError(
                f"datastore {shorten(client.place.url)}: {shorten(repr(shown))} is an object, and other objects lie below it as in a folder; "
                "no disk can hold both, rename one"
            )
    return kept
