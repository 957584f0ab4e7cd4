"""Can an input be shown to the script where its data lies, and is that still the data that was identified?

A view costs no copy, but what is read through it is the data itself. So it is looked at before the script starts and again when it has
ended: a result that may have read something else is not kept. Only what looks to the script just as a copy would is shown. A link could
lead a writer out of the read-only view and back to the data, and an unfinished write beside the data is none of it: such data is copied.
"""

from __future__ import annotations

import os
from pathlib import Path

from airflow_amlpipe.exceptions import DefinitionError, SourceChangedError, shorten
from airflow_amlpipe.fingerprint.pattern import PathPattern
from airflow_amlpipe.fingerprint.scan import scan_tree
from airflow_amlpipe.fingerprint.tree import TreeManifest
from airflow_amlpipe.storage.view import View
from airflow_amlpipe.workspace.inputs import InputPart, ResolvedInput
from airflow_amlpipe.workspace.staging import place_of
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["refuse_changed", "refuse_written", "show_input", "views_of"]

# One mount for each: some tools of the system get slow with thousands of them.
_MOST_FILES = 100


def views_of(workspace: WorkspaceStore, resolved: ResolvedInput, target: Path) -> tuple[View, ...] | str:
    """Return what to show below ``target``, or, as text, why the input has to be copied. Nothing is made.

    :raises SourceChangedError: the data is not what was identified any more
    :raises DatastoreUnavailableError: it could not be read
    """
    views: list[View] = []
    for part in resolved.parts:
        if part.is_selection:
            return "only some of its files are taken"
        place = workspace.datastores.open(part.datastore).local_path(part.path)
        if place is None:
            return f"datastore {part.datastore!r} is no folder of this machine"
        manifest = workspace.get_manifest(part.digest)
        _refuse_other(workspace, resolved.name, part, manifest, "since it was identified; run again when nobody writes to it")
        if part.pattern and not manifest.is_file:
            if len(manifest.files) > _MOST_FILES:
                return f"its pattern names {len(manifest.files):,} files, and at most {_MOST_FILES} are shown one by one"
            below = place_of(part, manifest, target)
            views += [View(resolved.name, place / file.path, below / file.path, is_folder=False) for file in manifest.files]
            continue
        if not manifest.is_file and not all(folder.is_plain for folder in scan_tree(place).folders):
            return "there are links in it, or unfinished writes"
        views.append(View(resolved.name, place, place_of(part, manifest, target), is_folder=not manifest.is_file))
    targets = {view.target for view in views}
    if len(targets) < len(views) or any(above in targets for view in views for above in view.target.parents):
        return "its paths lie within each other"
    return tuple(views)


def show_input(resolved: ResolvedInput, views: tuple[View, ...], target: Path) -> Path:
    """Make what stands in for the input's data below ``target`` and return the path that the script is given."""
    target.mkdir(parents=True, exist_ok=True)
    for view in views:
        view.make_target()
    return views[0].target if resolved.is_file else target


def refuse_changed(workspace: WorkspaceStore, resolved: ResolvedInput) -> None:
    """Refuse what a script computed that was shown ``resolved`` where it lies, if the data is another now.

    :raises SourceChangedError: it is another, or gone
    :raises DatastoreUnavailableError: it could not be read; nobody can say
    """
    for part in resolved.parts:
        manifest = workspace.get_manifest(part.digest)
        _refuse_other(
            workspace,
            resolved.name,
            part,
            manifest,
            "while the script ran, which was reading it where it lies; its result is not kept, run again when nobody writes to it",
        )


def refuse_written(where: str, resolved: ResolvedInput, written: Path) -> None:
    """Refuse what a script wrote to an empty place that it was given as an input: it would be lost, and Azure ML kept it on the datastore.

    Folders without a file are nothing to lose: scripts make them to be sure that they are there.

    :param written: where what it wrote there lies on this machine
    :raises DefinitionError: it did
    """
    place = resolved.empty_place
    if place is not None and (written.is_file() or any(files for _, _, files in os.walk(written))):
        raise DefinitionError(
            f"{where}: its script wrote to input {resolved.name!r}, which is for reading; make it an output: "
            f"OutputFileDatasetConfig(destination=({place.datastore}, {shorten(repr(place.path))}))"
        )


def _refuse_other(workspace: WorkspaceStore, name: str, part: InputPart, manifest: TreeManifest, when: str) -> None:
    pattern = PathPattern(part.pattern) if part.pattern else None
    try:
        found = workspace.datastores.open(part.datastore).identify(part.path, workspace.memo, pattern=pattern)
        if manifest.is_file:
            found = found.called(manifest.files[0].path)
    except (FileNotFoundError, DefinitionError) as error:
        raise SourceChangedError(
            f"input {name!r}: {shorten(repr(part.path))} on datastore {part.datastore!r} went away, or holds what is no data, {when} ({shorten(str(error))})"
        ) from error
    if found.digest != part.digest:
        raise SourceChangedError(f"input {name!r}: {shorten(repr(part.path))} on datastore {part.datastore!r} changed {when}")
