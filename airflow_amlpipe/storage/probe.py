"""Does this store really refuse to create what exists?

Some S3-compatible servers and emulators accept the condition and ignore it; records of two writers would replace each other there without
a word. So the first record that a process creates on a store is preceded by an attempt to create one probe object, which whoever came
first has created; in a new store it is created, and then once more.
"""

from __future__ import annotations

from collections.abc import Callable

from airflow_amlpipe.exceptions import DefinitionError, shorten

__all__ = ["PROBE", "require_exclusive"]

PROBE = ".amlpipe/v1/probe.json"
_BODY = b'{"what": "created twice to find out whether this store refuses to create what exists"}\n'
# Stores that this process knows to refuse.
_known: set[str] = set()


def require_exclusive(url: str, create: Callable[[str, bytes], bool]) -> None:
    """Make sure that ``create`` on the store ``url`` refuses what exists; asks once a process.

    :raises DefinitionError: it does not: this store can hold data, but no workspace
    :raises DatastoreUnavailableError: it could not be found out
    :raises CommitUnknownError: it could not be found out
    """
    if url in _known:
        return
    if create(PROBE, _BODY) and create(PROBE, _BODY):
        raise DefinitionError(
            f"the store {shorten(url)} cannot hold a workspace: it was asked to create {PROBE!r} only if it is absent, and replaced it; "
            "keep the workspace on another store or a folder, and register this one as a datastore: data on it is fine"
        )
    _known.add(url)
