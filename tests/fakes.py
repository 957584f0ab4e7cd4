"""What stands in for a store where no folder may be seen? An in-memory one, held to the same contract as real ones.

Running the workspace's tests on it proves that nothing above ``storage/`` knows that a store is a folder of this machine.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import threading
import time
from pathlib import Path

from airflow_amlpipe.exceptions import DefinitionError, SourceChangedError, shorten
from airflow_amlpipe.fingerprint.local_tree import identify_tree
from airflow_amlpipe.fingerprint.memo import HashMemo
from airflow_amlpipe.fingerprint.pattern import PathPattern, is_pattern, split_pattern
from airflow_amlpipe.fingerprint.tree import TreeFile, TreeIdentity, TreeManifest
from airflow_amlpipe.storage.store import OnProgress, Store

__all__ = ["MemoryStore"]


class _Objects(dict[str, bytes]):
    """Objects by path, and when each was last written."""

    def __init__(self) -> None:
        super().__init__()
        self.written: dict[str, float] = {}

    def __setitem__(self, path: str, body: bytes) -> None:
        super().__setitem__(path, body)
        self.written[path] = time.time()


class _Content:
    """The bytes below one root: objects by path, and folders that hold nothing."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.objects = _Objects()
        self.folders: set[str] = set()


class MemoryStore(Store):
    """Keeps everything in this process; two with the same ``url`` are one store for two clients."""

    _roots: dict[str, _Content] = {}  # noqa: RUF012  # shared on purpose

    def __init__(self, url: str) -> None:
        self.url = url
        self._content = self._roots.setdefault(url, _Content())

    def read(self, path: str) -> bytes:
        path = _checked(path)
        try:
            return self._content.objects[path]
        except KeyError:
            raise FileNotFoundError(path) from None

    def exists(self, path: str) -> bool:
        path = _checked(path)
        return path in self._content.objects or self._is_folder(path)

    def list_names(self, folder: str) -> list[str]:
        prefix = _prefix(_checked(folder))
        return sorted({path[len(prefix) :].split("/")[0] for path in self._everything() if path.startswith(prefix)})

    def last_written(self, path: str) -> float | None:
        path = _checked(path)
        if path not in self._content.objects:
            raise FileNotFoundError(path)
        return self._content.objects.written[path]

    def size_of(self, path: str) -> int:
        return len(self.read(path))

    def write_back_to(self, path: str, written: float) -> None:
        """Pretend that an object was last written at another time."""
        self._content.objects.written[_checked(path)] = written

    def create_exclusive(self, path: str, body: bytes, *, durable: bool = True) -> bool:  # memory forgets either way
        path = _checked(path)
        with self._content.lock:
            if path in self._content.objects:
                return False
            self._content.objects[path] = body
            return True

    def put(self, path: str, body: bytes, *, durable: bool = True) -> None:
        self._content.objects[_checked(path)] = body

    def identify(self, path: str, memo: HashMemo | None = None, *, pattern: PathPattern | None = None) -> TreeIdentity:
        path = _checked(path)
        manifest = self._manifest(path)
        if pattern is not None:
            manifest = TreeManifest(tuple(file for file in manifest.files if pattern.matches(file.path)))
        return TreeIdentity(manifest.digest, len(manifest.files), manifest.size_bytes, lambda: manifest)

    def match(self, pattern: str) -> list[str]:
        pattern = _checked(pattern)
        if not is_pattern(pattern):
            return [pattern] if self.exists(pattern) else []
        folder, below = split_pattern(pattern)
        prefix = _prefix(folder)
        return sorted(path for path in self._content.objects if path.startswith(prefix) and below and below.matches(path[len(prefix) :]))

    def fetch(self, path: str, target: Path, manifest: TreeManifest | None = None, *, on_progress: OnProgress | None = None) -> None:
        path = _checked(path)
        found = self._manifest(path)
        wanted = found if manifest is None else manifest
        present = {file.path: file for file in found.files}
        if on_progress is not None:
            on_progress(0, 0)
        for file in wanted.files:
            there = next(iter(present.values()), None) if found.is_file and wanted.is_file else present.get(file.path)
            if there is None or (there.size, there.sha256) != (file.size, file.sha256):
                raise SourceChangedError(f"{shorten(repr(file.path))} below {shorten(repr(path))} is not what was identified")
        if wanted.is_file:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(self._content.objects[path])
            _tell(on_progress, wanted)
            return
        target.mkdir(parents=True, exist_ok=True)
        for folder in wanted.empty_folders:
            (target / folder).mkdir(parents=True, exist_ok=True)
        for file in wanted.files:
            (target / file.path).parent.mkdir(parents=True, exist_ok=True)
            (target / file.path).write_bytes(self._content.objects[_prefix(path) + file.path])
        _tell(on_progress, wanted)

    def ingest(self, source: Path, path: str, *, durable: bool = False, on_progress: OnProgress | None = None) -> None:
        path = _checked(path)
        if self.exists(path):
            raise FileExistsError(path)
        manifest = identify_tree(source).manifest()
        _tell(on_progress, manifest)
        if manifest.is_file:
            self._content.objects[path] = _as_identified(source, manifest.files[0])
            return
        self._content.folders |= {_prefix(path) + folder for folder in manifest.empty_folders} or ({path} if not manifest.files else set())
        for file in manifest.files:
            self._content.objects[_prefix(path) + file.path] = _as_identified(source / file.path, file)

    def replace(self, source_path: str, path: str) -> None:
        with self._content.lock, _copy_of(self, *_apart(source_path, path)) as copy:
            self.remove_tree(path)
            self.ingest(copy, path)

    def overlay(self, source_path: str, path: str, *, overwrite: bool) -> None:
        source_path, path = _apart(source_path, path)
        manifest = self._manifest(source_path)
        for file in manifest.files:
            here = path if manifest.is_file else _prefix(path) + file.path
            if overwrite or here not in self._content.objects:
                self._content.objects[here] = self.read(source_path if manifest.is_file else _prefix(source_path) + file.path)

    def remove_tree(self, path: str) -> None:
        path = _checked(path)
        if not path:
            raise DefinitionError("the path is the root of the store")
        if is_pattern(path):
            raise DefinitionError(f"{path!r} is a pattern and will not be deleted; name one thing exactly")
        for kept in (self._content.objects, self._content.folders):
            for name in [name for name in kept if name == path or name.startswith(path + "/")]:
                kept.pop(name) if isinstance(kept, dict) else kept.discard(name)

    def local_path(self, path: str) -> Path | None:
        _checked(path)
        return None

    def _everything(self) -> list[str]:
        return [*self._content.objects, *self._content.folders]

    def _is_folder(self, path: str) -> bool:
        return path in self._content.folders or any(name.startswith(_prefix(path)) for name in self._everything())

    def _manifest(self, path: str) -> TreeManifest:
        if path in self._content.objects:
            return TreeManifest((self._file(path, path.rpartition("/")[2]),), is_file=True)
        if not self._is_folder(path):
            raise FileNotFoundError(path)
        prefix = _prefix(path)
        files = tuple(self._file(name, name[len(prefix) :]) for name in self._content.objects if name.startswith(prefix))
        empty = tuple(name[len(prefix) :] for name in self._content.folders if name.startswith(prefix) or name == path)
        return TreeManifest(files, empty)

    def _file(self, path: str, name: str) -> TreeFile:
        body = self._content.objects[path]
        return TreeFile(name, len(body), hashlib.sha256(body).hexdigest())


