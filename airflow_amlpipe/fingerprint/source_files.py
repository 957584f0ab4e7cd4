"""Which files of a source folder are kept?

Every file below it, except

* what the ignore file leaves out: ``.amlignore`` in the folder itself, or ``.gitignore`` there when it has none (SDK v1 did not merge
  the two). Syntax of ``.gitignore``; as in SDK v1 the last matching line decides for each file, also below a folder that is left out;
* ``.git``, ``.amlpipe`` and ``__pycache__`` anywhere, which are never source;
* the folders ``outputs`` and ``logs`` of the folder itself, while they hold nothing: every step finds them, and what a script records of its
  own work (``Experiment.start_logging``) makes one beside it;
* the folder's own ``.amlignore`` and ``.gitignore``: what they do is already in the choice of files. (SDK v1 hashed them, so that a
  comment in one re-ran every step.)
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections import Counter
from pathlib import PurePosixPath

from airflow_amlpipe.exceptions import DefinitionError, shorten
from airflow_amlpipe.fingerprint.canonical import Json, canonical_bytes
from airflow_amlpipe.fingerprint.content import stat_token

__all__ = ["NEVER_SOURCE", "SourceWalk", "read_ignore_file"]

NEVER_SOURCE = frozenset({".git", ".amlpipe", "__pycache__"})

# The folder itself is no entry; `compute/staging.py` makes the others where there are none.
_EVERY_STEP_HAS = ("", "outputs", "logs")
_IGNORE_FILES = (".amlignore", ".gitignore")


def read_ignore_file(top: str) -> tuple[str, str]:
    """Return the text of the ignore file that counts and its name, both ``""`` when there is none.

    :raises DefinitionError: it is no plain file, or no text
    :raises OSError: it cannot be read
    """
    for name in _IGNORE_FILES:
        path = os.path.join(top, name)
        if not os.path.lexists(path):
            continue
        # Opening a FIFO would wait for somebody who writes to it.
        if not os.path.isfile(path):
            found = "a link that leads to no file" if os.path.islink(path) else "a folder" if os.path.isdir(path) else "no plain file"
            raise DefinitionError(
                f"the ignore file {shorten(repr(path))} is {found}; remove it, or write which files to leave out in a file of that name"
            )
        try:
            with open(path, encoding="utf-8") as file:
                return file.read(), name
        except UnicodeDecodeError as error:
            raise DefinitionError(f"{shorten(repr(path))} is not UTF-8 text ({error.reason}); save it as UTF-8") from error
    return "", ""


class SourceWalk:
    """One walk over a source folder.

    :ivar tokens: stat token of each file that is kept, by its path below ``top``
    :ivar executable: those of them that may be executed
    :ivar links: text of each symbolic link
    :ivar folders: those that hold nothing
    """

    def __init__(self, top: str, ignore_text: str, ignore_name: str, *, limit_bytes: int, limit_files: int) -> None:
        from pathspec import GitIgnoreSpec

        self.top = top
        self.limit_bytes, self.limit_files = limit_bytes, limit_files
        self.tokens: dict[str, str] = {}
        self.executable: set[str] = set()
        self.links: dict[str, str] = {}
        self.folders: list[str] = []
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
        """Find what is kept.

        :raises DefinitionError: something that cannot be part of a source, or more than the limits allow
        :raises OSError: a folder could not be read
        """
        waiting = [""]
        while waiting:
            folder = waiting.pop()
            is_empty = True
            with os.scandir(os.path.join(self.top, folder)) as entries:
                for entry in entries:
                    is_empty = False
                    path = f"{folder}/{entry.name}" if folder else entry.name
                    _check_text(self.top, path)
                    if entry.name in NEVER_SOURCE or path in _IGNORE_FILES:
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        if self._brings_back or not self._ignored.match_file(f"{path}/"):
                            waiting.append(path)
                    elif not self._ignored.match_file(path):
                        self._keep(path, entry)
            if is_empty and folder not in _EVERY_STEP_HAS and not self._ignored.match_file(f"{folder}/"):
                self.folders.append(folder)
        if self._sizes.total() > self.limit_bytes:
            raise self._too_large()
        self._check_links()

    def _keep(self, path: str, entry: os.DirEntry[str]) -> None:
        status = entry.stat(follow_symlinks=False)
        if stat.S_ISLNK(status.st_mode):
            self.links[path] = self._inside(path)
            return
        if not stat.S_ISREG(status.st_mode):
            raise DefinitionError(
                f"{shorten(repr(entry.path))} is no file, folder or link and cannot be part of the source; remove it or leave it out in .amlignore"
            )
        self.tokens[path] = stat_token(status)
        if status.st_mode & stat.S_IXUSR:
            self.executable.add(path)
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
        if os.path.isabs(text):  # its author may have come through a link further up
            meant = os.path.join(os.path.realpath(os.path.dirname(meant)), os.path.basename(meant))
        if not _is_below(meant, self.top) or not _is_below(target, self.top):
            raise DefinitionError(
                f"the link {shorten(repr(shown))} leads out of the source folder (to {shorten(repr(target))}); "
                "copy what it leads to in its place, or leave the link out in .amlignore"
            )
        # The same link must read the same on another machine and in the step's copy: no absolute path, no way through the folders above.
        climbs = os.path.normpath(os.path.join(os.path.dirname(path), text)).startswith(os.pardir)
        return os.path.relpath(meant, here) if os.path.isabs(text) or climbs else text

    def _check_links(self) -> None:
        kept = {*self.tokens, *self.links, *self.folders, *_EVERY_STEP_HAS}
        kept |= {str(parent) for path in kept for parent in PurePosixPath(path).parents}
        for path, text in self.links.items():
            target = os.path.relpath(os.path.realpath(os.path.join(self.top, path)), self.top)
            if target not in kept:
                raise DefinitionError(
                    f"the link {shorten(repr(path))} leads to {shorten(repr(text))}, which is left out of the source; leave out the link as well"
                )

    def signature(self) -> str:
        """Return a hash of all that is known without reading a file."""
        files: list[Json] = [[path, path in self.executable, token] for path, token in sorted(self.tokens.items())]
        return hashlib.sha256(canonical_bytes([files, dict(self.links), sorted(self.folders)])).hexdigest()

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
