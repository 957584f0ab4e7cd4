"""How do the files of an input reach the private folder of a try, whole and as they were identified?

File by file, each under its own name only when it is whole (``Store.fetch``). What a store could not hand over in one go is asked for
again and goes on where it stopped. Nothing outlives the try that staged it: the next one has a folder of its own and begins anew.
"""

from __future__ import annotations

import errno
import shutil
import threading
import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from airflow_amlpipe.exceptions import DatastoreUnavailableError, DefinitionError, SourceChangedError, shorten
from airflow_amlpipe.fingerprint.scan import UNFINISHED
from airflow_amlpipe.fingerprint.tree import TreeManifest
from airflow_amlpipe.storage.crash_points import crash_point
from airflow_amlpipe.storage.store import OnProgress, Store
from airflow_amlpipe.workspace.inputs import InputPart, ResolvedInput
from airflow_amlpipe.workspace.progress import Say, readable_size, told_of
from airflow_amlpipe.workspace.queries import ROWS_FILE
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["fetch_input", "place_of", "place_of_nothing"]

# A store's own client has tried again already: what is left are outages that take seconds.
_PAUSES_SECONDS = (1.0, 5.0)
_DISK_FULL = {errno.ENOSPC, errno.EDQUOT}


def fetch_input(
    workspace: WorkspaceStore,
    resolved: ResolvedInput,
    target: Path,
    *,
    say: Say | None = None,
    pause: Callable[[float], None] = time.sleep,
    check: Callable[[], None] | None = None,
    keeps: bool = False,
) -> Path:
    """Put a private copy of the input's files below ``target`` and return the path that the script is given: a folder, or the one file.

    What arrives is compared with what was identified.

    :param say: told of a transfer that takes long, and of one that had to be tried again
    :param keeps: whether what has arrived stays when something could not be read, for another call that goes on with it
    :param check: called after each file, and now and then within a large one; an error that it raises ends the transfer, and is raised here
    :raises DefinitionError: two files have names that are one on this machine's file system
    :raises SourceChangedError: the data changed in between; run again when it is at rest
    :raises DatastoreUnavailableError: it could not be read, or there is no room for it; what had arrived is removed, but see ``keeps``
    """
    if resolved.rows is not None:
        return resolved.rows.put(target / ROWS_FILE)
    if resolved.empty_place is not None:
        if say is not None:
            say(f"WARNING: {resolved.warning}")
        target.mkdir(parents=True, exist_ok=True)
        return place_of_nothing(resolved, target)
    where = f"input {resolved.name!r}"
    files, size = sum(part.file_count for part in resolved.parts), sum(part.size_bytes for part in resolved.parts)
    stores = " and ".join(repr(name) for name in dict.fromkeys(part.datastore for part in resolved.parts))
    place = target
    with told_of(where, f"copied from datastore {stores}", files, size, say) as on_progress:
        for part in resolved.parts:
            manifest = workspace.get_manifest(part.digest)
            place = place_of(part, manifest, target)
            place.parent.mkdir(parents=True, exist_ok=True)
            _refuse_clash(where, manifest, place.parent)
            if not manifest.is_file:
                # Made before, so that a store which fails leaves in it what has arrived.
                place.mkdir(parents=True, exist_ok=True)
            try:
                _Fetching(workspace.datastores.open(part.datastore), part.path, place, manifest, on_progress, check).run(where, say, pause)
            except FileNotFoundError as error:
                shutil.rmtree(target, ignore_errors=True)
                raise SourceChangedError(
                    f"{where}: what was at {shorten(repr(part.path))} on datastore {part.datastore!r} is gone, it was deleted after it had been "
                    "identified; submit the run again, and the step that wrote it is computed anew"
                ) from error
            except DatastoreUnavailableError as error:
                is_full = _is_disk_full(error)
                if is_full or not keeps:
                    shutil.rmtree(target, ignore_errors=True)
                if is_full:
                    raise _no_room(where, size, target, error) from error
                raise
            crash_point("input-staged")
    return place if resolved.is_file else target


