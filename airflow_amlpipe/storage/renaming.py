"""How does one name take the place of another in one step?"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Callable
from functools import cache
from typing import cast

__all__ = ["exchange", "rename_exclusive", "rename_if_absent"]

_AT_FDCWD = -100
_NOREPLACE = 1
_EXCHANGE = 2
_UNSUPPORTED = {errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.ENOTSUP}


def rename_exclusive(source: str, target: str) -> None:
    """Rename ``source`` to ``target`` if nothing is called that.

    :raises FileExistsError: something is
    :raises OSError: it could not be renamed
    """
    if rename_if_absent(source, target):
        return
    # Without renameat2 (not Linux, or a file system that cannot): a name that appears between the two lines is replaced, if it is a file
    # or an empty folder. Records never come here; data goes to places that one try alone knows.
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target)
    os.rename(source, target)


def rename_if_absent(source: str, target: str) -> bool:
    """Do what :func:`rename_exclusive` does in one step, or nothing and return ``False`` where the system cannot.

    :raises FileExistsError: something is called ``target``
    :raises OSError: it could not be renamed
    """
    return _renameat2(source, target, _NOREPLACE)


def exchange(first: str, second: str) -> bool:
    """Let two existing names change places in one step; ``False`` where the system cannot do that.

    :raises OSError: one of them is not there, or they may not be renamed
    """
    return _renameat2(first, second, _EXCHANGE)


def _renameat2(source: str, target: str, flags: int) -> bool:
    call = _system_call()
    if call is None:
        return False
    if call(_AT_FDCWD, os.fsencode(source), _AT_FDCWD, os.fsencode(target), flags) == 0:
        return True
    code = ctypes.get_errno()
    if code in _UNSUPPORTED:
        return False
    raise OSError(code, os.strerror(code), source, None, target)


@cache
def _system_call() -> Callable[[int, bytes, int, bytes, int], int] | None:
    try:
        call = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return None
    call.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
    call.restype = ctypes.c_int
    return cast("Callable[[int, bytes, int, bytes, int], int]", call)
