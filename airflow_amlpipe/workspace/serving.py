"""Which files of an object store does a script find where an input is mounted, and who reads them?

Exactly those that were identified, each in the version that it had then: a part of a file is asked for with its version, and a store that
has another one by now answers with an error instead of bytes. So nothing has to be looked at again when the script has ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from airflow_amlpipe.exceptions import SourceChangedError, shorten
from airflow_amlpipe.fingerprint.pattern import PathPattern
from airflow_amlpipe.fingerprint.tree import TreeManifest
from airflow_amlpipe.storage.objects import ObjectStore
from airflow_amlpipe.workspace.inputs import InputPart, ResolvedInput
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["ServedFile", "files_of"]


@dataclass(frozen=True, slots=True)
class ServedFile:
    """A file of an input: its path in it, its size, and what returns its bytes from one offset up to another."""

    path: str
    size_bytes: int
    read: Callable[[int, int], bytes]


def files_of(workspace: WorkspaceStore, resolved: ResolvedInput) -> tuple[ServedFile, ...] | str:
    """Return the files of an input, or, as text, why they have to be copied.

    :raises SourceChangedError: the data is not what was identified any more
    :raises DatastoreUnavailableError: the store could not be asked
    """
    found: list[ServedFile] = []
    for part in resolved.parts:
        if part.is_selection:
            return "only some of its files are taken"
        store = workspace.datastores.open(part.datastore)
        if not isinstance(store, ObjectStore):
            return f"datastore {part.datastore!r} is no folder of this machine, and keeps no versions of its files"
        wanted = workspace.get_manifest(part.digest)
        known = part.witness or (part.digest if all(file.version for file in wanted.files) else None)
        if known is None:
            return f"nobody knows which versions of its files on datastore {part.datastore!r} are meant"
        if wanted.empty_folders:
            return f"it has empty folders, which datastore {part.datastore!r} does not keep"
        found += _files(store, resolved.name, part, wanted, known)
    return tuple(found)


def _files(store: ObjectStore, name: str, part: InputPart, wanted: TreeManifest, known: str) -> Iterator[ServedFile]:
    pattern = PathPattern(part.pattern) if part.pattern else None
    try:
        identity = store.identify(part.path, pattern=pattern)
    except FileNotFoundError as error:
        raise SourceChangedError(f"input {name!r}: {shorten(repr(part.path))} on datastore {part.datastore!r} is gone") from error
    if identity.digest != known:
        raise SourceChangedError(
            f"input {name!r}: {shorten(repr(part.path))} on datastore {part.datastore!r} changed since it was identified; "
            "run again when nobody writes to it"
        )
    for file in identity.manifest().files:
        shown = wanted.files[0].path if wanted.is_file else file.path
        place = part.path if wanted.is_file else f"{part.path}/{file.path}".lstrip("/")
        yield ServedFile(f"{part.prefix}/{shown}".lstrip("/"), file.size, partial(store.read_part, place, file))
