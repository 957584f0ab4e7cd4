"""What is in a file that may be written to while we read it?"""

from __future__ import annotations

import hashlib
import os
import stat

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


def hash_file(path: str) -> tuple[str, str]:
    """Return the SHA-256 of the file ``path`` and the stat token it had before and after it was read.

    :raises SourceChangedError: it changed while it was read, twice in a row, or is no regular file any more
    :raises OSError: it cannot be read
    """
    for _ in range(_TRIES):
        descriptor = os.open(path, _FLAGS)
        try:
            before = os.fstat(descriptor)
            if not stat.S_ISREG(before.st_mode):
                break
            sha256, size = _read(descriptor, before.st_size)
            token = stat_token(os.fstat(descriptor))
        finally:
            os.close(descriptor)
        if token == stat_token(before) and size == before.st_size:
            return sha256, token
    raise SourceChangedError(
        f"{shorten(repr(path))} changed while it was being read; nothing was recorded, run again when nobody writes to it"
    )


def _read(descriptor: int, size: int) -> tuple[str, int]:
    """Return the hash of what is read up to the end of the file, and how many bytes that was."""
    # One byte more than there should be: most files are read whole in one call.
    block = os.read(descriptor, min(size + 1, _BLOCK))
    if len(block) == size < _BLOCK:
        return hashlib.sha256(block).hexdigest(), size
    found, total = hashlib.sha256(), 0
    while block:
        found.update(block)
        total += len(block)
        block = os.read(descriptor, _BLOCK)
    return found.hexdigest(), total
