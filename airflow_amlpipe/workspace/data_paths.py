"""What lies at a path or glob of a datastore, if anything does?"""

from __future__ import annotations

from airflow_amlpipe.fingerprint.memo import HashMemo
from airflow_amlpipe.fingerprint.pattern import split_pattern
from airflow_amlpipe.fingerprint.tree import TreeIdentity
from airflow_amlpipe.storage.store import Store

__all__ = ["identify_path"]

# ``images/**`` is ``images``: one thing, one identity.
_EVERYTHING = {"**", "**/*"}


def identify_path(store: Store, path: str, memo: HashMemo | None) -> tuple[str, str, TreeIdentity | None]:
    """Return the folder or file that ``path`` begins with, the pattern that follows it (``""`` for none), and the identity of what both name.

    There is none when nothing is there, or nothing that the pattern fits.

    :raises DefinitionError: what is there cannot be data
    :raises DatastoreUnavailableError: nobody can say
    """
    folder, pattern = split_pattern(path.strip("/"))
    if pattern is not None and pattern.text in _EVERYTHING:
        pattern = None
    try:
        found = store.identify(folder, memo, pattern=pattern)
    except FileNotFoundError:
        return folder, "", None
    if pattern is None:
        return folder, "", found
    return folder, pattern.text, found if found.file_count else None
