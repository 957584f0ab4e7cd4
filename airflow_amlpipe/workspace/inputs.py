"""Which bytes does an input of a step stand for in this run?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from posixpath import commonpath, dirname

from airflow_amlpipe.exceptions import DefinitionError, NoDataError, UnknownNameError, shorten
from airflow_amlpipe.fingerprint.canonical import Json, digest
from airflow_amlpipe.fingerprint.tree import TreeManifest
from airflow_amlpipe.reuse.result import StoredOutput
from airflow_amlpipe.runtime.dataset_files import choose_files, chooses_files
from airflow_amlpipe.runtime.errors import UserErrorException
from airflow_amlpipe.spec.data import DatasetSource, DatastorePath, InputSpec, ParameterSource
from airflow_amlpipe.spec.dataset import DatasetDefinition
from airflow_amlpipe.workspace.data_paths import identify_path
from airflow_amlpipe.workspace.datasets import DatasetRecord
from airflow_amlpipe.workspace.links import linked_source
from airflow_amlpipe.workspace.queries import ask_rows, rows_manifest
from airflow_amlpipe.workspace.spool import Spool
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["InputPart", "ResolvedInput", "place_together", "resolve_dataset", "resolve_input", "resolve_paths"]


@dataclass(frozen=True, slots=True)
class InputPart:
    """A file or folder on a datastore.

    :ivar prefix: folder of the input it belongs in; ``""`` for the input itself
    :ivar pattern: which files below ``path`` it is; ``""`` for all
    :ivar witness: the digest that tells what lies there now from what was stored there, where that is not ``digest``
    :ivar is_selection: some of the files there, which no pattern tells from the others
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
    is_selection: bool = False


@dataclass(frozen=True, slots=True)
class ResolvedInput:
    """An input with the identity of its data.

    :ivar digest: the same for the same files under the same names, wherever they lie
    :ivar definition: what the dataset is beside its paths; ``None``: the files
    :ivar record: the registered version that was looked up for it
    :ivar linked: the dataset that a script linked it to, if it did
    :ivar roots: for each part the folder of the input it is in, and the path of that folder on its datastore as scripts are shown it
    :ivar rows: of a query, which has no parts
    :ivar empty_place: the place that it is and where nothing lies; it has no parts
    """

    name: str
    digest: str
    parts: tuple[InputPart, ...]
    definition: DatasetDefinition | None = None
    record: DatasetRecord | None = None
    roots: tuple[tuple[str, str], ...] = ()
    rows: Spool | None = None
    linked: DatasetSource | None = None
    empty_place: DatastorePath | None = None

    @property
    def warning(self) -> str:
        """What the author should know about it, without a full stop; mostly nothing."""
        if self.empty_place is None:
            return ""
        return (
            f"input {self.name!r}: nothing is at {shorten(repr(self.empty_place.path))} on datastore {self.empty_place.datastore!r}; "
            "the script is given a path that does not exist, as from Azure ML. Upload the data there, or correct the path"
        )

    @property
    def is_file(self) -> bool:
        """Whether the script is given the path of one file instead of a folder."""
        return self.rows is not None or (len(self.parts) == 1 and self.parts[0].is_file)

    def defined_for(self, mode: str) -> Json:
        """Return what the script of a step is given beside the files, for the step's key; ``None`` is nothing."""
        if mode != "direct" or self.definition is None:
            return None
        # What it says and what it leaves out, with every word of what it says: Take(1) and Skip(1) differ by one that is a default.
        whole, fields = self.definition.model_dump(mode="json"), type(self.definition).model_fields
        told: dict[str, Json] = {name: whole[name] for name, field in fields.items() if getattr(self.definition, name) != field.default}
        if self.definition.sql is not None:
            # The rows are what counts, and not how they were asked for.
            told["reading"] = {"format": "sql"}
        # Which files were chosen is what their digest says.
        told.pop("path_glob", None)
        if self.definition.kind == "file":
            told.pop("operations", None)
        if self.definition.needs_paths:
            told["roots"] = [list(root) for root in self.roots]
        return told if len(told) > 1 or self.definition.kind != "file" else None


