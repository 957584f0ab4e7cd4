"""What did earlier runs of a step look like, and which of them is nearest to this one?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from airflow_amlpipe.exceptions import ProtocolError
from airflow_amlpipe.fingerprint.step import KeyManifest
from airflow_amlpipe.reuse.explain import Difference, compare_keys, nearest
from airflow_amlpipe.workspace.records import StepFinished
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["Comparison", "differences_from_nearest", "earlier_tries"]

# Enough to find the run before an experiment went astray, few enough to answer at once.
_MOST_RUNS = 200
_MOST_TRIES = 20


@dataclass(frozen=True, slots=True)
class Comparison:
    """A step's key beside that of an earlier try."""

    with_try: StepFinished
    differences: tuple[Difference, ...]


def differences_from_nearest(
    workspace: WorkspaceStore, current: KeyManifest, *, pipeline: str, step_id: str, before_run_id: str | None = None
) -> Comparison | None:
    """Compare ``current`` with the try of the same step of the same pipeline that shares most with it; ``None`` if it never ran before."""
    earlier = {}
    for finished in islice(earlier_tries(workspace, pipeline=pipeline, step_id=step_id, before_run_id=before_run_id), _MOST_TRIES):
        manifest = key_manifest_of(finished)
        if manifest is not None:
            earlier[id(manifest)] = (manifest, finished)
    best = nearest(current, [manifest for manifest, _ in earlier.values()])
    if best is None:
        return None
    return Comparison(earlier[id(best)][1], compare_keys(best, current, workspace.find_listing))


def earlier_tries(workspace: WorkspaceStore, *, pipeline: str, step_id: str, before_run_id: str | None = None) -> Iterator[StepFinished]:
    """Yield the ended tries of a step in the runs of its pipeline, newest first, that got as far as a key."""
    run_ids = [run_id for run_id in workspace.runs.ids() if before_run_id is None or run_id < before_run_id]
    for run_id in run_ids[:_MOST_RUNS]:
        tries = workspace.runs.tries(run_id, step_id)
        # Step ids are only unique in their pipeline; the record of the run is read where the step is there at all.
        if tries and workspace.runs.get(run_id).pipeline == pipeline:
            yield from (item.finished for item in reversed(tries) if item.finished is not None and item.finished.key_manifest is not None)


def key_manifest_of(finished: StepFinished) -> KeyManifest | None:
    """Return what the try's key was made of; ``None`` when it never had one or another version wrote it."""
    try:
        return None if finished.key_manifest is None else KeyManifest.from_json(finished.key_manifest)
    except ProtocolError:
        return None
