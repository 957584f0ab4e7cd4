"""Do documents that were written before a field was thought of keep their meaning, and those that do not use it their text?"""

from __future__ import annotations

import json

import pytest

from airflow_amlpipe.reuse.streak import Streak
from airflow_amlpipe.spec.model import SpecModel
from airflow_amlpipe.spec.parameter import ParameterSpec
from airflow_amlpipe.spec.step import LiteralArgument, ParameterArgument, StepSpec
from airflow_amlpipe.workspace.records import StepFinished
from tests.builders import a_step

FINISHED = StepFinished(
    run_id="r", step_id="s", step_name="s", step_run_id="x", try_number=1, status="Finished", started_at="a", finished_at="b"
)
STREAK = Streak(component="arguments", where="[1]", name="argument 2", runs=3)


@pytest.mark.parametrize(
    ("unused", "field", "value"),
    [
        (LiteralArgument(value=1), "volatile", True),
        (ParameterArgument(parameter="p"), "volatile", True),
        (ParameterSpec(name="p", type="integer", default=1), "volatile", True),
        (a_step(), "reuse_max_age_seconds", 60),
        (FINISHED, "volatile", {"argument 2": 1}),
        (FINISHED, "streak", STREAK),
    ],
)
def test_a_field_that_came_later_is_written_only_where_it_says_something(unused: SpecModel, field: str, value: object) -> None:
    """R59."""
    model, text = type(unused), unused.model_dump_json()
    assert field not in json.loads(text)
    assert model.model_validate_json(text) == unused
    used = unused.model_copy(update={field: value})
    assert field in json.loads(used.model_dump_json())
    assert model.model_validate_json(used.model_dump_json()) == used


def test_a_step_that_was_stored_before_is_the_same_step() -> None:
    """R59."""
    stored = '{"id":"train","name":"train","command":{"kind":"python_script","script":"train.py"},"source":{"directory":"src"}}'
    assert StepSpec.model_validate_json(stored) == a_step()
