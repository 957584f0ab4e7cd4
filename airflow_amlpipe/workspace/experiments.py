"""What is known of an experiment besides its runs? Its tags, and whether it is put away.

An experiment exists through its runs; this log is there only once somebody tagged or archived it.
"""

from __future__ import annotations

from typing import Literal

from airflow_amlpipe.spec.model import SpecModel
from airflow_amlpipe.storage.log import AppendLog
from airflow_amlpipe.storage.store import Store
from airflow_amlpipe.workspace.ids import now_text
from airflow_amlpipe.workspace.layout import log_folder
from airflow_amlpipe.workspace.record_text import parse_record, record_body

__all__ = ["ExperimentEntry", "ExperimentRegistry", "ExperimentState"]


class ExperimentState(SpecModel):
    """What the entries come to."""

    tags: dict[str, str] = {}
    archived_at: str | None = None


class ExperimentEntry(SpecModel):
    """A change: tags that are set, or removed (``None``), and whether the experiment is put away from then on."""

    format: Literal["amlpipe/experiment/v1"] = "amlpipe/experiment/v1"
    at: str
    tags: dict[str, str | None] = {}
    is_archived: bool | None = None


class ExperimentRegistry:
    """The experiments of one workspace, by name."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def state(self, name: str) -> ExperimentState:
        """Return what is known of an experiment; nothing of one that nobody tagged or archived."""
        tags: dict[str, str] = {}
        archived_at = None
        for number, body in self._log(name).entries():
            entry = parse_record(ExperimentEntry, body, f"experiment {name!r}, entry {number}")
            tags = {key: value for key, value in {**tags, **entry.tags}.items() if value is not None}
            if entry.is_archived is not None:
                archived_at = entry.at if entry.is_archived else None
        return ExperimentState(tags=tags, archived_at=archived_at)

    def change_tags(self, name: str, changes: dict[str, str | None]) -> None:
        """Set tags, or remove those whose value is ``None``."""
        self._log(name).append(record_body(ExperimentEntry(at=now_text(), tags=changes)))

    def set_archived(self, name: str, is_archived: bool) -> None:
        """Put an experiment away, or bring it back. Its runs stay as they are."""
        if (self.state(name).archived_at is not None) is not is_archived:
            self._log(name).append(record_body(ExperimentEntry(at=now_text(), is_archived=is_archived)))

    def _log(self, name: str) -> AppendLog:
        return AppendLog(self._store, log_folder("experiments", name))
