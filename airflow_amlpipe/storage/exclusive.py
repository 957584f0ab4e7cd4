"""How is a file created on a local file system so that it is there whole or not at all, and only once?

Written under a name of its own in the same folder, forced to disk, then given its real name by ``link``, which fails if that name
exists; then the folder is forced to disk. A process killed at any point leaves at most the file with the other name
(``.amlpipe-tmp-...``), which nobody reads. Opening with ``O_EXCL`` would not do: readers would see it half written.
"""

from __future__ import annotations

import contextlib
import errno
import os
import uuid
from collections.abc import Callable

from airflow_amlpipe.exceptions import CommitUnknownError, shorten
from airflow_amlpipe.fingerprint.scan import UNFINISHED
from airflow_amlpipe.storage.crash_points import crash_point
from airflow_amlpipe.storage.renaming import rename_if_absent

__all__ = ["create_whole", "make_folders", "replace_whole", "sync_folder", "temporary_name", "write_all"]

_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK}
# The server was asked and did not answer: it may have done it, or may still do it.
_NO_ANSWER = {errno.EIO, errno.ETIMEDOUT, errno.ESTALE, errno.ECONNRESET, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.EINTR}


def create_whole(path: str, body: bytes, *, durable: bool, makes_folders: bool = True) -> bool:
    """Create the file ``path`` unless it exists; see ``Store.create_exclusive``.

    :param makes_folders: whether folders are made as needed
    :raises FileNotFoundError: the folder is not there, and is not to be made
    :raises CommitUnknownError: a network file system did not say whether it did
    :raises OSError: it certainly was not created
    """
    if os.path.lexists(path):
        return False
    return _written(path, body, durable, lambda aside: _claim(aside, path), makes_folders=makes_folders)


def replace_whole(path: str, body: bytes, *, durable: bool) -> None:
    """Write the file ``path`` whole, in place of the one that was there.

    :raises OSError: it was not written
    """

    def move(aside: str) -> bool:
        os.replace(aside, path)
        return True

    _written(path, body, durable, move)


def temporary_name(path: str) -> str:
    """Return a name next to ``path`` that nobody else uses and no reader takes for data."""
    return os.path.join(os.path.dirname(path), f"{UNFINISHED}{uuid.uuid4().hex}")


def make_folders(folder: str, *, durable: bool) -> None:
    """Make ``folder`` and those above it that are missing."""
    missing = []
    while not os.path.isdir(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    for name in reversed(missing):
        with contextlib.suppress(FileExistsError):
            os.mkdir(name)
        if durable:
            sync_folder(os.path.dirname(name))


def sync_folder(folder: str) -> None:
    """Force the names in ``folder`` to disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_all(descriptor: int, body: bytes) -> None:
    """Write ``body`` to ``descriptor``, however many calls that takes."""
    view = memoryview(body)
    while view:
        view = view[os.write(descriptor, view) :]


def _written(path: str, body: bytes, durable: bool, move: Callable[[str], bool], *, makes_folders: bool = True) -> bool:
    aside = temporary_name(path)
    try:
        descriptor = _opened(aside, durable, makes_folders=makes_folders)
        try:
            crash_point("object-opened")
            write_all(descriptor, body)
            if durable:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        crash_point("object-written")
        is_ours = move(aside)
        crash_point("object-named")
    finally:
        with contextlib.suppress(OSError):
            os.unlink(aside)
    if durable and is_ours:
        try:
            sync_folder(os.path.dirname(path))
        except OSError as error:
            raise CommitUnknownError(
                f"{shorten(path)} was written, but the disk did not confirm it ({error.strerror}); nothing was deleted, run again to find out"
            ) from error
    return is_ours


def _opened(aside: str, durable: bool, *, makes_folders: bool) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        return os.open(aside, flags, 0o666)
    except FileNotFoundError:
        if not makes_folders:
            raise
        make_folders(os.path.dirname(aside), durable=durable)
        return os.open(aside, flags, 0o666)


def _claim(aside: str, path: str) -> bool:
    try:
        os.link(aside, path)
    except OSError as error:
        # A network file system may have made the link and lost its answer, so that a second try found our own file.
        if _is_same(aside, path):
            return True
        if isinstance(error, FileExistsError):
            return False
        if error.errno in _NO_LINKS:
            return _claim_by_rename(aside, path, error)
        if error.errno in _NO_ANSWER:
            raise CommitUnknownError(
                f"nobody can say whether {shorten(path)} was created ({error.strerror}); nothing was deleted, run again to find out"
            ) from error
        raise
    return True


def _claim_by_rename(aside: str, path: str, refusal: OSError) -> bool:
    # File systems without hard links (exFAT, some mounts of object stores).
    try:
        if rename_if_absent(aside, path):
            return True
    except FileExistsError:
        return False
    raise OSError(
        refusal.errno, "this file system can neither link nor rename without replacing; keep workspaces on one that can", path
    ) from refusal


def _is_same(first: str, second: str) -> bool:
    try:
        return os.path.samestat(os.lstat(first), os.lstat(second))
    except OSError:
        return False
