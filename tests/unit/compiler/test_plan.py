"""Does the plan say which tasks there are, without Airflow?"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from airflow_amlpipe.compiler.plan import plan_tasks, submitted_dag_id
from airflow_amlpipe.exceptions import CycleError
from airflow_amlpipe.spec.data import OutputSpec, RegistrationSpec
from airflow_amlpipe.spec.step import StepSpec
from tests.builders import OUT, a_pipeline, a_step, reading


def test_each_step_becomes_one_task_after_those_it_waits_for() -> None:
    spec = a_pipeline(a_step("train", inputs=reading("prepare"), run_after=("check",)), a_step("check"), a_step("prepare", outputs=OUT))
    plan = plan_tasks(spec)
    assert [(task.task_id, task.upstream) for task in plan] == [("check", ()), ("prepare", ()), ("train", ("check", "prepare"))]


def test_a_task_carries_its_whole_step() -> None:
    step = a_step("train", name="Train it", version="2", timeout_seconds=60.0)
    (task,) = plan_tasks(a_pipeline(step))
    assert StepSpec.model_validate_json(task.step_json) == step
    assert task.title == "Train it"


def test_registered_outputs_are_named_once() -> None:
    outputs = tuple(
        OutputSpec(name=name, datastore="lake", register_as=RegistrationSpec(name=dataset))
        for name, dataset in (("a", "x"), ("b", "y"), ("c", "x"))
    )
    (task,) = plan_tasks(a_pipeline(a_step("train", outputs=(*outputs, *OUT))))
    assert task.datasets == ("x", "y")


def test_steps_that_wait_for_each_other_are_refused() -> None:
    with pytest.raises(CycleError, match="cycle detected"):
        plan_tasks(a_pipeline(a_step("a", run_after=("b",)), a_step("b", run_after=("a",))))


@pytest.mark.parametrize(
    ("name", "dag_id"),
    [("nightly", "nightly-0123456789abcdef"), ("my pipeline / é", "my_pipeline-0123456789abcdef"), ("é", "step-0123456789abcdef")],
)
def test_the_id_of_a_submitted_dag_ends_in_the_digest(name: str, dag_id: str) -> None:
    assert submitted_dag_id(a_pipeline(name=name), "0123456789abcdef" * 4) == dag_id


def test_the_id_of_a_submitted_dag_fits_whatever_the_name() -> None:
    assert len(submitted_dag_id(a_pipeline(name="n" * 255), "0" * 64)) <= 250


def test_planning_imports_no_airflow(repository: Path) -> None:
    code = "import sys; from airflow_amlpipe.compiler import plan_tasks; print('airflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
