"""How does a file that comes over a network in one stream become a local file that is whole and what it should be, or none?

It is written under a name of its own, hashed on the way, and renamed when it is complete and checked.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Callable

from airflow_amlpipe.exceptions import SourceChangedError, shorten
from airflow_amlpipe.fingerprint.content import hash_file
from airflow_amlpipe.storage.exclusive import temporary_name, write_all
from airflow_amlpipe.storage.transfer import FileCopy

__all__ = ["has_arrived", "receive"]


def has_arrived(file: FileCopy) -> bool:
    """Whether ``file`` is there already with the hash that it should have."""
    if file.sha256 is None:
        return False
    try:
        status = os.lstat(file.target)
        return stat.S_ISREG(status.st_mode) and status.st_size == file.size and hash_file(file.target)[0] == file.sha256
    except (OSError, SourceChangedError):
        return False


def receive(file: FileCopy, send: Callable[[Callable[[bytes], None]], object]) -> None:
    """Make ``file.target`` of the blocks that ``send`` hands to the function it is given. A link in its place goes; none is written through.

    :raises SourceChangedError: what came has not the size, or not the hash, that ``file`` says
    :raises OSError: it could not be written
    """
    found, size = hashlib.sha256(), 0
    aside = temporary_name(file.target)
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)

    def take(block: bytes) -> None:
        nonlocal size
        write_all(descriptor, block)
        found.update(block)
        size += len(block)

    try:
        try:
            send(take)
        finally:
            os.close(descriptor)
        if size != file.size or file.sha256 not in {None, found.hexdigest()}:
            raise SourceChangedError(
                f"{shorten(repr(file.name or file.source))} is not what it was when it was identified; run again when nobody writes to it"
            )
        os.rename(aside, file.target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(aside)
        raise
