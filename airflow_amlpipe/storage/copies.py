"""How do single files get from a folder of this machine to a datastore, and back?

For files that nobody has identified: no manifest says what they are. Inputs of steps go through ``workspace/staging.py``.
"""

from __future__ import annotations

import filecmp
import os
import shutil
import stat
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path

from airflow_amlpipe.exceptions import DefinitionError, SourceChangedError, shorten
from airflow_amlpipe.fingerprint.content import hash_file
from airflow_amlpipe.fingerprint.pattern import is_pattern, split_pattern
from airflow_amlpipe.storage.store import OnProgress, Store

__all__ = ["checked", "copy_plain", "data_files", "fetch_file", "put_file"]


def data_files(store: Store, path: str) -> list[tuple[str, str]]:
    """Return the files that a path or glob names as (path in the store, path below what was named), sorted; empty if there are none."""
    names = store.match(path) if path else store.match("**")
    if path and not is_pattern(path):
        # Only a path that names itself can be a folder's.
        names = store.match(f"{path.rstrip('/')}/**") or names
    root = split_pattern(path.strip("/"))[0]
    return sorted((name, _relative(name, root)) for name in names)


def copy_plain(source: Path, target: Path, within: Path | None = None) -> None:
    """Copy a local file.

    :param within: a folder that the file has to lie in, without being a link, at the moment it is open; for files that a stranger can exchange
    :raises DefinitionError: it does not
    """
    if within is None:
        shutil.copyfile(source, target)
        return
    refusal = f"{shorten(repr(source.name))} cannot be sent along: it is a link, or neither file nor folder"
    try:
        descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise DefinitionError(refusal) from error
    with os.fdopen(descriptor, "rb") as file:
        # A folder above it may have become a link, too: what counts is where the open file lies.
        is_within = Path(os.readlink(f"/proc/self/fd/{descriptor}")).is_relative_to(within.resolve())
        if not stat.S_ISREG(os.fstat(descriptor).st_mode) or not is_within:
            raise DefinitionError(refusal)
        with target.open("wb") as copied:
            shutil.copyfileobj(file, copied)


def put_file(store: Store, source: Path, target: str, *, within: Path | None = None) -> None:
    """Copy a local file to ``target``, replacing what is there in one step; the same bytes stay as they are.

    Most object stores give every upload a new version, and what reads another version runs again: scripts that upload whenever they run
    would never find a result.

    :param within: see :func:`copy_plain`
    """
    with tempfile.TemporaryDirectory() as folder:
        copied = Path(folder, "upload")
        copy_plain(source, copied, within)
        if not store.exists(target):
            store.ingest(copied, target)
            return
        if _holds(store, target, copied, Path(folder, "there")):
            return
        beside = f"{target}.upload-{uuid.uuid4().hex}"
        store.ingest(copied, beside)
        store.replace(beside, target)
        store.remove_tree(beside)


def fetch_file(store: Store, name: str, target: Path, *, overwrite: bool, check: Callable[[], None] | None = None) -> bool:
    """Copy a file of a datastore to ``target``; ``False`` if something is there and is left.

    :param check: called now and then meanwhile; an error that it raises ends the copy, and is raised here
    """
    target = target.absolute()
    if target.exists():
        if not overwrite:
            return False
        target.unlink()
    target.parent.mkdir(parents=True, exist_ok=True)
    store.fetch(name, target, on_progress=checked(check))
    return True


def checked(check: Callable[[], None] | None) -> OnProgress | None:
    """Return what a store reports to that has nobody to tell, and only asks whether it is to go on."""
    return None if check is None else lambda _files, _size_bytes: check()


def _holds(store: Store, name: str, content: Path, aside: Path) -> bool:
    """Whether a file of a datastore has these bytes; where versions identify data, one of another size is not read."""
    identity = store.identify(name)
    if identity.file_count != 1 or identity.size_bytes != content.stat().st_size or not identity.manifest().is_file:
        return False
    if store.identifies_content:
        return identity.manifest().files[0].sha256 == hash_file(str(content))[0]
    try:
        store.fetch(name, aside)
    except SourceChangedError:
        return False  # written to since it was looked at: it is replaced
    return filecmp.cmp(content, aside, shallow=False)


def _relative(file: str, root: str) -> str:
    return file.rpartition("/")[2] if file == root else file.removeprefix(f"{root}/") if root else file
