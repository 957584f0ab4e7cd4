"""Which pipelines are being worked on, with the values their next run is to have?

A draft is a specification with frozen sources, as a published pipeline is, but everything of it may be changed, and it may be deleted. Each
entry of its log is the whole draft as it stood then; a change is made to the newest or not at all.
"""

from __future__ import annotations

import uuid
from typing import Any, Literal

from airflow_amlpipe.exceptions import UnknownNameError, shorten
from airflow_amlpipe.spec.model import SpecModel
from airflow_amlpipe.spec.parameter_value import ParameterValue
from airflow_amlpipe.storage.log import AppendLog
from airflow_amlpipe.storage.store import Store
from airflow_amlpipe.workspace.ids import is_uuid, now_text
from airflow_amlpipe.workspace.layout import log_folder
from airflow_amlpipe.workspace.record_text import parse_record, record_body
from airflow_amlpipe.workspace.registry import REMOVED, is_removal

__all__ = ["DraftRecord", "DraftRegistry"]

_KIND = "drafts"


class DraftRecord(SpecModel):
    """A draft as it stands.

    :ivar spec: digest of its specification, each of whose steps names a frozen source
    :ivar parameters: values for the next run; the others have their defaults
    :ivar parent_pipeline_id: the published pipeline it was made from, if it was
    :ivar parent_run_id: the run it was made from, if it was
    :ivar last_run_id: the run that was last submitted from it
    """

    format: Literal["amlpipe/draft/v1"] = "amlpipe/draft/v1"
    id: str
    name: str
    spec: str
    step_names: dict[str, str]
    description: str | None = None
    experiment: str | None = None
    parameters: dict[str, ParameterValue] = {}
    continue_on_step_failure: bool | None = None
    tags: dict[str, str] = {}
    properties: dict[str, str] = {}
    source: dict[str, dict[str, Any]] = {}
    parent_pipeline_id: str | None = None
    parent_run_id: str | None = None
    last_run_id: str | None = None
    created_at: str


class DraftRegistry:
    """The drafts of one workspace."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, **fields: Any) -> DraftRecord:
        """Write down a new draft and return it; its specification and sources are stored already."""
        draft = DraftRecord(id=str(uuid.uuid4()), created_at=now_text(), **fields)
        self._log(draft.id).append_if(0, record_body(draft))
        return draft

    def find(self, draft_id: str) -> DraftRecord | None:
        """Return a draft as it stands, ``None`` if there is none or it was deleted."""
        latest = self._log(draft_id).latest() if is_uuid(draft_id) else None
        return None if latest is None else _parse(draft_id, latest[1])

    def get(self, draft_id: str) -> DraftRecord:
        """:raises UnknownNameError: there is none, or it was deleted; the message lists those there are."""
        found = self.find(draft_id)
        if found is None:
            raise _unknown(draft_id, self.all())
        return found

    def all(self) -> list[DraftRecord]:
        """Return every draft, the newest first."""
        found = [self.find(name) for name in self._store.list_names(log_folder(_KIND))]
        return sorted((item for item in found if item is not None), key=lambda item: (item.created_at, item.id), reverse=True)

    def change(self, draft_id: str, **fields: Any) -> DraftRecord:
        """Change some fields of a draft and return it as it stands then.

        :raises UnknownNameError: there is none, or somebody deleted it meanwhile
        """
        self.get(draft_id)
        changed: list[DraftRecord] = []

        def decide(entries: list[tuple[int, bytes]]) -> bytes | None:
            known = _parse(draft_id, entries[-1][1])
            if known is None:
                raise _unknown(draft_id, self.all())
            changed[:] = [DraftRecord(**{**dict(known), **fields})]
            return None if changed[0] == known else record_body(changed[0])

        self._log(draft_id).append_decided(decide)
        return changed[0]

    def remove(self, draft_id: str) -> None:
        """Delete a draft. What runs were made of it stays.

        :raises UnknownNameError: there is none
        """
        self.get(draft_id)
        self._log(draft_id).append(REMOVED)

    def _log(self, draft_id: str) -> AppendLog:
        return AppendLog(self._store, log_folder(_KIND, draft_id))


def _parse(draft_id: str, body: bytes) -> DraftRecord | None:
    return None if is_removal(body) else parse_record(DraftRecord, body, f"pipeline draft {draft_id}")


def _unknown(draft_id: str, known: list[DraftRecord]) -> UnknownNameError:
    shown = ", ".join(f"{item.id} ({shorten(item.name, 60)})" for item in known[:5]) or "none"
    return UnknownNameError(f"no pipeline draft of the workspace has the id {shorten(repr(draft_id))}; there are: {shown}")
