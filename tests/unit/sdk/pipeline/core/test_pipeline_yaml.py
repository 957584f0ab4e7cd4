"""Which pipeline does a YAML file of SDK v1 describe, and what is refused in one?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_amlpipe.exceptions import UnsupportedFeatureError
from airflow_amlpipe.sdk.lowering import lower_pipeline
from airflow_amlpipe.spec.data import DatasetSource, DatastorePath, StepOutputSource
from airflow_amlpipe.spec.pipeline import PipelineSpec
from airflow_amlpipe.spec.step import DataTransfer, InputArgument, LiteralArgument, OutputArgument, ParameterArgument
from azureml.core import Dataset, Datastore, Workspace
from azureml.pipeline.core import Module, Pipeline
from azureml.pipeline.core.graph import InputPortDef

WHOLE = """
pipeline:
  description: from a file
  parameters:
    rate: {type: float, default: 1}
    nodes: {type: int, default: 2}
    place: {type: datapath, default: {datastore: workspaceblobstore, path_on_datastore: sample.txt}}
  data_references:
    raw: {datastore: workspaceblobstore, path_on_datastore: raw}
    landed: {datastore: workspaceblobstore, path_on_datastore: landed}
  default_compute: local
  steps:
    Copy:
      type: DataTransferStep
      name: copy
      source_data_reference: {raw: {source: raw}}
      destination_data_reference: landed
      source_reference_type: directory
    Train:
      type: PythonScriptStep
      name: train
      runconfig: mine.yml
      runconfig_parameters: {NodeCount: {source: nodes}}
      parameters: {SEED: 7, RATE: {source: rate}}
      script_name: train.py
      source_directory: src
      allow_reuse: false
      version: "3"
      inputs:
        data: {source: prepared, bind_mode: download}
        where: {source: place}
      arguments: ["--data", "input:data", "--where", "input:where", "--rate", "parameter:rate"]
    Prepare:
      python_script_step: {script_name: prepare.py, source_directory: src}
      inputs: {raw: raw}
      outputs: {out: {destination: prepared, datastore: workspaceblobstore, bind_mode: upload}}
      arguments: --raw input:raw --out output:out
