"""How does a folder on an SFTP server keep a store's promise?

Records are linked or renamed into place (``sftp_commit.py``), data is streamed over several connections (``sftp_files.py``) and known by
its content (``sftp_tree.py``). New folders of data are made next to their place under a name no reader takes for data, then renamed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_amlpipe.exceptions import DatastoreUnavailableError, DefinitionError, SourceChangedError, shorten
from airflow_amlpipe.fingerprint.memo import HashMemo
from airflow_amlpipe.fingerprint.pattern import PathPattern, split_pattern
from airflow_amlpipe.fingerprint.scan import UNFINISHED
from airflow_amlpipe.fingerprint.tree import TreeIdentity, TreeManifest
from airflow_amlpipe.storage.login import Login
from airflow_amlpipe.storage.os_errors import explained
from airflow_amlpipe.storage.paths import apart, below_root, exactly_one, inside
from airflow_amlpipe.storage.probe import require_exclusive
from airflow_amlpipe.storage.settling import settle_tree
from airflow_amlpipe.storage.sftp_commit import claim, move, nothing_at, temporary_name, write_whole
from airflow_amlpipe.storage.sftp_files import receive_file, send_tree
from airflow_amlpipe.storage.sftp_places import (
    copy_aside,
    copy_tree_aside,
    delete,
    entries_of,
    forget,
    make_tree_folders,
    measure,
    put_in_place,
    replace_file,
)
from airflow_amlpipe.storage.sftp_server import SftpServer, sftp_server
from airflow_amlpipe.storage.sftp_sessions import ConnectionLostError, SftpSessions
from airflow_amlpipe.storage.sftp_tree import FoundFile, RemoteTree, at_once, hashed, scan_remote
from airflow_amlpipe.storage.store import OnProgress, Store
from airflow_amlpipe.storage.store_url import StoreUrl
from airflow_amlpipe.storage.transfer import FileCopy, copies_of_manifest, discard

if TYPE_CHECKING:
    from airflow_amlpipe.storage.sftp_session import Entry, SftpSession

__all__ = ["SftpStore", "open_sftp_store"]

_TRIES = 2


def open_sftp_store(place: StoreUrl, login: Login | None = None) -> SftpStore:
    """Return the store at ``place``. Nobody connects before its first use.

    :raises DefinitionError: the URL names no server, or another one than the login is for
    """
    server, root = sftp_server(place, login)
    return SftpStore(place.text, server, root)


class SftpStore(Store):
    """Everything below the folder ``root`` of ``server``, which is made when something is first written.

    The way to the root, and to what is asked for, may lead over links; whoever may write to a store's folder decides what it shows. Below
    that, data with links in it is refused.

    SFTP cannot let two folders change places, so where :meth:`replace` replaces a folder, readers find nothing for a moment.
    """

    def __init__(self, url: str, server: SftpServer, root: str) -> None:
        self.url = url
        self._root = root
        self._sessions = SftpSessions(server, url)

    def __repr__(self) -> str:
        return f"SftpStore({self.url!r})"

    @property
    def whereabouts(self) -> str:
        return f"SFTP:{self._root}".rstrip("/")

    def close(self) -> None:
        """End the connections that nobody uses now; the store stays usable."""
        self._sessions.close_idle()

    # ---- objects

    def read(self, path: str) -> bytes:
        place = self._place(path)

        def action(session: SftpSession) -> bytes:
            blocks: list[bytes] = []
            try:
                session.read_file(place, blocks.append)
            except IsADirectoryError:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path) from None
            except FileNotFoundError:
                raise
            except OSError:
                # Servers refuse to open a folder, or something below a file, in words of their own.
                if nothing_at(session, place) or stat.S_ISDIR(session.entry(place).mode):
                    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path) from None
                raise
            return b"".join(blocks)

        with self._explained("read", path):
            return self._sessions.run("read", path, action)

    def exists(self, path: str) -> bool:
        place = self._place(path)
        with self._explained("look for", path):
            return not self._sessions.run("look for", path, lambda session: nothing_at(session, place))

    def list_names(self, folder: str) -> list[str]:
        place = self._place(folder)

        def action(session: SftpSession) -> list[str]:
            try:
                return [entry.name for entry in session.entries(place)]
            except FileNotFoundError:
                return []
            except OSError:
                if nothing_at(session, place) or not stat.S_ISDIR(session.entry(place).mode):
                    return []
                raise

        with self._explained("list", folder):
            names = self._sessions.run("list", folder, action)
        return sorted(name for name in names if not name.startswith(UNFINISHED))

    def last_written(self, path: str) -> float | None:
        return float(self._look_at(path).mtime)

    def size_of(self, path: str) -> int:
        return self._look_at(path).size

    def unfinished(self, folder: str) -> list[tuple[str, int, float]]:
        def action(session: SftpSession) -> list[tuple[str, int, float]]:
            found = []
            waiting = [inside(self.url, folder)]
            while waiting:
                above = waiting.pop()
                for entry in entries_of(session, self._at(above)):
                    below = f"{above}/{entry.name}" if above else entry.name
                    if entry.name.startswith(UNFINISHED):
                        found.append((below, *measure(session, self._at(below), entry)))
                    elif stat.S_ISDIR(entry.mode):
                        waiting.append(below)
            return found

        with self._explained("list", folder):
            return self._sessions.run("list", folder, action)

    def remove_empty(self, folder: str) -> None:
        place = self._place_below_root(folder)
        # Servers refuse to remove a folder that holds something, and none at all may go on because of one that stays.
        with contextlib.suppress(OSError, DatastoreUnavailableError), self._explained("delete", folder):
            self._sessions.run("delete", folder, lambda session: session.rmdir(place))

    def create_exclusive(self, path: str, body: bytes, *, durable: bool = True) -> bool:
        place = self._place_below_root(path)

        with self._explained("create", path):
            require_exclusive(self.url, self._create)
            if not self._sessions.run("look for", path, lambda session: nothing_at(session, place, or_link=True)):
                return False
            return self._create(path, body, durable=durable)

    def put(self, path: str, body: bytes, *, durable: bool = True) -> None:
        place = self._place_below_root(path)

        def action(session: SftpSession) -> None:
            aside = write_whole(session, place, body, durable=durable)
            replace_file(session, aside, place)

        with self._explained("write", path):
            self._sessions.run("write", path, action)

    # ---- data

    def identify(self, path: str, memo: HashMemo | None = None, *, pattern: PathPattern | None = None) -> TreeIdentity:  # noqa: ARG002  # no memo is safe here
        place = self._place(path)
        with self._explained("identify", path):
            for _ in range(_TRIES - 1):
                with contextlib.suppress(SourceChangedError):
                    return _identity(hashed(self._sessions, scan_remote(self._sessions, place, path, pattern)))
            return _identity(hashed(self._sessions, scan_remote(self._sessions, place, path, pattern)))

    def match(self, pattern: str) -> list[str]:
        folder, below = split_pattern(pattern)
        if below is None:
            return [pattern] if self.exists(pattern) else []
        place = self._place(folder)
        with self._explained("list", folder):
            try:
                tree = scan_remote(self._sessions, place, folder, below)
            except FileNotFoundError:
                return []
        return [] if tree.is_file else sorted(f"{folder}/{file.path}" if folder else file.path for file in tree.files)

    def fetch(self, path: str, target: Path, manifest: TreeManifest | None = None, *, on_progress: OnProgress | None = None) -> None:
        place = self._place(path)
        is_new = not os.path.lexists(target)
        with self._explained(f"copy to {shorten(str(target))}", path):
            if manifest is not None:
                if not self.exists(path):
                    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
                files, folders = copies_of_manifest(place, str(target), manifest)
            else:
                files, folders = _copies(scan_remote(self._sessions, place, path), str(target))
            try:
                for folder in sorted({*folders, *(os.path.dirname(file.target) for file in files)} - {""}):
                    os.makedirs(folder, exist_ok=True)
                at_once(self._sessions, partial(receive_file, self._sessions, on_progress), files)
            except BaseException:
                if is_new:
                    discard(str(target))
                raise

    def ingest(self, source: Path, path: str, *, durable: bool = False, on_progress: OnProgress | None = None) -> None:
        place = self._place_below_root(path)
        with self._explained(f"store {shorten(str(source))} as", path):
            if not self._sessions.run("look for", path, lambda session: nothing_at(session, place, or_link=True)):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
            settle_tree(str(source))
            aside, is_file = temporary_name(place), source.is_file()
            try:
                send_tree(self._sessions, source, aside, path, durable=durable, on_progress=on_progress)
                is_ours = (claim if is_file else move)(self._sessions, aside, place, path=path)
            except (OSError, DatastoreUnavailableError, DefinitionError, SourceChangedError):
                forget(self._sessions, aside)
                raise
            if not is_ours:
                forget(self._sessions, aside)
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)

    def replace(self, source_path: str, path: str) -> None:
        source, place = (self._at(part) for part in apart(self.url, source_path, path))
        with self._explained(f"replace with {shorten(repr(source_path))}", path):
            aside, is_file = copy_tree_aside(self._sessions, source, place, source_path)
            try:
                put_in_place(self._sessions, aside, place, path, is_file=is_file)
            except (OSError, DatastoreUnavailableError):
                forget(self._sessions, aside)
                raise

    def overlay(self, source_path: str, path: str, *, overwrite: bool) -> None:
        source, place = (self._at(part) for part in apart(self.url, source_path, path))
        with self._explained(f"lay {shorten(repr(source_path))} over", path):
            tree = scan_remote(self._sessions, source, source_path)
            self._sessions.run("make folders in", path, lambda session: make_tree_folders(session, place, tree))

            def lay(file: FoundFile) -> None:
                target = place if tree.is_file else f"{place}/{file.path}"
                shown = path if tree.is_file else f"{path}/{file.path}"
                if not overwrite and not self._sessions.run("look for", shown, lambda session: nothing_at(session, target, or_link=True)):
                    return
                aside = self._sessions.run("copy to", shown, lambda session: copy_aside(session, file.place, target))
                try:
                    if overwrite:
                        self._sessions.run("write", shown, lambda session: replace_file(session, aside, target))
                    else:
                        claim(self._sessions, aside, target, path=shown)
                except (OSError, DatastoreUnavailableError):
                    forget(self._sessions, aside)
                    raise

            at_once(self._sessions, lay, tree.files)

    def remove_tree(self, path: str) -> None:
        place = self._at(exactly_one(self.url, path))
        with self._explained("delete", path):
            if self._sessions.run("look for", path, lambda session: nothing_at(session, place, or_link=True)):
                return
            aside = temporary_name(place)
            try:
                # Out of sight in one step, so that nobody takes half of it for the whole.
                if not move(self._sessions, place, aside, path=path):
                    raise OSError(errno.EREMOTEIO, "the server renames nothing", path)
            except FileNotFoundError:
                return
            self._sessions.run("delete", path, lambda session: delete(session, aside))

    def local_path(self, path: str) -> Path | None:
        self._place(path)
        return None

    # ---- places

    def _place(self, path: str) -> str:
        return self._at(inside(self.url, path))

    def _look_at(self, path: str) -> Entry:
        place = self._place(path)

        def action(session: SftpSession) -> Entry:
            try:
                found = session.entry(place)
            except OSError:
                if nothing_at(session, place):
                    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path) from None
                raise
            if stat.S_ISDIR(found.mode):
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
            return found

        with self._explained("look at", path):
            return self._sessions.run("look at", path, action)

    def _place_below_root(self, path: str) -> str:
        return self._at(below_root(self.url, path))

    def _at(self, path: str) -> str:
        try:
            path.encode()
        except UnicodeEncodeError:
            raise DefinitionError(
                f"datastore {shorten(self.url)}: the name {shorten(repr(os.fsencode(path)))} is not UTF-8; rename it"
            ) from None
        return f"{self._root.rstrip('/')}/{path}" if path else self._root

    @contextmanager
    def _explained(self, doing: str, path: str) -> Iterator[None]:
        with explained(self.url, doing, path):
            try:
                yield
            except ConnectionLostError as error:
                raise self._sessions.unavailable(doing, path, error) from error

    # ---- steps

    def _create(self, path: str, body: bytes, *, durable: bool = True) -> bool:
        # Without a look before, so that it is the server that refuses.
        place = self._at(path)
        aside = self._sessions.run("create", path, lambda session: write_whole(session, place, body, durable=durable))
        return claim(self._sessions, aside, place, path=path)


def _identity(manifest: TreeManifest) -> TreeIdentity:
    return TreeIdentity(manifest.digest, len(manifest.files), manifest.size_bytes, lambda: manifest)


def _copies(tree: RemoteTree, target: str) -> tuple[list[FileCopy], list[str]]:
    files = [FileCopy(file.place, target if tree.is_file else f"{target}/{file.path}", file.size, None, file.path) for file in tree.files]
    return files, [f"{target}/{folder}" if folder else target for folder in tree.folders]
