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
from airflow_amlpipe.storage.store import OnProgress

__all__ = ["has_arrived", "receive"]


def has_arrived(target: str, size: int, sha256: str | None) -> bool:
    """Whether the file ``target`` is there already with the hash that it should have."""
    if sha256 is None:
        return False
    try:
        status = os.lstat(target)
        return stat.S_ISREG(status.st_mode) and status.st_size == size and hash_file(target)[0] == sha256
    except (OSError, SourceChangedError):
        return False


def receive(
    target: str,
    name: str,
    send: Callable[[Callable[[bytes], None]], object],
    *,
    size: int | None,
    sha256: str | None,
    on_progress: OnProgress | None = None,
) -> int:
    """Make the file ``target`` of the blocks that ``send`` hands to the function it is given, and return its size.

    A link in its place goes; nothing is written through it.

    :param name: of the file, for messages
    :param size: what it should have, if that is known
    :param sha256: what it should be, if that is known
    :raises SourceChangedError: what came is something else
    :raises OSError: it could not be written
    """
    found, length = hashlib.sha256(), 0
    aside = temporary_name(target)
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)

    def take(block: bytes) -> None:
        nonlocal length
        write_all(descriptor, block)
        found.update(block)
        length += len(block)
        if on_progress is not None:
            on_progress(0, 0)

    try:
        try:
            send(take)
        finally:
            os.close(descriptor)
        if size not in {None, length} or sha256 not in {None, found.hexdigest()}:
            raise SourceChangedError(f"{shorten(repr(name))} is not what it was when it was identified; run again when nobody writes to it")
        os.rename(aside, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(aside)
        raise
    return length