def resolve_input(
    workspace: WorkspaceStore,
    where: str,
    item: InputSpec,
    upstream: Mapping[str, Mapping[str, StoredOutput]],
    *,
    takes_empty_places: bool = False,
) -> ResolvedInput:
    """Return the identity and the places of ``item``'s data.

    :param where: the step, as messages name it
    :param upstream: what the steps before this one wrote in this run, by step id and output name
    :param takes_empty_places: a place that a DataReference or a DataPath names may be empty: a script that never looks there does not mind
    :raises DefinitionError: nothing lies where the definition points
    """
    resolved = _resolve(workspace, f"{where}: input {item.name!r}", item, upstream, takes_empty_places=takes_empty_places)
    if item.mode != "direct" and resolved.definition is not None and resolved.definition.kind == "tabular":
        raise DefinitionError(
            f"{where}: input {item.name!r} is a table, which has no files to {item.mode}; hand it over with as_named_input(name), "
            "so that the script gets the dataset: run.input_datasets[name].to_pandas_dataframe()"
        )
    return resolved


def _resolve(
    workspace: WorkspaceStore, place: str, item: InputSpec, upstream: Mapping[str, Mapping[str, StoredOutput]], *, takes_empty_places: bool
) -> ResolvedInput:
    if isinstance(item.source, DatasetSource):
        paths, definition, record = item.source.paths, item.source.definition, None
        if takes_empty_places and item.source.is_place:
            part = _resolve_path(workspace, paths[0])
            if part is None:
                return ResolvedInput(item.name, workspace.put_listing(TreeManifest(())), (), empty_place=paths[0])
            return _placed(workspace, place, item.name, (part,), definition)
        if item.source.name is not None and not paths:
            record = workspace.datasets.get(item.source.name, item.source.version)
            paths, definition = record.paths, record.definition
        return replace(resolve_dataset(workspace, place, item.name, paths, definition), record=record)
    if isinstance(item.source, ParameterSource):
        raise UnknownNameError(f"{place}: parameter {item.source.parameter!r} names no data in this run")
    output = upstream[item.source.step][item.source.output]
    if item.source.is_link:
        linked = linked_source(workspace, place, output)
        return replace(resolve_dataset(workspace, place, item.name, linked.paths, linked.definition), linked=linked)
    is_file = output.file_count == 1 and workspace.get_manifest(output.digest).is_file
    part = InputPart(
        output.datastore, output.path, "", output.digest, is_file, output.file_count, output.size_bytes, witness=output.witness
    )
    # Where an output lies is another place for each run, so that its files are shown as if it were a datastore of its own.
    return _chosen(workspace, place, ResolvedInput(item.name, output.digest, (part,), item.source.definition, roots=(("", ""),)))


def resolve_dataset(
    workspace: WorkspaceStore, where: str, name: str, paths: tuple[DatastorePath, ...], definition: DatasetDefinition | None
) -> ResolvedInput:
    """Return the identity of a dataset's data: of the rows of its query, which is asked now, or of what it takes of its files.

    :raises DefinitionError: nothing lies at one of its paths, or its query is wrong
    :raises DatastoreUnavailableError: something could not be read
    """
    if definition is None or definition.sql is None:
        return resolve_paths(workspace, where, name, paths, definition)
    rows = ask_rows(workspace, definition.sql, where)
    return ResolvedInput(name, workspace.put_listing(rows_manifest(rows)), (), definition, rows=rows)


def resolve_paths(
    workspace: WorkspaceStore, where: str, name: str, paths: tuple[DatastorePath, ...], definition: DatasetDefinition | None = None
) -> ResolvedInput:
    """Return the identity of what a dataset takes of what lies at ``paths``, laid out as :func:`place_together` says.

    :raises DefinitionError: nothing lies at one of them
    """
    if not paths:
        raise DefinitionError(f"{where} has no paths; name at least one")
    parts = []
    for path in paths:
        part = _resolve_path(workspace, path)
        if part is None:
            url = workspace.datastores.open(path.datastore).url
            raise NoDataError(
                f"{where}: nothing is at {shorten(repr(path.path))} on datastore {path.datastore!r} ({shorten(url)}); upload the data there, or correct the path"
            )
        parts.append(part)
    return _placed(workspace, where, name, parts, definition)


