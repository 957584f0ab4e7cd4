"""What of a workspace is still needed, and by whom?

Needed whatever the rules say (*hard*): what is pinned, every version of every dataset, what a published thing or another stored pipeline names, and
what a run hands on that is not over. Needed as long as the rules keep them (*soft*): the outputs of runs and results. A run whose result is kept,
or was reused by a kept run, keeps its records and logs with it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import compress
from operator import not_

from airflow_amlpipe.reuse.result import StoredOutput
from airflow_amlpipe.services.clearing.known import Inventory, KnownResult, KnownRun
from airflow_amlpipe.services.clearing.places import Places, Roots
from airflow_amlpipe.services.clearing.retention import RetentionPolicy
from airflow_amlpipe.workspace.pins import PinRecord

__all__ = ["Reach", "reach_of"]


@dataclass
class Reach:
    """What is needed.

    :ivar hard: places that no rule gives up
    :ivar soft: places that age and count do not give up, but a limit of size may
    :ivar runs: ids of runs whose records stay
    :ivar results: paths of results that stay
    :ivar hashes: names of manifests, specifications and snapshots that stay
    :ivar why_expired: why each run or result that the rules give up may go, by run id or path
    """

    hard: Places = field(default_factory=Places)
    soft: Places = field(default_factory=Places)
    runs: set[str] = field(default_factory=set)
    results: set[str] = field(default_factory=set)
    hashes: set[str] = field(default_factory=set)
    why_expired: dict[str, str] = field(default_factory=dict)

    def needs(self, place: str) -> bool:
        return self.hard.touches(place) or self.soft.touches(place)


def reach_of(inventory: Inventory, pins: Iterable[PinRecord], policy: RetentionPolicy, roots: Roots, now: datetime) -> Reach:
    """Return what is needed of what there is, by ``policy``."""
    return _Marking(inventory, tuple(pins), policy, roots, now).mark()


class _Marking:
    def __init__(self, inventory: Inventory, pins: tuple[PinRecord, ...], policy: RetentionPolicy, roots: Roots, now: datetime) -> None:
        self._inventory = inventory
        self._pins = pins
        self._policy = policy
        self._roots = roots
        self._now = now
        self._reach = Reach()

    def mark(self) -> Reach:
        reach, runs = self._reach, self._inventory.runs
        live = {run.run_id for run in runs.values() if not run.is_over(self._now, self._policy.guard_seconds)}
        pinned = set(self._pinned_runs())
        expired = self._expired_runs()
        kept = {run_id for run_id, run in runs.items() if run_id in live | pinned or (run_id not in expired and run.record is not None)}
        for datastore, path in self._named_places(kept):
            self._add(reach.hard, datastore, path)
        for run_id in kept:
            for item in runs[run_id].tries:
                self._add_outputs(reach.hard if run_id in live | pinned else reach.soft, item.outputs)
                if run_id in live:
                    self._add_outputs(reach.hard, item.wanted)
        # Of a run with a pinned step, the records stay; the outputs of its other steps are as those of any run.
        recorded = set(kept)
        for run_id, _, step_id in (target.partition("/") for target in self._pinned("step")):
            if run_id in runs:
                recorded.add(run_id)
                self._add_outputs(reach.hard, [output for item in runs[run_id].tries if item.step_id == step_id for output in item.outputs])
        self._mark_results()
        reach.runs = recorded | set(self._origins(recorded))
        reach.why_expired |= expired
        self._mark_hashes()
        return reach

    # ---- runs

    def _pinned(self, kind: str) -> set[str]:
        return {pin.target for pin in self._pins if pin.kind == kind}

    def _pinned_runs(self) -> Iterator[str]:
        ids, pipelines = self._pinned("run"), self._pinned("pipeline")
        for run_id, run in self._inventory.runs.items():
            if run_id in ids or (run.record is not None and run.record.pipeline in pipelines):
                yield run_id

    def _expired_runs(self) -> dict[str, str]:
        by_experiment: defaultdict[str, list[KnownRun]] = defaultdict(list)
        for run in self._inventory.runs.values():
            if run.record is not None:
                by_experiment[run.record.experiment].append(run)
        found = {}
        for runs in by_experiment.values():
            newest_first = sorted(runs, key=lambda run: (run.record.created_at if run.record else "", run.run_id), reverse=True)
            for rank, run in enumerate(newest_first):
                why = self._why_expired(run.last_sign, rank, "of its experiment")
                if why is not None:
                    found[run.run_id] = f"the run {why}"
        return found

    def _why_expired(self, at: datetime, rank: int, among: str) -> str | None:
        policy = self._policy
        if not policy.has_rule:
            return None
        said = []
        if policy.older_than_seconds is not None:
            age = (self._now - at).total_seconds()
            if age < policy.older_than_seconds:
                return None
            said.append(f"is {int(age // 86_400)} days old")
        if policy.keep_last is not None:
            if rank < policy.keep_last:
                return None
            said.append(f"is not among the newest {policy.keep_last} {among}")
        return " and ".join(said)

    def _origins(self, kept: set[str]) -> Iterator[str]:
        """Yield the runs whose records a kept result, run or dataset version points to."""
        for known in self._inventory.results:
            if known.path in self._reach.results and known.result is not None:
                yield known.result.run_id
        for run_id in kept:
            for item in self._inventory.runs[run_id].tries:
                if item.finished is not None and item.finished.reused_from is not None:
                    yield item.finished.reused_from.run_id
        for record in self._inventory.datasets:
            if record.produced_by is not None:
                yield record.produced_by.get("run_id", "")

    # ---- results

    def _mark_results(self) -> None:
        claimed = {
            key.key
            for key in self._inventory.keys
            if key.claimed_at is not None and self._now.timestamp() - key.claimed_at < self._policy.guard_seconds
        }
        by_step: defaultdict[tuple[str, str], list[KnownResult]] = defaultdict(list)
        for known in self._inventory.results:
            if known.result is not None and not known.is_bad:
                by_step[known.result.pipeline, known.result.step_id].append(known)
        expired: list[tuple[KnownResult, str]] = []
        for results in by_step.values():
            for rank, known in enumerate(sorted(results, key=lambda item: (item.created_at, item.number), reverse=True)):
                why = self._why_expired(known.created_at, rank, "of its step")
                if why is None or known.key in claimed:
                    self._keep(known, self._reach.hard if known.key in claimed else self._reach.soft)
                else:
                    expired.append((known, why))
        self._follow_links()
        # A result that is kept because its output is needed may be linked to what another wrote.
        while needed := [known for known, _ in expired if self._is_needed(known)]:
            for known in needed:
                self._keep(known, self._reach.soft)
            self._follow_links()
            expired = [(known, why) for known, why in expired if known.path not in self._reach.results]
        self._reach.why_expired |= {known.path: f"the result {why}" for known, why in expired}

    def _keep(self, known: KnownResult, places: Places) -> None:
        self._reach.results.add(known.path)
        self._add_outputs(places, _outputs(known))

    def _follow_links(self) -> None:
        """Need what a needed output is linked to as much as the output itself."""
        for places in (self._reach.hard, self._reach.soft):
            waiting = [output for output in self._all_outputs() if output.linked]
            is_growing = True
            while is_growing:
                needed = [self._touches(places, output.datastore, output.path) for output in waiting]
                for output in compress(waiting, needed):
                    for place in self._roots.targets_of(output):
                        places.add(place)
                waiting = list(compress(waiting, map(not_, needed)))
                is_growing = any(needed)

    def _all_outputs(self) -> Iterator[StoredOutput]:
        for known in self._inventory.results:
            yield from _outputs(known)
        for run in self._inventory.runs.values():
            for item in run.tries:
                yield from item.outputs
                yield from item.wanted

    def _touches(self, places: Places, datastore: str, path: str) -> bool:
        place = self._roots.absolute(datastore, path)
        return place is not None and places.touches(place)

    def _is_needed(self, known: KnownResult) -> bool:
        both = (self._reach.hard, self._reach.soft)
        return any(self._touches(places, output.datastore, output.path) for output in _outputs(known) for places in both)

    # ---- what they name

    def _named_places(self, kept: set[str]) -> Iterator[tuple[str, str]]:
        inventory = self._inventory
        digests = inventory.others.hashes.union(*(inventory.runs[run_id].hashes for run_id in kept))
        naming = inventory.others.with_all(
            [
                *(inventory.runs[run_id].given for run_id in kept),
                *(spec.named for digest, spec in inventory.specs.items() if digest in digests),
            ]
        )
        yield from naming.places
        for dataset_id in naming.datasets & inventory.saved.keys():
            yield from inventory.saved[dataset_id]

    def _mark_hashes(self) -> None:
        inventory, hashes = self._inventory, self._reach.hashes
        hashes |= inventory.others.hashes
        for run_id in self._reach.runs & set(inventory.runs):
            hashes |= inventory.runs[run_id].hashes
        for known in inventory.results:
            if known.path in self._reach.results:
                hashes |= known.hashes
        waiting = [digest for digest in hashes if digest in inventory.specs]
        while waiting:
            named = inventory.specs[waiting.pop()].named.hashes - hashes
            hashes |= named
            waiting += [digest for digest in named if digest in inventory.specs]

    def _add_outputs(self, places: Places, outputs: Iterable[StoredOutput]) -> None:
        for output in outputs:
            self._add(places, output.datastore, output.path)

    def _add(self, places: Places, datastore: str, path: str) -> None:
        place = self._roots.absolute(datastore, path)
        if place is not None:
            places.add(place)


def _outputs(known: KnownResult) -> tuple[StoredOutput, ...]:
    return tuple(known.result.outputs.values()) if known.result is not None else ()
