"""Which code does a step run, and where is its frozen copy?"""

from __future__ import annotations

from pathlib import Path

from airflow_amlpipe.exceptions import DefinitionError, shorten
from airflow_amlpipe.fingerprint.source import SourceSnapshot, snapshot_source
from airflow_amlpipe.spec.step import StepSpec
from airflow_amlpipe.storage.snapshots import extract_snapshot, put_snapshot
from airflow_amlpipe.workspace.layout import snapshot_path
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["check_script", "fetch_source", "read_source", "store_source"]


def read_source(workspace: WorkspaceStore, step: StepSpec, base: Path, *, limit_bytes: int, limit_files: int) -> SourceSnapshot:
    """Return the snapshot of a step's source folder, without storing it.

    :param base: what a relative source folder is relative to
    :raises DefinitionError: the folder or the script in it is missing, or the folder is over the limits
    """
    directory = base / step.source.directory
    where = f"step {shorten(repr(step.name))}"
    if not directory.is_dir():
        raise DefinitionError(f"{where}: the source folder {shorten(str(directory))} does not exist; correct source_directory")
    try:
        snapshot = snapshot_source(directory, workspace.memo, limit_bytes=limit_bytes, limit_files=limit_files)
    except DefinitionError as error:
        raise DefinitionError(f"{where}: {error}") from error
    check_script(step, snapshot)
    return snapshot


def store_source(workspace: WorkspaceStore, step: StepSpec, base: Path, snapshot: SourceSnapshot) -> None:
    """Store the frozen copy of the source folder that ``snapshot`` describes, and its listing; storing it again changes nothing.

    :raises SourceChangedError: the folder changed since the snapshot was taken
    """
    put_snapshot(workspace.store, snapshot_path(snapshot.digest), base / step.source.directory, snapshot)
    workspace.put_listing(snapshot)


def fetch_source(workspace: WorkspaceStore, snapshot_digest: str, target: Path) -> None:
    """Put a private copy of the frozen source at ``target``."""
    extract_snapshot(workspace.store, snapshot_path(snapshot_digest), target)


def check_script(step: StepSpec, snapshot: SourceSnapshot) -> None:
    """:raises DefinitionError: the step's script is not a file of the snapshot, or is reached through a link that leaves it."""
    if step.command.file is None:
        return
    kinds = {entry.path: entry.kind for entry in snapshot.entries}
    script = step.command.file.replace("\\", "/")
    if kinds.get(script) in {"file", "link"}:
        return
    scripts = ", ".join(sorted(path for path, kind in kinds.items() if kind == "file" and path.endswith(".py"))) or "none"
    raise DefinitionError(
        f"step {shorten(repr(step.name))}: the script {shorten(repr(script))} is not in the source folder {shorten(repr(step.source.directory))} "
        f"(or .amlignore leaves it out); Python files in it: {shorten(scripts, 400)}"
    )
