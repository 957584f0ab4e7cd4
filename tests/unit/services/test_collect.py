"""What does a file define for a command, and how does the command change it?"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from airflow_amlpipe.exceptions import DefinitionError, UnknownNameError
from airflow_amlpipe.services.collect import (
    Collector,
    OnlyPlannedError,
    OptionRefusedError,
    active_collector,
    collecting,
    parameters_from_text,
)
from airflow_amlpipe.services.dag_file import dag_of_file
from airflow_amlpipe.services.submit import submit_pipeline
from airflow_amlpipe.spec.data import DatasetSource, DatastorePath
from airflow_amlpipe.spec.parameter import ParameterSpec
from airflow_amlpipe.spec.parameter_value import DatasetById
from airflow_amlpipe.workspace import WorkspaceStore
from tests.builders import a_pipeline

PIPELINE = a_pipeline(
    parameters=(
        ParameterSpec(name="rate", type="number", default=0.5),
        ParameterSpec(name="epochs", type="integer", default=3),
        ParameterSpec(name="fast", type="boolean", default=False),
        ParameterSpec(name="name", type="string", default="x"),
    )
)


def test_typed_texts_become_values_of_the_parameters_types() -> None:
    values = parameters_from_text(PIPELINE, {"rate": "1", "epochs": "7", "fast": "True", "name": "007"})

    assert values == {"rate": 1.0, "epochs": 7, "fast": True, "name": "007"}
    assert isinstance(values["rate"], float)


@pytest.mark.parametrize("texts", [{"rate": "quick"}, {"epochs": "1.5"}, {"fast": "1"}])
def test_a_text_that_is_no_value_of_the_type_is_refused(texts: dict[str, str]) -> None:
    with pytest.raises(DefinitionError, match="takes a value of type"):
        parameters_from_text(PIPELINE, texts)


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("data_path", "lake/raw/2024", DatastorePath(datastore="lake", path="raw/2024")),
        ("data_path", "lake", DatastorePath(datastore="lake", path="")),
        ("data_path", '{"datastore": "lake", "path": "raw"}', DatastorePath(datastore="lake", path="raw")),
        ("file_dataset", "iris", DatasetSource(name="iris")),
        ("file_dataset", "iris:latest", DatasetSource(name="iris")),
        ("tabular_dataset", "iris:3", DatasetSource(name="iris", version=3)),
        ("file_dataset", '{"id": "an-id"}', DatasetById(id="an-id")),
    ],
)
def test_a_text_names_data(kind: Any, text: str, expected: Any) -> None:
    assert parameters_from_text(a_pipeline(parameters=(data_parameter(kind),)), {"data": text}) == {"data": expected}


@pytest.mark.parametrize(
    ("kind", "text"),
    [("data_path", "lake/../x"), ("file_dataset", "iris:new"), ("file_dataset", "a/b"), ("file_dataset", "{"), ("data_path", "{}")],
)
def test_a_text_that_names_no_data_is_refused(kind: Any, text: str) -> None:
    with pytest.raises(DefinitionError, match="parameter 'data'"):
        parameters_from_text(a_pipeline(parameters=(data_parameter(kind),)), {"data": text})


def data_parameter(kind: Any) -> ParameterSpec:
    default: Any = DatastorePath(datastore="lake") if kind == "data_path" else DatasetSource(name="rows")
    return ParameterSpec(name="data", type=kind, default=default)


def test_a_name_may_have_what_sdk_v1_allowed() -> None:
    pipeline = a_pipeline(parameters=(ParameterSpec(name="learning-rate of model.1", type="number", default=0.5),))
    assert parameters_from_text(pipeline, {"learning-rate of model.1": "0.1"}) == {"learning-rate of model.1": 0.1}


def test_a_parameter_that_the_pipeline_does_not_have_is_refused_by_name() -> None:
    with pytest.raises(UnknownNameError, match="no parameter 'speed'; its parameters are: epochs, fast, name, rate"):
        parameters_from_text(PIPELINE, {"speed": "1"})


def test_a_dag_is_collected_and_not_built_while_a_command_reads_the_file(tmp_path: Path) -> None:
    with collecting(Collector(parameter_texts={"epochs": "7"}, policy="refresh")) as collector:
        dag = dag_of_file(PIPELINE, dag_id="nightly", workspace="file:///ws", source_base=tmp_path)
        dag.test()

    (found,) = collector.pipelines
    assert (found.experiment, found.dag_id, found.workspace, found.source_base) == ("nightly", "nightly", "file:///ws", tmp_path)
    assert (found.parameters, found.policy) == ({"epochs": 7}, "refresh")
    assert active_collector() is None


def test_the_workspace_of_the_command_line_goes_before_that_of_a_dag_file(tmp_path: Path) -> None:
    with collecting(Collector(workspace="file:///other")) as collector:
        dag_of_file(PIPELINE, dag_id="nightly", workspace="file:///ws", source_base=tmp_path)

    assert collector.pipelines[0].workspace == "file:///other"


def test_reading_a_dag_file_for_a_command_imports_no_airflow(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
from airflow_amlpipe.services.collect import Collector, collecting
from airflow_amlpipe.services.dag_file import dag_of_file
from tests.builders import a_pipeline
with collecting(Collector()):
    dag_of_file(a_pipeline(), dag_id="nightly", workspace="file:///ws", source_base=Path())
sys.exit("airflow" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", program], check=False, cwd=Path(__file__).parents[3]).returncode == 0


def test_an_option_that_does_not_fit_the_pipeline_ends_the_file_and_is_no_error_of_its_own(tmp_path: Path) -> None:
    for collector in (Collector(parameter_texts={"speed": "1"}), Collector(policy="refresh-from:nothing"), Collector(policy="often")):
        with collecting(collector), pytest.raises(OptionRefusedError) as refused:
            dag_of_file(PIPELINE, dag_id="nightly", workspace="file:///ws", source_base=tmp_path)
        assert isinstance(refused.value.error, DefinitionError)


def test_a_submission_that_is_only_planned_ends_the_script_and_records_nothing(workspace: WorkspaceStore, tmp_path: Path) -> None:
    with collecting(Collector(only_plan=True, policy="refresh")) as collector, pytest.raises(OnlyPlannedError):
        submit_pipeline(
            PIPELINE, workspace=workspace.url, experiment="nights", parameters={"rate": 0.7}, source_base=tmp_path, home=workspace.home
        )

    (found,) = collector.pipelines
    assert (found.experiment, found.dag_id, found.parameters, found.policy) == ("nights", None, {"rate": 0.7}, "refresh")
    assert workspace.runs.ids() == []
