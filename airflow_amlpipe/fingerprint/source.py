"""Which files of a source folder does a step run with?

Every file below it, except

* what the ignore file leaves out: ``.amlignore`` in the folder itself, or ``.gitignore`` there when it has none (SDK v1 did not merge
  the two). Syntax of ``.gitignore``; as in SDK v1 the last matching line decides for each file, also below a folder that is left out;
* ``.git``, ``.amlpipe`` and ``__pycache__`` anywhere, which are never source;
* the folder's own ``.amlignore`` and ``.gitignore``: what they do is already in the choice of files. (SDK v1 hashed them, so that a
  comment in one re-ran every step.)

Counted: paths, contents, whether a file may be executed, the text of symbolic links, folders that hold nothing. Not counted: times,
owners, all other modes. So a folder has the same digest on every machine and checkout.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
import time
import unicodedata
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Literal

from airflow_amlpipe.exceptions import DefinitionError, ProtocolError, SourceChangedError, shorten
from airflow_amlpipe.fingerprint.canonical import Json, canonical_bytes
from airflow_amlpipe.fingerprint.content import hash_file, newest_of, stat_token
from airflow_amlpipe.fingerprint.memo import HashMemo, is_settled

__all__ = ["LIMIT_BYTES", "LIMIT_FILES", "SOURCE_FORMAT", "SourceEntry", "SourceSnapshot", "snapshot_source"]

SOURCE_FORMAT = "amlpipe/source/v1"
LIMIT_BYTES = 2 << 30
LIMIT_FILES = 100_000

# SDK v1 refused above these (learn.microsoft.com, how-to-save-write-experiment-files); we warn.
_WARN_BYTES = 300 << 20
_WARN_FILES = 2000
_NEVER_SOURCE = frozenset({".git", ".amlpipe", "__pycache__"})
_IGNORE_FILES = (".amlignore", ".gitignore")


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
        walk = _Walk(top, *_read_ignore_file(top), limit_bytes=limit_bytes, limit_files=limit_files)
        walk.run()
        signature = walk.signature()
        memory = None if memo is None else memo.recall("source", top)
        body = memory.body() if memory is not None and memory.signature == signature else None
        if body is not None:
            return _with_warnings(SourceSnapshot.decode(body.encode("ascii")))
        snapshot = walk.hashed()
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


def _read_ignore_file(top: str) -> tuple[str, str]:
    """Return the text of the ignore file that counts and its name, both ``""`` when there is none."""
    for name in _IGNORE_FILES:
        try:
            with open(os.path.join(top, name), encoding="utf-8") as file:
                return file.read(), name
        except FileNotFoundError:
            continue
        except UnicodeDecodeError as error:
            raise DefinitionError(
                f"{shorten(repr(os.path.join(top, name)))} is not UTF-8 text ({error.reason}); save it as UTF-8"
            ) from error
    return "", ""


class _Walk:
    """Finds the files that are kept, then hashes them; paths are below ``top``."""

    def __init__(self, top: str, ignore_text: str, ignore_name: str, *, limit_bytes: int, limit_files: int) -> None:
        from pathspec import GitIgnoreSpec

        self.top = top
        self.limit_bytes, self.limit_files = limit_bytes, limit_files
        self.tokens: dict[str, str] = {}
        self._executable: set[str] = set()
        self._links: dict[str, str] = {}
        self._folders: list[str] = []
        self._sizes: Counter[str] = Counter()
        lines = ignore_text.splitlines()
        try:
            self._ignored = GitIgnoreSpec.from_lines(lines)
        except ValueError as error:
            raise DefinitionError(
                f"{shorten(repr(os.path.join(top, ignore_name)))} has a line that is no pattern: {shorten(str(error))}"
            ) from error
        # A later line may bring back a file below a folder that is left out; without such a line the folder need not be entered.
        self._brings_back = any(line.startswith("!") for line in lines)

    def run(self) -> None:
        waiting = [""]
        while waiting:
            folder = waiting.pop()
            is_empty = True
            with os.scandir(os.path.join(self.top, folder)) as entries:
                for entry in entries:
                    is_empty = False
                    path = f"{folder}/{entry.name}" if folder else entry.name
                    _check_text(self.top, path)
                    if entry.name in _NEVER_SOURCE or path in _IGNORE_FILES:
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        if self._brings_back or not self._ignored.match_file(f"{path}/"):
                            waiting.append(path)
                    elif not self._ignored.match_file(path):
                        self._keep(path, entry)
            if is_empty and folder and not self._ignored.match_file(f"{folder}/"):
                self._folders.append(folder)
        self._check_links()

    def _keep(self, path: str, entry: os.DirEntry[str]) -> None:
        status = entry.stat(follow_symlinks=False)
        if stat.S_ISLNK(status.st_mode):
            self._links[path] = self._inside(path)
            return
        if not stat.S_ISREG(status.st_mode):
            raise DefinitionError(
                f"{shorten(repr(entry.path))} is no file, folder or link and cannot be part of the source; remove it or leave it out in .amlignore"
            )
        self.tokens[path] = stat_token(status)
        if status.st_mode & stat.S_IXUSR:
            self._executable.add(path)
        self._sizes[path.partition("/")[0]] += status.st_size
        size = self._sizes.total() if len(self.tokens) % 100 == 0 or status.st_size > 1 << 20 else 0
        if len(self.tokens) > self.limit_files or size > self.limit_bytes:
            raise self._too_large()

    def _inside(self, path: str) -> str:
        """Return the text of the link ``path``, relative to its folder."""
        shown = os.path.join(self.top, path)
        text = os.readlink(shown)
        try:
            target = os.path.realpath(shown, strict=True)
        except FileNotFoundError:
            raise DefinitionError(
                f"the link {shorten(repr(shown))} leads nowhere (to {shorten(repr(text))}); remove it or leave it out in .amlignore"
            ) from None
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
            raise DefinitionError(
                f"the link {shorten(repr(shown))} leads back to itself; remove it or leave it out in .amlignore"
            ) from None
        here = os.path.dirname(shown)
        meant = os.path.normpath(os.path.join(here, text))
        if not _is_below(meant, self.top) or not _is_below(target, self.top):
            raise DefinitionError(
                f"the link {shorten(repr(shown))} leads out of the source folder (to {shorten(repr(target))}); "
                "copy what it leads to in its place, or leave the link out in .amlignore"
            )
        # The same link must read the same on another machine and in the step's copy: no absolute path, no way through the folders above.
        climbs = os.path.normpath(os.path.join(os.path.dirname(path), text)).startswith(os.pardir)
        return os.path.relpath(meant, here) if os.path.isabs(text) or climbs else text

    def _check_links(self) -> None:
        kept = {*self.tokens, *self._links, *self._folders}
        kept |= {str(parent) for path in kept for parent in PurePosixPath(path).parents}
        for path, text in self._links.items():
            target = os.path.relpath(os.path.realpath(os.path.join(self.top, path)), self.top)
            if target not in kept:
                raise DefinitionError(
                    f"the link {shorten(repr(path))} leads to {shorten(repr(text))}, which is left out of the source; leave out the link as well"
                )

    def signature(self) -> str:
        """Return a hash of all that is known without reading a file."""
        files: list[Json] = [[path, path in self._executable, token] for path, token in sorted(self.tokens.items())]
        return hashlib.sha256(canonical_bytes([files, dict(self._links), sorted(self._folders)])).hexdigest()

    def hashed(self) -> SourceSnapshot:
        self._check_size()
        entries = [SourceEntry(path, "link", target=text) for path, text in self._links.items()]
        entries += [SourceEntry(path, "folder") for path in self._folders]
        for path in self.tokens:
            sha256, token = hash_file(os.path.join(self.top, path))
            self.tokens[path] = token
            entries.append(SourceEntry(path, "file", path in self._executable, sha256, int(token.partition("/")[0])))
        return SourceSnapshot(tuple(sorted(entries, key=lambda entry: entry.path)))

    def _check_size(self) -> None:
        if self._sizes.total() > self.limit_bytes:
            raise self._too_large()

    def _too_large(self) -> DefinitionError:
        largest = ", ".join(f"{shorten(repr(name), 60)} ({size / 1e6:.1f} MB)" for name, size in self._sizes.most_common(3))
        return DefinitionError(
            f"the source folder {shorten(repr(self.top))} holds more than {self.limit_files} files or {self.limit_bytes / 1e6:.1f} MB "
            f"(largest so far: {largest}); leave data and environments out with .amlignore, or raise source_limit_files or source_limit_bytes"
        )


def _is_below(path: str, top: str) -> bool:
    return path == top or path.startswith(top.rstrip("/") + "/")


def _check_text(top: str, path: str) -> None:
    try:
        path.encode()
    except UnicodeEncodeError:
        raise DefinitionError(
            f"the name {shorten(repr(os.fsencode(path)))} in source folder {shorten(repr(top))} is not UTF-8; rename it"
        ) from None


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
    if not path or not set(path.split("/")).isdisjoint({"", ".", "..", *_NEVER_SOURCE}) or "\0" in path:
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
