"""How are files on a web server read as data?

Read-only, and one file at a time: a web server says what is at a name, and not which names it has.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import quote, unquote

from airflow_amlpipe.exceptions import DatastoreUnavailableError, UnsupportedFeatureError, shorten
from airflow_amlpipe.fingerprint.memo import HashMemo
from airflow_amlpipe.fingerprint.pattern import PathPattern, is_pattern
from airflow_amlpipe.fingerprint.tree import TreeFile, TreeIdentity, TreeManifest
from airflow_amlpipe.storage.arriving import has_arrived, receive
from airflow_amlpipe.storage.http_client import HttpClient
from airflow_amlpipe.storage.http_hosts import HttpHosts
from airflow_amlpipe.storage.login import Login
from airflow_amlpipe.storage.os_errors import explained
from airflow_amlpipe.storage.paths import inside
from airflow_amlpipe.storage.store import OnProgress, Store
from airflow_amlpipe.storage.store_url import StoreUrl

if TYPE_CHECKING:
    import httpx

__all__ = ["HttpStore", "open_http_store"]

_KIND = "http file"
# Some servers make their ETags of times in whole seconds.
_TICK_GUARD_SECONDS = 2


def open_http_store(place: StoreUrl, login: Login | None = None, hosts: HttpHosts | None = None) -> HttpStore:
    """Return the store at ``place``. Nobody connects before its first use.

    :param hosts: which servers may be asked; without it, every one but this machine
    :raises DefinitionError: the login is of another service
    """
    return HttpStore(HttpClient(place.text, login, hosts or HttpHosts()))


class HttpStore(Store):
    """The files whose URLs begin with that of ``client``; the path ``""`` is the file that this URL itself names."""

    def __init__(self, client: HttpClient) -> None:
        self.url = client.url
        self._client = client

    def __repr__(self) -> str:
        return f"HttpStore({self.url!r})"

    # ---- what a web server can

    def read(self, path: str) -> bytes:
        return self._client.ask("GET", self._at(path), "read", path, lambda answer: b"".join(_blocks(answer)))

    def exists(self, path: str) -> bool:
        url = self._at(path)
        try:
            self._client.ask("HEAD", url, "look for", path, lambda _: None)
        except FileNotFoundError:
            return False
        return True

    def look_at_root(self) -> str:
        self.exists("")
        return "answers; which files it has, a web server does not say"

    def identify(self, path: str, memo: HashMemo | None = None, *, pattern: PathPattern | None = None) -> TreeIdentity:
        if pattern is not None:
            self._cannot("list", path)
        url = self._at(path)
        if memo is not None and (known := self._remembered(url, path, memo)) is not None:
            return _identity(known)

        def take(answer: httpx.Response) -> tuple[TreeFile, str]:
            found, size = hashlib.sha256(), 0
            for block in _blocks(answer):
                found.update(block)
                size += len(block)
            return TreeFile(_name(url), size, found.hexdigest()), _etag(answer) if _is_settled(answer) else ""

        file, etag = self._client.ask("GET", url, "identify", path, take)
        if memo is not None and etag:
            memo.keep(_KIND, url, etag, {"size": file.size, "sha256": file.sha256}, "")
        return _identity(file)

    def match(self, pattern: str) -> list[str]:
        if is_pattern(pattern):
            self._cannot("list", pattern)
        return [pattern] if self.exists(pattern) else []

    def fetch(self, path: str, target: Path, manifest: TreeManifest | None = None, *, on_progress: OnProgress | None = None) -> None:
        url = self._at(path)
        if manifest is not None and not manifest.is_file:
            self._cannot("list", path)
        expected = None if manifest is None else manifest.files[0]

        def take(answer: httpx.Response) -> int:
            size = _length(answer) if expected is None else expected.size
            sha256 = None if expected is None else expected.sha256
            return receive(str(target), _name(url), partial(_pass_on, answer), size=size, sha256=sha256, on_progress=on_progress)

        with explained(self.url, f"copy to {shorten(str(target))}", path):
            if expected is not None and has_arrived(str(target), expected.size, expected.sha256):
                size = expected.size
            else:
                os.makedirs(target.parent, exist_ok=True)
                size = self._client.ask("GET", url, f"copy to {shorten(str(target))}", path, take)
        if on_progress is not None:
            on_progress(1, size)

    def local_path(self, path: str) -> Path | None:
        inside(self.url, path)
        return None

    # ---- what it cannot

    def list_names(self, folder: str) -> list[str]:
        inside(self.url, folder)
        self._cannot("list", folder)

    def create_exclusive(self, path: str, body: bytes, *, durable: bool = True) -> bool:  # noqa: ARG002
        self._is_read_only("create", path)

    def put(self, path: str, body: bytes, *, durable: bool = True) -> None:  # noqa: ARG002
        self._is_read_only("write", path)

    def ingest(self, source: Path, path: str, *, durable: bool = False, on_progress: OnProgress | None = None) -> None:  # noqa: ARG002
        self._is_read_only("store", path)

    def replace(self, source_path: str, path: str) -> None:  # noqa: ARG002
        self._is_read_only("replace", path)

    def overlay(self, source_path: str, path: str, *, overwrite: bool) -> None:  # noqa: ARG002
        self._is_read_only("write", path)

    def remove_tree(self, path: str) -> None:
        self._is_read_only("delete", path)

    def _cannot(self, doing: str, path: str) -> NoReturn:
        raise UnsupportedFeatureError(
            f"datastore {shorten(self.url)}: cannot {doing} {shorten(repr(path))}: a web server does not say which files it has; "
            "name each file, such as Dataset.File.from_files([(datastore, 'a.csv'), (datastore, 'b.csv')])"
        )

    def _is_read_only(self, doing: str, path: str) -> NoReturn:
        inside(self.url, path)
        raise UnsupportedFeatureError(
            f"datastore {shorten(self.url)}: cannot {doing} {shorten(repr(path))}: a datastore on a web server is read-only; "
            "write to another one"
        )

    # ---- steps

    def _at(self, path: str) -> str:
        found = inside(self.url, path)
        return f"{self.url}/{quote(found, safe='/', errors='surrogateescape')}" if found else self.url

    def _remembered(self, url: str, path: str, memo: HashMemo) -> TreeFile | None:
        """Return the file, unread, if its ETag is that of the content that was hashed before."""
        memory = memo.recall(_KIND, url)
        if memory is None:
            return None
        size, sha256 = memory.summary.get("size"), memory.summary.get("sha256")
        if not isinstance(size, int) or not isinstance(sha256, str):
            return None
        try:
            etag = self._client.ask("HEAD", url, "look at", path, _etag)
        except DatastoreUnavailableError:
            return None  # some servers only take GET; that one then says what is wrong
        return TreeFile(_name(url), size, sha256) if etag and etag == memory.signature else None


def _blocks(answer: httpx.Response) -> Iterator[bytes]:
    """Return the bytes as they are sent; a file is what it is, whatever its encoding is called."""
    _length(answer)
    yield from answer.iter_raw()


def _pass_on(answer: httpx.Response, sink: Callable[[bytes], None]) -> None:
    for block in _blocks(answer):
        sink(block)


def _length(answer: httpx.Response) -> int | None:
    """Return the length that the server announced; ``None`` if it marks the end instead.

    :raises DatastoreUnavailableError: neither, so that nobody could tell a whole file from one that was cut off
    """
    length = answer.headers.get("content-length", "")
    if length.isdecimal():
        return int(length)
    if answer.http_version == "HTTP/2" or "chunked" in answer.headers.get("transfer-encoding", "").lower():
        return None
    raise DatastoreUnavailableError(
        f"{shorten(str(answer.request.url.copy_with(query=None)))}: the server says neither how long the file is nor where it ends, so that "
        "half of it could be taken for all; nothing was recorded as done; use a server that does"
    )


def _identity(file: TreeFile) -> TreeIdentity:
    manifest = TreeManifest((file,), is_file=True)
    return TreeIdentity(manifest.digest, 1, file.size, lambda: manifest)


def _name(url: str) -> str:
    return unquote(url.rpartition("/")[2])


def _etag(answer: httpx.Response) -> str:
    """Return the validator that changes with every byte; ``""`` for a weak one, or none."""
    etag: str = answer.headers.get("etag", "").strip()
    return etag if etag.startswith('"') and etag.isascii() else ""


def _is_settled(answer: httpx.Response) -> bool:
    """Whether a file that is written again now would get another time, by the server's own clock."""
    if "last-modified" not in answer.headers:
        return True
    try:
        age = parsedate_to_datetime(answer.headers["date"]) - parsedate_to_datetime(answer.headers["last-modified"])
    except (KeyError, ValueError, TypeError):
        return False
    return age.total_seconds() > _TICK_GUARD_SECONDS
