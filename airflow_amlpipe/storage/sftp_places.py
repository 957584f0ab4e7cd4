"""How is what lies on an SFTP server copied there, put in another's place, measured, deleted?"""

from __future__ import annotations

import contextlib
import stat
from collections.abc import Iterable
from posixpath import dirname
from typing import TYPE_CHECKING

from airflow_amlpipe.exceptions import DatastoreUnavailableError
from airflow_amlpipe.storage.sftp_commit import is_folder_at, make_folders, move, nothing_at, temporary_name
from airflow_amlpipe.storage.sftp_sessions import ConnectionLostError, SftpSessions
from airflow_amlpipe.storage.sftp_tree import RemoteTree, at_once, scan_remote

if TYPE_CHECKING:
    from airflow_amlpipe.storage.sftp_session import Entry, SftpSession

__all__ = [
    "copy_aside",
    "copy_tree_aside",
    "delete",
    "entries_of",
    "forget",
    "make_all_folders",
    "make_tree_folders",
    "measure",
    "put_in_place",
    "replace_file",
]


def copy_tree_aside(sessions: SftpSessions, source: str, place: str, source_path: str) -> tuple[str, bool]:
    """Copy what is at ``source`` next to ``place``; return the name of the copy, and whether it is one file."""
    tree = scan_remote(sessions, source, source_path)
    aside = temporary_name(place)
    sessions.run("make folders for", source_path, lambda session: make_tree_folders(session, aside, tree))
    try:
        at_once(
            sessions,
            lambda file: sessions.run(
                "copy", source_path, lambda session: _copy(session, file.place, aside if tree.is_file else f"{aside}/{file.path}")
            ),
            tree.files,
        )
    except BaseException:
        forget(sessions, aside)
        raise
    return aside, tree.is_file


def put_in_place(sessions: SftpSessions, aside: str, place: str, path: str, *, is_file: bool) -> None:
    """Let ``aside`` take the place of what is at ``place``, if anything is."""

    def replaced_file(session: SftpSession) -> bool:
        if not is_file or not (nothing_at(session, place, or_link=True) or not stat.S_ISDIR(session.own_entry(place).mode)):
            return False
        if not nothing_at(session, aside):  # not done before an answer was lost
            replace_file(session, aside, place)
        return True

    if sessions.run("replace", path, replaced_file) or move(sessions, aside, place, path=path):
        return
    # Between these lines readers find nothing, and a crash leaves the old content under the temporary name. The new content is complete
    # by then and appears whole.
    old = temporary_name(place)
    move(sessions, place, old, path=path)
    try:
        move(sessions, aside, place, path=path)
    except OSError:
        move(sessions, old, place, path=path)
        raise
    forget(sessions, old)


def replace_file(session: SftpSession, aside: str, place: str) -> None:
    """Let the file ``aside`` take the place of the file ``place``."""
    if session.replace(aside, place):
        return
    # Version 3 alone renames over nothing: between these lines readers find nothing.
    session.remove_files([place])
    session.rename(aside, place)


def forget(sessions: SftpSessions, place: str) -> None:
    """Delete what is ours and nobody reads; what cannot be deleted stays and is not mentioned."""
    with contextlib.suppress(OSError, ConnectionLostError, DatastoreUnavailableError), sessions.one() as session:
        delete(session, place)


def make_all_folders(session: SftpSession, folders: Iterable[str]) -> None:
    """Make folders, and those above them."""
    for folder in folders:
        make_folders(session, folder)


def make_tree_folders(session: SftpSession, place: str, tree: RemoteTree) -> None:
    """Make at ``place`` the folders that ``tree`` has."""
    make_all_folders(session, [dirname(place), *(f"{place}/{folder}" if folder else place for folder in tree.folders)])


def copy_aside(session: SftpSession, source: str, place: str) -> str:
    """Copy the file ``source`` next to ``place``; return the name of the copy."""
    aside = temporary_name(place)
    _copy(session, source, aside)
    return aside


def _copy(session: SftpSession, source: str, target: str) -> None:
    if not nothing_at(session, target, or_link=True):
        session.remove_files([target])  # of an attempt that was cut off
    session.copy_file(source, target)


def entries_of(session: SftpSession, place: str) -> list[Entry]:
    """Return what is in the folder ``place``; nothing if there is none (any more)."""
    try:
        return session.entries(place)
    except OSError:
        if is_folder_at(session, place):
            raise
        return []


def measure(session: SftpSession, place: str, entry: Entry) -> tuple[int, float]:
    """Return the size of what is at ``place``, and when it was last written to."""
    if not stat.S_ISDIR(entry.mode):
        return entry.size, float(entry.mtime)
    inner = [measure(session, f"{place}/{below.name}", below) for below in entries_of(session, place)]
    return sum(size for size, _ in inner), max([float(entry.mtime), *(written for _, written in inner)])


def delete(session: SftpSession, place: str) -> None:
    """Delete what is at ``place`` with all it holds. A link is deleted, not what it leads to."""
    if nothing_at(session, place, or_link=True):
        return
    if not stat.S_ISDIR(session.own_entry(place).mode):
        session.remove_files([place])
        return
    folders, waiting = [], [place]
    while waiting:
        folder = waiting.pop()
        folders.append(folder)
        entries = session.entries(folder)
        waiting += [f"{folder}/{entry.name}" for entry in entries if stat.S_ISDIR(entry.mode)]
        session.remove_files(f"{folder}/{entry.name}" for entry in entries if not stat.S_ISDIR(entry.mode))
    for folder in reversed(folders):
        session.rmdir(folder)
