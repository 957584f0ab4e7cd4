"""Is an output still what was written, and what it is linked to what it was, and if not, which file says so?

One listing of its place, or the hashes of its files through the memo: whatever its store identifies data by.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from airflow_amlpipe.exceptions import DefinitionError, ProtocolError, shorten
from airflow_amlpipe.fingerprint.memo import HashMemo
from airflow_amlpipe.fingerprint.tree import TreeFile, TreeIdentity, TreeManifest
from airflow_amlpipe.reuse.result import LinkedPlace, StoredOutput
from airflow_amlpipe.reuse.told import NOTHING, Change
from airflow_amlpipe.storage.store import Store
from airflow_amlpipe.workspace.data_paths import identify_path

__all__ = ["find_link_change", "find_output_problem"]


def find_output_problem(
    store: Store, output: StoredOutput, get_manifest: Callable[[str], TreeManifest], memo: HashMemo | None
) -> str | None:
    """Return what is wrong with an output, naming the first file that is; ``None`` if it is as it was written.

    :param get_manifest: returns the list of files behind a digest, or raises ``ProtocolError``
    :raises DatastoreUnavailableError: nobody can say
    """
    where = f"output {output.name!r} at {output.path!r} on datastore {output.datastore!r}"
    try:
        found = store.identify(output.path, memo)
    except FileNotFoundError:
        # Where a folder is there through its files, one without files leaves no trace.
        return None if output.witness is not None and not output.file_count else f"{where} is gone"
    except (DefinitionError, ProtocolError) as error:
        return f"{where} is not what was written: {error}"
    if found.digest == output.witness or found.called(output.name).digest == output.digest:
        return None
    return f"{where} was altered: {_difference(output, found, get_manifest)}"


def find_link_change(store: Store | None, output: StoredOutput, place: LinkedPlace, memo: HashMemo | None) -> Change | None:
    """Return how data that an output is linked to differs from what it was when the output was stored; ``None`` if it does not.

    :param store: of the datastore that the data lies on; ``None`` where that is registered no more
    :raises DatastoreUnavailableError: nobody can say
    """
    now, where = NOTHING, f"{shorten(repr(place.path))} on datastore {place.datastore!r}"
    if store is None:
        where += ", which is not registered any more"
    else:
        try:
            _, _, found = identify_path(store, place.path, memo)
        except (DefinitionError, ProtocolError) as error:
            now = f"no data any more ({error})"
        else:
            if found is not None and place.digest in {None, found.digest}:
                return None
            if found is not None:
                now = f"other data ({found.file_count} files of {found.size_bytes} bytes)"
    return Change("link", f"what output {output.name!r} is linked to, {where}", "data", now)


def _difference(output: StoredOutput, found: TreeIdentity, get_manifest: Callable[[str], TreeManifest]) -> str:
    counts = f"{found.file_count} files of {found.size_bytes} bytes, written were {output.file_count} of {output.size_bytes}"
    try:
        written = get_manifest(output.witness or output.digest)
    except ProtocolError:
        return counts
    before, after = _by_path(written), _by_path(found.manifest())
    for path in sorted({*before, *after}):
        was, now = before.get(path), after.get(path)
        shown = shorten(repr(path or output.name))
        if was is None or now is None:
            return f"{shown} {'is gone' if now is None else 'was added'}; there are {counts}"
        if was.size != now.size:
            return f"{shown} has {now.size} bytes, written were {was.size}"
        if was.sha256 != now.sha256 or was.version != now.version:
            return f"{shown} has other content of the same size" if now.sha256 else f"{shown} was written again"
    return counts


def _by_path(manifest: TreeManifest) -> dict[str, TreeFile]:
    # What a single file is called is no content: its place may be named after a run.
    return {"" if manifest.is_file else file.path: replace(file, path="") for file in manifest.files}
