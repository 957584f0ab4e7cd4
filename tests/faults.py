"""What goes wrong between us and a store? Around any store: refusals, answers that are lost, cut reads, listings that are behind, and slowness.

Only what a store's contract allows for: "nobody can say" is a ``CommitUnknownError``, a passing refusal (429, 5xx, no connection, a full disk) a
``DatastoreUnavailableError``. Beyond it go ``short`` (a cut record) and ``stale`` (a listing that lacks the newest name), which no store should do
and some have done: they may cost work, never a wrong result.
"""

from __future__ import annotations

import errno
import os
import random
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from airflow_amlpipe.exceptions import CommitUnknownError, DatastoreUnavailableError
from airflow_amlpipe.fingerprint.tree import TreeIdentity
from airflow_amlpipe.storage.access import StoreAccess
from airflow_amlpipe.storage.store import Store

__all__ = ["KINDS", "Fault", "Faults", "FaultyAccess", "FaultyStore"]

Fault = Literal["refused", "full", "lost", "unknown", "unknown-undone", "half", "short", "stale", "slow"]

_LOOKS: tuple[Fault, ...] = ("refused", "slow")
_CHANGES: tuple[Fault, ...] = ("refused", "full", "lost", "slow")
KINDS: Mapping[str, tuple[Fault, ...]] = {
    "read": (*_LOOKS, "short"),
    "exists": _LOOKS,
    "list_names": (*_LOOKS, "stale"),
    "identify": _LOOKS,
    "match": _LOOKS,
    "fetch": _LOOKS,
    "create_exclusive": ("refused", "full", "unknown", "unknown-undone", "slow"),
    "put": _CHANGES,
    "ingest": (*_CHANGES, "half"),
    "replace": _CHANGES,
    "overlay": _CHANGES,
    "remove_tree": _CHANGES,
}


class Faults:
    """Decides, call by call, whether something goes wrong.

    :ivar happened: how often what went wrong where, ``create_exclusive unknown`` for example
    """

    def __init__(self, chance: random.Random, *, likely: float, only: frozenset[Fault] | None = None) -> None:
        self._chance = chance
        self._likely = likely
        self._only = only
        self.happened: Counter[str] = Counter()

    def draw(self, call: str) -> Fault | None:
        if self._chance.random() >= self._likely:
            return None
        kinds = [kind for kind in KINDS.get(call, ()) if self._only is None or kind in self._only]
        if not kinds:
            return None
        kind = self._chance.choice(kinds)
        self.happened[f"{call} {kind}"] += 1
        return kind


class FaultyStore(Store):
    """The store ``inner``, as it looks over a bad line."""

    def __init__(self, inner: Store, faults: Faults) -> None:
        self._inner = inner
        self._faults = faults
        self.url = inner.url
        self.identifies_content = inner.identifies_content

    def read(self, path: str) -> bytes:
        return self._call("read", path)

    def exists(self, path: str) -> bool:
        return self._call("exists", path)

    def list_names(self, folder: str) -> list[str]:
        return self._call("list_names", folder)

    def last_written(self, path: str) -> float | None:
        return self._inner.last_written(path)

    def size_of(self, path: str) -> int:
        return self._inner.size_of(path)

    def freshen(self, path: str, *, is_large: bool = False) -> bool:
        return self._inner.freshen(path, is_large=is_large)

    def remove_empty(self, folder: str) -> None:
        self._inner.remove_empty(folder)

    def create_exclusive(self, path: str, body: bytes, *, durable: bool = True) -> bool:
        return self._call("create_exclusive", path, body, durable=durable)

    def put(self, path: str, body: bytes, *, durable: bool = True) -> None:
        self._call("put", path, body, durable=durable)

    def identify(self, path: str, memo: Any = None, **options: Any) -> TreeIdentity:
        return self._call("identify", path, memo, **options)

    def match(self, pattern: str) -> list[str]:
        return self._call("match", pattern)

    def fetch(self, path: str, target: Path, manifest: Any = None, **options: Any) -> None:
        self._call("fetch", path, target, manifest, **options)

    def ingest(self, source: Path, path: str, **options: Any) -> TreeIdentity | None:
        return self._call("ingest", source, path, **options)

    def replace(self, source_path: str, path: str) -> None:
        self._call("replace", source_path, path)

    def overlay(self, source_path: str, path: str, *, overwrite: bool) -> None:
        self._call("overlay", source_path, path, overwrite=overwrite)

    def remove_tree(self, path: str) -> None:
        self._call("remove_tree", path)

    def local_path(self, path: str) -> Path | None:
        return self._inner.local_path(path)

    def _call(self, call: str, *arguments: Any, **options: Any) -> Any:
        fault = self._faults.draw(call)
        what = f"datastore {self.url}: could not {call} {arguments[0]!r}"
        if fault == "refused":
            raise DatastoreUnavailableError(f"{what}: HTTP 503, slow down; run again")
        if fault == "full":
            raise DatastoreUnavailableError(f"{what}: no space left on device") from OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if fault == "unknown-undone":
            raise CommitUnknownError(f"{what}: no answer; run again to find out")
        if fault == "half" and arguments[0].is_dir():
            for file in sorted(path for path in arguments[0].rglob("*") if path.is_file())[:1]:
                self._inner.put(f"{arguments[1]}/{file.relative_to(arguments[0]).as_posix()}", file.read_bytes())
            raise DatastoreUnavailableError(f"{what}: the connection was reset; run again")
        if fault == "slow":
            time.sleep(0.002)
        answer = getattr(self._inner, call)(*arguments, **options)
        if fault == "unknown":
            raise CommitUnknownError(f"{what}: the answer was lost; run again to find out")
        if fault == "lost":
            raise DatastoreUnavailableError(f"{what}: the connection was reset after all was sent; run again")
        if fault == "short":
            return answer[: len(answer) // 2]
        if fault == "stale":
            return answer[:-1]
        return answer


@dataclass(frozen=True)
class FaultyAccess(StoreAccess):
    """Opens every store of a workspace over the same bad line."""

    faults: Faults = field(default_factory=lambda: Faults(random.Random(0), likely=0))

    def open(self, *arguments: Any, **options: Any) -> Store:
        return FaultyStore(super().open(*arguments, **options), self.faults)
