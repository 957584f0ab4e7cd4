"""How does a name come into being on an SFTP server so that it is there whole or not at all, and only once, also when the answer is lost?

Everything is written whole under a name of its own next to its place (``.amlpipe-tmp-...``), which nobody reads. Then it gets its real
name: by a hard link where the server offers ``hardlink@openssh.com``, else by the rename of SFTP version 3, which must fail if the name is
taken. Not every server keeps to that; what it truly does, ``storage/probe.py`` finds out. Never by ``posix-rename``, which replaces.

When the answer is lost, one looks: the written name is gone after a rename that was done, and after a link both names are one file,
which shows when the time of one is set and the other has it too (version 3 tells no inode).
"""

from __future__ import annotations

import contextlib
import errno
import random
import stat
import time
import uuid
from collections.abc import Callable
from posixpath import dirname
from typing import TYPE_CHECKING

from airflow_amlpipe.exceptions import CommitUnknownError, DatastoreUnavailableError, shorten
from airflow_amlpipe.fingerprint.scan import UNFINISHED
from airflow_amlpipe.storage.sftp_sessions import ConnectionLostError, SftpSessions

if TYPE_CHECKING:
    from airflow_amlpipe.storage.sftp_session import SftpSession

__all__ = ["claim", "is_folder_at", "make_folders", "move", "nothing_at", "temporary_name", "write_whole"]

# Of one name: a lost answer may be lost again.
_TRIES = 3


def temporary_name(place: str) -> str:
    """Return a name next to ``place`` that nobody else uses and no reader takes for data."""
    return f"{dirname(place).rstrip('/')}/{UNFINISHED}{uuid.uuid4().hex}"


def write_whole(session: SftpSession, place: str, body: bytes, *, durable: bool) -> str:
    """Write ``body`` under a name of its own next to ``place``, making folders as needed, and return that name."""
    aside = temporary_name(place)
    try:
        file = session.new_file(aside)
    except FileNotFoundError:
        make_folders(session, dirname(place))
        file = session.new_file(aside)
    with file:
        file.write(body)
        if durable:
            file.force_to_disk()
    return aside


def claim(sessions: SftpSessions, aside: str, place: str, *, path: str) -> bool:
    """Give the file ``aside`` the name ``place``, unless that is taken; afterwards ``aside`` is gone.

    :returns: whether it is ours now, also when the answer was lost
    :raises CommitUnknownError: nobody can say; nothing was deleted
    :raises OSError: the server refused, and nothing is at ``place``
    :raises DatastoreUnavailableError: it was not even asked
    """
    try:
        return _settled(sessions, path, lambda session, was_lost: _claimed(session, aside, place, was_lost=was_lost))
    except CommitUnknownError:
        aside = ""
        raise
    finally:
        if aside:
            with contextlib.suppress(OSError, ConnectionLostError, DatastoreUnavailableError), sessions.one() as session:
                session.remove_files([aside])


def move(sessions: SftpSessions, source: str, target: str, *, path: str) -> bool:
    """Rename the file or folder ``source`` to ``target``, unless that is taken; ``False`` if it is, and ``source`` stays.

    :raises FileNotFoundError: nothing is at ``source``
    :raises CommitUnknownError: nobody can say
    :raises OSError: the server refused, and nothing is at ``target``
    """
    return _settled(sessions, path, lambda session, was_lost: _moved(session, source, target, was_lost=was_lost))


def make_folders(session: SftpSession, folder: str) -> None:
    """Make ``folder`` and those above it that are missing."""
    missing = []
    while folder != "/" and not is_folder_at(session, folder):
        missing.append(folder)
        folder = dirname(folder)
    for name in reversed(missing):
        try:
            session.mkdir(name)
        except OSError:
            # Somebody else may have been faster; servers have one word for all refusals.
            if not is_folder_at(session, name):
                raise


def is_folder_at(session: SftpSession, place: str) -> bool:
    """Whether a folder, or a link to one, is at ``place``."""
    return not nothing_at(session, place) and stat.S_ISDIR(session.entry(place).mode)


def nothing_at(session: SftpSession, place: str, *, or_link: bool = False) -> bool:
    """Whether definitely nothing is at ``place``; with ``or_link``, not even a link that leads nowhere.

    :raises OSError: the server does not say
    """
    look = session.own_entry if or_link else session.entry
    try:
        look(place)
    except FileNotFoundError:
        return True
    except OSError:
        # Some servers call it a failure when a file is in the way to ``place``.
        above = dirname(place)
        if above == place or is_folder_at(session, above):
            raise
        return True
    return False


def _settled(sessions: SftpSessions, path: str, attempt: Callable[[SftpSession, bool], bool]) -> bool:
    """Return what ``attempt`` says; it is told whether an answer to an earlier one was lost."""
    lost: Exception | None = None
    was_asked = False
    for _ in range(_TRIES):
        try:
            with sessions.one() as session:
                was_asked_before, was_asked = was_asked, True
                return attempt(session, was_asked_before)
        except (ConnectionLostError, DatastoreUnavailableError) as error:
            lost = error
            sessions.close_idle()
    if not was_asked and lost is not None:
        raise sessions.unavailable("create", path, lost) from lost
    raise CommitUnknownError(
        f"datastore {shorten(sessions.url)}: nobody can say whether {shorten(repr(path))} was created ({shorten(str(lost))}); "
        "nothing was deleted, run again to find out"
    ) from lost


def _claimed(session: SftpSession, aside: str, place: str, *, was_lost: bool) -> bool:
    if was_lost and not nothing_at(session, place, or_link=True):
        return _is_ours(session, aside, place)
    try:
        if session.link(aside, place):
            return True
        session.rename(aside, place)
    except OSError:
        # A server has one word for "the name is taken" and all other refusals. What is there tells.
        if nothing_at(session, place, or_link=True):
            raise
        return was_lost and _is_ours(session, aside, place)
    return True


def _is_ours(session: SftpSession, aside: str, place: str) -> bool:
    if nothing_at(session, aside, or_link=True):
        return True  # renamed; nobody else touches our name
    if "hardlink@openssh.com" not in session.offered:
        return False
    now = session.own_entry(aside).mtime
    # A time to come, which no file has; one that is past could be taken for that of a write that was given up long ago.
    mark = int(time.time()) + random.randrange(1 << 16, 1 << 28)  # noqa: S311
    try:
        session.utime(aside, (mark, mark))
        is_ours = session.own_entry(place).mtime == mark
        session.utime(aside, (now, now))
    except OSError as error:
        # Nothing is known; another try may find out.
        raise ConnectionLostError(f"whether it is ours could not be seen: {error.strerror}") from error
    return is_ours


def _moved(session: SftpSession, source: str, target: str, *, was_lost: bool) -> bool:
    if was_lost and nothing_at(session, source, or_link=True) and not nothing_at(session, target, or_link=True):
        return True
    try:
        session.rename(source, target)
    except OSError as error:
        if nothing_at(session, source, or_link=True):
            raise FileNotFoundError(source) from None
        if nothing_at(session, target, or_link=True):
            raise OSError(errno.EREMOTEIO, error.strerror, source, None, target) from error
        return False
    return True