"""


def load(ws: Workspace, text: str, name: str = "pipeline.yml") -> PipelineSpec:
    Path(name).write_text(text)
    return lower_pipeline(Pipeline.load_yaml(ws, name), "nightly")


def test_steps_are_linked_by_the_names_of_what_they_write(ws: Workspace, project: Path) -> None:
    (project / "mine.yml").write_text("environment: {python: {condaDependencies: {dependencies: [{pip: [numpy]}]}}}\n")
    spec = load(ws, WHOLE)
    assert spec.description == "from a file"
    copy, train, prepare = spec.steps
    assert [step.name for step in spec.steps] == ["copy", "train", "Prepare"]
    assert copy.command == DataTransfer(source="raw", destination="landed", source_type="directory")
    assert prepare.inputs[0].source == DatasetSource(paths=(DatastorePath(datastore="workspaceblobstore", path="raw"),), is_place=True)
    assert prepare.arguments == (
        LiteralArgument(value="--raw"),
        InputArgument(input="raw"),
        LiteralArgument(value="--out"),
        OutputArgument(output="out"),
    )
    assert (prepare.outputs[0].name, prepare.outputs[0].mode) == ("out", "upload")
    assert (train.inputs[0].name, train.inputs[0].mode) == ("data", "download")
    assert train.inputs[0].source == StepOutputSource(step="Prepare", output="out")
    assert train.arguments[1::2][0] == InputArgument(input="data")
    assert train.arguments[-1] == ParameterArgument(parameter="rate")
    assert {item.name: item.value for item in train.variables} == {
        "SEED": LiteralArgument(value=7),
        "RATE": ParameterArgument(parameter="rate"),
    }
    assert (train.allow_reuse, train.version, train.run_settings.parameters) == (False, "3", {"node_count": "nodes"})
    assert train.environment.pip_requirements == ("numpy",)
    assert {parameter.name: parameter.type for parameter in spec.parameters}["rate"] == "number"


def test_a_dataset_is_found_by_its_name(ws: Workspace, project: Path) -> None:
    dataset = Dataset.File.from_files((Datastore.get(ws, "workspaceblobstore"), "images"), validate=False).register(ws, "images")
    step = "{type: PythonScriptStep, script_name: train.py, source_directory: src, inputs: {x: {source: d, bind_mode: download}}}"
    spec = load(ws, f"pipeline: {{data_references: {{d: {{dataset_name: images}}}}, steps: {{A: {step}}}}}")
    (item,) = spec.steps[0].inputs
    assert (item.name, item.mode) == ("x", "download")
    assert isinstance(item.source, DatasetSource)
    assert (item.source.name, dataset.version) == ("images", 1)


def test_a_module_is_a_step_too(ws: Workspace, project: Path) -> None:
    module = Module.create(ws, "average", "")
    module.publish_python_script("train.py", "", [InputPortDef("data")], [], source_directory="src")
    text = "pipeline: {data_references: {raw: {datastore: workspaceblobstore, path_on_datastore: raw}}, steps: {A: %s}}"
    spec = load(ws, text % "{type: ModuleStep, module: average, version: 1, inputs: {data: raw}}")
    assert spec.steps[0].source.snapshot is not None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("steps: {}", "the section 'pipeline:' is missing"),
        ("pipeline: {name: a}", "pipeline: the section 'steps:' is missing"),
        ("pipeline: {steps: {A: {script_name: train.py}}}", "steps: A: 'type:' is missing"),
        ("pipeline: {steps: {A: {type: PythonScriptStep}}}", "steps: A: 'script_name:' is missing"),
        ("pipeline: {steps: {A: {type: DataTransferStep}}}", "steps: A: 'source_data_reference:' is missing"),
        ("pipeline: {steps: {A: {type: ModuleStep}}}", "steps: A: 'module:' is missing"),
        (
            "pipeline: {steps: {A: {type: Python}}}",
            "type 'Python' is not known; use one of: DataTransferStep, ModuleStep, PythonScriptStep",
        ),
        ("pipeline: {steps: {A: 3}}", "must say what the step is, not 3"),
        ("pipeline: {parameters: {p: {type: int}}, steps: {A: 1}}", "parameters: p: 'default:' is missing"),
        ("pipeline: {parameters: {p: {type: int, default: a}}, steps: {A: 1}}", "default 'a' is no int"),
        ("pipeline: {parameters: {p: {type: int, default: true}}, steps: {A: 1}}", "default True is no int"),
        ("pipeline: {parameters: {p: {type: list, default: 1}}, steps: {A: 1}}", "type 'list' is not known; use one of: string"),
        ("pipeline: {data_references: {d: {path_on_datastore: a}}, steps: {A: 1}}", "data_references: d: 'datastore:' is missing"),
        ("pipeline: {data_references: {d: a}, steps: {A: 1}}", "must say where the data is"),
        ("pipeline: {data_references: {d: {sql_query: a}}, steps: {A: 1}}", "Dataset.Tabular.from_sql_query"),
    ],
)
def test_a_section_that_is_missing_or_wrong_is_named(ws: Workspace, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load(ws, text)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("inputs: {x: {source: nothing}}", "inputs: x: source 'nothing' is not known; what there is: written"),
        ("inputs: [x]", "inputs must be a mapping of names"),
        ("arguments: ['input:x']", "'input:x' names no input of the step; it has: none"),
        ("arguments: {a: 1}", "arguments must be a list"),
        ("parameters: {P: {source: q}}", "the pipeline has no parameter 'q'; its parameters are: none"),
        ("runconfig: none.yml", "runconfig 'none.yml' does not exist"),
        ("outputs: {o: {destination: written}}", "another step writes 'written' already"),
    ],
)
def test_what_a_step_names_has_to_be_there(ws: Workspace, more: str, message: str) -> None:
    writer = "{type: PythonScriptStep, script_name: prepare.py, source_directory: src, outputs: {o: written}}"
    step = f"{{type: PythonScriptStep, script_name: train.py, source_directory: src, {more}}}"
    with pytest.raises(ValueError, match=message):
        load(ws, f"pipeline: {{steps: {{W: {writer}, A: {step}}}}}")


def test_steps_that_are_not_here_say_what_to_use(ws: Workspace) -> None:
    with pytest.raises(UnsupportedFeatureError, match="DatabricksStep is not supported by airflow-amlpipe"):
        load(ws, "pipeline: {steps: {A: {type: DatabricksStep, notebook_path: a}}}")


def test_a_key_that_has_no_effect_is_warned_about(ws: Workspace) -> None:
    with pytest.warns(UserWarning, match="steps: A: scriptname is not known and has no effect"):
        load(ws, "pipeline: {steps: {A: {type: PythonScriptStep, script_name: train.py, source_directory: src, scriptname: a}}}")


@pytest.mark.parametrize("name", ["none.yml", 3])
def test_a_file_that_cannot_be_read_is_named(ws: Workspace, name: Any) -> None:
    with pytest.raises(ValueError, match="none.yml|must be text"):
        Pipeline.load_yaml(ws, name)
