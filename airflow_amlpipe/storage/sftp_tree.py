"""Which files are below a folder of an SFTP server, and what is in them?

Every identity is read from the content, every time: the protocol tells size and modification time in whole seconds, both of which
``cp -p`` or ``rsync -t`` reproduce over other bytes, and no time of change that nobody can set. No tick guard makes a memo of those
safe, so none is kept.
"""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from posixpath import basename
from typing import TYPE_CHECKING, TypeVar

from airflow_amlpipe.exceptions import DefinitionError, SourceChangedError, shorten
from airflow_amlpipe.fingerprint.pattern import PathPattern
from airflow_amlpipe.fingerprint.scan import UNFINISHED, kind_of, refusal
from airflow_amlpipe.fingerprint.tree import TreeFile, TreeManifest
from airflow_amlpipe.storage.sftp_commit import nothing_at
from airflow_amlpipe.storage.sftp_sessions import SftpSessions

if TYPE_CHECKING:
    from airflow_amlpipe.storage.sftp_session import Entry, SftpSession

__all__ = ["FoundFile", "RemoteTree", "at_once", "hashed", "scan_remote"]

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file.

    :ivar path: below the tree's root; of a tree that is one file, its name
    :ivar place: on the server
    """

    path: str
    place: str
    size: int


@dataclass(frozen=True, slots=True)
class RemoteTree:
    """The files of a tree, the folders it has, and those that hold nothing. ``is_file``: the root is one file."""

    files: tuple[FoundFile, ...]
    folders: tuple[str, ...] = ()
    empty_folders: tuple[str, ...] = ()
    is_file: bool = False


def scan_remote(sessions: SftpSessions, place: str, path: str, pattern: PathPattern | None = None) -> RemoteTree:
    """Return what is at ``place``, which messages call ``path``; with a ``pattern``, only the files below it that it names.

    The way to ``place`` may lead over links. Below it a link is refused: where it leads is the server's secret.

    :raises FileNotFoundError: nothing is there
    :raises DefinitionError: a link, a FIFO, a socket, a device; a name that is no UTF-8
    :raises SourceChangedError: a folder went away meanwhile
    """
    root = sessions.run("look at", path, lambda session: _found(session, place))
    if stat.S_ISREG(root.mode):
        return RemoteTree((FoundFile(basename(place), place, root.size),), is_file=True)
    if not stat.S_ISDIR(root.mode):
        raise DefinitionError(refusal(place, kind_of(root.mode)))
    files: list[FoundFile] = []
    folders: list[str] = []
    empty: list[str] = []
    level = [""]
    while level:
        following: list[str] = []
        for folder, entries in zip(level, at_once(sessions, lambda folder: _listed(sessions, place, folder, path), level), strict=True):
            folders.append(folder)
            kept = [entry for entry in entries if not entry.name.startswith(UNFINISHED)]
            if not kept:
                empty.append(folder)
            for entry in kept:
                _sort(entry, _join(folder, entry.name), place, pattern, files, following)
        level = following
    if pattern is not None:
        return RemoteTree(tuple(files))
    return RemoteTree(tuple(files), tuple(folders), tuple(empty))


def hashed(sessions: SftpSessions, tree: RemoteTree) -> TreeManifest:
    """Read every file of ``tree`` and return its manifest.

    :raises SourceChangedError: a file changed or went away meanwhile
    """
    files = at_once(sessions, lambda file: _read(sessions, file), tree.files)
    return TreeManifest(tuple(files), tree.empty_folders, tree.is_file)


def at_once(sessions: SftpSessions, action: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Return what ``action`` does with each item, in their order, over as many connections as there may be.

    The first error is raised once everything that was begun has ended; what was not begun then is left.
    """
    waiting = list(items)
    if len(waiting) < 2:
        return [action(item) for item in waiting]
    with ThreadPoolExecutor(max_workers=min(sessions.most, len(waiting))) as pool:
        try:
            return list(pool.map(action, waiting))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _found(session: SftpSession, place: str) -> Entry:
    if nothing_at(session, place):
        raise FileNotFoundError(place)
    return session.entry(place)


def _listed(sessions: SftpSessions, place: str, folder: str, path: str) -> list[Entry]:
    try:
        return sessions.run("list", _join(path, folder), lambda session: session.entries(_join(place, folder)))
    except FileNotFoundError as error:
        raise SourceChangedError(
            f"{shorten(repr(_join(path, folder)))} went away while it was being read; run again when nobody writes to it"
        ) from error


def _sort(entry: Entry, below: str, place: str, pattern: PathPattern | None, files: list[FoundFile], folders: list[str]) -> None:
    if stat.S_ISDIR(entry.mode):
        if pattern is None or pattern.enters(below):
            folders.append(below)
        return
    if stat.S_ISREG(entry.mode):
        if pattern is None or pattern.matches(below):
            files.append(FoundFile(below, _join(place, below), entry.size))
        return
    if pattern is None or pattern.matches(below) or (stat.S_ISLNK(entry.mode) and pattern.enters(below)):
        kind = "a link on an SFTP server" if stat.S_ISLNK(entry.mode) else kind_of(entry.mode)
        raise DefinitionError(refusal(_join(place, below), kind))


def _read(sessions: SftpSessions, file: FoundFile) -> TreeFile:
    def read(session: SftpSession) -> TreeFile:
        found = hashlib.sha256()
        size = session.read_file(file.place, found.update)
        return TreeFile(file.path, size, found.hexdigest())

    try:
        return sessions.run("read", file.path, read)
    except (FileNotFoundError, IsADirectoryError) as error:
        raise SourceChangedError(
            f"{shorten(repr(file.path))} went away while it was being read; run again when nobody writes to it"
        ) from error


def _join(folder: str, name: str) -> str:
    return f"{folder.rstrip('/')}/{name}" if folder and name else folder or name
