"""What does the record of a failed run say?"""

from __future__ import annotations

import ast
from string import Formatter

import pytest

from airflow_amlpipe.services.engine_run import _DAG_FILE, _reason_of
from airflow_amlpipe.workspace.records import StepFinished


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("step 'train' failed with exit code 1; it wrote nothing", "step 'train' failed with exit code 1; it wrote nothing"),
        ("step 'train': output 'out' is a symbolic link now", "step 'train': output 'out' is a symbolic link now"),
        ("environment 'x' cannot be installed", "step 'train' failed: environment 'x' cannot be installed"),
        ("step 'trainer' is away", "step 'train' failed: step 'trainer' is away"),
        (None, "step 'train' failed: no reason was recorded"),
    ],
)
def test_the_step_that_failed_is_named_once(error: str | None, reason: str) -> None:
    finished = StepFinished(
        run_id="r",
        step_id="train",
        step_name="train",
        step_run_id="s",
        try_number=1,
        status="Failed",
        started_at="2026-01-01T00:00:00+00:00",
        finished_at="2026-01-01T00:00:01+00:00",
        error=error,
    )

    assert _reason_of(finished) == reason


@pytest.mark.parametrize("run_id", ["01900000-0000-7000-8000-000000000001", '"""\nimport os; os.abort()', "')\nimport os #", "{0}", "\\"])
def test_the_generated_dag_file_holds_an_id_and_nothing_that_a_user_typed(run_id: str) -> None:
    """S10."""
    assert [name for _, name, _, _ in Formatter().parse(_DAG_FILE) if name is not None] == ["run_id"]
    tree = ast.parse(_DAG_FILE.format(run_id=run_id))
    _, imported, assigned = tree.body
    assert isinstance(imported, ast.ImportFrom)
    assert isinstance(assigned, ast.Assign)
    assert isinstance(assigned.value, ast.Call)
    (argument,) = assigned.value.args
    assert (ast.literal_eval(argument), len(tree.body)) == (run_id, 3)
