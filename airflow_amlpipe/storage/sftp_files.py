"""How do files travel to an SFTP server and back, several at a time?"""

from __future__ import annotations

import errno
import os
from functools import partial
from pathlib import Path
from posixpath import dirname
from typing import TYPE_CHECKING

from airflow_amlpipe.exceptions import SourceChangedError, shorten
from airflow_amlpipe.fingerprint.content import size_of, stat_token
from airflow_amlpipe.fingerprint.scan import scan_tree
from airflow_amlpipe.storage.arriving import has_arrived, receive
from airflow_amlpipe.storage.sftp_commit import make_folders, nothing_at
from airflow_amlpipe.storage.sftp_places import make_all_folders
from airflow_amlpipe.storage.sftp_sessions import SftpSessions
from airflow_amlpipe.storage.sftp_tree import at_once
from airflow_amlpipe.storage.store import OnProgress
from airflow_amlpipe.storage.transfer import FileCopy, open_unchanged

if TYPE_CHECKING:
    from airflow_amlpipe.storage.sftp_session import SftpSession

__all__ = ["receive_file", "send_tree"]

_BLOCK = 1 << 20


def receive_file(sessions: SftpSessions, on_progress: OnProgress | None, file: FileCopy) -> None:
    """Copy one file here, unless it has arrived before.

    :raises SourceChangedError: it is gone, or another than was identified
    """
    if not has_arrived(file.target, file.size, file.sha256):

        def action(session: SftpSession) -> None:
            try:
                send = partial(session.read_file, file.source)
                receive(file.target, file.name, send, size=file.size, sha256=file.sha256, on_progress=on_progress)
            except IsADirectoryError:
                raise FileNotFoundError(errno.ENOENT, "no file", file.source) from None

        try:
            sessions.run("read", file.name, action)
        except FileNotFoundError as error:
            raise SourceChangedError(
                f"{shorten(repr(file.name))} is gone; it was there when the data was identified, run again when nobody writes to it"
            ) from error
    if on_progress is not None:
        on_progress(1, file.size)


def send_tree(sessions: SftpSessions, source: Path, aside: str, path: str, *, durable: bool, on_progress: OnProgress | None) -> None:
    """Copy the file or folder ``source`` to the new place ``aside``; ``path`` is what messages call it.

    :raises SourceChangedError: a file changed meanwhile
    """
    scan = scan_tree(source)
    if scan.is_file:
        ((_, real, token),) = scan.folders[0].files()
        _send(sessions, real, token, aside, path, durable=durable, on_progress=on_progress)
        return
    folders = [f"{aside}/{folder.path}" if folder.path else aside for folder in scan.folders]
    sessions.run("make folders in", path, lambda session: make_all_folders(session, folders))
    files = [
        (real, token, f"{below}/{name}")
        for below, folder in zip(folders, scan.folders, strict=True)
        for name, real, token in folder.files()
    ]
    at_once(sessions, lambda file: _send(sessions, *file, path, durable=False, on_progress=on_progress), files)


def _send(sessions: SftpSessions, real: str, token: str, place: str, path: str, *, durable: bool, on_progress: OnProgress | None) -> None:
    def action(session: SftpSession) -> None:
        if not nothing_at(session, place, or_link=True):
            session.remove_files([place])  # of an attempt that was cut off; the folder is ours alone
        make_folders(session, dirname(place))
        with open_unchanged(real, token) as file, session.new_file(place) as copy:
            while block := file.read(_BLOCK):
                copy.write(block)
            if durable:
                copy.force_to_disk()
            if stat_token(os.fstat(file.fileno())) != token or copy.size != size_of(token):
                raise SourceChangedError(f"{shorten(repr(real))} changed while it was being stored; run again when nobody writes to it")

    sessions.run("store", path, action)
    if on_progress is not None:
        on_progress(1, size_of(token))
