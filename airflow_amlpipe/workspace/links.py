"""Which dataset did a script link an output to?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from airflow_amlpipe.exceptions import DefinitionError, ProtocolError
from airflow_amlpipe.reuse.result import LinkedPlace, StoredOutput
from airflow_amlpipe.runtime.linking import LINK_FILE, LINK_FORMAT
from airflow_amlpipe.spec.data import DatasetSource, DatastorePath
from airflow_amlpipe.spec.dataset import DatasetDefinition, Operation
from airflow_amlpipe.spec.document import parse_model
from airflow_amlpipe.spec.json_text import read_json
from airflow_amlpipe.spec.model import SpecModel
from airflow_amlpipe.workspace.data_paths import identify_path
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["check_link", "linked_places", "linked_source"]


class _Made(SpecModel):
    """What is written of a dataset that the script made itself."""

    format: str
    paths: tuple[tuple[str, str], ...]
    definition: DatasetDefinition


class _Taken(SpecModel):
    """What is written of a dataset that the workspace knows: what the script took of it."""

    format: str
    id: str
    operations: tuple[Operation, ...]
    timestamps: tuple[str | None, str | None]


def check_link(workspace: WorkspaceStore, where: str, produced: Path, kind: str | None) -> DatasetSource:
    """Return the dataset of that kind which a script linked an output to.

    :param produced: the output's local folder
    :raises DefinitionError: it linked none, or another kind
    """
    try:
        text = (produced / LINK_FILE).read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise DefinitionError(
            f"{where} was linked to no dataset; let the script call Run.get_context().output_datasets[name].link(dataset)"
        ) from error
    source = _source(workspace, where, text)
    found = "file" if source.definition is None else source.definition.kind
    if kind is not None and found != kind:
        classes = {"file": "LinkFileOutputDatasetConfig", "tabular": "LinkTabularOutputDatasetConfig"}
        raise DefinitionError(f"{where} is a {classes[kind]}, but was linked to a {found} dataset; use {classes[found]}")
    return source


def linked_places(workspace: WorkspaceStore, where: str, source: DatasetSource) -> tuple[LinkedPlace, ...]:
    """Return where the data of a linked dataset lies, and what it is now.

    What a filter leaves out counts as well: a script that looked at the data may have chosen by it.

    :raises DefinitionError: what lies there cannot be data
    :raises DatastoreUnavailableError: something could not be read
    """
    places = []
    for path in source.paths:
        try:
            _, _, found = identify_path(workspace.datastores.open(path.datastore), path.path, workspace.memo)
        except DefinitionError as error:
            raise DefinitionError(f"{where}: {error}") from error
        places.append(LinkedPlace(datastore=path.datastore, path=path.path, digest=None if found is None else found.digest))
    return tuple(places)


def linked_source(workspace: WorkspaceStore, where: str, output: StoredOutput) -> DatasetSource:
    """Return the dataset that a stored output stands for.

    :raises DefinitionError: what it names is gone
    """
    store = workspace.datastores.open(output.datastore)
    return _source(workspace, where, store.read(f"{output.path}/{LINK_FILE}"))


def _source(workspace: WorkspaceStore, where: str, text: bytes) -> DatasetSource:
    what = f"{where}: the link to a dataset"
    document: Any = read_json(text, what)
    if not isinstance(document, dict) or document.get("format") != LINK_FORMAT:
        raise ProtocolError(f"{what} is not of the format {LINK_FORMAT!r}; it was written by another version, or by hand")
    if "id" not in document:
        made = parse_model(_Made, text, what)
        if made.definition.sql is not None:
            # A script writes this file, and whoever reads the output would ask the database with a login of its own.
            raise DefinitionError(
                f"{what} holds a query of a database, which no script can link an output to; register the dataset and link that"
            )
        return _plain(
            DatasetSource(
                paths=tuple(DatastorePath(datastore=datastore, path=path) for datastore, path in made.paths), definition=made.definition
            )
        )
    taken = parse_model(_Taken, text, what)
    known = workspace.datasets.find_id(taken.id)
    definition = known.definition or DatasetDefinition(kind="file")
    timestamp, partition = taken.timestamps
    changes = {"operations": (*definition.operations, *taken.operations), "timestamp": timestamp, "partition_timestamp": partition}
    return _plain(DatasetSource(paths=known.paths, definition=definition.model_copy(update=changes)))


def _plain(source: DatasetSource) -> DatasetSource:
    """Return ``source`` without a definition that says nothing."""
    return source.model_copy(update={"definition": None}) if source.definition == DatasetDefinition(kind="file") else source
