"""What did we hash before, and may that still be believed?

One small file for each folder that was identified. Its first line answers for an unchanged folder without the rest being read; the
body serves a folder in which some files changed. Everything is checked by a hash of itself, written aside and moved into place, and
may be deleted at any time: the memo saves time and decides nothing.

What may be kept: a file written twice within one tick of its file system's clock, at the same size, looks unwritten. So a stat is kept
only when its newest time lay :data:`TICK_GUARD_NS` before hashing began. A time in the future is never that old, nor is any time after
the clock was set back. A clock that jumps forward just before hashing begins and back again before the file is rewritten in the very
same tick (ns on local Linux file systems) could deceive us; nothing else known can, because nobody can set ctime.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from airflow_amlpipe.fingerprint.canonical import Json

__all__ = ["TICK_GUARD_NS", "HashMemo", "Memory", "is_settled"]

TICK_GUARD_NS = 2_000_000_000

_FORMAT = "amlpipe/memo/v1"
_KEPT_SECONDS = 30 * 24 * 3600
_REFRESHED_SECONDS = 24 * 3600


def is_settled(newest_ns: int, began_ns: int) -> bool:
    """Whether a file whose newest time is ``newest_ns`` could be told apart if it was written again after ``began_ns``."""
    return newest_ns < began_ns - TICK_GUARD_NS


@dataclass(frozen=True)
class Memory:
    """What is remembered of one folder.

    :ivar signature: of the stats of all files; ``""`` when not all of them could be kept
    :ivar summary: what was found, for a folder with that signature
    """

    signature: str
    summary: Mapping[str, Json]
    _path: Path
    _first_line: bytes
    _body_sha256: str

    def body(self) -> str | None:
        """Return the rest, ``None`` when it was replaced or damaged meanwhile."""
        try:
            with open(self._path, "rb") as file:
                if file.readline() != self._first_line:
                    return None
                body = file.read()
        except OSError:
            return None
        return body.decode("ascii") if hashlib.sha256(body).hexdigest() == self._body_sha256 else None


class HashMemo:
    """The memo of one machine, in ``folder`` (made when first needed). Any number of processes may share it; trouble with it is silent."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def recall(self, kind: str, root: str) -> Memory | None:
        """Return what is remembered of the local folder ``root`` as a ``kind``, ``None`` when nothing readable is."""
        path = self._path(kind, root)
        try:
            with open(path, "rb") as file:
                line = file.readline()
                age = time.time() - os.fstat(file.fileno()).st_mtime
            check, _, header = line.rstrip(b"\n").partition(b" ")
            if check.decode("ascii") != hashlib.sha256(header).hexdigest():
                return None
            found = json.loads(header)
            if found["format"] != _FORMAT or found["kind"] != kind or found["root"] != _printable(root):
                return None
            memory = Memory(found["signature"], found["summary"], path, line, found["body"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if age > _REFRESHED_SECONDS:
            with contextlib.suppress(OSError):
                os.utime(path)  # what is in use is not swept away
        return memory

    def keep(self, kind: str, root: str, signature: str, summary: Mapping[str, Json], body: str) -> None:
        """Remember ``summary`` and ``body`` of the local folder ``root``; ``body`` is ASCII."""
        content = body.encode("ascii")
        header = json.dumps(
            {
                "format": _FORMAT,
                "kind": kind,
                "root": _printable(root),
                "signature": signature,
                "summary": summary,
                "body": hashlib.sha256(content).hexdigest(),
            }
        ).encode("ascii")
        path = self._path(kind, root)
        aside = path.with_name(f"{path.name}.{uuid.uuid4().hex}.tmp")
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with open(aside, "xb") as file:
                file.write(hashlib.sha256(header).hexdigest().encode("ascii") + b" " + header + b"\n")
                file.write(content)
            os.replace(aside, path)
            self._sweep()
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(aside)

    def _path(self, kind: str, root: str) -> Path:
        return self.folder / hashlib.sha256(f"{kind}\0".encode() + os.fsencode(root)).hexdigest()

    def _sweep(self) -> None:
        # At most once a day: folders nobody has identified for a month, and what a killed process left behind.
        stamp = self.folder / "swept"
        now = time.time()
        with contextlib.suppress(FileNotFoundError):
            if now - stamp.stat().st_mtime < _REFRESHED_SECONDS:
                return
        stamp.touch()
        with os.scandir(self.folder) as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):
                    limit = _REFRESHED_SECONDS if entry.name.endswith(".tmp") else _KEPT_SECONDS
                    if now - entry.stat().st_mtime > limit:
                        os.unlink(entry.path)


def _printable(root: str) -> str:
    return root.encode(errors="backslashreplace").decode()