def place_of_nothing(resolved: ResolvedInput, target: Path) -> Path:
    """Return the path below ``target`` that a script is given for a place where nothing lies: called like it, and not there."""
    name = "" if resolved.empty_place is None else resolved.empty_place.path.strip("/").rpartition("/")[2]
    return target / (name or "empty")


def place_of(part: InputPart, manifest: TreeManifest, target: Path) -> Path:
    """Return where a part of the input that is put at ``target`` goes."""
    place = target / part.prefix if part.prefix else target
    # A file lands below the input's folder under its own name, so that scripts which look at the name find it.
    return place / manifest.files[0].path if manifest.is_file else place


@dataclass
class _Fetching:
    """One part of an input, on its way; tried again it goes on where it stopped."""

    store: Store
    path: str
    place: Path
    manifest: TreeManifest
    on_progress: OnProgress | None
    check: Callable[[], None] | None = None
    _told: tuple[int, int] = (0, 0)

    def run(self, where: str, say: Say | None, pause: Callable[[float], None]) -> None:
        for seconds in _PAUSES_SECONDS:
            try:
                self._fetch()
            except DatastoreUnavailableError as error:
                if _is_disk_full(error):
                    raise
                if say is not None:
                    say(f"{where}: {error}; what is missing is asked for again in {seconds:g} s")
            else:
                return
            pause(seconds)
        self._fetch()

    def _fetch(self) -> None:
        if self.on_progress is not None and self._told != (0, 0):
            # What is there already is told again.
            self.on_progress(-self._told[0], -self._told[1])
        self._told = (0, 0)
        self.store.fetch(
            self.path, self.place, self.manifest, on_progress=None if self.on_progress is None and self.check is None else self._tell
        )

    def _tell(self, files: int, size_bytes: int) -> None:
        with _TELLING:
            self._told = (self._told[0] + files, self._told[1] + size_bytes)
        if self.on_progress is not None:
            self.on_progress(files, size_bytes)
        if self.check is not None:
            self.check()


_TELLING = threading.Lock()


def _is_disk_full(error: BaseException) -> bool:
    cause = error.__cause__
    return isinstance(cause, OSError) and cause.errno in _DISK_FULL


def _no_room(where: str, size_bytes: int, target: Path, error: DatastoreUnavailableError) -> DatastoreUnavailableError:
    free = shutil.disk_usage(target.parent).free
    return DatastoreUnavailableError(
        f"{where} needs {size_bytes} bytes ({readable_size(size_bytes)}) at {shorten(str(target))}, where {readable_size(free)} are free; "
        f"what had arrived was removed, free some space there or set AMLPIPE_HOME to a folder with more, and run again ({error})"
    )


def _refuse_clash(where: str, manifest: TreeManifest, folder: Path) -> None:
    """Refuse two files whose names are one name for the file system of ``folder``, before one takes the place of the other."""
    seen: dict[tuple[str, str], str] = {}
    for path in _names(manifest):
        above, _, name = path.rpartition("/")
        other = seen.setdefault((above, unicodedata.normalize("NFC", name).casefold()), name)
        if other != name and _are_one(folder, other, name):
            raise DefinitionError(
                f"{where}: {shorten(repr(path))} and {shorten(repr(other))} differ only in case or accents' encoding, and the file system of "
                f"{shorten(str(folder))} cannot hold both; rename one, or set AMLPIPE_HOME to a folder of another file system"
            )


def _names(manifest: TreeManifest) -> list[str]:
    """Return every file and folder of a tree, each once, sorted."""
    found = {file.path for file in manifest.files}
    waiting = {path.rpartition("/")[0] for path in found} | set(manifest.empty_folders)
    while waiting - found - {""}:
        found |= waiting - {""}
        waiting = {path.rpartition("/")[0] for path in waiting}
    return sorted(found)


def _are_one(folder: Path, first: str, second: str) -> bool:
    """Whether the file system of ``folder`` takes two names for one."""
    asked = folder / f"{UNFINISHED}{uuid4().hex}"
    asked.mkdir(mode=0o700)
    try:
        (asked / first).mkdir()
        return (asked / second).exists()
    finally:
        shutil.rmtree(asked, ignore_errors=True)