def _placed(
    workspace: WorkspaceStore, where: str, name: str, parts: Sequence[InputPart], definition: DatasetDefinition | None
) -> ResolvedInput:
    folders = [(part.datastore, dirname(part.path) if part.is_file else part.path) for part in parts]
    prefixes = place_together(folders) if len(parts) > 1 else ("",)
    placed = tuple(replace(part, prefix=prefix) for part, prefix in zip(parts, prefixes, strict=True))
    roots = tuple((prefix, folder) for prefix, (_, folder) in zip(prefixes, folders, strict=True))
    return _chosen(workspace, where, ResolvedInput(name, _digest_of(placed), placed, definition, roots=roots))


def _digest_of(parts: tuple[InputPart, ...]) -> str:
    return parts[0].digest if len(parts) == 1 else digest("amlpipe/input/v1", [[part.prefix, part.digest] for part in parts])


def _chosen(workspace: WorkspaceStore, where: str, resolved: ResolvedInput) -> ResolvedInput:
    """Return what is left of an input when its dataset takes only some of the files."""
    definition = None if resolved.definition is None else resolved.definition.model_dump(mode="json")
    if definition is None or not chooses_files(definition):
        return resolved
    manifests = [workspace.get_manifest(part.digest) for part in resolved.parts]
    files = [
        (index, file, f"/{root}/{file.path}".replace("//", "/"))
        for index, ((_, root), manifest) in enumerate(zip(resolved.roots, manifests, strict=True))
        for file in manifest.files
    ]
    try:
        positions = choose_files(definition, [(path, file.size) for _, file, path in files])
    except UserErrorException as error:
        raise DefinitionError(f"{where}: {error}") from error
    taken = {(files[position][0], files[position][1].path) for position in positions}
    parts = []
    for index, (part, manifest) in enumerate(zip(resolved.parts, manifests, strict=True)):
        files_of = tuple(file for file in manifest.files if (index, file.path) in taken)
        if files_of == manifest.files:
            parts.append(part)
            continue
        kept = TreeManifest(files_of)
        workspace.put_listing(kept)
        parts.append(
            replace(part, digest=kept.digest, is_file=False, file_count=len(files_of), size_bytes=kept.size_bytes, is_selection=True)
        )
    return replace(resolved, parts=tuple(parts), digest=_digest_of(tuple(parts)))


def place_together(folders: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """Return where the content of each of these folders, (datastore, path on it), belongs in one folder for all.

    One folder's content needs no folder of its own. Several keep their folders below the one they share, or below the name of their
    datastore if they lie on different ones, so that no file takes the place of another of the same name.

    >>> place_together([("lake", "raw/2023"), ("lake", "raw/2024")])
    ('2023', '2024')
    """
    if len({datastore for datastore, _ in folders}) > 1:
        return tuple(f"{datastore.replace('://', '/')}/{folder}".rstrip("/") for datastore, folder in folders)
    paths = [folder for _, folder in folders]
    shared = commonpath(paths) if paths and all(paths) else ""
    return tuple(path[len(shared) :].strip("/") for path in paths)


def _resolve_path(workspace: WorkspaceStore, path: DatastorePath) -> InputPart | None:
    store = workspace.datastores.open(path.datastore)
    folder, pattern, identity = identify_path(store, path.path, workspace.memo)
    if identity is None:
        return None
    workspace.put_listing_of(identity)
    is_file = identity.file_count == 1 and identity.manifest().is_file
    return InputPart(path.datastore, folder, "", identity.digest, is_file, identity.file_count, identity.size_bytes, pattern)
