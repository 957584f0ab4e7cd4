"""How do files go between a bucket and this machine, many at a time, and arrive as what they should be?

Small files go whole, many at a time; large ones in parts, a few at a time, so that memory stays bounded by the parts under way and not by
the files. What arrives is written under a name of its own and gets its real name when it is whole and checked; the version it has is noted
beside it, in an extended attribute, so that staging again goes on where it stopped.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from airflow_amlpipe.exceptions import SourceChangedError, shorten
from airflow_amlpipe.fingerprint.content import hash_file
from airflow_amlpipe.storage.exclusive import temporary_name
from airflow_amlpipe.storage.object_client import UNPINNED, ObjectClient, version_of
from airflow_amlpipe.storage.object_engine import engine
from airflow_amlpipe.storage.store import OnProgress
from airflow_amlpipe.storage.transfer import hash_of_open, open_unchanged

__all__ = ["AT_ONCE", "SMALL", "Download", "Upload", "download", "in_threads", "read_piece", "upload"]

AT_ONCE = 32
_PARTS_AT_ONCE = 5
SMALL = 4 << 20
_PART = 8 << 20
# What is fetched goes to disk as it arrives, so that few long requests do (a third of the work of many short ones that are each collected first).
_RANGE = 32 << 20
_RANGES_AT_ONCE = 4
_BLOCK = 1 << 20
# S3 takes 10,000 parts of one object.
_MOST_PARTS = 9_000
_ATTRIBUTE = "user.amlpipe.version"

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Download:
    """One object to fetch; ``sha256`` and ``version`` are what it must have, where they are known. ``name`` is how messages call it."""

    key: str
    target: str
    name: str
    size: int
    sha256: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Upload:
    """One local file to store.

    :ivar token: the stat token that it had when it was looked at; what took its place since is not stored
    """

    source: str
    key: str
    size: int
    token: str


def download(client: ObjectClient, files: Sequence[Download], on_progress: OnProgress | None = None) -> None:
    """Fetch every file; their folders exist.

    :raises SourceChangedError: an object is gone, or not what was expected; names the first one found
    :raises DatastoreUnavailableError: one could not be read
    :raises OSError: one could not be written
    """

    def fetch(file: Download) -> None:
        if not _is_there(file):
            try:
                _fetch(client, file, on_progress)
            except SourceChangedError:
                if not _is_folder(client, file):
                    raise
                os.makedirs(file.target, exist_ok=True)
        if on_progress is not None:
            on_progress(1, file.size)

    in_threads(fetch, [file for file in files if file.size <= SMALL], AT_ONCE)
    # The parts of a file are fetched at once, and those of the next one while this one is being checked.
    in_threads(fetch, [file for file in files if file.size > SMALL], 2)


def upload(client: ObjectClient, files: Sequence[Upload], on_progress: OnProgress | None = None) -> dict[str, str]:
    """Store every file in place of what was there, and return the version each key has then (``""`` where the store did not say).

    :raises SourceChangedError: one is not the file that was looked at
    :raises DatastoreUnavailableError: one could not be stored
    :raises OSError: one could not be read
    """

    def store(file: Upload) -> str:
        part = max(_PART, -(-file.size // _MOST_PARTS))
        with open_unchanged(file.source, file.token) as source, client.writing("store", file.key):
            content = source.read() if file.size <= SMALL else _readable(source)
            result = engine().put(client.store("data"), file.key, content, chunk_size=part, max_concurrency=_PARTS_AT_ONCE)
        if on_progress is not None:
            on_progress(1, file.size)
        return version_of(result)

    small = [file for file in files if file.size <= SMALL]
    large = [file for file in files if file.size > SMALL]
    versions = [*in_threads(store, small, AT_ONCE), *in_threads(store, large, 1)]
    return dict(zip((file.key for file in (*small, *large)), versions, strict=True))


def in_threads(act: Callable[[Item], Result], items: Iterable[Item], at_once: int) -> list[Result]:
    """Do ``act`` on every item in threads, and return what it returned; nothing new is begun after the first error, which is raised."""
    waiting = list(items)
    if len(waiting) <= 1:
        return [act(item) for item in waiting]
    with ThreadPoolExecutor(max_workers=min(at_once, len(waiting))) as pool:
        futures: list[Future[Result]] = [pool.submit(act, item) for item in waiting]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
            return [future.result() for future in futures if not future.cancelled()]
        except BaseException:
            for future in futures:
                future.cancel()
            raise


# ---- one file


def _readable(source: BinaryIO) -> Path | BinaryIO:
    """Return what obstore reads an open file from: by its path it reads in native code, and here a path leads to an open file."""
    path = Path(f"/proc/self/fd/{source.fileno()}")
    return path if path.exists() else source


def _is_there(file: Download) -> bool:
    """Whether an earlier call fetched this file already, and it is whole."""
    try:
        status = os.lstat(file.target)
        if status.st_size != file.size or not stat.S_ISREG(status.st_mode):
            return False
        if file.sha256:
            return hash_file(file.target)[0] == file.sha256
        return bool(file.version) and os.getxattr(file.target, _ATTRIBUTE) == file.version.encode()
    except OSError:
        return False


def _is_folder(client: ObjectClient, file: Download) -> bool:
    """Whether an empty object is what consoles make to show a folder that holds nothing: listings leave out the ``/`` at the end of its name."""
    if file.size or file.sha256 or client.find(file.key) is not None:
        return False
    return any(found.key == file.key for found in client.below(file.key.rpartition("/")[0]))


def _fetch(client: ObjectClient, file: Download, on_progress: OnProgress | None) -> None:
    for is_last in (False, True):
        aside = temporary_name(file.target)
        try:
            with open(aside, "x+b", buffering=0) as target:
                is_right = _fill(client, file, target.fileno(), on_progress)
                if is_right and file.version:
                    # Where the file system keeps no such notes, staging again fetches again.
                    with contextlib.suppress(OSError):
                        os.setxattr(target.fileno(), _ATTRIBUTE, file.version.encode())
            if is_right:
                os.rename(aside, file.target)
                return
        finally:
            with contextlib.suppress(OSError):
                os.unlink(aside)
        if is_last:
            raise _changed(file, "does not have the content")


def _fill(client: ObjectClient, file: Download, target: int, on_progress: OnProgress | None) -> bool:
    """Write the object's bytes to ``target``, and return whether they are what they should be."""
    if file.size <= SMALL:
        body = read_piece(client, file, None)
        _write_at(target, body, 0)
        return len(body) == file.size and (not file.sha256 or hashlib.sha256(body).hexdigest() == file.sha256)

    def move(start: int) -> bool:
        end = min(start + _RANGE, file.size)

        def write(answer: Any) -> int:
            place = start
            for block in answer.stream(_BLOCK):
                _write_at(target, memoryview(block), place)
                place += len(block)
                if on_progress is not None:
                    on_progress(0, 0)
            return place

        return _asked(client, file, (start, end), write) == end

    are_whole = in_threads(move, range(0, file.size, _RANGE), _RANGES_AT_ONCE)
    return all(are_whole) and (not file.sha256 or hash_of_open(target, on_progress) == file.sha256)


