"""Which things may be deleted now?

Only what the workspace itself wrote, which its own records prove: a place without such a record is somebody else's, whatever it is called. Fixed
destinations are the user's, and so is everything else on a datastore.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from airflow_amlpipe.exceptions import AmlPipeError, DatastoreUnavailableError
from airflow_amlpipe.reuse.result import StoredOutput
from airflow_amlpipe.services.clearing.inventory import take_inventory
from airflow_amlpipe.services.clearing.known import Inventory, KnownKey, KnownResult
from airflow_amlpipe.services.clearing.places import Roots
from airflow_amlpipe.services.clearing.plan import ClearingItem, ClearingPlan
from airflow_amlpipe.services.clearing.reach import Reach, reach_of
from airflow_amlpipe.services.clearing.retention import RetentionPolicy
from airflow_amlpipe.services.clearing.room import Written, over_size
from airflow_amlpipe.spec.document import load_pipeline
from airflow_amlpipe.spec.template import DEFAULT_DESTINATION, resolve_destination
from airflow_amlpipe.storage.store import Store
from airflow_amlpipe.storage.unfinished import unfinished_writes
from airflow_amlpipe.workspace.ids import new_run_id, now_text, time_of_id
from airflow_amlpipe.workspace.layout import (
    key_folder,
    log_folder,
    manifests_folder,
    model_files_folder,
    records_root,
    run_folder,
    snapshots_folder,
    specs_folder,
)
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["plan_clearing"]

_THREADS = 16
_PLANS_KEPT = timedelta(days=30)


def plan_clearing(
    workspace: WorkspaceStore,
    policy: RetentionPolicy,
    *,
    now: datetime | None = None,
    on_progress: Callable[[int, str], None] | None = None,
) -> ClearingPlan:
    """Return what may be deleted of ``workspace``, and delete nothing.

    :param now: what ages are measured by
    :raises ProtocolError: a record cannot be read, and may say what is needed
    :raises DatastoreUnavailableError: something could not be read now
    """
    # Pins before what they protect: one that is added later is seen when the plan is carried out.
    inventory = take_inventory(workspace, on_progress=on_progress)
    return _Planner(workspace, inventory, policy, now or datetime.now(UTC)).plan()


class _Planner:
    def __init__(self, workspace: WorkspaceStore, inventory: Inventory, policy: RetentionPolicy, now: datetime) -> None:
        self._workspace = workspace
        self._store: Store = workspace.store
        self._inventory = inventory
        self._policy = policy
        self._now = now
        self._roots = Roots(workspace)
        self._kept: Counter[str] = Counter()
        self._unresolved_runs: set[str] = set()

    def plan(self) -> ClearingPlan:
        reach = reach_of(self._inventory, self._workspace.pins.all(), self._policy, self._roots, self._now)
        present = self._written_places()
        written = [item for item in present if not reach.hard.touches(item.place)]
        going = over_size(self._workspace, self._roots, self._policy.max_bytes, present, written, reach)
        results = list(self._results(reach, going))
        outputs = list(self._outputs(written, reach, going))
        items = [
            *results,
            *outputs,
            *self._runs(reach),
            *self._contents(reach),
            *self._dead_keys({item.place for item in written if not self._is_going(item, outputs)}),
            *self._unfinished(),
            *self._old_plans(),
        ]
        self._kept["runs"] = len(reach.runs & set(self._inventory.runs))
        self._kept["results"] = len(reach.results - {item.path for item in results})
        return ClearingPlan(
            id=new_run_id(),
            created_at=now_text(),
            workspace=self._store.url,
            policy=self._policy.sentence,
            retention=self._policy.model_dump(mode="json"),
            items=tuple(items),
            kept={name: count for name, count in sorted(self._kept.items()) if count},
        )

    # ---- places

    def _written_places(self) -> list[Written]:
        """Return every place that steps of this workspace wrote to and that is still there, each once."""
        found: dict[str, Written] = {}
        for item in (*self._from_results(), *self._from_tries(), *self._from_unfinished()):
            found.setdefault(item.place, item)
        items = list(found.values())
        with ThreadPoolExecutor(max_workers=_THREADS) as pool:
            there = list(pool.map(lambda item: self._workspace.datastores.open(item.output.datastore).exists(item.output.path), items))
        return [item for item, is_there in zip(items, there, strict=True) if is_there]

    def _from_results(self) -> Iterator[Written]:
        for known in self._inventory.results:
            result = known.result
            if result is not None:
                yield from self._proven(result.outputs.values(), result.step_run_id, known.created_at, result.run_id, known)

    def _from_tries(self) -> Iterator[Written]:
        for run in self._inventory.runs.values():
            for item in run.tries:
                if item.finished is not None and not item.finished.reused:
                    yield from self._proven(item.outputs, item.step_run_id, item.began or run.last_sign, run.run_id, None)

    def _from_unfinished(self) -> Iterator[Written]:
        """Yield where a try that never committed may have written to: as its pipeline says, or where outputs go if it says nothing."""
        for run in self._inventory.runs.values():
            if not run.is_over(self._now, self._policy.guard_seconds):
                continue
            for item in run.tries:
                if item.started is None or item.outputs or item.started.step_run_id != item.step_run_id:
                    continue
                outputs = [
                    StoredOutput(name=name, datastore=datastore, path=path, digest="", file_count=1, size_bytes=0)
                    for name, datastore, path in self._destinations(run.record.spec if run.record else None, item.step_id, item.step_run_id)
                ]
                yield from self._proven(outputs, item.step_run_id, item.began or run.last_sign, run.run_id, None, is_measured=False)

    def _destinations(self, spec_digest: str | None, step_id: str, step_run_id: str) -> Iterator[tuple[str, str, str]]:
        spec = self._inventory.specs.get(spec_digest or "")
        if spec is not None:
            try:
                steps = [step for step in load_pipeline(spec.body).steps if step.id == step_id]
            except AmlPipeError:
                steps = []
            for output in (output for step in steps for output in step.outputs):
                yield output.name, output.datastore, resolve_destination("gc", output.kept_at, run_id=step_run_id, output_name=output.name)
            return
        folder = DEFAULT_DESTINATION.partition("{run-id}")[0] + step_run_id
        for datastore in self._datastores_with_files():
            yield "", datastore, folder

    def _datastores_with_files(self) -> list[str]:
        registry = self._workspace.datastores
        return [name for name in registry.names() if not registry.get(name).is_database]

    def _proven(
        self,
        outputs: Iterable[StoredOutput],
        owner: str,
        at: datetime,
        run_id: str,
        known: KnownResult | None,
        *,
        is_measured: bool = True,
    ) -> Iterator[Written]:
        for output in outputs:
            place = self._roots.absolute(output.datastore, output.path)
            if place is None:
                self._kept["outputs on datastores that are not registered any more"] += 1
                self._unresolved_runs.add(run_id)
            elif owner and owner in output.path:
                yield Written(output, owner, at, place, known, run_id, is_measured)

    # ---- items

    def _results(self, reach: Reach, going: dict[str, str]) -> Iterator[ClearingItem]:
        for known in self._inventory.results:
            if known.result is None or known.is_bad:
                continue
            reason = going.get(known.result.step_run_id) if known.path in reach.results else reach.why_expired.get(known.path)
            if reason is not None:
                yield ClearingItem(
                    kind="result",
                    path=known.path,
                    reason=reason,
                    owner=known.result.step_run_id,
                    key=known.key,
                    number=known.number,
                    is_linked=any(output.linked for output in known.result.outputs.values()),
                )

    def _outputs(self, written: list[Written], reach: Reach, going: dict[str, str]) -> Iterator[ClearingItem]:
        for item in sorted(written, key=lambda item: item.place):
            if reach.soft.touches(item.place) and item.owner not in going:
                continue
            yield ClearingItem(
                kind="output",
                datastore=item.output.datastore,
                path=item.output.path,
                reason=self._why_output(item, reach, going),
                owner=item.owner,
                size_bytes=item.output.size_bytes if item.is_measured else None,
                file_count=max(1, item.output.file_count),
            )

    @staticmethod
    def _why_output(item: Written, reach: Reach, going: dict[str, str]) -> str:
        if item.owner in going:
            return going[item.owner]
        if not item.is_measured:
            return "its try never ended, so that nothing refers to it"
        if item.known is not None and item.known.is_bad:
            return "its result was set aside, and no run that is kept refers to it"
        path = item.known.path if item.known is not None else item.run_id
        return reach.why_expired.get(path, "no run that is kept refers to it")

    def _runs(self, reach: Reach) -> Iterator[ClearingItem]:
        for run_id, run in sorted(self._inventory.runs.items()):
            if run_id in reach.runs or run_id in self._unresolved_runs or not run.is_over(self._now, self._policy.guard_seconds):
                continue
            reason = reach.why_expired.get(run_id, "a process ended before it wrote the run's first record")
            yield ClearingItem(kind="run", path=run_folder(run_id), reason=reason, owner=run_id)

    def _contents(self, reach: Reach) -> Iterator[ClearingItem]:
        for folder in (specs_folder(), manifests_folder(), snapshots_folder(), model_files_folder()):
            names = [name for name in self._store.list_names(folder) if not self._is_named(folder, name, reach)]
            with ThreadPoolExecutor(max_workers=_THREADS) as pool:
                ages = pool.map(lambda name, folder=folder: self._age_of(f"{folder}/{name}"), names)
                for name, age in zip(names, ages, strict=True):
                    if age is None:
                        self._kept["contents whose age the store does not tell"] += 1
                    elif age < self._policy.guard_seconds:
                        self._kept["contents that were written or asked for lately"] += 1
                    elif len(name.partition(".")[0]) == 64:
                        yield ClearingItem(kind="content", path=f"{folder}/{name}", reason="nothing that is kept names it")

    @staticmethod
    def _is_named(folder: str, name: str, reach: Reach) -> bool:
        digest, dot, _ = name.partition(".")
        # A model's file with an ending is a copy that a killed process left (``Store.freshen``).
        return digest in reach.hashes and not (dot and folder == model_files_folder())

    def _dead_keys(self, places: set[str]) -> Iterator[ClearingItem]:
        for key in self._inventory.keys:
            if all(known.is_bad for known in key.results) and not self._places_of(key) & places and self._is_old(key):
                yield ClearingItem(
                    kind="key",
                    path=key_folder(key.key),
                    reason="all of its results were set aside, and their outputs are gone",
                    key=key.key,
                )

    def _places_of(self, key: KnownKey) -> set[str | None]:
        outputs = [output for known in key.results if known.result is not None for output in known.result.outputs.values()]
        return {self._roots.absolute(output.datastore, output.path) for output in outputs}

    def _is_old(self, key: KnownKey) -> bool:
        folder = key_folder(key.key)
        for kind in self._store.list_names(folder):
            for name in self._store.list_names(f"{folder}/{kind}"):
                age = self._age_of(f"{folder}/{kind}/{name}")
                if age is None or age < self._policy.guard_seconds:
                    return False
        return True

    def _unfinished(self) -> Iterator[ClearingItem]:
        seen = set()
        stores: list[tuple[str | None, Store]] = [(None, self._store)]
        for name in self._datastores_with_files():
            try:
                stores.append((name, self._workspace.datastores.open(name)))
            except AmlPipeError:
                # No login here, say. What steps wrote there has been asked for before; so nothing of ours is known to be there.
                self._kept["datastores that cannot be opened here"] += 1
        for datastore, store in stores:
            folder = records_root() if datastore is None else ""
            try:
                writes = unfinished_writes(store, folder)
            except DatastoreUnavailableError:
                self._kept["datastores that could not be looked through for unfinished writes"] += 1
                continue
            for left in writes:
                place = f"{store.url}/{left.path}"
                if place in seen or self._now.timestamp() - left.written < self._policy.guard_seconds:
                    continue
                seen.add(place)
                reason = "a process ended while it wrote it; no reader takes it for data"
                yield ClearingItem(kind="unfinished", datastore=datastore, path=left.path, reason=reason, size_bytes=left.size_bytes)

    def _old_plans(self) -> Iterator[ClearingItem]:
        for name in self._store.list_names(log_folder("gc", "plans")):
            made = time_of_id(name.removesuffix(".json"))
            if made is not None and self._now - made > _PLANS_KEPT:
                yield ClearingItem(
                    kind="plan", path=f"{log_folder('gc', 'plans')}/{name}", reason=f"it is older than {_PLANS_KEPT.days} days"
                )

    def _age_of(self, path: str) -> float | None:
        try:
            written = self._store.last_written(path)
        except FileNotFoundError:
            return 0.0  # gone meanwhile
        return None if written is None else self._now.timestamp() - written

    @staticmethod
    def _is_going(item: Written, outputs: list[ClearingItem]) -> bool:
        return any((output.datastore, output.path) == (item.output.datastore, item.output.path) for output in outputs)
