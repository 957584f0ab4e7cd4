"""Where does a reused result come from, in Airflow's own pages?"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from airflow.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey

__all__ = ["ProducedByLink", "task_page"]


class ProducedByLink(BaseOperatorLink):
    """A button on a reused step's page that leads to the task that produced its result.

    Airflow asks on the worker, right after the task, and keeps the answer; an empty answer draws no button.
    """

    @property
    def name(self) -> str:
        return "Produced by"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002  # Airflow's signature
        """Return the address that the operator noted while it executed, or ``""`` when its result is its own."""
        return getattr(operator, "produced_by_url", "") or ""


def task_page(*, dag_id: str, run_id: str, task_id: str) -> str:
    """Return the address of a task of a run, below the address that the API server is reached at."""
    from airflow_amlpipe.version_compat import airflow_option

    base = airflow_option("api", "base_url").rstrip("/")
    return f"{base}/dags/{quote(dag_id, safe='')}/runs/{quote(run_id, safe='')}/tasks/{quote(task_id, safe='')}"
