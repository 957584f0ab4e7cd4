"""How do files that are read from elsewhere look like a folder of this machine? (FUSE, by ``fsspec.fuse`` and fusepy)

Names and sizes are known before, so looking around asks nobody; reading asks for a few megabytes ahead. Nothing can be written.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import fuse
from fsspec.fuse import FUSEr
from fsspec.spec import AbstractBufferedFile, AbstractFileSystem

from airflow_amlpipe.exceptions import AmlPipeError
from airflow_amlpipe.workspace.serving import ServedFile

__all__ = ["serve_files"]

_AHEAD = 4 << 20


def serve_files(
    inputs: Mapping[str, tuple[ServedFile, ...]], place: Path, say: Callable[[str], None], *, on_ready: Callable[[], object]
) -> None:
    """Show the files of each input in a folder of its name below ``place``; returns when that is unmounted.

    :param say: told of what could not be read, of which the reader only learns that there was an error
    :param on_ready: called once, when everything is mounted
    """
    tree = _Tree({f"{name}/{file.path}": file for name, files in inputs.items() for file in files}, tuple(inputs), say)
    fuse.FUSE(_ReadOnly(tree, on_ready), str(place), foreground=True, nothreads=True, ro=True, fsname="amlpipe", subtype="amlpipe")


class _Tree(AbstractFileSystem):  # type: ignore[misc]
    """The files, for fsspec."""

    cachable = False

    def __init__(self, files: Mapping[str, ServedFile], folders: tuple[str, ...], say: Callable[[str], None]) -> None:
        super().__init__()
        self.files = files
        self.say = say
        self.members: dict[str, dict[str, None]] = {"": {}}
        for path in (*folders, *files):
            parts = path.split("/")
            for depth, name in enumerate(parts):
                self.members.setdefault("/".join(parts[:depth]), {})[name] = None
        for folder in folders:
            self.members.setdefault(folder, {})

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """Return what ``stat`` shows."""
        path = path.strip("/")
        owner = {"name": path, "uid": os.geteuid(), "gid": os.getegid(), "atime": 0, "mtime": 0, "ctime": 0}
        if path in self.members:
            return {**owner, "type": "directory", "size": 0, "mode": 0o555}
        if path in self.files:
            return {**owner, "type": "file", "size": self.files[path].size_bytes, "mode": 0o444}
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)

    def ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:
        """Return what is in a folder."""
        path = path.strip("/")
        names = [f"{path}/{name}".lstrip("/") for name in self.members.get(path, {})]
        return [self.info(name) for name in names] if detail else names

    def _open(self, path: str, mode: str = "rb", **_: Any) -> _File:
        return _File(self, path.strip("/"), mode, block_size=_AHEAD)


class _File(AbstractBufferedFile):  # type: ignore[misc]
    def _fetch_range(self, start: int, end: int) -> bytes:
        try:
            return self.fs.files[self.path].read(start, end)  # type: ignore[no-any-return]
        except (AmlPipeError, OSError) as error:
            self.fs.say(f"input {self.path.split('/')[0]!r}: {error}")
            raise OSError(errno.EIO, os.strerror(errno.EIO), self.path) from error


class _ReadOnly(FUSEr):  # type: ignore[misc]
    """fsspec's operations, without those that write: it is mounted read-only too, so that the kernel refuses before we do."""

    def __init__(self, tree: _Tree, on_ready: Callable[[], object]) -> None:
        super().__init__(tree, "")
        self._on_ready = on_ready

    def init(self, path: str) -> None:  # noqa: ARG002  # fusepy gives it
        """Say that the kernel has answered."""
        self._on_ready()

    chmod = fuse.Operations.chmod
    create = fuse.Operations.create
    mkdir = fuse.Operations.mkdir
    rmdir = fuse.Operations.rmdir
    truncate = fuse.Operations.truncate
    unlink = fuse.Operations.unlink
    write = fuse.Operations.write

    def getattr(self, path: str, fh: int | None = None) -> dict[str, Any]:
        """Return what ``stat`` shows; unlike fsspec, a folder's size and links as programs expect them."""
        found: dict[str, Any] = super().getattr(path, fh)
        found["st_nlink"] = 2 if stat.S_ISDIR(found["st_mode"]) else 1
        return found

    def open(self, path: str, flags: int) -> int:
        """Open for reading, whatever else the flags say."""
        opened: int = super().open(path, flags & ~os.O_ACCMODE)
        return opened
