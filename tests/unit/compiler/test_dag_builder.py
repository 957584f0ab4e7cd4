"""What does Airflow get for a pipeline?"""

from __future__ import annotations

import ast
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG, Param
from airflow.sdk.exceptions import ParamValidationError

from airflow_amlpipe.compiler import build_dag, load_dag
from airflow_amlpipe.exceptions import DefinitionError, UnknownNameError
from airflow_amlpipe.operators.assets import dataset_asset
from airflow_amlpipe.operators.step import StepOperator
from airflow_amlpipe.settings import Settings
from airflow_amlpipe.spec.data import DatasetSource, DatastorePath, InputSpec, OutputSpec, RegistrationSpec
from airflow_amlpipe.spec.parameter import ParameterSpec
from airflow_amlpipe.spec.pipeline import PipelineSpec
from airflow_amlpipe.spec.step import LiteralArgument, ParameterArgument
from airflow_amlpipe.workspace.workspace import WorkspaceStore
from tests.builders import OUT, a_pipeline, a_step, reading

GOLDEN = Path(__file__).parents[2] / "golden" / "dags"
WORKSPACE = "file:///srv/workspaces/team"

RAW = (
    InputSpec(name="raw", mode="download", source=DatasetSource(paths=(DatastorePath(datastore="workspaceblobstore", path="raw/*.csv"),))),
)
MODEL = (OutputSpec(name="model", datastore="workspaceblobstore", register_as=RegistrationSpec(name="digits-model")),)
RATE = (LiteralArgument(value="--rate"), ParameterArgument(parameter="rate"))

PIPELINES = {
    "one_step": a_pipeline(a_step("train")),
    "diamond": a_pipeline(
        a_step("prepare", inputs=RAW, outputs=OUT),
        a_step("train_a", name="Train A", inputs=reading("prepare"), outputs=OUT, arguments=RATE),
        a_step("train_b", name="Train B", inputs=reading("prepare"), outputs=OUT),
        a_step("compare", inputs=(*reading("train_a"), reading("train_b")[0].model_copy(update={"name": "other"})), outputs=MODEL),
        parameters=(ParameterSpec(name="rate", type="number", default=0.5), ParameterSpec(name="label", type="string", default="")),
        description="Which of two is better?",
    ),
    "ordered_by_hand": a_pipeline(a_step("first"), a_step("second", run_after=("first",)), a_step("beside")),
}


def shape(dag: DAG) -> dict[str, Any]:
    """What a reviewer has to look at when it changes."""
    return {
        "dag_id": dag.dag_id,
        "display_name": dag.dag_display_name,
        "description": dag.description,
        "doc_md": dag.doc_md,
        "tags": sorted(dag.tags),
        "catchup": dag.catchup,
        "params": {name: {"default": param.value, **param.schema} for name, param in dag.params.items() if isinstance(param, Param)},
        "tasks": {
            task.task_id: {
                "title": task.task_display_name,
                "upstream": sorted(task.upstream_task_ids),
                "outlets": [outlet.uri for outlet in task.outlets],
                "step": json.loads(task.step_json)["id"],
            }
            for task in dag.tasks
            if isinstance(task, StepOperator)
        },
    }


@pytest.mark.parametrize("name", PIPELINES)
def test_the_shape_of_a_dag_does_not_change_unseen(name: str) -> None:
    """Write the new shape to tests/golden/dags/ when the change is meant."""
    found = shape(build_dag(PIPELINES[name].check(), dag_id=name, workspace=WORKSPACE))
    assert found == json.loads((GOLDEN / f"{name}.json").read_text())


def test_every_golden_shape_is_compared() -> None:
    assert {file.stem for file in GOLDEN.glob("*.json")} == set(PIPELINES)


@pytest.mark.parametrize(
    ("kind", "default", "shape", "word"),
    [
        ("data_path", DatastorePath(datastore="lake", path="raw"), {"datastore": "lake", "path": "raw"}, "a place on a datastore"),
        ("file_dataset", DatasetSource(name="iris", version=3), {"name": "iris", "version": 3}, "a file dataset"),
        ("tabular_dataset", DatasetSource(name="iris", version=3), {"name": "iris", "version": 3}, "a tabular dataset"),
        ("dataset", DatasetSource(name="iris"), {"name": "iris"}, "a dataset"),
    ],
)
def test_a_parameter_that_names_data_becomes_a_field_for_json(kind: Any, default: Any, shape: Any, word: str) -> None:
    dag = build_dag(a_pipeline(parameters=(ParameterSpec(name="p", type=kind, default=default),)), dag_id="d", workspace=WORKSPACE)
    param = dag.params.get_param("p")
    assert (param.value, param.schema) == (shape, {"type": "object", "title": "p"})
    assert param.description is not None
    assert f"names {word}" in param.description
    with pytest.raises(ParamValidationError):
        param.resolve("lake/raw")


@pytest.mark.parametrize(
    ("kind", "default", "good", "bad"),
    [("integer", 3, 4, "4"), ("number", 0.5, 1, "x"), ("boolean", True, False, 1), ("string", "a", "", 1)],
)
def test_a_parameter_becomes_a_typed_field_of_the_trigger_form(kind: Any, default: Any, good: Any, bad: Any) -> None:
    dag = build_dag(a_pipeline(parameters=(ParameterSpec(name="p", type=kind, default=default),)), dag_id="d", workspace=WORKSPACE)
    param = dag.params.get_param("p")
    assert (param.value, param.schema["type"], param.schema["title"]) == (default, kind, "p")
    assert param.resolve(value=good) == good
    with pytest.raises(ParamValidationError):
        param.resolve(value=bad)