class _copy_of:  # reads as a verb where it is used
    """A local copy of what a store has at a path, for as long as it is needed."""

    def __init__(self, store: MemoryStore, path: str, _: str) -> None:
        self._folder = Path(tempfile.mkdtemp())
        store.fetch(path, self._folder / "copy")

    def __enter__(self) -> Path:
        return self._folder / "copy"

    def __exit__(self, *error: object) -> None:
        shutil.rmtree(self._folder)


def _checked(path: str) -> str:
    parts = [part for part in path.split("/") if part not in {"", "."}]
    if path.startswith("/") or ".." in parts or "\0" in path:
        raise DefinitionError(f"the path {shorten(repr(path))} must be relative and stay below the root")
    return "/".join(parts)


def _prefix(path: str) -> str:
    return f"{path}/" if path else ""


def _apart(source_path: str, path: str) -> tuple[str, str]:
    source_path, path = _checked(source_path), _checked(path)
    if not path or not source_path:
        raise DefinitionError("one of the paths is the root of the store")
    if f"{path}/".startswith(f"{source_path}/") or f"{source_path}/".startswith(f"{path}/"):
        raise DefinitionError(f"{source_path!r} and {path!r} lie within each other")
    return source_path, path


def _tell(on_progress: OnProgress | None, manifest: TreeManifest) -> None:
    for file in manifest.files if on_progress else ():
        on_progress(1, file.size)


def _as_identified(place: Path, file: TreeFile) -> bytes:
    body = place.read_bytes()
    if hashlib.sha256(body).hexdigest() != file.sha256:
        raise SourceChangedError(f"{shorten(repr(file.path))} changed while it was being stored")
    return body
