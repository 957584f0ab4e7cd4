"""What is the content of a folder of data, and how is it written down?

Content only: no times, owners or places, so that equal files have an equal digest wherever they lie. Where reading every byte to find
that out would cost too much, in an object store, each file has a version in place of its hash: such a tree says whether something
changed, not whether two are the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from airflow_amlpipe.exceptions import ProtocolError, shorten

__all__ = ["TREE_FORMAT", "TreeFile", "TreeIdentity", "TreeManifest", "encode_folder", "encode_tree"]

TREE_FORMAT = "amlpipe/tree/v1"

# No hash begins like this, so no file with a version is ever taken for one with a hash.
_VERSION = "version "


@dataclass(frozen=True, slots=True)
class TreeFile:
    """One file: its path below the tree's root with ``/`` separators, its size in bytes and the SHA-256 of its content.

    :ivar version: what its store calls this content of it (the ETag of an object), where the hash is not known
    """

    path: str
    size: int
    sha256: str = ""
    version: str = ""

    @property
    def mark(self) -> str:
        """What differs when the content does: the hash, or the version as text that is no hash."""
        return self.sha256 or _VERSION + self.version


@dataclass(frozen=True)
class TreeManifest:
    """Every file of a tree, and the folders that hold nothing.

    ``files`` and ``empty_folders`` are sorted by the UTF-8 bytes of their paths, whatever order they were given in.

    :ivar is_file: the tree is one file instead of a folder; the file's path is its name

    >>> TreeManifest((TreeFile("b", 1, "0" * 64), TreeFile("a", 2, "f" * 64))).files[0].path
    'a'
    """

    files: tuple[TreeFile, ...] = ()
    empty_folders: tuple[str, ...] = ()
    is_file: bool = False

    def __post_init__(self) -> None:
        # Code points sort as their UTF-8 bytes do.
        object.__setattr__(self, "files", tuple(sorted(self.files, key=lambda file: file.path)))
        object.__setattr__(self, "empty_folders", tuple(sorted(self.empty_folders)))

    @property
    def digest(self) -> str:
        """SHA-256 of :meth:`encode`, 64 hex characters: the identity of the data."""
        return hashlib.sha256(self.encode()).hexdigest()

    @property
    def size_bytes(self) -> int:
        return sum(file.size for file in self.files)

    def encode(self) -> bytes:
        """Return the one canonical encoding: JSON, a list of folders sorted by path, each with its files sorted by name."""
        folders: dict[str, list[tuple[str, int, str]]] = {path: [] for path in self.empty_folders}
        for file in self.files:
            folder, _, name = file.path.rpartition("/")
            folders.setdefault(folder, []).append((name, file.size, file.mark))
        return encode_tree((encode_folder(path, sorted(folders[path])) for path in sorted(folders)), is_file=self.is_file)

    @classmethod
    def decode(cls, content: bytes) -> TreeManifest:
        """Return the manifest that ``content`` encodes.

        :raises ProtocolError: it is none, or one that this version would have written differently; nothing in it can be trusted
        """
        try:
            document = json.loads(content)
            if not isinstance(document, dict) or document.get("format") != TREE_FORMAT:
                raise ValueError(f"its format is not {TREE_FORMAT!r}")
            files = tuple(
                _file(f"{folder}/{name}" if folder else name, size, mark)
                for folder, members in document["folders"]
                for name, size, mark in members
            )
            empty = tuple(folder for folder, members in document["folders"] if not members)
            manifest = cls(files, empty, document["is_file"])
            manifest._check()
            # One reading for each manifest: whatever decodes must be exactly what encodes.
            if manifest.encode() != content:
                raise ValueError("it is not in canonical form")
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise ProtocolError(
                f"a data manifest could not be read: {shorten(str(error))} (given: {shorten(repr(content[:120]))}); "
                "it was damaged or written by another version of airflow-amlpipe"
            ) from error
        return manifest

    def _check(self) -> None:
        # Only a folder may be the root itself.
        for path in (*filter(None, self.empty_folders), *(file.path for file in self.files)):
            path.encode()
            if not set(path.split("/")).isdisjoint({"", ".", ".."}) or "\0" in path:
                raise ValueError(f"the path {shorten(repr(path))} leaves the tree")
        for file in self.files:
            if isinstance(file.size, bool) or not isinstance(file.size, int) or file.size < 0:
                raise ValueError(f"the size of {shorten(repr(file.path))} is {file.size!r}")
            if file.version:
                if not (file.version.isascii() and file.version.isprintable()):
                    raise ValueError(f"the version of {shorten(repr(file.path))} is {shorten(repr(file.version))}")
            elif len(file.sha256) != 64 or not set(file.sha256) <= set("0123456789abcdef"):
                raise ValueError(f"the hash of {shorten(repr(file.path))} is {shorten(repr(file.sha256))}")
        if self.is_file and (len(self.files) != 1 or self.empty_folders or "/" in self.files[0].path):
            raise ValueError("it claims to be one file and is not")


@dataclass(frozen=True)
class TreeIdentity:
    """What a tree is, without its list of files.

    :ivar digest: the digest of its manifest
    """

    digest: str
    file_count: int
    size_bytes: int
    _load: Callable[[], TreeManifest] = field(repr=False, compare=False)

    def manifest(self) -> TreeManifest:
        """Return the list of files behind :attr:`digest`; read when asked for.

        :raises SourceChangedError: the files changed since they were identified
        """
        return self._load()

    def called(self, name: str) -> TreeIdentity:
        """Return the same data, a single file being called ``name``: for one whose place has a name that is no content."""
        if self.file_count != 1:
            return self
        manifest = self.manifest()
        if not manifest.is_file or manifest.files[0].path == name:
            return self
        renamed = TreeManifest((replace(manifest.files[0], path=name),), is_file=True)
        return TreeIdentity(renamed.digest, 1, self.size_bytes, lambda: renamed)


def encode_folder(path: str, files: Sequence[tuple[str, int, str]]) -> str:
    """Return the part of a tree's encoding that stands for one folder; ``files`` are (name, size, mark), sorted by name."""
    return json.dumps([path, files], separators=(",", ":"), ensure_ascii=True)


def encode_tree(folders: Iterable[str], *, is_file: bool) -> bytes:
    """Return the encoding of a tree from the encodings of its folders, sorted by path.

    Folders that hold only folders are left out: those inside imply them.
    """
    tail = f'],"format":"{TREE_FORMAT}","is_file":{"true" if is_file else "false"}}}'
    return ('{"folders":[' + ",".join(folders) + tail).encode("ascii")


def _file(path: str, size: int, mark: str) -> TreeFile:
    return TreeFile(path, size, version=mark[len(_VERSION) :]) if mark.startswith(_VERSION) else TreeFile(path, size, mark)
