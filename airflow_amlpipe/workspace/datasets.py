"""Which data has a name or an id, and what did each version of that name mean?

A registered version has both. A dataset that nobody registered has an id once it was handed to a step: it is made of the definition, so that
the same definition has the same id wherever and however often it is saved.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Mapping
from contextlib import suppress

from airflow_amlpipe.exceptions import DefinitionError, UnknownNameError, shorten
from airflow_amlpipe.fingerprint.canonical import digest as digest_of
from airflow_amlpipe.reuse.result import writer_name
from airflow_amlpipe.spec.data import DatastorePath
from airflow_amlpipe.spec.dataset import DatasetDefinition
from airflow_amlpipe.spec.json_text import read_note
from airflow_amlpipe.spec.model import SpecModel, added_later
from airflow_amlpipe.storage.crash_points import crash_point
from airflow_amlpipe.storage.log import AppendLog
from airflow_amlpipe.storage.store import Store
from airflow_amlpipe.workspace.ids import now_text
from airflow_amlpipe.workspace.layout import dataset_id_path, log_folder
from airflow_amlpipe.workspace.record_text import parse_record, record_body
from airflow_amlpipe.workspace.registry import Registry
from airflow_amlpipe.workspace.tags import changed_tags

__all__ = ["DatasetLabels", "DatasetRecord", "DatasetRegistry", "SavedDataset", "saved_id"]

_LABELS = "dataset-labels"


class DatasetRecord(SpecModel):
    """One version of a registered dataset.

    :ivar digest: identity of its content when it is the output of a step; ``None`` when it is whatever lies at ``paths``
    :ivar definition: what the dataset is beside its paths; ``None``: the files
    :ivar origin: the output of the step run whose content it is; registering that again while it is the latest changes nothing
    :ivar token: the output of the run that registered it, so that registering again after a crash changes nothing
    """

    name: str
    version: int
    id: str
    paths: tuple[DatastorePath, ...]
    digest: str | None = None
    description: str | None = None
    tags: dict[str, str] = {}
    created_at: str
    produced_by: dict[str, str] | None = None
    origin: str | None = None
    token: str | None = None
    definition: DatasetDefinition | None = added_later(None)

    @property
    def writer(self) -> str | None:
        """The step of a run whose output it is (``StepResult.writer``), if it is one."""
        made = self.produced_by or {}
        return writer_name(made["run_id"], made["step_id"]) if {"run_id", "step_id"} <= made.keys() else None


class SavedDataset(SpecModel):
    """A dataset without a name that was handed to a step; its id is :func:`saved_id`."""

    id: str
    paths: tuple[DatastorePath, ...]
    definition: DatasetDefinition | None = None
    created_at: str


class DatasetLabels(SpecModel):
    """What was said about a registered version after it had been registered; it stands for what the version itself says."""

    description: str | None = None
    tags: dict[str, str] = {}


def saved_id(paths: tuple[DatastorePath, ...], definition: DatasetDefinition | None) -> str:
    """Return the id of a dataset without a name: 32 hex characters in the groups of a UUID."""
    document = {
        "paths": [[path.datastore, path.path] for path in paths],
        "definition": None if definition is None else definition.model_dump(mode="json"),
    }
    return str(uuid.UUID(hex=digest_of("amlpipe/dataset/v1", document)[:32]))


class DatasetRegistry(Registry[DatasetRecord]):
    """The registered datasets of one workspace; a record's log number is its version."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, kind="datasets", noun="dataset", model=DatasetRecord)
        self._saved: Registry[SavedDataset] = Registry(store, kind="saved-datasets", noun="dataset", model=SavedDataset)
        self._labels: Registry[DatasetLabels] = Registry(store, kind=_LABELS, noun="dataset", model=DatasetLabels)

    def save(self, paths: tuple[DatastorePath, ...], definition: DatasetDefinition | None = None) -> SavedDataset:
        """Give a dataset without a name its id, so that it is found by it; twice is fine."""
        dataset_id = saved_id(paths, definition)
        saved = self._saved.find(dataset_id)
        if saved is None:
            saved = SavedDataset(id=dataset_id, paths=paths, definition=definition, created_at=now_text())
            self._saved.register(dataset_id, saved)
        return saved

    def label(
        self,
        record: DatasetRecord,
        *,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
        removed_tags: Collection[str] = (),
        replaces_tags: bool = False,
    ) -> DatasetRecord:
        """Describe and tag a version anew, whoever does so meanwhile, and return it as it stands then; what it means stays.

        :param description: ``None``: it stays
        :param tags: with ``removed_tags`` and ``replaces_tags``, see ``workspace/tags.py``
        """
        changed: list[DatasetLabels] = []

        def decide(entries: list[tuple[int, bytes]]) -> bytes | None:
            known = DatasetLabels(description=record.description, tags=record.tags)
            if entries:
                known = parse_record(DatasetLabels, entries[-1][1], f"labels of dataset {record.name!r}")
            changed[:] = [
                DatasetLabels(
                    description=known.description if description is None else description,
                    tags=changed_tags(known.tags, tags, removed=removed_tags, replaces=replaces_tags),
                )
            ]
            return None if changed[0] == known else record_body(changed[0])

        AppendLog(self._store, log_folder(_LABELS, record.id)).append_decided(decide)
        return record.model_copy(update=changed[0].model_dump())

    def labelled(self, record: DatasetRecord) -> DatasetRecord:
        """Return a version with the description and the tags that it has now."""
        labels = self._labels.find(record.id)
        return record if labels is None else record.model_copy(update=labels.model_dump())

    def find_latest(self, name: str, *, without: str | None = None) -> DatasetRecord | None:
        """Return the latest version of ``name``, ``None`` if there is none or it was removed.

        :param without: as if this step of a run (``StepResult.writer``) had registered none
        """
        latest = self.find(name)
        if latest is None or without is None or latest.writer != without:
            return latest
        records = (self._parse(name, body) for _, body in reversed(self._log(name).entries()))
        return next((record for record in records if record is None or record.writer != without), None)

    def find_id(self, dataset_id: str) -> DatasetRecord | SavedDataset:
        """Return the version, or the dataset without a name, that has this id.

        :raises UnknownNameError: none has
        """
        try:
            place = read_note(
                self._store.read(dataset_id_path(dataset_id)), f"place of dataset {shorten(dataset_id, 80)}", "name", "version"
            )
        except FileNotFoundError as error:
            # What cannot be an id is none.
            with suppress(DefinitionError):
                if (saved := self._saved.find(dataset_id)) is not None:
                    return saved
            raise UnknownNameError(f"no dataset of the workspace has the id {shorten(repr(dataset_id))}") from error
        return self.get(place["name"], place["version"])

    def add_version(
        self,
        name: str,
        paths: tuple[DatastorePath, ...],
        *,
        definition: DatasetDefinition | None = None,
        digest: str | None = None,
        description: str | None = None,
        tags: dict[str, str] | None = None,
        produced_by: dict[str, str] | None = None,
        origin: str | None = None,
        token: str | None = None,
    ) -> DatasetRecord:
        """Register a new version of ``name`` and return it.

        With a ``token`` that registered before, that version is returned instead; with an ``origin`` that the latest version has, the latest.

        Versions are 1, 2, ... without holes, also when many register at once.
        """
        log = self._log(name)
        while True:
            entries = log.entries()
            known = [record for record in (self._parse(name, body) for _, body in entries) if record is not None]
            for record in known:
                if token is not None and record.token == token:
                    return self.restore_id(record)
            if origin is not None and known and known[-1].origin == origin:
                return self.restore_id(known[-1])
            version = entries[-1][0] + 1 if entries else 1
            record = DatasetRecord(
                name=name,
                version=version,
                id=str(uuid.uuid4()),
                paths=paths,
                digest=digest,
                description=description,
                tags=tags or {},
                created_at=now_text(),
                produced_by=produced_by,
                origin=origin,
                token=token,
                definition=definition,
            )
            body = record_body(record)
            if log.append_if(version - 1, body) is not None:
                crash_point("dataset-version-added")
                return self.restore_id(record)

    def restore_id(self, record: DatasetRecord) -> DatasetRecord:
        """Write down which version an id means, and return the version; twice is fine."""
        # Written after the version itself: a crash in between is mended by the next registration with the same token.
        self._store.put(dataset_id_path(record.id), json.dumps({"name": record.name, "version": record.version}).encode())
        return record
