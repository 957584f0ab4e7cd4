"""What is a script handed that gets a dataset instead of its files? (mode ``direct``)"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.spec.data import DatasetSource, DatastorePath, InputSpec
from airflow_amlpipe.workspace.datasets import DatasetRecord, SavedDataset
from airflow_amlpipe.workspace.inputs import ResolvedInput
from airflow_amlpipe.workspace.workspace import WorkspaceStore

if TYPE_CHECKING:
    from airflow_amlpipe.runtime.protocol import DatasetPart

__all__ = ["dataset_part", "described_part"]


def dataset_part(workspace: WorkspaceStore, item: InputSpec, resolved: ResolvedInput, path: Path | str) -> DatasetPart:
    """Return what the script's side is told of an input; a dataset that has no id yet is saved, so that it has one.

    :param path: where its files were put
    """
    record: DatasetRecord | SavedDataset | None = resolved.record
    if record is None and isinstance(item.source, DatasetSource):
        source = item.source
        record = (
            workspace.datasets.get(source.name, source.version)
            if source.name is not None
            else workspace.datasets.save(source.paths, source.definition)
        )
    if record is None and resolved.linked is not None:
        record = workspace.datasets.save(resolved.linked.paths, resolved.linked.definition)
    if record is None:
        places = tuple(DatastorePath(datastore=part.datastore, path=part.path) for part in resolved.parts)
        record = workspace.datasets.save(places, resolved.definition)
    return described_part(workspace, record, resolved, path)


def described_part(
    workspace: WorkspaceStore, record: DatasetRecord | SavedDataset, resolved: ResolvedInput, path: Path | str
) -> DatasetPart:
    """Return what the script's side is told of a dataset whose files were put at ``path``."""
    definition: dict[str, Any] = {"kind": "file"} if resolved.definition is None else resolved.definition.model_dump(mode="json")
    if definition["kind"] == "file":
        definition["operations"] = []  # carried out
    definition["path_glob"] = None
    if resolved.definition is not None and resolved.definition.sql is not None:
        definition["reading"] = {"format": "sql"}  # how the rows in the file were asked for is no business of the script's
    labelled = workspace.datasets.labelled(record) if isinstance(record, DatasetRecord) else None
    return {
        "id": record.id,
        "name": None if labelled is None else labelled.name,
        "version": None if labelled is None else labelled.version,
        "description": None if labelled is None else labelled.description,
        "tags": {} if labelled is None else dict(labelled.tags),
        "created_at": record.created_at,
        "definition": definition,
        "path": str(path),
        "roots": [[prefix, f"/{root}"] for prefix, root in resolved.roots],
        "files": _in_order(workspace, resolved),
    }


def _in_order(workspace: WorkspaceStore, resolved: ResolvedInput) -> list[list[str]]:
    """Return (path below the input, path on the datastore) of each file of several paths; the files of one are in the order of their names."""
    if len(resolved.parts) < 2:
        return []
    files: dict[str, str] = {}  # a file that two of the paths name is one file
    for part, (prefix, root) in zip(resolved.parts, resolved.roots, strict=True):
        for file in workspace.get_manifest(part.digest).files:
            files.setdefault(f"{prefix}/{file.path}".lstrip("/"), f"/{root}/{file.path}".replace("//", "/"))
    return [list(paths) for paths in files.items()]
