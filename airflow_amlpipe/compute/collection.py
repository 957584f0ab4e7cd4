"""What did a step's script leave behind?

Nothing is copied here: the answer names files of the private folder, and whoever stores them moves them from there.

* An **output** is the folder the script was given, or the one file that it put in the folder's place. A folder that the script removed, or
  never wrote into, is an empty output, in both modes (SDK v1's mounts showed the same). ``as_upload(source_globs=...)`` leaves only the
  files that match, in the one pattern language of ``fingerprint/pattern.py``.
* **Artifacts** are what the script uploaded and what lies in ``outputs/`` and ``logs/`` of its working folder; of two with one name the
  uploaded one is kept. Files that a step output already takes with it are not artifacts too.
* What could carry bytes of other places, or never end, is no data: a link that leads out of its output, or nowhere, a pipe, a device.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.compute.folder import StepFolder
from airflow_amlpipe.compute.places import output_place, remove_outside_links
from airflow_amlpipe.exceptions import DefinitionError, InfrastructureError, shorten
from airflow_amlpipe.fingerprint.pattern import PathPattern
from airflow_amlpipe.runtime import protocol
from airflow_amlpipe.runtime.children import CHILD_TARGET
from airflow_amlpipe.runtime.summary import RunSummary, summarize
from airflow_amlpipe.spec.data import OutputSpec
from airflow_amlpipe.spec.step import StepSpec

if TYPE_CHECKING:
    from airflow_amlpipe.runtime.protocol import Event

__all__ = ["Artifact", "ChildOutcome", "CollectedOutput", "CollectedStep", "RunOutcome", "collect_step"]

_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class CollectedOutput:
    """What the script wrote as one output: a folder (perhaps empty), or one file in its place."""

    name: str
    path: Path
    is_file: bool


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file kept with a run under ``name`` (``/``-separated)."""

    name: str
    path: Path
    size_bytes: int


@dataclass(frozen=True, slots=True)
class ChildOutcome:
    """What a script recorded for one of the runs that it made below its own.

    :ivar status: ``Completed``, ``Failed`` or ``Canceled``; ``Running`` if the script did not say
    """

    id: str
    name: str
    status: str
    error: str
    events: tuple[Event, ...]
    tags: dict[str, str | None]
    properties: dict[str, str]
    children: tuple[ChildOutcome, ...]


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """What a script recorded for one run, its own or the pipeline's.

    :ivar metrics: as ``get_metrics`` returns them; may hold ``nan`` and ``inf``, which no JSON has
    :ivar events: the metric events themselves, which any JSON can hold; those of the pipeline's run go to later steps
    :ivar tags: tags set; ``None`` for one that was taken away
    :ivar cancel_requested: the script asked for the run to be canceled
    """

    metrics: dict[str, Any] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    tags: dict[str, str | None] = field(default_factory=dict)
    properties: dict[str, str] = field(default_factory=dict)
    artifacts: tuple[Artifact, ...] = ()
    cancel_requested: bool = False
    children: tuple[ChildOutcome, ...] = ()


@dataclass(frozen=True, slots=True)
class CollectedStep:
    """Everything a try left behind.

    :ivar logs: stdout and stderr of the script, and what other logs the back end kept
    :ivar notices: sentences for the step's log
    """

    outputs: dict[str, CollectedOutput]
    run: RunOutcome
    parent: RunOutcome
    logs: tuple[Artifact, ...] = ()
    notices: tuple[str, ...] = ()


def collect_step(step: StepSpec, folder: StepFolder) -> CollectedStep:
    """Return what the script of ``step`` left in ``folder``; good for a script that failed too, and may be called again.

    Call it when nothing of the job runs any more (``follow_job`` has returned or raised).

    :raises DefinitionError: an output holds links that lead out of it, or something that is neither file nor folder; it names them
    :raises InfrastructureError: the private folder cannot be read
    """
    where = f"step {shorten(repr(step.name))}"
    try:
        _take_back_replaced(step, folder)
        outputs = {output.name: _collect_output(where, output, folder) for output in step.outputs}
        notices: list[str] = []
        taken = tuple(str(output.path) for output in outputs.values())
        mine = _artifacts(folder, protocol.SELF, notices, taken)
        theirs = _artifacts(folder, protocol.PARENT, notices, taken)
        logs = tuple(sorted(_files(folder.logs, "", []), key=lambda item: item.name))
    except OSError as error:
        raise InfrastructureError(
            f"{where}: what the script left could not be read: {error.strerror or error} ({error.filename})"
        ) from error
    return CollectedStep(outputs, _outcome(folder, protocol.SELF, mine), _outcome(folder, protocol.PARENT, theirs), logs, tuple(notices))


def _outcome(folder: StepFolder, target: str, artifacts: tuple[Artifact, ...]) -> RunOutcome:
    events = list(protocol.read_events(str(folder.run)))
    found = summarize(events, target)
    return RunOutcome(
        found.metrics(),
        tuple(found.metric_events),
        found.tags,
        found.properties,
        artifacts,
        found.cancel_requested,
        _children(events, found, frozenset()),
    )


