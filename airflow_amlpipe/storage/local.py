"""How does a folder of this machine, or one mounted on it, keep a store's promise?

Records are linked into place (``exclusive.py``), data is renamed or copied (``transfer.py``). New folders of data are made next to
their place under a name no reader takes for data, then renamed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import time
from pathlib import Path

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.fingerprint.local_tree import identify_tree
from airflow_amlpipe.fingerprint.memo import HashMemo
from airflow_amlpipe.fingerprint.pattern import PathPattern, split_pattern
from airflow_amlpipe.fingerprint.scan import UNFINISHED, scan_tree
from airflow_amlpipe.fingerprint.tree import TreeIdentity, TreeManifest
from airflow_amlpipe.storage.crash_points import crash_point
from airflow_amlpipe.storage.exclusive import create_whole, make_folders, replace_whole, sync_folder, temporary_name
from airflow_amlpipe.storage.os_errors import explained
from airflow_amlpipe.storage.paths import apart, below_root, exactly_one, inside
from airflow_amlpipe.storage.renaming import exchange, rename_exclusive
from airflow_amlpipe.storage.settling import settle_tree
from airflow_amlpipe.storage.store import FRESH_SECONDS, OnProgress, Store
from airflow_amlpipe.storage.transfer import copies_of_manifest, copies_of_scan, copy_files, discard

__all__ = ["LocalStore"]


class LocalStore(Store):
    """Everything below the local folder ``root``, which is made when something is first written.

    A link inside the store is followed when data is read through it; whoever may write to a store's folder decides what it shows.
    """

    def __init__(self, root: str | Path) -> None:
        self._root = os.path.normpath(os.path.abspath(root))
        self.url = f"file://{self._root}"

    def __repr__(self) -> str:
        return f"LocalStore({self._root!r})"

    @property
    def whereabouts(self) -> str:
        return f"file://{os.path.realpath(self._root)}".rstrip("/")

    # ---- objects

    def read(self, path: str) -> bytes:
        place = self._place(path)
        with explained(self.url, "read", path):
            try:
                with open(place, "rb", buffering=0) as file:
                    return file.read()
            except (IsADirectoryError, NotADirectoryError) as error:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), place) from error

    def exists(self, path: str) -> bool:
        place = self._place(path)
        with explained(self.url, "look for", path):
            try:
                os.stat(place)
            except (FileNotFoundError, NotADirectoryError):
                return False
            return True

    def list_names(self, folder: str) -> list[str]:
        place = self._place(folder)
        with explained(self.url, "list", folder):
            try:
                names = os.listdir(place)
            except (FileNotFoundError, NotADirectoryError):
                return []
        return sorted(name for name in names if not name.startswith(UNFINISHED))

    def last_written(self, path: str) -> float | None:
        status = self._look_at(path)
        # Copying a file with its times sets back the one and not the other.
        return max(status.st_mtime, status.st_ctime)

    def size_of(self, path: str) -> int:
        return self._look_at(path).st_size

    def freshen(self, path: str, *, is_large: bool = False) -> bool:
        try:
            written = self.last_written(path)
            if written is not None and time.time() - written > FRESH_SECONDS:
                os.utime(self._place(path))
        except FileNotFoundError:
            return False
        except OSError:
            return super().freshen(path, is_large=is_large)  # the file is somebody else's, but the folder is ours too
        return True

    def remove_empty(self, folder: str) -> None:
        with contextlib.suppress(OSError):
            os.rmdir(self._place_below_root(folder))

    def create_exclusive(self, path: str, body: bytes, *, durable: bool = True) -> bool:
        with explained(self.url, "create", path):
            return create_whole(self._place(path), body, durable=durable)

    def put(self, path: str, body: bytes, *, durable: bool = True) -> None:
        with explained(self.url, "write", path):
            replace_whole(self._place(path), body, durable=durable)

    # ---- data

    def identify(self, path: str, memo: HashMemo | None = None, *, pattern: PathPattern | None = None) -> TreeIdentity:
        place = self._place(path)
        with explained(self.url, "identify", path):
            self._require(place)
        return identify_tree(Path(place), memo, pattern=pattern)

    def match(self, pattern: str) -> list[str]:
        folder, below = split_pattern(pattern)
        if below is None:
            return [pattern] if self.exists(pattern) else []
        with explained(self.url, "list", folder):
            try:
                scan = scan_tree(self._place(folder), below)
            except (FileNotFoundError, NotADirectoryError):
                return []
        if scan.is_file:
            return []
        start = f"{folder}/" if folder else ""
        found = (f"{start}{part.path}/{name}" if part.path else start + name for part in scan.folders for name, _, _ in part.files())
        return sorted(found)

    def fetch(self, path: str, target: Path, manifest: TreeManifest | None = None, *, on_progress: OnProgress | None = None) -> None:
        place = self._place(path)
        new = not os.path.lexists(target)
        with explained(self.url, f"copy to {shorten(str(target))}", path):
            self._require(place)
            try:
                if manifest is not None:
                    copy_files(*copies_of_manifest(place, str(target), manifest), on_progress)
                else:
                    copy_files(*copies_of_scan(scan_tree(place), str(target)), on_progress)
            except BaseException:
                if new:
                    discard(str(target))
                raise

    def ingest(self, source: Path, path: str, *, durable: bool = False, on_progress: OnProgress | None = None) -> None:
        place = self._place_below_root(path)
        with explained(self.url, f"store {shorten(str(source))} as", path):
            if os.path.lexists(place):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), place)
            settle_tree(str(source))
            make_folders(os.path.dirname(place), durable=durable)
            crash_point("data-settled")
            try:
                _sync_file(str(source), durable)
                rename_exclusive(str(source), place)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                self._copied_into_place(str(source), place, durable=durable, on_progress=on_progress)
            crash_point("data-moved")
            if durable:
                sync_folder(os.path.dirname(place))

    def replace(self, source_path: str, path: str) -> None:
        source, place = self._two_places(source_path, path)
        with explained(self.url, f"replace with {shorten(repr(source_path))}", path):
            self._require(source)
            aside = self._copied_aside(source, place)
            try:
                crash_point("replacement-copied")
                if os.path.isfile(aside) and not os.path.isdir(place):
                    os.replace(aside, place)
                elif not os.path.lexists(place):
                    rename_exclusive(aside, place)
                elif not exchange(aside, place):
                    # No exchange here: between these two lines readers find nothing, and a crash leaves the old content under the
                    # temporary name. The new content is complete by then and appears whole.
                    old = temporary_name(place)
                    os.rename(place, old)
                    os.rename(aside, place)
                    discard(old)
                crash_point("replacement-named")
            finally:
                discard(aside)

    def overlay(self, source_path: str, path: str, *, overwrite: bool) -> None:
        source, place = self._two_places(source_path, path)
        with explained(self.url, f"lay {shorten(repr(source_path))} over", path):
            self._require(source)
            scan = scan_tree(source)
            copies, folders = copies_of_scan(scan, place)
            for folder in folders:
                _make_folder(folder)
            for copy in copies:
                if not overwrite and os.path.lexists(copy.target):
                    continue
                _make_folder(os.path.dirname(copy.target))
                aside = self._copied_aside(copy.source, copy.target)
                try:
                    crash_point("overlay-copied")
                    if overwrite:
                        os.replace(aside, copy.target)
                    else:
                        with contextlib.suppress(FileExistsError):
                            rename_exclusive(aside, copy.target)
                finally:
                    discard(aside)

    def remove_tree(self, path: str) -> None:
        place = self._at(exactly_one(self.url, path))
        with explained(self.url, "delete", path):
            aside = temporary_name(place)
            try:
                # Out of sight in one step, so that nobody takes half of it for the whole.
                os.rename(place, aside)
            except (FileNotFoundError, NotADirectoryError):
                return
            _delete(aside)

    def local_path(self, path: str) -> Path | None:
        return Path(self._place(path))

    # ---- places

    def _place(self, path: str) -> str:
        return self._at(inside(self.url, path))

    def _place_below_root(self, path: str) -> str:
        return self._at(below_root(self.url, path))

    def _at(self, path: str) -> str:
        return os.path.join(self._root, path) if path else self._root

    def _look_at(self, path: str) -> os.stat_result:
        place = self._place(path)
        with explained(self.url, "look at", path):
            try:
                status = os.stat(place)
            except NotADirectoryError as error:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), place) from error
            if stat.S_ISDIR(status.st_mode):
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), place)
            return status

    @staticmethod
    def _require(place: str) -> None:
        """:raises FileNotFoundError: nothing is at ``place``."""
        try:
            os.stat(place)
        except NotADirectoryError as error:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), place) from error

    def _two_places(self, source_path: str, path: str) -> tuple[str, str]:
        source, place = apart(self.url, source_path, path)
        return self._at(source), self._at(place)

    def _copied_aside(self, source: str, place: str, on_progress: OnProgress | None = None) -> str:
        scan = scan_tree(source)
        make_folders(os.path.dirname(place), durable=False)
        aside = temporary_name(place)
        try:
            copy_files(*copies_of_scan(scan, aside), on_progress)
        except BaseException:
            discard(aside)
            raise
        return aside

    def _copied_into_place(self, source: str, place: str, *, durable: bool, on_progress: OnProgress | None) -> None:
        aside = self._copied_aside(source, place, on_progress)
        try:
            _sync_file(aside, durable)
            rename_exclusive(aside, place)
        finally:
            discard(aside)
        discard(source)


def _make_folder(path: str) -> None:
    """Make a folder and those above it; a file in its place is trouble, not the answer that something is there."""
    try:
        os.makedirs(path, exist_ok=True)
    except FileExistsError as error:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path) from error


def _sync_file(path: str, durable: bool) -> None:
    if durable and stat.S_ISREG(os.lstat(path).st_mode):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _delete(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)
