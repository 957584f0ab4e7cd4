"""Which bytes does an input of a step stand for in this run?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from posixpath import commonpath, dirname

from airflow_amlpipe.exceptions import DefinitionError, shorten
from airflow_amlpipe.fingerprint.canonical import digest
from airflow_amlpipe.fingerprint.pattern import split_pattern
from airflow_amlpipe.reuse.result import StoredOutput
from airflow_amlpipe.spec.data import DatasetSource, DatastorePath, InputSpec
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["InputPart", "ResolvedInput", "place_together", "resolve_input", "resolve_paths"]

# ``images/**`` is ``images``: one thing, one identity.
_EVERYTHING = {"**", "**/*"}


@dataclass(frozen=True, slots=True)
class InputPart:
    """A file or folder on a datastore.

    :ivar prefix: folder of the input it belongs in; ``""`` for the input itself
    :ivar pattern: which files below ``path`` it is; ``""`` for all
    :ivar witness: the digest that tells what lies there now from what was stored there, where that is not ``digest``
    """

    datastore: str
    path: str
    prefix: str
    digest: str
    is_file: bool
    file_count: int
    size_bytes: int
    pattern: str = ""
    witness: str | None = None


@dataclass(frozen=True, slots=True)
class ResolvedInput:
    """An input with the identity of its data.

    :ivar digest: the same for the same files under the same names, wherever they lie
    """

    name: str
    digest: str
    parts: tuple[InputPart, ...]

    @property
    def is_file(self) -> bool:
        """Whether the script is given the path of one file instead of a folder."""
        return len(self.parts) == 1 and self.parts[0].is_file


def resolve_input(
    workspace: WorkspaceStore, where: str, item: InputSpec, upstream: Mapping[str, Mapping[str, StoredOutput]]
) -> ResolvedInput:
    """Return the identity and the places of ``item``'s data.

    :param where: the step, as messages name it
    :param upstream: what the steps before this one wrote in this run, by step id and output name
    :raises DefinitionError: nothing lies where the definition points
    """
    if isinstance(item.source, DatasetSource):
        paths = item.source.paths
        if item.source.name is not None and not paths:
            paths = workspace.datasets.get(item.source.name, item.source.version).paths
        return resolve_paths(workspace, f"{where}: input {item.name!r}", item.name, paths)
    output = upstream[item.source.step][item.source.output]
    is_file = output.file_count == 1 and workspace.get_manifest(output.digest).is_file
    part = InputPart(
        output.datastore, output.path, "", output.digest, is_file, output.file_count, output.size_bytes, witness=output.witness
    )
    return ResolvedInput(item.name, output.digest, (part,))


def resolve_paths(workspace: WorkspaceStore, where: str, name: str, paths: tuple[DatastorePath, ...]) -> ResolvedInput:
    """Return the identity of what lies at ``paths``, laid out as :func:`place_together` says.

    :raises DefinitionError: nothing lies at one of them
    """
    if not paths:
        raise DefinitionError(f"{where} has no paths; name at least one")
    parts = [_resolve_path(workspace, where, path) for path in paths]
    if len(parts) == 1:
        return ResolvedInput(name, parts[0].digest, tuple(parts))
    prefixes = place_together([(part.datastore, dirname(part.path) if part.is_file else part.path) for part in parts])
    placed = tuple(replace(part, prefix=prefix) for part, prefix in zip(parts, prefixes, strict=True))
    return ResolvedInput(name, digest("amlpipe/input/v1", [[part.prefix, part.digest] for part in placed]), placed)


def place_together(folders: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """Return where the content of each of these folders, (datastore, path on it), belongs in one folder for all.

    One folder's content needs no folder of its own. Several keep their folders below the one they share, or below the name of their
    datastore if they lie on different ones, so that no file takes the place of another of the same name.

    >>> place_together([("lake", "raw/2023"), ("lake", "raw/2024")])
    ('2023', '2024')
    """
    if len({datastore for datastore, _ in folders}) > 1:
        return tuple(f"{datastore}/{folder}".rstrip("/") for datastore, folder in folders)
    paths = [folder for _, folder in folders]
    shared = commonpath(paths) if paths and all(paths) else ""
    return tuple(path[len(shared) :].strip("/") for path in paths)


def _resolve_path(workspace: WorkspaceStore, where: str, path: DatastorePath) -> InputPart:
    store = workspace.datastores.open(path.datastore)
    folder, pattern = split_pattern(path.path.strip("/"))
    if pattern is not None and pattern.text in _EVERYTHING:
        pattern = None
    try:
        identity = store.identify(folder, workspace.memo, pattern=pattern)
    except FileNotFoundError:
        identity = None
    if identity is None or (pattern is not None and not identity.file_count):
        raise DefinitionError(
            f"{where}: nothing is at {shorten(repr(path.path))} on datastore {path.datastore!r} ({shorten(store.url)}); upload the data there, or correct the path"
        )
    workspace.put_listing_of(identity)
    is_file = identity.file_count == 1 and identity.manifest().is_file
    named = "" if pattern is None else pattern.text
    return InputPart(path.datastore, folder, "", identity.digest, is_file, identity.file_count, identity.size_bytes, named)
