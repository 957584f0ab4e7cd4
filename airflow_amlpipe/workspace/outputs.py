"""Where do the bytes of an output go, and under which names can they be found afterwards?"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from airflow_amlpipe.exceptions import DefinitionError, InfrastructureError, shorten
from airflow_amlpipe.fingerprint.canonical import digest
from airflow_amlpipe.fingerprint.local_tree import identify_tree
from airflow_amlpipe.fingerprint.scan import UNFINISHED
from airflow_amlpipe.fingerprint.tree import TreeIdentity
from airflow_amlpipe.reuse.result import LinkedPlace, StepResult, StoredOutput
from airflow_amlpipe.spec.data import DatasetSource, DatastorePath, OutputSpec
from airflow_amlpipe.spec.json_text import read_note
from airflow_amlpipe.spec.step import StepSpec
from airflow_amlpipe.spec.template import resolve_destination
from airflow_amlpipe.storage.crash_points import crash_point
from airflow_amlpipe.storage.log import AppendLog
from airflow_amlpipe.storage.store import Store
from airflow_amlpipe.workspace.layout import log_folder
from airflow_amlpipe.workspace.links import check_link, linked_places, linked_source
from airflow_amlpipe.workspace.progress import Say, told_of
from airflow_amlpipe.workspace.records import DatasetVersion
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["publish_output", "register_output", "store_output"]

_ENTRY = "note of what was put at a destination"


def store_output(
    workspace: WorkspaceStore, step: StepSpec, output: OutputSpec, produced: Path, step_run_id: str, *, say: Say | None = None
) -> StoredOutput:
    """Move what the script wrote to the place on its datastore that only this try uses, and store its manifest.

    :param produced: local file or folder
    :param say: told of a transfer that takes long
    :raises DefinitionError: it holds what cannot be data
    :raises DatastoreUnavailableError: it could not be stored; nothing refers to what was
    :raises InfrastructureError: another process stores the outputs of the same try
    """
    where = f"step {shorten(repr(step.name))}: output {output.name!r}"
    path = resolve_destination(where, output.kept_at, run_id=step_run_id, output_name=output.name)
    linked: tuple[LinkedPlace, ...] = ()
    if output.mode == "link":
        linked = linked_places(workspace, where, check_link(workspace, where, produced, output.links))
    _refuse_unfinished(where, produced)
    with _alone(where):
        try:
            # A single file is called as its output: the last part of its place may be a run id.
            identity = identify_tree(produced, None).called(output.name)
        except DefinitionError as error:
            raise DefinitionError(f"{where}: {error}") from error
    crash_point("output-identified")
    # Looked at, since a step whose listing was damaged is computed again to have a good one.
    workspace.put_listing_of(identity, verified=True)
    crash_point("manifest-stored")
    how = f"stored on datastore {output.datastore!r}"
    with _alone(where), told_of(f"output {output.name!r}", how, identity.file_count, identity.size_bytes, say) as on_progress:
        witness = workspace.datastores.open(output.datastore).ingest(produced, path, on_progress=on_progress)
    crash_point("output-uploaded")
    if witness is not None:
        workspace.put_listing_of(witness)
    return StoredOutput(
        name=output.name,
        datastore=output.datastore,
        path=path,
        digest=identity.digest,
        file_count=identity.file_count,
        size_bytes=identity.size_bytes,
        witness=None if witness is None else witness.digest,
        linked=linked,
    )


def publish_output(workspace: WorkspaceStore, output: OutputSpec, stored: StoredOutput, destination: str) -> None:
    """Put a committed output's content at the fixed path its author named.

    Content that an earlier run of ours put there is replaced as one step. Files of somebody else are left alone: ours are laid over
    them one by one, and with ``overwrite=False`` (``as_upload``) files of the same name are not touched. So it is where several outputs of
    a pipeline are put at one place: none takes away what another put there.
    """
    store = workspace.datastores.open(output.datastore)
    if output.shares_place:
        # Where content is not known as such, nothing says whether ours is there: it is laid again.
        if stored.file_count and not (store.identifies_content and _is_held(workspace, _find(workspace, store, destination), stored)):
            _lay(store, stored.path, destination, output)
        return
    # One log a place: what lies there is ours only as long as it is what an entry says.
    log = AppendLog(workspace.store, log_folder("destinations", digest("amlpipe/destination/v1", [output.datastore, destination])))
    entry = {"digest": stored.digest, "datastore": output.datastore, "path": destination, "source": stored.path}
    present = _find(workspace, store, destination)
    if store.identifies_content:
        _publish_known(store, log, entry, None if present is None else present.called(stored.name).digest, output)
    else:
        _publish_seen(workspace, store, log, entry, present, output, stored)


def _publish_known(store: Store, log: AppendLog, entry: dict[str, str], present: str | None, output: OutputSpec) -> None:
    """Publish where equal content is known as such: it is written down before it is put there."""
    if present == entry["digest"]:
        return
    # Any entry counts, not only the last: a crash between the entry and the bytes leaves the content of the one before.
    ours = present in {read_note(body, _ENTRY, "digest")["digest"] for _, body in log.entries()}
    log.append(json.dumps(entry).encode())
    crash_point("destination-noted")
    _put_there(store, entry, output, is_ours=present is None or ours)


def _publish_seen(
    workspace: WorkspaceStore,
    store: Store,
    log: AppendLog,
    entry: dict[str, str],
    present: TreeIdentity | None,
    output: OutputSpec,
    stored: StoredOutput,
) -> None:
    """Publish where what is put there is known only once it is there: it is written down afterwards.

    After a crash in between nobody knows whose it is. So it counts as somebody else's: the next content is laid over it.
    """
    entries = [read_note(body, _ENTRY, "digest", "found") for _, body in log.entries()]
    # Without files nothing is there, which is what an output without files looks like.
    seen = "" if present is None else present.digest
    if entries and (entries[-1]["digest"], entries[-1]["found"]) == (stored.digest, seen):
        return
    is_ours = present is None or seen in {item["found"] for item in entries}
    if stored.file_count:
        _put_there(store, entry, output, is_ours=is_ours)
    elif is_ours:
        store.remove_tree(entry["path"])
    found = _find(workspace, store, entry["path"])
    # Whatever else lies there now, ours alone is what we may replace next time.
    is_alone = is_ours and (stored.file_count, stored.size_bytes) == ((found.file_count, found.size_bytes) if found else (0, 0))
    log.append(json.dumps({**entry, "found": (found.digest if found else "") if is_alone else None}).encode())


def _put_there(store: Store, entry: dict[str, str], output: OutputSpec, *, is_ours: bool) -> None:
    if is_ours:
        store.replace(entry["source"], entry["path"])
    else:
        _lay(store, entry["source"], entry["path"], output)


def _lay(store: Store, source: str, path: str, output: OutputSpec) -> None:
    store.overlay(source, path, overwrite=output.overwrite or output.mode == "mount")


def _is_held(workspace: WorkspaceStore, present: TreeIdentity | None, stored: StoredOutput) -> bool:
    """Whether every file of the output is at the place as it was written."""
    if present is None:
        return False
    there = {(file.path, file.sha256) for file in present.manifest().files}
    return all((file.path, file.sha256) in there for file in workspace.get_manifest(stored.digest).files)


def _find(workspace: WorkspaceStore, store: Store, path: str) -> TreeIdentity | None:
    try:
        return store.identify(path, workspace.memo)
    except FileNotFoundError:
        return None


def register_output(
    workspace: WorkspaceStore, output: OutputSpec, stored: StoredOutput, result: StepResult, *, run_id: str, step_id: str
) -> DatasetVersion | None:
    """Make an output the latest version of the dataset its author named.

    A result that is the latest version already stays it; one that is not, because another run registered something else since, becomes
    a new version. Registering again in the same run, after a crash, changes nothing.
    """
    if output.register_as is None:
        return None
    source = DatasetSource(paths=(DatastorePath(datastore=stored.datastore, path=stored.path),), definition=output.register_as.definition)
    if output.mode == "link":
        source = linked_source(workspace, f"output {output.name!r}", stored)
    record = workspace.datasets.add_version(
        output.register_as.name,
        source.paths,
        definition=source.definition,
        digest=None if output.mode == "link" else stored.digest,
        description=output.register_as.description,
        tags=output.register_as.tags,
        produced_by={"run_id": result.run_id, "step_id": result.step_id, "step_run_id": result.step_run_id, "output": stored.name},
        origin=f"{result.step_run_id}/{stored.name}",
        token=f"{run_id}/{step_id}/{result.step_run_id}/{stored.name}",
    )
    return DatasetVersion(name=record.name, version=record.version, id=record.id)


@contextmanager
def _alone(where: str) -> Iterator[None]:
    """Say so when what the script wrote is moved or taken away while it is stored: only who took this try's job up, believing us dead, does that.

    :raises InfrastructureError: it was
    """
    try:
        yield
    except (FileExistsError, FileNotFoundError) as error:
        raise InfrastructureError(
            f"{where} was collected meanwhile by another process, which carries out the same try; "
            "nothing of what that one stored was changed, and its records say how the step ended"
        ) from error


def _refuse_unfinished(where: str, produced: Path) -> None:
    """Refuse a file or folder that is called as our own unfinished writes are: nobody would find it again where it is stored."""
    for folder, folders, files in os.walk(produced):
        for name in (*folders, *files):
            if name.startswith(UNFINISHED):
                shown = os.path.relpath(os.path.join(folder, name), produced)
                raise DefinitionError(
                    f"{where}: the name of {shorten(repr(shown))} begins with {UNFINISHED!r}, as unfinished files of airflow-amlpipe do, "
                    "which are never data; give it another name"
                )
