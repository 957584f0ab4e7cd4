"""Which files, or rows, are those that a script asks for?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.fingerprint.tree import TreeManifest
from airflow_amlpipe.reuse.told import Told
from airflow_amlpipe.spec.names import check_relative_path
from airflow_amlpipe.storage.store import Store
from airflow_amlpipe.workspace.asked_words import dataset_words, place_words, words_of
from airflow_amlpipe.workspace.data_paths import identify_path
from airflow_amlpipe.workspace.datasets import DatasetRecord, SavedDataset
from airflow_amlpipe.workspace.inputs import ResolvedInput, resolve_dataset
from airflow_amlpipe.workspace.models import ModelVersion
from airflow_amlpipe.workspace.telling_things import Found
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["FoundData", "FoundFiles", "FoundModel", "find_data", "find_files", "find_model", "path_below"]


@dataclass(frozen=True, slots=True)
class FoundData(Found):
    """The data of a dataset: which it is, and where it lies."""

    record: DatasetRecord | SavedDataset = field(kw_only=True)
    resolved: ResolvedInput = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class FoundFiles(Found):
    """Files of a datastore that a script downloads."""

    store: Store = field(kw_only=True)
    prefix: str = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class FoundModel(Found):
    """The files of a registered model."""

    model: ModelVersion = field(kw_only=True)


def find_data(workspace: WorkspaceStore, arguments: Mapping[str, Any]) -> FoundData:
    """Return which bytes a dataset stands for now.

    :raises UnknownNameError: there is no such dataset
    :raises DefinitionError: nothing lies at one of its paths, or its query is wrong
    """
    record = workspace.datasets.find_id(arguments["id"])
    words = dataset_words(record)
    # Named like a file of the script's: a dataset's name may have spaces.
    resolved = resolve_dataset(workspace, words, "data", record.paths, record.definition)
    if resolved.rows is not None:
        answer = f"{resolved.rows.count:,} rows"
    else:
        answer = _size(sum(part.file_count for part in resolved.parts), sum(part.size_bytes for part in resolved.parts))
    told = Told(verb="dataset-data", arguments=dict(arguments), what=f"the data of {words}", answer=answer, digest=resolved.digest)
    return FoundData(told, record=record, resolved=resolved)


def find_files(workspace: WorkspaceStore, arguments: Mapping[str, Any]) -> FoundFiles:
    """Return which files lie at a place of a datastore, and what is in them.

    :raises UnknownNameError: there is no such datastore
    :raises DefinitionError: the path leaves it
    """
    name = arguments["datastore"]
    prefix = path_below(f"datastore {shorten(repr(name))}: download: prefix", arguments["prefix"])
    store = workspace.datastores.open(name)
    _, _, identity = identify_path(store, prefix, workspace.memo)
    listing = TreeManifest(()) if identity is None else identity.manifest()
    told = Told(
        verb="datastore-download",
        arguments=dict(arguments),
        what=f"the files of {place_words(name, prefix)}",
        answer=_size(len(listing.files), listing.size_bytes),
        digest=listing.digest,
    )
    return FoundFiles(told, store=store, prefix=prefix)


def find_model(workspace: WorkspaceStore, arguments: Mapping[str, Any], *, without: str | None = None) -> FoundModel:
    """Return which files a version of a model is.

    :param without: as if this step of a run (``StepResult.writer``) had removed none
    :raises UnknownNameError: there is none
    """
    model = workspace.models.get(arguments["name"], arguments["version"], without=without)
    told = Told(
        verb="model-data",
        arguments=dict(arguments),
        what=words_of("model-data", arguments),
        answer=_size(len(model.files), model.size_bytes),
        digest=model.digest,
    )
    return FoundModel(told, model=model)


def path_below(what: str, path: str | None) -> str:
    """Return a path of a datastore that a script gave, ``""`` for its root.

    :raises DefinitionError: it leaves the datastore.
    """
    clean = (path or "").strip("/")
    return check_relative_path(what, clean) if clean and clean != "." else ""


def _size(files: int, size_bytes: int) -> str:
    return f"{files:,} file{'' if files == 1 else 's'}, {size_bytes:,} bytes"
