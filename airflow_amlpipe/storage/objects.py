"""How does a bucket keep a store's promise: S3, Azure Blob and Data Lake Gen2, Google Cloud Storage?

Objects are created with the store's own condition (``object_creation.py``), data goes many files at a time (``object_transfer.py``).

What is different from a folder: a folder is there through what is in it, so an empty one is not kept (the manifest of an output remembers
it). What a file is, its version says, which the store gives it and a listing shows; nothing is read to identify data (``object_tree.py``).
A folder takes the place of another file by file: a reader in between finds some of both.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

from airflow_amlpipe.exceptions import DatastoreUnavailableError, SourceChangedError, shorten
from airflow_amlpipe.fingerprint.content import size_of
from airflow_amlpipe.fingerprint.memo import HashMemo
from airflow_amlpipe.fingerprint.pattern import PathPattern, split_pattern
from airflow_amlpipe.fingerprint.scan import UNFINISHED, TreeScan, scan_tree
from airflow_amlpipe.fingerprint.tree import TreeFile, TreeIdentity, TreeManifest
from airflow_amlpipe.storage.object_client import ObjectClient, ObjectPlace
from airflow_amlpipe.storage.object_creation import create_once
from airflow_amlpipe.storage.object_keys import key_of
from airflow_amlpipe.storage.object_transfer import AT_ONCE, SMALL, Download, Upload, download, in_threads, read_piece, upload
from airflow_amlpipe.storage.object_tree import find_tree, identity_of, list_files
from airflow_amlpipe.storage.os_errors import explained
from airflow_amlpipe.storage.paths import apart, below_root, exactly_one
from airflow_amlpipe.storage.probe import require_exclusive
from airflow_amlpipe.storage.settling import settle_tree
from airflow_amlpipe.storage.store import OnProgress, Store
from airflow_amlpipe.storage.transfer import discard, open_unchanged

__all__ = ["ObjectStore"]


class ObjectStore(Store):
    """Everything below a prefix of a bucket or container. Nothing is contacted before it is first used."""

    identifies_content = False

    def __init__(self, place: ObjectPlace) -> None:
        self.url = place.url
        self._place = place
        self._client = ObjectClient(place)

    def __repr__(self) -> str:
        return f"ObjectStore({self.url!r})"

    @property
    def whereabouts(self) -> str:
        return f"{self._place.service.name}:{self._place.bucket}/{self._place.prefix}".rstrip("/")

    # ---- objects

    def read(self, path: str) -> bytes:
        return self._client.read(key_of(self._place, path))

    def exists(self, path: str) -> bool:
        key = key_of(self._place, path)
        return (bool(path) and self._client.find(key) is not None) or self._client.has_any_below(key)

    def list_names(self, folder: str) -> list[str]:
        names = self._client.names(key_of(self._place, folder))
        return sorted(name for name in names if name and not name.startswith(UNFINISHED))

    def last_written(self, path: str) -> float | None:
        return self._client.last_modified(key_of(self._place, path))

    def size_of(self, path: str) -> int:
        found = self._client.find(key_of(self._place, path))
        if found is None:
            raise self._nothing(path)
        return found.size

    def create_exclusive(self, path: str, body: bytes, *, durable: bool = True) -> bool:  # noqa: ARG002  # what is stored is durable
        key = self._key_below_root(path)
        require_exclusive(self.url, lambda name, probe: create_once(self._client, key_of(self._place, name), probe))
        return create_once(self._client, key, body)

    def put(self, path: str, body: bytes, *, durable: bool = True) -> None:  # noqa: ARG002
        self._client.put(self._key_below_root(path), body)

    # ---- data

    def identify(self, path: str, memo: HashMemo | None = None, *, pattern: PathPattern | None = None) -> TreeIdentity:  # noqa: ARG002
        manifest = find_tree(self._client, key_of(self._place, path), pattern)
        if manifest is None:
            raise self._nothing(path)
        return identity_of(manifest)

    def match(self, pattern: str) -> list[str]:
        folder, below = split_pattern(pattern)
        key = key_of(self._place, folder)
        if below is None:
            return [pattern] if self.exists(pattern) else []
        start = f"{folder}/" if folder else ""
        return sorted(start + file.path for file in list_files(self._client, key) if below.matches(file.path))

    def fetch(self, path: str, target: Path, manifest: TreeManifest | None = None, *, on_progress: OnProgress | None = None) -> None:
        key = key_of(self._place, path)
        wanted = manifest or find_tree(self._client, key)
        if wanted is None:
            raise self._nothing(path)
        is_new = not os.path.lexists(target)
        try:
            with explained(self.url, f"copy to {shorten(str(target))}", path):
                files = _downloads(key, str(target), wanted)
                folders = {os.path.dirname(file.target) for file in files} | {f"{target}/{folder}" for folder in wanted.empty_folders}
                for folder in sorted(filter(None, folders | (set() if wanted.is_file else {str(target)}))):
                    os.makedirs(folder, exist_ok=True)
                download(self._client, files, on_progress)
        except BaseException as error:
            if is_new:
                discard(str(target))
            if isinstance(error, SourceChangedError) and not self.exists(path):
                raise self._nothing(path) from error
            raise

    def ingest(self, source: Path, path: str, *, durable: bool = False, on_progress: OnProgress | None = None) -> TreeIdentity:  # noqa: ARG002
        key = self._key_below_root(path)
        if self.exists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), f"{self.url}/{path}")
        with explained(self.url, f"store {shorten(str(source))} as", path):
            settle_tree(str(source))
            scan = scan_tree(source)
            files = self._uploads(scan, path)
            if scan.is_file and files[0].size <= SMALL:
                # Of two who store a file at one place, one is told that something is there.
                with open_unchanged(files[0].source, files[0].token) as content:
                    body = content.read()
                if not create_once(self._client, key, body):
                    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), f"{self.url}/{path}")
                versions = {key: ""}
                if on_progress is not None:
                    on_progress(1, files[0].size)
            else:
                versions = upload(self._client, files, on_progress)
            return identity_of(self._stored(key, files, versions, is_file=scan.is_file))

    def replace(self, source_path: str, path: str) -> None:
        source, target = (key_of(self._place, part) for part in apart(self.url, source_path, path))
        copies = self._copies(source_path, source, target)
        in_threads(lambda copy: self._client.copy(*copy), copies, AT_ONCE)
        new = {key for _, key, _ in copies}
        old = [found.key for found in self._client.below(target) if found.key not in new]
        if target not in new and self._client.find(target) is not None:
            old.append(target)
        self._client.delete(old)

    def overlay(self, source_path: str, path: str, *, overwrite: bool) -> None:
        source, target = (key_of(self._place, part) for part in apart(self.url, source_path, path))
        copies = self._copies(source_path, source, target)
        if overwrite:
            in_threads(lambda copy: self._client.copy(*copy), copies, AT_ONCE)
        else:
            in_threads(lambda copy: self._client.copy_if_absent(*copy), copies, AT_ONCE)

    def remove_tree(self, path: str) -> None:
        key = key_of(self._place, exactly_one(self.url, path))
        keys = [found.key for found in self._client.below(key)]
        if self._client.find(key) is not None:
            keys.append(key)
        self._client.delete(keys)

    def local_path(self, path: str) -> Path | None:
        key_of(self._place, path)
        return None

    def read_part(self, path: str, file: TreeFile, start: int, end: int) -> bytes:
        """Return the bytes from ``start`` up to ``end`` of the object at ``path``, of the version and size that ``file`` has and no other.

        :raises SourceChangedError: it has another version by now, or is gone
        :raises DatastoreUnavailableError: it could not be read
        """
        wanted = Download(key_of(self._place, path), "", file.path, file.size, version=file.version)
        return bytes(read_piece(self._client, wanted, (start, end)))

    def filesystem(self) -> tuple[Any, str]:
        """Return fsspec's file system of this store, and the path in it at which the store begins."""
        return self._client.filesystem(), f"{self._place.bucket}/{self._place.prefix}".rstrip("/")

    # ---- parts

    def _key_below_root(self, path: str) -> str:
        return key_of(self._place, below_root(self.url, path))

    def _nothing(self, path: str) -> FileNotFoundError:
        return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), f"{self.url}/{path}")

    def _uploads(self, scan: TreeScan, path: str) -> list[Upload]:
        """Return what has to be stored; every name is checked before the first byte goes."""
        uploads = []
        for folder in scan.folders:
            for name, real, token in folder.files():
                below = "/".join(part for part in (path, folder.path, name) if part)
                uploads.append(Upload(real, key_of(self._place, path if scan.is_file else below), size_of(token), token))
        return uploads

    def _stored(self, key: str, files: list[Upload], versions: dict[str, str], *, is_file: bool) -> TreeManifest:
        """Compare what a listing shows with what was sent; what did not arrive is sent once more."""
        for is_last in (False, True):
            listed = {found.key: found for found in ([self._client.find(key)] if is_file else self._client.below(key)) if found}
            wrong = [
                file
                for file in files
                if file.key not in listed
                or listed[file.key].size != file.size
                or (versions[file.key] and listed[file.key].version != versions[file.key])
            ]
            if not wrong:
                break
            if is_last:
                raise DatastoreUnavailableError(
                    f"datastore {shorten(self.url)}: {shorten(repr(self._client.shown(wrong[0].key)))} is not there as it was sent, "
                    f"nor are {len(wrong) - 1} others; somebody else writes there, or the store lost it; run again"
                )
            versions |= upload(self._client, wrong)
        start = len(key.rpartition("/")[0]) + 1 if is_file and "/" in key else 0 if is_file else len(key) + 1
        stored = (listed[file.key] for file in files)
        return TreeManifest(tuple(TreeFile(found.key[start:], found.size, version=found.version) for found in stored), is_file=is_file)

    def _copies(self, source_path: str, source: str, target: str) -> list[tuple[str, str, int]]:
        tree = find_tree(self._client, source)
        if tree is None:
            raise self._nothing(source_path)
        if tree.is_file:
            return [(source, target, tree.size_bytes)]
        return [(f"{source}/{file.path}", f"{target}/{file.path}", file.size) for file in tree.files]


def _downloads(key: str, target: str, manifest: TreeManifest) -> list[Download]:
    if manifest.is_file:
        (file,) = manifest.files
        return [Download(key, target, file.path, file.size, file.sha256, file.version)]
    start = f"{key}/" if key else ""
    return [
        Download(f"{start}{file.path}", f"{target}/{file.path}", file.path, file.size, file.sha256, file.version) for file in manifest.files
    ]