def read_piece(client: ObjectClient, file: Download, part: tuple[int, int] | None) -> memoryview:
    """Return the bytes from ``part[0]`` up to ``part[1]`` of an object, or all of them.

    :raises SourceChangedError: it is gone, or has another version or size than ``file`` says
    :raises DatastoreUnavailableError: it could not be read
    """
    return _asked(client, file, part, lambda answer: memoryview(answer.bytes()))


def _asked(client: ObjectClient, file: Download, part: tuple[int, int] | None, take: Callable[[Any], Result]) -> Result:
    """Ask for an object or a part of it, and return what ``take`` makes of obstore's answer; see :func:`read_piece`."""
    is_pinned = bool(file.version) and not file.version.startswith(UNPINNED)
    options = {**({"if_match": f'"{file.version}"'} if is_pinned else {}), **({"range": part} if part else {})}
    try:
        with client.doing("fetch", file.key):
            try:
                answer = engine().get(client.store("data"), file.key, options=options or None)
                meta = answer.meta
                if meta["size"] != file.size:
                    raise _changed(file, f"has {meta['size']} bytes, not the {file.size}")
                if file.version and not is_pinned and version_of(meta) != file.version:
                    raise _changed(file, "was written to: it is not the version")
                return take(answer)
            except engine().exceptions.PreconditionError:
                raise _changed(file, "was written to: it is not the version") from None
    except FileNotFoundError as error:
        raise SourceChangedError(
            f"{shorten(repr(file.name))} is gone; it was there when the data was identified, run again when nobody writes to it"
        ) from error


def _changed(file: Download, what: str) -> SourceChangedError:
    return SourceChangedError(f"{shorten(repr(file.name))} {what} that it had when it was identified; run again when nobody writes to it")


def _write_at(target: int, body: memoryview, start: int) -> None:
    while body:
        written = os.pwrite(target, body, start)
        body, start = body[written:], start + written
