"""Which data has a name, and what did each version of that name mean?"""

from __future__ import annotations

import json
import uuid

from airflow_amlpipe.exceptions import UnknownNameError, shorten
from airflow_amlpipe.spec.data import DatastorePath
from airflow_amlpipe.spec.json_text import read_note
from airflow_amlpipe.spec.model import SpecModel
from airflow_amlpipe.storage.crash_points import crash_point
from airflow_amlpipe.storage.store import Store
from airflow_amlpipe.workspace.ids import now_text
from airflow_amlpipe.workspace.layout import dataset_id_path
from airflow_amlpipe.workspace.registry import Registry

__all__ = ["DatasetRecord", "DatasetRegistry"]


class DatasetRecord(SpecModel):
    """One version of a registered dataset.

    :ivar digest: identity of its content when it is the output of a step; ``None`` when it is whatever lies at ``paths``
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


class DatasetRegistry(Registry[DatasetRecord]):
    """The registered datasets of one workspace; a record's log number is its version."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, kind="datasets", noun="dataset", model=DatasetRecord)

    def find_id(self, dataset_id: str) -> DatasetRecord:
        """Return the version that has this id.

        :raises UnknownNameError: none has
        """
        try:
            place = read_note(
                self._store.read(dataset_id_path(dataset_id)), f"place of dataset {shorten(dataset_id, 80)}", "name", "version"
            )
        except FileNotFoundError as error:
            raise UnknownNameError(f"no dataset of the workspace has the id {shorten(repr(dataset_id))}") from error
        return self.get(place["name"], place["version"])

    def add_version(
        self,
        name: str,
        paths: tuple[DatastorePath, ...],
        *,
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
            )
            body = json.dumps(record.model_dump(mode="json"), sort_keys=True).encode()
            if log.append_if(version - 1, body) is not None:
                crash_point("dataset-version-added")
                return self.restore_id(record)

    def restore_id(self, record: DatasetRecord) -> DatasetRecord:
        """Write down which version an id means, and return the version; twice is fine."""
        # Written after the version itself: a crash in between is mended by the next registration with the same token.
        self._store.put(dataset_id_path(record.id), json.dumps({"name": record.name, "version": record.version}).encode())
        return record
