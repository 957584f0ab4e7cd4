"""What is in a workspace, as far as clearing away has to know it?

Everything is read or nothing is cleared away: a record that cannot be read, or that a newer version wrote, may be the one that says what is
needed.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from typing import TypeVar

from airflow_amlpipe.exceptions import DefinitionError, ProtocolError, shorten
from airflow_amlpipe.fingerprint.pattern import split_pattern
from airflow_amlpipe.reuse.result import StepResult
from airflow_amlpipe.services.clearing.known import Inventory, KnownKey, KnownResult, KnownRun, KnownSpec, KnownTry, time_of
from airflow_amlpipe.services.clearing.naming import Named, hashes_in, named_in
from airflow_amlpipe.spec.document import parse_model
from airflow_amlpipe.spec.model import SpecModel
from airflow_amlpipe.storage.store import Store
from airflow_amlpipe.workspace.claims import ClaimLog
from airflow_amlpipe.workspace.datasets import DatasetRecord, SavedDataset
from airflow_amlpipe.workspace.ids import time_of_id
from airflow_amlpipe.workspace.layout import (
    key_folder,
    keys_folder,
    log_folder,
    records_root,
    run_folder,
    runs_folder,
    specs_folder,
    step_folder,
)
from airflow_amlpipe.workspace.models import ModelEntry
from airflow_amlpipe.workspace.record_text import record_body
from airflow_amlpipe.workspace.records import RunFinished, RunRecord, StepFinished, StepReusing, StepStarted
from airflow_amlpipe.workspace.registry import is_removal
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["take_inventory"]

ItemT = TypeVar("ItemT")
ModelT = TypeVar("ModelT", bound=SpecModel)

_THREADS = 16
_ENTRY = re.compile(r"(\d{8,})\.json")
_DEEPEST = 6
_SAVED = "saved-datasets"
# Read by hand below, or not records of what is needed (what is needed of contents follows from who names them).
_NO_LOGS = {"keys", "runs", "specs", "snapshots", "manifests", "gc", "dataset-ids", "destinations", "model-files", _SAVED}


def take_inventory(workspace: WorkspaceStore, *, on_progress: Callable[[int, str], None] | None = None) -> Inventory:
    """Read every record of a workspace.

    :raises ProtocolError: a record cannot be read by this version; nothing may be cleared away then
    :raises DatastoreUnavailableError: something could not be read now
    """
    return _Reader(workspace, on_progress).read()


class _Reader:
    def __init__(self, workspace: WorkspaceStore, on_progress: Callable[[int, str], None] | None) -> None:
        self._store: Store = workspace.store
        self._found = Inventory()
        self._lock = threading.Lock()
        self._on_progress = on_progress
        self._done = 0
        self._claims: dict[str, float] = {}
        self._named: list[Named] = []

    def read(self) -> Inventory:
        # Runs after results: a run that hands on a result is written down before it is looked at once more. What is named after whatever names
        # it: it is written before.
        names = self._store.list_names
        keys = [key for two in names(keys_folder()) for key in names(f"{keys_folder()}/{two}")]
        self._each(self._read_key, keys, "results")
        for kind in names(records_root()):
            if kind not in _NO_LOGS:
                self._each(self._read_other, [(kind, log_folder(kind, name)) for name in names(log_folder(kind))], kind)
        self._each(self._read_run, names(runs_folder()), "runs")
        self._each(self._read_spec, names(specs_folder()), "specifications")
        self._each(self._read_saved, names(log_folder(_SAVED)), _SAVED)
        self._found.others = Named().with_all(self._named)
        self._found.keys.sort(key=lambda item: item.key)
        return self._found

    def _each(self, read: Callable[[ItemT], None], items: Iterable[ItemT], what: str) -> None:
        def one(item: ItemT) -> None:
            read(item)
            with self._lock:
                self._done += 1
                if self._on_progress is not None:
                    self._on_progress(self._done, what)

        with ThreadPoolExecutor(max_workers=_THREADS) as pool:
            for _ in pool.map(one, items):
                pass

    def _read_key(self, key: str) -> None:
        folder = key_folder(key)
        kinds = self._store.list_names(folder)
        numbers = _numbers(self._store.list_names(f"{folder}/results")) if "results" in kinds else []
        bad = set(_numbers(self._store.list_names(f"{folder}/bad"))) if "bad" in kinds else set()
        results = []
        for number in numbers:
            path = f"{folder}/results/{number:08d}.json"
            body = self._read(path)
            if body is None:
                continue  # another clearing-up is at work
            result = None
            try:
                result = self._parse(StepResult, body, path)
            except ProtocolError:
                if number not in bad:
                    raise
            results.append(KnownResult(key, number, result, number in bad, hashes_in(body)))
        claimed_at = self._claimed_at(key) if "claims" in kinds else None
        with self._lock:
            self._found.keys.append(KnownKey(key, tuple(results), claimed_at))

    def _claimed_at(self, key: str) -> float | None:
        log = ClaimLog(self._store, key)
        state = log.newest()
        if state.is_free:
            return None
        times = []
        for kind in ("claims", "beats"):
            try:
                written = self._store.last_written(f"{key_folder(key)}/{kind}/{state.number:08d}.json")
            except FileNotFoundError:
                continue
            times.append(float("inf") if written is None else written)
        at = max(times, default=float("inf"))
        with suppress(ProtocolError):  # whose claim it is, nobody can say; then the age of its run must do
            owner = log.owner(state.number).run_id
            with self._lock:
                self._claims[owner] = max(at, self._claims.get(owner, at))
        return at

    def _read_spec(self, name: str) -> None:
        body = self._read(f"{specs_folder()}/{name}")
        if body is not None:
            digest = name.removesuffix(".json")
            with self._lock:
                self._found.specs[digest] = KnownSpec(body, named_in(body))

    def _read_saved(self, dataset_id: str) -> None:
        # What a run or a published thing was handed: it needs its data as long as that does, and what names its id stays.
        for entry, body in self._bodies(log_folder(_SAVED, dataset_id)):
            if not is_removal(body):
                saved = self._parse(SavedDataset, body, entry)
                places = tuple((path.datastore, split_pattern(path.path.strip("/"))[0]) for path in saved.paths)
                with self._lock:
                    self._found.saved[saved.id] = places

    def _read_other(self, item: tuple[str, str]) -> None:
        kind, path = item
        for entry, body in self._standing(kind, sorted(self._bodies(path))):
            record = self._parse(DatasetRecord, body, entry) if kind == "datasets" and not is_removal(body) else None
            with self._lock:
                self._named.append(named_in(body))
                if record is not None:
                    self._found.datasets.append(record)

    def _standing(self, kind: str, bodies: list[tuple[str, bytes]]) -> Iterable[tuple[str, bytes]]:
        """Return the entries of a log that something may be asked for: of a draft the newest, of a model the newest of each version."""
        if kind == "drafts":
            return bodies[-1:]
        if kind == "models":
            return {self._parse(ModelEntry, body, entry).version: (entry, body) for entry, body in bodies}.values()
        return bodies

    def _bodies(self, path: str, depth: int = 0) -> Iterator[tuple[str, bytes]]:
        body = self._read(path) if path.endswith(".json") else None
        if body is not None:
            yield path, body
        elif depth < _DEEPEST:
            for name in self._store.list_names(path):
                yield from self._bodies(f"{path}/{name}", depth + 1)

    def _read_run(self, run_id: str) -> None:
        folder = run_folder(run_id)
        hashes: set[str] = set()
        record = self._record(RunRecord, f"{folder}/run.json", hashes)
        given = named_in(record_body(record)) if record is not None else Named()
        ended = self._record(RunFinished, f"{folder}/finished.json", hashes)
        tries = []
        for step_id in self._store.list_names(f"{folder}/steps"):
            for name in self._store.list_names(step_folder(run_id, step_id)):
                place = f"{step_folder(run_id, step_id)}/{name}"
                # The announcement last: it is written before the end, and the end says more.
                finished = self._record(StepFinished, f"{place}/finished.json", hashes)
                started = self._record(StepStarted, f"{place}/started.json", hashes)
                reusing = None if finished is not None else self._record(StepReusing, f"{place}/reusing.json", hashes)
                wanted = tuple(reusing.outputs.values()) if reusing is not None else ()
                tries.append(KnownTry(step_id, name.partition("-")[2], place, started, finished, wanted))
        signs = [time_of(ended.finished_at)] if ended else []
        signs += [time_of(item.finished.finished_at) for item in tries if item.finished]
        signs += [item.began for item in tries if item.began]
        signs += [time_of(record.created_at)] if record else []
        named = time_of_id(run_id)
        last = max([*signs, *([named] if named else [])], default=datetime.now(UTC))
        with self._lock:
            self._found.runs[run_id] = KnownRun(
                run_id, record, ended, tuple(tries), frozenset(hashes), given, last, self._claims.get(run_id)
            )

    def _record(self, model: type[ModelT], path: str, hashes: set[str]) -> ModelT | None:
        body = self._read(path)
        if body is None:
            return None
        hashes |= hashes_in(body)
        return self._parse(model, body, path)

    def _read(self, path: str) -> bytes | None:
        try:
            return self._store.read(path)
        except FileNotFoundError:
            return None

    @staticmethod
    def _parse(model: type[ModelT], body: bytes, path: str) -> ModelT:
        try:
            return parse_model(model, body, f"record {path}")
        except DefinitionError as error:
            raise ProtocolError(
                f"nothing was cleared away, because a record cannot be read and may say what is needed: {shorten(str(error), 500)}; "
                "`amlpipe fsck` says more, and sets damaged results aside with --repair"
            ) from error


def _numbers(names: Iterable[str]) -> list[int]:
    found = (_ENTRY.fullmatch(name) for name in names)
    return sorted(int(match.group(1)) for match in found if match)
