"""What did earlier runs of a step look like, and which of them is nearest to this one?

First the step's own pipeline is asked, by step id. A pipeline that is new here, or was renamed, has nothing to compare with there; then any
other pipeline is asked that has a step of the same id or name, because results are shared among pipelines too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from airflow_amlpipe.exceptions import ProtocolError, UnknownNameError
from airflow_amlpipe.fingerprint.step import KeyManifest
from airflow_amlpipe.reuse.explain import Difference, compare_keys, nearest
from airflow_amlpipe.workspace.records import RunRecord, StepFinished
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["Comparison", "StepHistory", "key_manifest_of"]

# Enough to find the run before an experiment went astray, few enough to answer at once.
_MOST_RUNS = 200
_MOST_TRIES = 20


@dataclass(frozen=True, slots=True)
class Comparison:
    """A step's key beside that of an earlier try.

    :ivar other_pipeline: the pipeline of that try, if it is not the step's own
    """

    with_try: StepFinished
    differences: tuple[Difference, ...]
    other_pipeline: str | None = None


class StepHistory:
    """The earlier runs of a workspace, for questions about several steps of one pipeline; each run's record is read once.

    :param before_run_id: only runs that were submitted before this one; ``None`` for all
    :param most_runs: how many runs are looked at, of whichever pipeline: each costs a listing, and a few reads where it has the step
    """

    def __init__(self, workspace: WorkspaceStore, pipeline: str, *, before_run_id: str | None = None, most_runs: int = _MOST_RUNS) -> None:
        self._workspace = workspace
        self._pipeline = pipeline
        ids = [run_id for run_id in workspace.runs.ids() if before_run_id is None or run_id < before_run_id]
        self._run_ids = ids[:most_runs]
        self._records: dict[str, RunRecord | None] = {}

    def compare(self, current: KeyManifest, *, step_id: str, step_name: str) -> Comparison | None:
        """Compare ``current`` with the earlier try of the step that shares most with it; ``None`` if it never ran before."""
        return self._compare(current, self._own(step_id)) or self._compare(current, self._others(step_id, step_name))

    def previous(self, step_id: str) -> StepFinished | None:
        """Return the last try of the step in the pipeline's newest earlier run that has one with a key."""
        return next(self._own(step_id), None)

    def _compare(self, current: KeyManifest, tries: Iterator[StepFinished]) -> Comparison | None:
        earlier = {}
        for finished in islice(tries, _MOST_TRIES):
            manifest = key_manifest_of(finished)
            if manifest is not None:
                earlier[id(manifest)] = (manifest, finished)
        best = nearest(current, [manifest for manifest, _ in earlier.values()])
        if best is None:
            return None
        finished = earlier[id(best)][1]
        pipeline = self._pipeline_of(finished.run_id)
        differences = compare_keys(best, current, self._workspace.find_listing)
        return Comparison(finished, differences, pipeline if pipeline != self._pipeline else None)

    def _own(self, step_id: str) -> Iterator[StepFinished]:
        for run_id in self._run_ids:
            tries = self._tries(run_id, step_id)
            # Step ids are only unique in their pipeline; the record of the run is read where the step is there at all.
            if tries and self._pipeline_of(run_id) == self._pipeline:
                yield from tries

    def _others(self, step_id: str, step_name: str) -> Iterator[StepFinished]:
        for run_id in self._run_ids:
            record = self._record(run_id)
            if record is not None and record.pipeline != self._pipeline:
                named = [other for other, name in record.step_names.items() if name == step_name]
                for other in dict.fromkeys([step_id, *named]):
                    yield from self._tries(run_id, other)

    def _tries(self, run_id: str, step_id: str) -> list[StepFinished]:
        """Return the ended tries of a step in one run that got as far as a key, newest first."""
        tries = reversed(self._workspace.runs.tries(run_id, step_id))
        return [item.finished for item in tries if item.finished is not None and item.finished.key_manifest is not None]

    def _pipeline_of(self, run_id: str) -> str | None:
        record = self._record(run_id)
        return None if record is None else record.pipeline

    def _record(self, run_id: str) -> RunRecord | None:
        if run_id not in self._records:
            try:
                self._records[run_id] = self._workspace.runs.get(run_id)
            except UnknownNameError:
                self._records[run_id] = None  # its folder is there, but not (or not yet) its record
        return self._records[run_id]


def key_manifest_of(finished: StepFinished) -> KeyManifest | None:
    """Return what the try's key was made of; ``None`` when it never had one or another version wrote it."""
    try:
        return None if finished.key_manifest is None else KeyManifest.from_json(finished.key_manifest)
    except ProtocolError:
        return None
