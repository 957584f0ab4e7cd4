"""What is in a file that may be written to while we read it?"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable

from airflow_amlpipe.exceptions import SourceChangedError, shorten

__all__ = ["hash_file", "newest_of", "size_of", "stat_token"]

_BLOCK = 1 << 20
_TRIES = 2
# O_NONBLOCK: a FIFO put in the file's place must not hold us up. O_NOFOLLOW: links were resolved before.
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


def stat_token(status: os.stat_result) -> str:
    """Return what changes with every write to a file: size, mtime, ctime (which nobody can set back), inode and device.

    A writer that keeps a file mapped may change it up to some seconds before the kernel says so; no stat can show that.
    """
    return f"{status.st_size}/{status.st_mtime_ns}/{status.st_ctime_ns}/{status.st_ino}/{status.st_dev}"


def size_of(token: str) -> int:
    """Return the size in a stat token."""
    return int(token.partition("/")[0])


def newest_of(token: str) -> int:
    """Return the later of mtime and ctime in a stat token, in ns."""
    _, modified, changed, _ = token.split("/", 3)
    return max(int(modified), int(changed))


def hash_file(path: str, *, watch: Callable[[bytes], object] | None = None) -> tuple[str, str]:
    """Return the SHA-256 of the file ``path`` and the stat token it had before and after it was read.

    :param watch: receives every block that was read, for one reading only: then a change is an error at once
    :raises SourceChangedError: it changed while it was read, twice in a row, or is no regular file any more
    :raises OSError: it cannot be read
    """
    for _ in range(_TRIES if watch is None else 1):
        descriptor = os.open(path, _FLAGS)
        try:
            before = os.fstat(descriptor)
            if not stat.S_ISREG(before.st_mode):
                break
            sha256 = _read(descriptor, before.st_size, watch)
            token = stat_token(os.fstat(descriptor))
        finally:
            os.close(descriptor)
        if token == stat_token(before):
            return sha256, token
    raise SourceChangedError(
        f"{shorten(repr(path))} changed while it was being read; nothing was recorded, run again when nobody writes to it"
    )


def _read(descriptor: int, size: int, watch: Callable[[bytes], object] | None) -> str:
    if size < _BLOCK and watch is None:
        # One byte more than there should be: a file that grew shows in its token.
        return hashlib.sha256(os.read(descriptor, size + 1)).hexdigest()
    found = hashlib.sha256()
    while block := os.read(descriptor, _BLOCK):
        found.update(block)
        if watch is not None:
            watch(block)
    return found.hexdigest()