def test_further_params_of_the_dag_are_kept() -> None:
    dag = build_dag(PIPELINES["diamond"], dag_id="d", workspace=WORKSPACE, params={"region": "eu"})
    assert set(dag.params) == {"rate", "label", "region"}


def test_a_param_of_the_reserved_name_is_refused() -> None:
    with pytest.raises(DefinitionError, match=r"'amlpipe'.* is a reserved name"):
        build_dag(PIPELINES["diamond"], dag_id="d", workspace=WORKSPACE, params={"amlpipe": 1.0})


def test_a_param_that_the_pipeline_declares_is_not_declared_again() -> None:
    with pytest.raises(DefinitionError, match=r"'rate'.* is a parameter of the pipeline already"):
        build_dag(PIPELINES["diamond"], dag_id="d", workspace=WORKSPACE, params={"rate": 1.0})


def test_arguments_of_airflows_dag_are_passed_on() -> None:
    dag = build_dag(
        PIPELINES["one_step"],
        dag_id="d",
        workspace=WORKSPACE,
        schedule="@daily",
        tags=["mine"],
        max_active_runs=1,
        catchup=True,
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        is_paused_upon_creation=False,
        doc_md="My words",
        default_args={"retries": 2, "queue": "gpu"},
    )
    assert (dag.tags, dag.max_active_runs, dag.catchup, dag.is_paused_upon_creation, dag.doc_md) == (
        {"amlpipe", "mine"},
        1,
        True,
        False,
        "My words",
    )
    (task,) = dag.tasks
    assert (task.retries, task.queue) == (2, "gpu")


@pytest.mark.parametrize("dag_id", ["", "a b", "d" * 251, "a/b", "é", "{{ x }}", "a\n"])
def test_an_id_that_airflow_cannot_use_is_refused(dag_id: str) -> None:
    with pytest.raises(DefinitionError, match=r"the DAG id .* cannot be used"):
        build_dag(PIPELINES["one_step"], dag_id=dag_id, workspace=WORKSPACE)


@pytest.mark.parametrize("dag_id", ["d" * 250, "_d_", "1", "a.b-c_d"])
def test_any_other_id_can_be_used(dag_id: str) -> None:
    assert build_dag(PIPELINES["one_step"], dag_id=dag_id, workspace=WORKSPACE).dag_id == dag_id


def test_nothing_of_the_machine_and_nothing_that_users_typed_as_a_value_is_serialised() -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    step = a_step("train", arguments=(LiteralArgument(value="{{ conn.x.password }}"),))
    dag = build_dag(a_pipeline(step), dag_id="d", workspace="file:///srv/hidden/ws", source_base="/home/hidden")
    text = json.dumps(DagSerialization.to_dict(dag))
    assert "hidden" not in text
    assert "conn.x" not in text


def test_a_changed_definition_is_a_new_version_for_airflow() -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    dags = [build_dag(a_pipeline(a_step("train", version=version)), dag_id="d", workspace=WORKSPACE) for version in ("1", "1", "2")]
    serialised = [json.dumps(DagSerialization.to_dict(dag), sort_keys=True) for dag in dags]
    assert serialised[0] == serialised[1] != serialised[2]


@pytest.mark.parametrize(
    "text", ["/etc/passwd.md", "# title\n<script>alert(1)</script>", "{{ var.value.x }}", "[a](javascript:x)", "`code`"]
)
def test_a_description_is_shown_as_it_is(text: str) -> None:
    dag = build_dag(a_pipeline(description=text), dag_id="d", workspace=WORKSPACE)
    assert dag.doc_md is not None
    assert not dag.doc_md.endswith(".md")
    shown = dag.doc_md.split("\n\nSteps:")[0]
    assert not set(shown) & set("<>`[]*_")
    assert dag.description == text


def test_the_file_of_a_dag_is_its_authors() -> None:
    assert build_dag(PIPELINES["one_step"], dag_id="d", workspace=WORKSPACE).fileloc == __file__


def test_a_registered_output_is_the_asset_that_others_can_wait_for() -> None:
    dag = build_dag(PIPELINES["diamond"], dag_id="d", workspace=WORKSPACE)
    assert dag.get_task("compare").outlets == [dataset_asset(WORKSPACE, "digits-model")]


class TestLoadingAStoredPipeline:
    @pytest.fixture
    def stored(self, tmp_path: Path) -> tuple[str, str, PipelineSpec]:
        spec = PIPELINES["diamond"]
        workspace = WorkspaceStore.open(str(tmp_path / "ws"), home=Settings.load().home)
        return str(tmp_path / "ws"), workspace.put_spec(spec), spec

    def test_its_dag_is_named_after_its_digest_and_runs_at_once(self, stored: tuple[str, str, PipelineSpec]) -> None:
        workspace, digest, _ = stored
        dag = load_dag(workspace, digest)
        assert (dag.dag_id, dag.is_paused_upon_creation) == (f"nightly-{digest[:16]}", False)
        assert set(dag.task_ids) == {"prepare", "train_a", "train_b", "compare"}

    def test_a_digest_that_is_not_stored_is_refused(self, stored: tuple[str, str, PipelineSpec]) -> None:
        with pytest.raises(UnknownNameError, match="has no pipeline specification"):
            load_dag(stored[0], "0" * 64)

    def test_a_generated_file_needs_nothing_that_a_user_typed(self, stored: tuple[str, str, PipelineSpec]) -> None:
        workspace, digest, _ = stored
        code = f"from airflow_amlpipe.compiler import load_dag\n\ndag = load_dag({workspace!r}, {digest!r})\n"
        namespace: dict[str, Any] = {}
        exec(compile(ast.parse(code), "generated.py", "exec"), namespace)
        assert isinstance(namespace["dag"], DAG)
        assert namespace["dag"].fileloc == "generated.py"
