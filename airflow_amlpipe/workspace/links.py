"""Which dataset did a script link an output to?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from airflow_amlpipe.exceptions import DefinitionError, ProtocolError, shorten
from airflow_amlpipe.reuse.result import StoredOutput
from airflow_amlpipe.runtime.linking import LINK_FILE, LINK_FORMAT
from airflow_amlpipe.spec.data import DatasetSource
from airflow_amlpipe.spec.dataset import DatasetDefinition
from airflow_amlpipe.spec.document import parse_model
from airflow_amlpipe.spec.json_text import read_json
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["check_link", "linked_source"]


def check_link(workspace: WorkspaceStore, where: str, produced: Path, kind: str | None) -> None:
    """Check that a script linked an output to a dataset of that kind.

    :param produced: the output's local folder
    :raises DefinitionError: it linked none, or another kind
    """
    try:
        text = (produced / LINK_FILE).read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DefinitionError(
            f"{where} was linked to no dataset; let the script call Run.get_context().output_datasets[name].link(dataset)"
        ) from error
    source = _source(workspace, where, text)
    found = "file" if source.definition is None else source.definition.kind
    if kind is not None and found != kind:
        classes = {"file": "LinkFileOutputDatasetConfig", "tabular": "LinkTabularOutputDatasetConfig"}
        raise DefinitionError(f"{where} is a {classes[kind]}, but was linked to a {found} dataset; use {classes[found]}")


def linked_source(workspace: WorkspaceStore, where: str, output: StoredOutput) -> DatasetSource:
    """Return the dataset that a stored output stands for.

    :raises DefinitionError: what it names is gone
    """
    store = workspace.datastores.open(output.datastore)
    return _source(workspace, where, store.read(f"{output.path}/{LINK_FILE}"))


def _source(workspace: WorkspaceStore, where: str, text: bytes) -> DatasetSource:
    document: Any = read_json(text, f"{where}: the link to a dataset")
    if not isinstance(document, dict) or document.get("format") != LINK_FORMAT:
        raise ProtocolError(
            f"{where}: the link to a dataset is not of the format {LINK_FORMAT!r}; it was written by another version, or by hand"
        )
    if "id" not in document:
        source = {"paths": [{"datastore": store, "path": path} for store, path in document["paths"]], "definition": document["definition"]}
        return _plain(parse_model(DatasetSource, _text(source), f"{where}: the link to a dataset"))
    known = workspace.datasets.find_id(document["id"])
    definition = (known.definition or DatasetDefinition(kind="file")).model_dump(mode="json")
    timestamp, partition = document["timestamps"]
    definition["operations"] += document["operations"]
    definition |= {"timestamp": timestamp, "partition_timestamp": partition}
    return _plain(
        DatasetSource(
            paths=known.paths, definition=parse_model(DatasetDefinition, _text(definition), f"{where}: {shorten(document['id'])}")
        )
    )


def _plain(source: DatasetSource) -> DatasetSource:
    """Return ``source`` without a definition that says nothing."""
    return source.model_copy(update={"definition": None}) if source.definition == DatasetDefinition(kind="file") else source


def _text(document: Any) -> str:
    import json

    return json.dumps(document)
