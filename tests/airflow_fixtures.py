"""How does a test run a DAG, and what can it see of the run afterwards?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.airflow_home import AIRFLOW_HOME, migrate_database

if TYPE_CHECKING:
    from airflow.sdk import DAG

__all__ = ["DagOutcome"]


@dataclass(frozen=True)
class DagOutcome:
    """A DAG run that has ended, as Airflow's database has it."""

    dag_id: str
    run_id: str
    state: str

    def states(self) -> dict[str, str]:
        """State of each task."""
        from airflow.models.taskinstance import TaskInstance

        return {ti.task_id: str(ti.state) for ti in self._rows(TaskInstance)}

    def tries(self) -> dict[str, int]:
        """How often each task was tried."""
        from airflow.models.taskinstance import TaskInstance

        return {ti.task_id: ti.try_number for ti in self._rows(TaskInstance)}

    def xcom(self, task_id: str, key: str = "return_value") -> Any:
        """What a task handed on; ``None`` for nothing."""
        from airflow.models.xcom import XComModel

        for row in self._rows(XComModel):
            if (row.task_id, row.key) == (task_id, key):
                return XComModel.deserialize_value(row)
        return None

    def rendered(self, task_id: str) -> dict[str, Any]:
        """What Rendered Templates shows."""
        from airflow.models.renderedtifields import RenderedTaskInstanceFields

        found = [row.rendered_fields for row in self._rows(RenderedTaskInstanceFields) if row.task_id == task_id]
        return dict(found[0]) if found else {}

    def stored(self, task_id: str) -> dict[str, Any]:
        """What a task left in the task state store."""
        import json

        from airflow.models.task_state_store import TaskStateStoreModel

        return {row.key: json.loads(row.value) for row in self._rows(TaskStateStoreModel) if row.task_id == task_id}

    def asset_events(self) -> dict[str, dict[str, Any]]:
        """Extra of the event of each asset that the run wrote to."""
        from airflow.models.asset import AssetEvent
        from airflow.utils.session import create_session
        from sqlalchemy import select

        with create_session() as session:
            events = session.scalars(select(AssetEvent).where(AssetEvent.source_run_id == self.run_id)).all()
            return {event.asset.name: dict(event.extra) for event in events}

    def _rows(self, model: Any) -> list[Any]:
        from airflow.utils.session import create_session
        from sqlalchemy import select

        with create_session() as session:
            rows = session.scalars(select(model).where(model.dag_id == self.dag_id, model.run_id == self.run_id)).all()
            session.expunge_all()
            return list(rows)


@pytest.fixture(scope="session")
def airflow_database() -> Path:
    """A migrated database; the home of the Airflow that has it."""
    migrate_database()
    return AIRFLOW_HOME


@pytest.fixture
def run_dag(airflow_database: Path) -> Callable[..., DagOutcome]:
    """Run a DAG to its end in this process, without a server: ``run_dag(dag, conf={...})``."""

    def run(dag: DAG, conf: dict[str, Any] | None = None) -> DagOutcome:
        from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db

        bag = DagBag(dag_folder=str(airflow_database / "dags"))
        # A DAG that lies in no file of a bundle can be tested once it is serialised.
        bag.bag_dag(dag)
        sync_bag_to_db(bag, "dags-folder", None)
        dag_run = dag.test(run_conf=conf)
        return DagOutcome(dag.dag_id, dag_run.run_id, str(dag_run.state))

    return run
