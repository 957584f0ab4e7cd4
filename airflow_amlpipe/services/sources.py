"""Which code will the steps of a submitted pipeline run? The sources as they are now, frozen by digest."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from airflow_amlpipe.exceptions import UnknownNameError, shorten
from airflow_amlpipe.fingerprint.source import SourceSnapshot
from airflow_amlpipe.spec.pipeline import PipelineSpec
from airflow_amlpipe.spec.step import StepSpec
from airflow_amlpipe.workspace.layout import manifest_path, snapshot_path
from airflow_amlpipe.workspace.sources import check_script, read_source, store_source
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["FrozenSources", "freeze_sources", "stored_sources"]


@dataclass(frozen=True, slots=True)
class FrozenSources:
    """A pipeline whose steps carry the digests of their sources.

    :ivar base: what relative source folders are relative to; ``None`` if the copies are stored already, and the folders perhaps gone
    :ivar snapshots: by source folder, as the author wrote it
    """

    spec: PipelineSpec
    base: Path | None
    snapshots: Mapping[str, SourceSnapshot]

    def store(self, workspace: WorkspaceStore) -> None:
        """Store every frozen copy; what is stored already is left alone.

        :raises SourceChangedError: a folder changed since its digest was taken
        :raises UnknownNameError: copies that were stored are not there any more
        """
        if self.base is not None:
            for step in self._one_step_per_source():
                store_source(workspace, step, self.base, self.snapshots[step.source.directory])
        self._keep_stored(workspace)

    def store_listings(self, workspace: WorkspaceStore) -> None:
        """Store only which files the digests stand for: enough to explain a difference, not to run."""
        for snapshot in self.snapshots.values():
            workspace.put_listing(snapshot)

    def _keep_stored(self, workspace: WorkspaceStore) -> None:
        stored_now = {snapshot.digest for snapshot in self.snapshots.values()}
        for step in {step.source.snapshot: step for step in self.spec.steps if step.command.has_code}.values():
            digest = step.source.snapshot or ""
            if digest in stored_now:
                continue
            if not digest or not workspace.store.freshen(snapshot_path(digest)):
                raise UnknownNameError(
                    f"step {shorten(repr(step.name))}: the workspace does not keep its frozen source {shorten(digest, 20) or '(none)'} any more; "
                    "publish or submit the pipeline from its source folder"
                )
            workspace.store.freshen(manifest_path(digest))

    def _one_step_per_source(self) -> list[StepSpec]:
        return list({step.source.directory: step for step in self.spec.steps if step.source.directory in self.snapshots}.values())


def freeze_sources(workspace: WorkspaceStore, spec: PipelineSpec, base: Path, *, limit_bytes: int, limit_files: int) -> FrozenSources:
    """Take the digest of every source folder, each folder once, and put it into the steps. Nothing is stored.

    Limits that Azure ML had, and that are not ours, are warned about with :func:`warnings.warn`.

    :raises DefinitionError: a folder or a script is missing, or a folder is over the limits
    """
    snapshots: dict[str, SourceSnapshot] = {}
    for step in (step for step in spec.steps if step.reads_folder):
        directory = step.source.directory
        if directory not in snapshots:
            snapshots[directory] = read_source(workspace, step, base, limit_bytes=limit_bytes, limit_files=limit_files)
            for warning in snapshots[directory].warnings:
                warnings.warn(f"step {shorten(repr(step.name))}: {warning}", stacklevel=3)
        else:
            check_script(step, snapshots[directory])
    digests = {directory: snapshot.digest for directory, snapshot in snapshots.items()}
    steps = tuple(
        step.model_copy(update={"source": step.source.model_copy(update={"snapshot": digests[step.source.directory]})})
        if step.reads_folder
        else step
        for step in spec.steps
    )
    return FrozenSources(spec.model_copy(update={"steps": steps}), base, snapshots)


def stored_sources(spec: PipelineSpec) -> FrozenSources:
    """Return the sources of a specification that was frozen when it was submitted or published."""
    return FrozenSources(spec, None, {})
