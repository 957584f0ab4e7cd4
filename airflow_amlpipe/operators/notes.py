"""What becomes of notes that Airflow cannot take, because its API or its database is down? Nothing worse than that they are missing."""

from __future__ import annotations

from typing import Any

from airflow_amlpipe.exceptions import InfrastructureError
from airflow_amlpipe.operators.job_note import StateStore
from airflow_amlpipe.version_compat import AirflowRuntimeError

__all__ = ["TaskNotes"]


class TaskNotes:
    """Airflow's task state store, with our errors for its own; satisfies ``job_note.StateStore``."""

    def __init__(self, store: StateStore) -> None:
        self._store = store

    def get(self, key: str, default: Any = None) -> Any:
        """:raises InfrastructureError: Airflow does not answer."""
        try:
            return self._store.get(key, default)
        except AirflowRuntimeError as error:
            raise InfrastructureError(f"Airflow did not say what an earlier try noted ({error}); retry the task") from error

    def set(self, key: str, value: Any) -> None:
        """:raises InfrastructureError: Airflow does not take it."""
        try:
            self._store.set(key, value)
        except AirflowRuntimeError as error:
            raise InfrastructureError(f"Airflow did not take a note of the task ({error})") from error
