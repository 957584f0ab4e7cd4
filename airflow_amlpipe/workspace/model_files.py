"""Where are the files of models, each once?"""

from __future__ import annotations

import os
import tempfile
import uuid
from contextlib import suppress
from pathlib import Path

from airflow_amlpipe.exceptions import DefinitionError, shorten
from airflow_amlpipe.fingerprint.content import hash_file
from airflow_amlpipe.fingerprint.memo import HashMemo
from airflow_amlpipe.storage.copies import copy_plain
from airflow_amlpipe.storage.store import Store
from airflow_amlpipe.workspace.layout import model_file_path

__all__ = ["ModelFiles", "files_of"]


class ModelFiles:
    """The files of one workspace's models by their content."""

    def __init__(self, store: Store, memo: HashMemo | None) -> None:
        self._store = store
        self._memo = memo

    def has(self, sha256: str) -> bool:
        return self._store.exists(model_file_path(sha256))

    def keep(self, file: Path, within: Path | None) -> tuple[str, int]:
        """Store a file under its content and return that and its size; one that is there counts as written now, so that it is not cleared away
        before it is named.

        A copy of its own is hashed and stored: somebody may write to ``file`` meanwhile.
        """
        with tempfile.TemporaryDirectory(prefix="amlpipe-model-") as folder:
            copied = Path(folder, "file")
            copy_plain(file, copied, within)
            sha256, size = hash_file(str(copied))[0], copied.stat().st_size
            path = model_file_path(sha256)
            if not self._store.freshen(path, is_large=True):
                # FileExistsError: somebody else was first, with the same bytes.
                with suppress(FileExistsError):
                    self._store.ingest(copied, path, durable=True)
            elif not self._holds(path, sha256, size):
                self._mend(copied, path)
            return sha256, size

    def _holds(self, path: str, sha256: str, size: int) -> bool:
        """Whether a file of the store is what its name says; one that would have to be brought here to be read is judged by its size."""
        try:
            if self._store.size_of(path) != size:
                return False
            return self._store.local_path(path) is None or self._store.identify(path, self._memo).manifest().files[0].sha256 == sha256
        except FileNotFoundError:
            return False

    def _mend(self, copied: Path, path: str) -> None:
        """Exchange a damaged file in one step: of those who mend it at once, nobody takes it from the others, and versions go on naming a file."""
        # Clearing away knows whose copy it is by what is before the dot.
        beside = f"{path}.{uuid.uuid4().hex}"
        try:
            self._store.ingest(copied, beside, durable=True)
            self._store.replace(beside, path)
        finally:
            self._store.remove_tree(beside)


def files_of(name: str, path: Path) -> list[tuple[Path, str]]:
    """Return the model's files and their paths in it; a folder's begin with its own name, as in SDK v1.

    :raises DefinitionError: nothing is there, or something that is no file
    """
    if path.is_file():
        return [(path.resolve(), path.name)]
    if not path.is_dir():
        raise DefinitionError(f"model {name!r}: nothing is at {shorten(repr(str(path)))}; give the path of a file or a folder")
    top = path.resolve()
    found = []
    for parent, folders, files in os.walk(top):
        folders.sort()
        for file in sorted(files):
            real = Path(parent, file).resolve()
            if not real.is_file() or not real.is_relative_to(top):
                raise DefinitionError(
                    f"model {name!r}: {shorten(repr(os.path.join(parent, file)))} is a link that leads out of the model, or no plain file"
                )
            found.append((real, f"{top.name}/{Path(parent, file).relative_to(top).as_posix()}"))
    if not found:
        raise DefinitionError(f"model {name!r}: there are no files in {shorten(repr(str(path)))}")
    return found
