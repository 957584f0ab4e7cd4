"""Which files of a source folder does a step run with?

Which files are kept, ``source_files.py`` says. Of each, its path, content and whether it may be executed count; of symbolic links the
text; and folders that hold nothing. Not counted: times, owners, all other modes. So a folder has the same digest on every machine and
checkout.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
import unicodedata
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from airflow_amlpipe.exceptions import DefinitionError, ProtocolError, SourceChangedError, shorten
from airflow_amlpipe.fingerprint.canonical import Json, canonical_bytes
from airflow_amlpipe.fingerprint.content import hash_file, newest_of, size_of
from airflow_amlpipe.fingerprint.memo import HashMemo, is_settled
from airflow_amlpipe.fingerprint.source_files import NEVER_SOURCE, SourceWalk, read_ignore_file

__all__ = ["LIMIT_BYTES", "LIMIT_FILES", "SOURCE_FORMAT", "SourceEntry", "SourceSnapshot", "snapshot_source"]

SOURCE_FORMAT = "amlpipe/source/v1"
LIMIT_BYTES = 2 << 30
LIMIT_FILES = 100_000

# SDK v1 refused above these (learn.microsoft.com, how-to-save-write-experiment-files); we warn.
_WARN_BYTES = 300 << 20
_WARN_FILES = 2000


@dataclass(frozen=True, slots=True)
class SourceEntry:
    """One entry; ``sha256`` and ``size`` are a file's, ``target`` is a link's text, relative to the folder the link is in."""

    path: str
    kind: Literal["file", "link", "folder"]
    executable: bool = False
    sha256: str = ""
    size: int = 0
    target: str = ""


@dataclass(frozen=True)
class SourceSnapshot:
    """The frozen content of a source folder, entries sorted by path.

    :ivar warnings: what its author should know, one sentence each
    """

    entries: tuple[SourceEntry, ...]
    warnings: tuple[str, ...] = ()

    @cached_property
    def digest(self) -> str:
        """SHA-256 of :meth:`encode`, 64 hex characters."""
        return hashlib.sha256(self.encode()).hexdigest()

    @property
    def size_bytes(self) -> int:
        return sum(entry.size for entry in self.entries)

    @property
    def file_count(self) -> int:
        return sum(entry.kind == "file" for entry in self.entries)

    def encode(self) -> bytes:
        """Return the one canonical encoding, JSON."""
        rows: list[Json] = []
        for entry in sorted(self.entries, key=lambda entry: entry.path):
            if entry.kind == "file":
                rows.append([entry.path, "file", entry.executable, entry.size, entry.sha256])
            elif entry.kind == "link":
                rows.append([entry.path, "link", entry.target])
            else:
                rows.append([entry.path, "folder"])
        return canonical_bytes({"format": SOURCE_FORMAT, "entries": rows})

    @classmethod
    def decode(cls, content: bytes) -> SourceSnapshot:
        """Return the snapshot that ``content`` encodes.

        :raises ProtocolError: it is none, or one that this version would have written differently; nothing in it can be trusted
        """
        try:
            document = json.loads(content)
            if not isinstance(document, dict) or document.get("format") != SOURCE_FORMAT:
                raise ValueError(f"its format is not {SOURCE_FORMAT!r}")
            snapshot = cls(tuple(_decoded(*row) for row in document["entries"]))
            if snapshot.encode() != content:
                raise ValueError("it is not in canonical form")
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise ProtocolError(
                f"a source snapshot could not be read: {shorten(str(error))} (given: {shorten(repr(content[:120]))}); "
                "it was damaged or written by another version of airflow-amlpipe"
            ) from error
        return snapshot


def snapshot_source(
    directory: Path, memo: HashMemo | None = None, *, limit_bytes: int = LIMIT_BYTES, limit_files: int = LIMIT_FILES
) -> SourceSnapshot:
    """Return the content of the source folder ``directory``.

    :raises DefinitionError: no folder; above a limit; a link that leaves it, dangles, loops or leads to what is left out; a FIFO, socket
        or device; a name that is no UTF-8; something unreadable. The message names the path
    :raises SourceChangedError: files changed while they were read
    """
    top = os.path.realpath(directory)
    began = time.time_ns()
    try:
        if not stat.S_ISDIR(os.stat(top).st_mode):
            raise DefinitionError(f"the source folder {shorten(repr(str(directory)))} is a file; name the folder that holds the script")
        walk = SourceWalk(top, *read_ignore_file(top), limit_bytes=limit_bytes, limit_files=limit_files)
        walk.run()
        signature = walk.signature()
        memory = None if memo is None else memo.recall("source", top)
        body = memory.body() if memory is not None and memory.signature == signature else None
        if body is not None:
            return _with_warnings(SourceSnapshot.decode(body.encode("ascii")))
        snapshot = _hashed(walk)
    except FileNotFoundError as error:
        if os.path.isdir(top):
            raise SourceChangedError(
                f"{shorten(repr(error.filename))} went away while the source folder was read; run again when nobody writes to it"
            ) from error
        raise DefinitionError(
            f"the source folder {shorten(repr(str(directory)))} does not exist; name the folder that holds the script"
        ) from error
    except OSError as error:
        raise DefinitionError(
            f"source folder {shorten(repr(str(directory)))}: {shorten(repr(error.filename or top))} could not be read ({error.strerror}); "
            "make it readable, or leave it out with a line in .amlignore"
        ) from error
    if memo is not None and all(is_settled(newest_of(token), began) for token in walk.tokens.values()):
        memo.keep("source", top, signature, {}, snapshot.encode().decode("ascii"))
    return _with_warnings(snapshot)


def _hashed(walk: SourceWalk) -> SourceSnapshot:
    entries = [SourceEntry(path, "link", target=text) for path, text in walk.links.items()]
    entries += [SourceEntry(path, "folder") for path in walk.folders]
    for path, seen in walk.tokens.items():
        sha256, token = hash_file(os.path.join(walk.top, path))
        if token != seen:
            raise SourceChangedError(f"{shorten(repr(path))} changed while the source folder was read; run again when nobody writes to it")
        entries.append(SourceEntry(path, "file", path in walk.executable, sha256, size_of(token)))
    return SourceSnapshot(tuple(sorted(entries, key=lambda entry: entry.path)))


def _with_warnings(snapshot: SourceSnapshot) -> SourceSnapshot:
    warnings = []
    if snapshot.size_bytes > _WARN_BYTES or snapshot.file_count > _WARN_FILES:
        warnings.append(
            f"the source folder holds {snapshot.file_count} files, {snapshot.size_bytes / 1e6:.1f} MB; "
            f"Azure ML took at most {_WARN_FILES} files and 300 MB, leave data and environments out with .amlignore"
        )
    seen: dict[str, str] = {}
    for entry in snapshot.entries:
        folded = unicodedata.normalize("NFC", entry.path).casefold()
        other = seen.setdefault(folded, entry.path)
        if other != entry.path:
            warnings.append(
                f"{shorten(repr(other))} and {shorten(repr(entry.path))} differ only in case or accents' encoding; "
                "some file systems cannot hold both, rename one"
            )
            break
    return SourceSnapshot(snapshot.entries, tuple(warnings))


def _decoded(path: str, kind: str, *rest: object) -> SourceEntry:
    if not path or not set(path.split("/")).isdisjoint({"", ".", "..", *NEVER_SOURCE}) or "\0" in path:
        raise ValueError(f"the path {shorten(repr(path))} cannot be part of a source folder")
    match (kind, *rest):
        case ("file", bool(executable), int(size), str(sha256)) if (
            size >= 0 and len(sha256) == 64 and set(sha256) <= set("0123456789abcdef")
        ):
            return SourceEntry(path, "file", executable, sha256, size)
        case ("link", str(target)):
            if target.startswith("/") or not target or os.path.normpath(f"/top/{path}/../{target}").split("/")[1] != "top":
                raise ValueError(f"the link {shorten(repr(path))} leads out of the source folder")
            return SourceEntry(path, "link", target=target)
        case ("folder",):
            return SourceEntry(path, "folder")
    raise ValueError(f"the entry {shorten(repr([path, kind, *rest]))} is not known")
