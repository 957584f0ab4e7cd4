"""Which data is in a local folder or file?

Every file by its content. A memo saves reading what has not been written to since: an unchanged tree costs one walk, a changed one
the walk, one reading of the memo and the changed files.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from airflow_amlpipe.exceptions import DatastoreUnavailableError, SourceChangedError, shorten
from airflow_amlpipe.fingerprint.canonical import Json
from airflow_amlpipe.fingerprint.content import hash_file, newest_of, size_of
from airflow_amlpipe.fingerprint.memo import HashMemo, Memory, is_settled
from airflow_amlpipe.fingerprint.pattern import PathPattern
from airflow_amlpipe.fingerprint.scan import FolderScan, TreeScan, scan_tree
from airflow_amlpipe.fingerprint.tree import TreeIdentity, TreeManifest, encode_folder, encode_tree

__all__ = ["identify_tree"]

_TRIES = 2
# From here on hashing outweighs what handing a file to a thread costs; hashlib lets other threads run meanwhile.
_LARGE_BYTES = 1 << 20


def identify_tree(root: Path, memo: HashMemo | None = None, *, pattern: PathPattern | None = None) -> TreeIdentity:
    """Return which data is in ``root``, a folder or a file; with a ``pattern``, in the files below ``root`` that it names.

    Paths, sizes and contents count, and which folders are empty (not with a pattern); times, modes, owners and places do not. A link
    to something inside ``root`` counts as its content.

    :raises FileNotFoundError: nothing is at ``root``
    :raises DefinitionError: a link that leaves ``root``, dangles or loops, a FIFO, socket or device, a name that is no UTF-8
    :raises SourceChangedError: files kept changing while they were read
    :raises DatastoreUnavailableError: something could not be read
    """
    try:
        for _ in range(_TRIES - 1):
            with contextlib.suppress(SourceChangedError):
                return _identify(root, memo, pattern)
        return _identify(root, memo, pattern)
    except FileNotFoundError:
        raise
    except OSError as error:
        where = shorten(repr(os.fspath(error.filename or root)))
        raise DatastoreUnavailableError(f"{where} could not be read: {error.strerror}; make it readable and run again") from error


def _identify(root: Path, memo: HashMemo | None, pattern: PathPattern | None) -> TreeIdentity:
    began = time.time_ns()
    scan = scan_tree(root, pattern)
    memory = None if memo is None else memo.recall(_kind(pattern), scan.root)
    if memory is not None and memory.signature == scan.signature:
        return _recalled(memory, lambda: _hashed(scan_tree(root, pattern), {}, time.time_ns()).manifest())
    known = _lines_of(memory)
    hashed = _hashed(scan, known, began)
    if memo is not None and any(line.has_tokens for line in hashed.lines):
        signature = scan.signature if all(line.signature for line in hashed.lines) else ""
        body = "\n".join(line.text for line in hashed.lines)
        memo.keep(_kind(pattern), scan.root, signature, hashed.summary(), body)
    return TreeIdentity(hashed.digest, hashed.file_count, hashed.size_bytes, hashed.manifest)


def _kind(pattern: PathPattern | None) -> str:
    return "tree" if pattern is None else f"tree {pattern.text}"


def _recalled(memory: Memory, again: Callable[[], TreeManifest]) -> TreeIdentity:
    summary = memory.summary
    digest, is_file = str(summary["digest"]), bool(summary["is_file"])

    def load() -> TreeManifest:
        body = memory.body()
        if body is not None:
            encoded = encode_tree((_Line.parse(text).fragment for text in body.splitlines()), is_file=is_file)
            if hashlib.sha256(encoded).hexdigest() == digest:
                return TreeManifest.decode(encoded)
        # The memo was swept or overwritten since: read the files themselves.
        manifest = again()
        if manifest.digest != digest:
            raise SourceChangedError("files changed after they were identified; nothing was recorded, run again when nobody writes to them")
        return manifest

    return TreeIdentity(digest, _whole(summary["file_count"]), _whole(summary["size_bytes"]), load)


def _whole(value: Json) -> int:
    return value if isinstance(value, int) else 0


@dataclass(frozen=True, slots=True)
class _Line:
    """What is known of one folder: the memo's line, in fields that are only taken apart when the folder changed.

    :ivar signature: of the folder's stats; ``""`` when not all of them could be kept
    :ivar fragment: the folder's part of the manifest
    :ivar tokens: JSON list, the stat token of each file in the fragment, ``""`` where it could not be kept
    """

    path: str
    signature: str
    size_bytes: int
    file_count: int
    fragment: str
    tokens: str

    @property
    def text(self) -> str:
        return "\t".join((json.dumps(self.path), self.signature, str(self.size_bytes), str(self.file_count), self.fragment, self.tokens))

    @property
    def has_tokens(self) -> bool:
        return bool(self.signature) or "/" in self.tokens

    @classmethod
    def parse(cls, text: str) -> _Line:
        path, signature, size_bytes, file_count, fragment, tokens = text.split("\t")
        return cls(json.loads(path), signature, int(size_bytes), int(file_count), fragment, tokens)

    def hashes(self) -> dict[tuple[str, str], str]:
        """Return the hash of each file by its name and stat token."""
        files = json.loads(self.fragment)[1]
        return {(name, token): sha256 for (name, _, sha256), token in zip(files, json.loads(self.tokens), strict=True) if token}


def _lines_of(memory: Memory | None) -> dict[str, _Line]:
    body = None if memory is None else memory.body()
    return {} if body is None else {line.path: line for line in map(_Line.parse, body.splitlines())}


@dataclass(frozen=True)
class _Hashed:
    lines: list[_Line]
    is_file: bool
    digest: str
    encoded: bytes

    @property
    def file_count(self) -> int:
        return sum(line.file_count for line in self.lines)

    @property
    def size_bytes(self) -> int:
        return sum(line.size_bytes for line in self.lines)

    def summary(self) -> dict[str, Json]:
        return {"digest": self.digest, "file_count": self.file_count, "size_bytes": self.size_bytes, "is_file": self.is_file}

    def manifest(self) -> TreeManifest:
        return TreeManifest.decode(self.encoded)


def _hashed(scan: TreeScan, known: dict[str, _Line], began_ns: int) -> _Hashed:
    unchanged: dict[str, _Line] = {}
    hashes: dict[str, dict[tuple[str, str], str]] = {}
    to_read: list[tuple[str, str]] = []
    for folder in scan.folders:
        line = known.get(folder.path)
        if line is not None and line.signature == folder.signature and (folder.rows or folder.is_empty):
            unchanged[folder.path] = line
            continue
        hashes[folder.path] = {} if line is None else line.hashes()
        to_read += [(real, token) for name, real, token in folder.files() if (name, token) not in hashes[folder.path]]
    read = _read_all(to_read)
    lines = [
        unchanged.get(folder.path) or _line_for(folder, hashes[folder.path], read, began_ns)
        for folder in scan.folders
        if folder.rows or folder.is_empty  # folders that hold only folders are implied by those
    ]
    encoded = encode_tree((line.fragment for line in lines), is_file=scan.is_file)
    return _Hashed(lines, scan.is_file, hashlib.sha256(encoded).hexdigest(), encoded)


def _line_for(folder: FolderScan, known: dict[tuple[str, str], str], read: dict[str, tuple[str, str]], began_ns: int) -> _Line:
    files: list[tuple[str, int, str]] = []
    tokens: list[str] = []
    for name, real, token in folder.files():
        sha256, seen = known.get((name, token)), token
        if sha256 is None:
            sha256, seen = read[real]
        is_kept = seen == token and is_settled(newest_of(token), began_ns)
        tokens.append(token if is_kept else "")
        files.append((name, size_of(seen), sha256))
    return _Line(
        folder.path,
        folder.signature if all(tokens) else "",
        sum(size for _, size, _ in files),
        len(files),
        encode_folder(folder.path, files),
        json.dumps(tokens, separators=(",", ":")),
    )


def _read_all(files: list[tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """Return hash and stat token of each local file in ``files``, which are (path, token of the walk)."""
    large = [path for path, token in files if size_of(token) >= _LARGE_BYTES]
    found = {path: _read(path) for path, token in files if size_of(token) < _LARGE_BYTES}
    if len(large) > 1:
        with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
            found.update(zip(large, pool.map(_read, large), strict=True))
    else:
        found.update((path, _read(path)) for path in large)
    return found


def _read(path: str) -> tuple[str, str]:
    try:
        return hash_file(path)
    except FileNotFoundError as error:
        raise SourceChangedError(f"{shorten(repr(path))} went away while it was being read; run again when nobody writes to it") from error
