"""Does every file in dags/ run, first as it is and then again?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.airflow_fixtures import DagOutcome

FOLDER = Path(__file__).resolve().parents[2] / "dags"
# In this order: the first writes the images that the second reads.
FILES = sorted(FOLDER.glob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_dag_file_runs_and_is_reused(file: Path, run_dag: Callable[..., DagOutcome]) -> None:
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(dag_folder=str(file))
    assert bag.import_errors == {}
    assert bag.dags
    for dag in bag.dags.values():
        first, second = run_dag(dag), run_dag(dag)
        expected = dict.fromkeys(dag.task_ids, "success")
        assert (first.states(), second.states()) == (expected, expected)
        assert {task_id: second.xcom(task_id)["reused"] for task_id in dag.task_ids} == dict.fromkeys(dag.task_ids, True)


def test_there_are_examples() -> None:
    assert FILES