def _children(events: list[Event], of: RunSummary, above: frozenset[str]) -> tuple[ChildOutcome, ...]:
    """Return the runs below a run; one that says it is below itself is passed over."""
    children = []
    for child_id, name in of.children:
        if child_id in above:
            continue
        found = summarize(events, CHILD_TARGET + child_id)
        below = _children(events, found, above | {child_id})
        status = found.status or "Running"
        children.append(ChildOutcome(child_id, name, status, found.error, tuple(found.metric_events), found.tags, found.properties, below))
    return tuple(children)


def _take_back_replaced(step: StepSpec, folder: StepFolder) -> None:
    """Where the author named an absolute path: remove our link, or fetch what the script put in its place."""
    paths = [item.path_on_compute for item in step.inputs if item.path_on_compute and item.path_on_compute.startswith("/")]
    for output in step.outputs:
        if not output.source or not output.source.startswith("/"):
            continue
        paths.append(output.source)
        given, place = Path(output.source), folder.outputs / output.name
        if given.exists() and not given.is_symlink() and not any(place.iterdir() if place.is_dir() else [place]):
            place.rmdir()
            shutil.move(given, place)
    remove_outside_links(folder, paths)


def _collect_output(where: str, output: OutputSpec, folder: StepFolder) -> CollectedOutput:
    place = output_place(where, output, folder)
    where = f"{where}: output {output.name!r}"
    if place.is_symlink():
        raise DefinitionError(f"{where} is a symbolic link to {shorten(repr(str(place.readlink())))} now; write the data itself")
    if not place.exists():
        place.mkdir(parents=True)
    mode = place.lstat().st_mode
    if stat.S_ISREG(mode):
        return CollectedOutput(output.name, place, is_file=True)
    foreign = _foreign_entries(place) if stat.S_ISDIR(mode) else ["."]
    if foreign:
        more = f" and {len(foreign) - _MOST_NAMED} more" if len(foreign) > _MOST_NAMED else ""
        listed = ", ".join(shorten(repr(name), 100) for name in foreign[:_MOST_NAMED])
        raise DefinitionError(
            f"{where} holds {listed}{more}: links that lead out of the output or nowhere, or entries that are neither file nor folder; "
            "write the files themselves"
        )
    if output.globs:
        _keep_matching(place, output.globs)
    return CollectedOutput(output.name, place, is_file=False)


def _foreign_entries(root: Path) -> list[str]:
    """Return the entries below ``root`` that are no data of it, relative and sorted; links and pipes are never opened."""
    top = os.path.realpath(root)
    found: list[str] = []
    pending = [str(root)]
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.is_symlink():
                    if not _leads_inside(entry.path, top):
                        found.append(os.path.relpath(entry.path, root))
                elif entry.is_dir():
                    pending.append(entry.path)
                elif not entry.is_file():
                    found.append(os.path.relpath(entry.path, root))
    return sorted(found)


def _leads_inside(link: str, top: str) -> bool:
    try:
        target = str(Path(link).resolve(strict=True))
    except (OSError, RuntimeError):  # nowhere, or in a circle
        return False
    return target.startswith(top + os.sep) and not Path(link).is_relative_to(target)


def _keep_matching(root: Path, globs: tuple[str, ...]) -> None:
    """Remove the files that no glob names (``as_upload(source_globs=...)``), and folders that become empty by that."""
    patterns = [PathPattern(glob) for glob in globs]
    for parent, folders, files in os.walk(root, topdown=False):
        for name in files:
            path = Path(parent, name)
            if not any(pattern.matches(path.relative_to(root).as_posix()) for pattern in patterns):
                path.unlink()
        for name in folders:
            path = Path(parent, name)
            if not path.is_symlink() and not any(path.iterdir()):
                path.rmdir()


def _artifacts(folder: StepFolder, target: str, notices: list[str], taken: tuple[str, ...]) -> tuple[Artifact, ...]:
    found: dict[str, Artifact] = {}
    if target == protocol.SELF:
        for name in ("outputs", "logs"):
            found.update((item.name, item) for item in _files(folder.code / name, name + "/", notices, taken))
    uploads = Path(protocol.uploads_folder(str(folder.run), target))
    found.update((item.name, item) for item in _files(uploads, "", notices))
    return tuple(found[name] for name in sorted(found))


def _files(root: Path, prefix: str, notices: list[str], taken: tuple[str, ...] = ()) -> Iterator[Artifact]:
    """Yield the plain files below ``root``; what is none is left out with a notice, because an artifact is no reason to fail."""
    pending = [(str(root), prefix)] if root.is_dir() and not root.is_symlink() and str(root) not in taken else []
    while pending:
        path, prefix = pending.pop()
        with os.scandir(path) as entries:
            for entry in entries:
                name = prefix + entry.name
                if entry.path in taken:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    pending.append((entry.path, name + "/"))
                elif entry.is_file(follow_symlinks=False):
                    yield Artifact(name, Path(entry.path), entry.stat().st_size)
                else:
                    notices.append(f"{shorten(repr(name))} is not kept as an artifact: it is a link, or neither file nor folder")
