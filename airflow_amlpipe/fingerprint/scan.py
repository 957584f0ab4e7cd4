"""Which files are below a folder, and what does ``stat`` say of each?

The walk opens every folder relative to the root without following links, and never opens a file. Links are resolved here:
one that leads to a file or folder inside the root stands for its content, any other is refused by name.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
from bisect import bisect_left
from dataclasses import dataclass, field
from functools import cached_property

from airflow_amlpipe.exceptions import DefinitionError, SourceChangedError, shorten
from airflow_amlpipe.fingerprint.content import stat_token
from airflow_amlpipe.fingerprint.pattern import PathPattern

__all__ = ["UNFINISHED", "FolderScan", "TreeScan", "kind_of", "refusal", "scan_tree"]

# Names that start so are our own unfinished writes next to user data; they are never data.
UNFINISHED = ".amlpipe-tmp-"

_MOST_FOLLOWED = 1000
_OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_KINDS = {stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket", stat.S_IFBLK: "a block device", stat.S_IFCHR: "a character device"}


@dataclass(frozen=True, slots=True)
class FolderScan:
    """One folder.

    :ivar path: below the root, ``""`` for the root itself
    :ivar real: the local folder that really holds the files (another one when a link led here)
    :ivar rows: one ``name NUL stat-token`` for each file, sorted; text, because it is hashed far more often than taken apart
    :ivar linked: the local file behind each name that is a link
    :ivar is_empty: it holds nothing at all
    :ivar is_plain: whoever opens it finds just these files and folders: no link in it, and no unfinished write beside them
    :ivar signature: hash of the rows
    """

    path: str
    real: str
    rows: list[str]
    linked: dict[str, str]
    is_empty: bool
    signature: str
    is_plain: bool = True

    def files(self) -> list[tuple[str, str, str]]:
        """Return (name, local path, stat token) of each file."""
        found = []
        for row in self.rows:
            name, _, token = row.partition("\0")
            found.append((name, self.linked.get(name) or os.path.join(self.real, name), token))
        return found


@dataclass(frozen=True)
class TreeScan:
    """All folders of a tree, sorted by path. ``is_file``: the root is one file, shown as a folder that holds only it."""

    root: str
    folders: tuple[FolderScan, ...]
    is_file: bool = False

    @cached_property
    def signature(self) -> str:
        """Hash of all names and stat tokens: equal as long as nothing was written."""
        listing = [[folder.path, folder.signature, folder.is_empty] for folder in self.folders]
        return hashlib.sha256(json.dumps([self.is_file, listing]).encode("ascii")).hexdigest()


def scan_tree(root: str | os.PathLike[str], pattern: PathPattern | None = None) -> TreeScan:
    """Return what is below ``root``; with a ``pattern``, only the files it names.

    :raises FileNotFoundError: nothing is there
    :raises DefinitionError: a link that leaves the root, dangles or loops; a FIFO, socket or device; a name that is no UTF-8
    :raises SourceChangedError: a folder went away meanwhile
    :raises OSError: a folder cannot be read
    """
    top = os.path.realpath(root)
    status = os.stat(top)
    if stat.S_ISREG(status.st_mode):
        folder = os.path.dirname(top)
        # The name asked for counts, not the one a link resolves to: equal content at equal paths is equal.
        shown = os.path.basename(os.path.normpath(root))
        return TreeScan(top, (_folder_scan("", folder, [f"{shown}\0{stat_token(status)}"], {shown: top}, is_empty=False),), is_file=True)
    if not stat.S_ISDIR(status.st_mode):
        raise DefinitionError(refusal(os.fspath(root), kind_of(status.st_mode)))
    walk = _Walk(top, pattern)
    return TreeScan(top, tuple(walk.run()))


def kind_of(mode: int) -> str:
    """Return in words what has the file mode ``mode`` and is neither file, folder nor link."""
    return _KINDS.get(stat.S_IFMT(mode), "no file")


def refusal(path: str, kind: str) -> str:
    """Return what to say of ``path`` when it is ``kind``, which cannot be data."""
    return f"{shorten(repr(path))} is {kind}; data must be plain files and folders, remove it or write a file in its place"


def _folder_scan(path: str, real: str, rows: list[str], linked: dict[str, str], *, is_empty: bool, is_plain: bool = True) -> FolderScan:
    try:
        listing = "\n".join(rows).encode()
        path.encode()
    except UnicodeEncodeError:
        wrong = next(name for name in (path, *(row.partition("\0")[0] for row in rows)) if not _is_text(name))
        where = os.fsencode(os.path.dirname(real) if wrong == path else real)
        raise DefinitionError(
            f"the name {shorten(repr(os.fsencode(os.path.basename(wrong))))} in folder {shorten(repr(where))} is not UTF-8; rename it"
        ) from None
    return FolderScan(path, real, rows, linked, is_empty, hashlib.sha256(listing).hexdigest(), is_plain)


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


@dataclass
class _Walk:
    top: str
    pattern: PathPattern | None
    # (path shown, path really opened below the top, folders that links were followed from)
    waiting: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=lambda: [("", "", ())])
    followed: int = 0

    def run(self) -> list[FolderScan]:
        found = []
        anchor = os.open(self.top, _OPEN_FOLDER)
        try:
            while self.waiting:
                found.append(self._folder(anchor, *self.waiting.pop()))
        finally:
            os.close(anchor)
        if self.pattern is not None:
            found = [folder for folder in found if folder.rows]
        found.sort(key=lambda folder: folder.path)
        return found

    def _folder(self, anchor: int, path: str, real: str, chain: tuple[str, ...]) -> FolderScan:
        rows: list[str] = []
        rest: list[tuple[str, int]] = []
        is_plain = True
        try:
            descriptor = os.open(real or ".", _OPEN_FOLDER, dir_fd=anchor)
            try:
                with os.scandir(descriptor) as entries:
                    # The hot loop: 100,000 times through here is what an unchanged input costs. The row's text is stat_token's.
                    for entry in entries:
                        st = entry.stat(follow_symlinks=False)
                        if st.st_mode & 0o170000 == 0o100000:
                            rows.append(f"{entry.name}\0{st.st_size}/{st.st_mtime_ns}/{st.st_ctime_ns}/{st.st_ino}/{st.st_dev}")
                        elif not entry.name.startswith(UNFINISHED):
                            rest.append((entry.name, stat.S_IFMT(st.st_mode)))
                        else:
                            is_plain = False
            finally:
                os.close(descriptor)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise SourceChangedError(
                f"{shorten(repr(os.path.join(self.top, path)))} went away while it was being read; run again when nobody writes to it"
            ) from error
        linked: dict[str, str] = {}
        for name, kind in rest:
            if kind == stat.S_IFDIR:
                self._enter(_join(path, name), _join(real, name), chain)
            elif self._may_name(path, name):
                if kind != stat.S_IFLNK:
                    raise DefinitionError(refusal(os.path.join(self.top, path, name), kind_of(kind)))
                token = self._follow(path, real, name, chain, linked)
                if token:
                    rows.append(f"{name}\0{token}")
        selected = self._selected(path, sorted(rows))
        is_plain = is_plain and len(selected) == len(rows) and all(kind != stat.S_IFLNK for _, kind in rest)
        place = os.path.join(self.top, real) if real else self.top
        return _folder_scan(path, place, selected, linked, is_empty=not selected and not rest, is_plain=is_plain)

    def _selected(self, path: str, rows: list[str]) -> list[str]:
        first = bisect_left(rows, UNFINISHED)
        if first < len(rows) and rows[first].startswith(UNFINISHED):
            rows = [row for row in rows if not row.startswith(UNFINISHED)]
        if self.pattern is not None:
            rows = [row for row in rows if self.pattern.names(path, row.partition("\0")[0])]
        return rows

    def _may_name(self, path: str, name: str) -> bool:
        return self.pattern is None or self.pattern.names(path, name) or self.pattern.enters(_join(path, name))

    def _enter(self, path: str, real: str, chain: tuple[str, ...]) -> None:
        if self.pattern is None or self.pattern.enters(path):
            self.waiting.append((path, real, chain))

    def _follow(self, path: str, real: str, name: str, chain: tuple[str, ...], linked: dict[str, str]) -> str | None:
        """Return the stat token of the file behind a link, or queue the folder behind it and return ``None``."""
        shown = os.path.join(self.top, path, name)
        try:
            target = os.path.realpath(os.path.join(self.top, real, name), strict=True)
            status = os.stat(target)
        except FileNotFoundError:
            raise DefinitionError(f"the link {shorten(repr(shown))} leads nowhere; remove it or write a file in its place") from None
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
            raise DefinitionError(f"the link {shorten(repr(shown))} leads back to itself; remove it") from None
        inside = os.path.relpath(target, self.top)
        if inside == os.pardir or inside.startswith(os.pardir + os.sep):
            raise DefinitionError(
                f"the link {shorten(repr(shown))} leads out of {shorten(repr(self.top))} (to {shorten(repr(target))}); "
                "copy what it leads to in its place"
            )
        if stat.S_ISREG(status.st_mode):
            linked[name] = target
            return stat_token(status)
        if not stat.S_ISDIR(status.st_mode):
            raise DefinitionError(refusal(shown, f"a link to {_KINDS.get(stat.S_IFMT(status.st_mode), 'no file')}"))
        inside = "" if inside == os.curdir else inside
        steps = (*chain, real)
        self.followed += 1
        if any(step == inside or not inside or step.startswith(inside + "/") for step in steps):
            raise DefinitionError(f"the link {shorten(repr(shown))} leads back to a folder it is in; remove it")
        if self.followed > _MOST_FOLLOWED:
            raise DefinitionError(f"more than {_MOST_FOLLOWED} links to folders below {shorten(repr(self.top))}; replace them by folders")
        self._enter(_join(path, name), inside, steps)
        return None


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
