"""What does a user have to do when the operating system refuses to read or write?"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from airflow_amlpipe.exceptions import DatastoreUnavailableError, shorten

__all__ = ["explained"]

_ADVICE = {
    errno.ENOSPC: "free some space there and run again",
    errno.EDQUOT: "the quota is used up, free some space there and run again",
    errno.EACCES: "give the user who runs this access to it",
    errno.EPERM: "give the user who runs this access to it",
    errno.EROFS: "the file system is read-only, mount it for writing or choose another datastore",
    errno.ENAMETOOLONG: "use shorter names or fewer nested folders",
    errno.EMFILE: "too many files are open, raise the limit (ulimit -n) and run again",
    errno.ENFILE: "too many files are open on this machine, run again later",
    errno.ENOTDIR: "a file is where a folder is needed, remove or rename it",
    errno.EREMOTEIO: "look there for a full disk, a quota, missing rights, a name it does not take",
    errno.EISDIR: "a folder is where a file is needed, remove or rename it",
}


@contextmanager
def explained(url: str, doing: str, path: str) -> Iterator[None]:
    """Turn an :class:`OSError` inside into an error that says what to do.

    "Nothing is there" and "something is there already" are answers, not trouble: they pass as they are.

    :param doing: completes "could not ...", such as ``"write"``
    :raises DatastoreUnavailableError: anything else that the operating system refused
    """
    try:
        yield
    except (FileNotFoundError, FileExistsError):
        raise
    except OSError as error:
        # With two names in the error, the second is the one being made.
        name = error.filename2 or error.filename
        place = f" ({shorten(os.fsdecode(name))})" if isinstance(name, (str, bytes)) else ""
        advice = _ADVICE.get(error.errno or 0, "run again when the file system answers")
        raise DatastoreUnavailableError(
            f"datastore {shorten(url)}: could not {doing} {shorten(repr(path))}{place}: {error.strerror or error}; "
            f"nothing was recorded as done; {advice}"
        ) from error
