"""Does every file in dags/ run, first as it is and then again?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.airflow_fixtures import DagOutcome

FOLDER = Path(__file__).resolve().parents[2] / "dags"
FILES = sorted(FOLDER.glob("*.py"))
# What has to have run before: the training reads the images that the other file writes.
NEEDED = {"digits_training": "digits_images"}


def run_file(file: Path, run_dag: Callable[..., DagOutcome]) -> list[tuple[set[str], DagOutcome]]:
    """Run each DAG of a file; return its tasks, and how it ended."""
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(dag_folder=str(file))
    assert bag.import_errors == {}
    assert bag.dags
    return [(set(dag.task_ids), run_dag(dag)) for dag in bag.dags.values()]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_dag_file_runs_and_is_reused(file: Path, run_dag: Callable[..., DagOutcome]) -> None:
    if file.stem in NEEDED:
        run_file(FOLDER / f"{NEEDED[file.stem]}.py", run_dag)
    first, second = run_file(file, run_dag), run_file(file, run_dag)
    for (task_ids, ran), (_, again) in zip(first, second, strict=True):
        expected = dict.fromkeys(task_ids, "success")
        assert (ran.states(), again.states()) == (expected, expected)
        assert {task_id: again.xcom(task_id)["reused"] for task_id in task_ids} == dict.fromkeys(task_ids, True)


def test_there_are_examples() -> None:
    assert FILES
