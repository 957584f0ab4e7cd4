"""Which pipelines are published, and may they be run?

A published pipeline is its specification, with its sources frozen and the defaults of its parameters as they were. The first entry of its log
says what it is and never changes; later ones enable or disable it. Ids are UUIDs, names may repeat.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Literal

from airflow_amlpipe.exceptions import DefinitionError, ProtocolError, UnknownNameError, shorten
from airflow_amlpipe.spec.model import SpecModel
from airflow_amlpipe.storage.log import AppendLog
from airflow_amlpipe.storage.store import Store
from airflow_amlpipe.workspace.ids import is_uuid, now_text
from airflow_amlpipe.workspace.layout import log_folder
from airflow_amlpipe.workspace.record_text import parse_record, record_body

__all__ = ["PublishedEntry", "PublishedPipeline", "PublishedRegistry", "PublishedStatus"]

PublishedStatus = Literal["Active", "Disabled"]
_KIND = "published"


class PublishedPipeline(SpecModel):
    """One published pipeline as it stands.

    :ivar version: the text that its author gave it; nothing is derived from it
    :ivar spec: digest of its specification, each of whose steps names a frozen source
    :ivar continue_on_step_failure: what its runs do unless they are told otherwise; ``None`` as ``False``
    :ivar run_id: the run that it was published from, if it was
    :ivar source: git state by source folder, as runs record it
    """

    id: str
    name: str
    spec: str
    step_names: dict[str, str]
    description: str | None = None
    version: str | None = None
    continue_on_step_failure: bool | None = None
    run_id: str | None = None
    source: dict[str, dict[str, Any]] = {}
    created_at: str
    status: PublishedStatus = "Active"


class PublishedEntry(SpecModel):
    """An entry of a published pipeline's log: the first has ``pipeline``, the others a new ``status``."""

    format: Literal["amlpipe/published/v1"] = "amlpipe/published/v1"
    at: str
    pipeline: PublishedPipeline | None = None
    status: PublishedStatus | None = None


class PublishedRegistry:
    """The published pipelines of one workspace."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(
        self,
        name: str,
        *,
        spec: str,
        step_names: Mapping[str, str],
        description: str | None = None,
        version: str | None = None,
        continue_on_step_failure: bool | None = None,
        run_id: str | None = None,
        source: Mapping[str, dict[str, Any]] | None = None,
    ) -> PublishedPipeline:
        """Write down a new published pipeline, whose specification and sources are stored already, and return it."""
        now = now_text()
        pipeline = PublishedPipeline(
            id=str(uuid.uuid4()),
            name=name,
            spec=spec,
            step_names=dict(step_names),
            description=description,
            version=version,
            continue_on_step_failure=continue_on_step_failure,
            run_id=run_id,
            source=dict(source or {}),
            created_at=now,
        )
        self._log(pipeline.id).append_if(0, record_body(PublishedEntry(at=now, pipeline=pipeline)))
        return pipeline

    def find(self, pipeline_id: str) -> PublishedPipeline | None:
        """Return the published pipeline with this id as it stands, ``None`` if there is none."""
        return self._fold(pipeline_id, self._log(pipeline_id).entries()) if is_uuid(pipeline_id) else None

    def get(self, pipeline_id: str) -> PublishedPipeline:
        """Like :meth:`find`, but there has to be one.

        :raises UnknownNameError: there is none; the message names some that there are
        """
        found = self.find(pipeline_id)
        if found is not None:
            return found
        known = self.all()
        called = [item.id for item in known if item.name == pipeline_id]
        if called:
            raise UnknownNameError(
                f"published pipelines are looked up by id, and {shorten(repr(pipeline_id))} is a name; the ids of that name, newest first: "
                f"{shorten(', '.join(called), 400)}"
            )
        shown = ", ".join(f"{item.id} ({shorten(item.name, 60)})" for item in known[:5]) or "none"
        raise UnknownNameError(f"no published pipeline of the workspace has the id {shorten(repr(pipeline_id))}; the newest are: {shown}")

    def all(self) -> list[PublishedPipeline]:
        """Return every published pipeline, the newest first."""
        found = [self.find(name) for name in self._store.list_names(log_folder(_KIND))]
        return sorted((item for item in found if item is not None), key=lambda item: (item.created_at, item.id), reverse=True)

    def set_status(self, pipeline_id: str, status: PublishedStatus) -> PublishedPipeline:
        """Enable or disable one, and return it as it stands then; what it is already is not written again.

        :raises UnknownNameError: there is none
        """
        self.get(pipeline_id)

        def decide(entries: list[tuple[int, bytes]]) -> bytes | None:
            known = self._fold(pipeline_id, entries)
            return None if known is not None and known.status == status else record_body(PublishedEntry(at=now_text(), status=status))

        self._log(pipeline_id).append_decided(decide)
        return self.get(pipeline_id)

    def _log(self, pipeline_id: str) -> AppendLog:
        if not is_uuid(pipeline_id):
            raise DefinitionError(f"{shorten(repr(pipeline_id))} is no id of a published pipeline; ids are UUIDs")
        return AppendLog(self._store, log_folder(_KIND, pipeline_id))

    def _fold(self, pipeline_id: str, entries: list[tuple[int, bytes]]) -> PublishedPipeline | None:
        pipeline: PublishedPipeline | None = None
        for number, body in entries:
            entry = parse_record(PublishedEntry, body, f"published pipeline {pipeline_id}, entry {number}")
            if number == 1:
                pipeline = entry.pipeline
            if pipeline is None or pipeline.id != pipeline_id:
                raise ProtocolError(f"published pipeline {pipeline_id}: its first entry does not say what it is; `amlpipe fsck` says more")
            if entry.status is not None:
                pipeline = pipeline.model_copy(update={"status": entry.status})
        return pipeline
