"""What does a script hear that hands a method something of another kind than it takes?"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_amlpipe.exceptions import DefinitionError
from azureml.core import Dataset, Datastore, Environment, Experiment, Run, Workspace
from azureml.core.compute import AmlCompute, ComputeTarget
from azureml.core.conda_dependencies import CondaDependencies
from azureml.data import DataReference, FileDataset, OutputFileDatasetConfig
from azureml.pipeline.core import Pipeline, PipelineRun, StepRun, StepSequence
from azureml.pipeline.steps import PythonScriptStep


def train() -> PythonScriptStep:
    return PythonScriptStep("train.py", name="train", source_directory="src")


def files(ws: Workspace) -> FileDataset:
    return Dataset.File.from_files((ws.get_default_datastore(), "images"), validate=False)


def submit(ws: Workspace, **options: Any) -> Any:
    return Experiment(ws, "digits").submit(Pipeline(ws, train()), **options)


NO_WORKSPACE: dict[str, Callable[[Workspace, Any], Any]] = {
    "Dataset.register": lambda ws, value: files(ws).register(value, "digits"),
    "Dataset.get_by_name": lambda _, value: Dataset.get_by_name(value, "digits"),
    "Dataset.get_by_id": lambda _, value: Dataset.get_by_id(value, "an id"),
    "Dataset.get_all": lambda _, value: Dataset.get_all(value),
    "Datastore.get": lambda _, value: Datastore.get(value, "workspaceblobstore"),
    "Datastore()": lambda _, value: Datastore(value),
    "Datastore.register_url": lambda _, value: Datastore.register_url(value, "lake", "/srv/lake"),
    "Experiment": lambda _, value: Experiment(value, "y"),
    "Experiment.list": lambda _, value: Experiment.list(value),
    "Environment.get": lambda _, value: Environment.get(value, "e"),
    "Environment.list": lambda _, value: Environment.list(value),
    "Environment.register": lambda _, value: Environment("e").register(value),
    "ComputeTarget": lambda _, value: ComputeTarget(value, "cpu"),
    "Run.get": lambda _, value: Run.get(value, "an id"),
    "PipelineRun.get": lambda _, value: PipelineRun.get(value, "an id"),
    "Pipeline": lambda _, value: Pipeline(value, []),
}


@pytest.mark.parametrize("value", [None, 5, "x", ["x"]], ids=repr)
@pytest.mark.parametrize("call", NO_WORKSPACE.values(), ids=NO_WORKSPACE)
def test_a_workspace_is_no_text(ws: Workspace, call: Callable[[Workspace, Any], Any], value: Any) -> None:
    with pytest.raises(DefinitionError, match=r"must be a Workspace, not .*use Workspace.from_config"):
        call(ws, value)


NO_TEXT: dict[str, Callable[[Workspace, Any], Any]] = {
    "Dataset.register": lambda ws, value: files(ws).register(ws, value),
    "description of a dataset": lambda ws, value: files(ws).register(ws, "digits", value),
    "Dataset.get_by_name": Dataset.get_by_name,
    "Dataset.get_by_id": Dataset.get_by_id,
    "Datastore.get": Datastore.get,
    "Datastore.register_url": lambda ws, value: Datastore.register_url(ws, value, "/srv/lake"),
    "Workspace.set_default_datastore": lambda ws, value: ws.set_default_datastore(value),
    "DataReference": lambda ws, value: DataReference(ws.get_default_datastore(), "raw", value),
    "path_on_compute": lambda ws, value: files(ws).as_mount(value),
    "target_path": lambda ws, value: ws.get_default_datastore().upload("src", value),
    "ComputeTarget": ComputeTarget,
    "ComputeTarget.create": lambda ws, value: ComputeTarget.create(ws, value, AmlCompute.provisioning_configuration("s")),
    "Environment.get": Environment.get,
    "reuse_policy": lambda ws, value: submit(ws, reuse_policy=value),
    "parent_run_id": lambda ws, value: submit(ws, parent_run_id=value),
    "description of a pipeline": lambda ws, value: Pipeline(ws, train(), value),
    "Pipeline.to_dag": lambda ws, value: Pipeline(ws, train()).to_dag(value),
    "Experiment.list": Experiment.list,
    "register_on_complete": lambda _, value: OutputFileDatasetConfig().register_on_complete("digits", value),
}


def test_half_a_character_is_no_text(ws: Workspace) -> None:
    with pytest.raises(DefinitionError, match=r"Dataset.get_by_id: id: 'a\\ud800' cannot be written as UTF-8: character 2 is half of one"):
        Dataset.get_by_id(ws, "a\ud800")
    with pytest.raises(DefinitionError, match=r"Pipeline: description: '\\ud800' cannot be written as UTF-8"):
        Pipeline(ws, train(), description="\ud800")


def test_variables_of_an_environment_are_a_dictionary() -> None:
    with pytest.raises(DefinitionError, match="environment_variables must be a dictionary of names and values, not 5"):
        Environment("e").environment_variables = 5  # type: ignore[assignment]


@pytest.mark.parametrize("value", [None, 5], ids=repr)
def test_options_and_channels_are_text(value: Any) -> None:
    dependencies = CondaDependencies()
    with pytest.raises(DefinitionError, match="set_pip_option: pip_option must be text"):
        dependencies.set_pip_option(value)
    with pytest.raises(DefinitionError, match="add_channel: channel must be text"):
        dependencies.add_channel(value)


@pytest.mark.parametrize("value", [5, ["x"], {"x": 1}, b"x"], ids=repr)
@pytest.mark.parametrize("call", NO_TEXT.values(), ids=NO_TEXT)
def test_a_name_is_text(ws: Workspace, call: Callable[[Workspace, Any], Any], value: Any) -> None:
    with pytest.raises(DefinitionError, match=r"must be text|cannot be used|cannot be registered|is no name"):
        call(ws, value)


@pytest.mark.parametrize("value", [5, "x", [["x", "y"]]], ids=repr)
@pytest.mark.parametrize(
    "call",
    [
        lambda ws, value: submit(ws, tags=value),
        lambda ws, value: files(ws).register(ws, "digits", tags=value),
        lambda _, value: OutputFileDatasetConfig().register_on_complete("digits", tags=value),
        lambda _, value: AmlCompute.provisioning_configuration("s", tags=value),
    ],
    ids=["submit", "register", "register_on_complete", "AmlCompute"],
)
def test_tags_are_a_dictionary(ws: Workspace, call: Callable[[Workspace, Any], Any], value: Any) -> None:
    with pytest.raises(DefinitionError, match=r"tags must be a dictionary of names and values, not "):
        call(ws, value)


NO_PATH: dict[str, Callable[[Workspace, Any], Any]] = {
    "upload": lambda ws, value: ws.get_default_datastore().upload(value),
    "upload_files": lambda ws, value: ws.get_default_datastore().upload_files([value]),
    "relative_root": lambda ws, value: ws.get_default_datastore().upload_files(["src/train.py"], value),
    "Datastore.download": lambda ws, value: ws.get_default_datastore().download(value),
    "upload_directory": lambda ws, value: Dataset.File.upload_directory(value, (ws.get_default_datastore(), "x")),
    "Workspace.from_config": lambda _, value: Workspace.from_config(value),
    "Workspace.write_config": lambda ws, value: ws.write_config(value),
    "CondaDependencies": lambda _, value: CondaDependencies(value),
    "Environment.from_pip_requirements": lambda _, value: Environment.from_pip_requirements("e", value),
    "Environment.load_from_directory": lambda _, value: Environment.load_from_directory(value),
}


@pytest.mark.parametrize("value", [5, ["x"], b"x"], ids=repr)
@pytest.mark.parametrize("call", NO_PATH.values(), ids=NO_PATH)
def test_a_local_path_is_text_or_a_path(ws: Workspace, call: Callable[[Workspace, Any], Any], value: Any) -> None:
    with pytest.raises(DefinitionError, match=r"is no path; give text or a pathlib.Path"):
        call(ws, value)


@pytest.mark.parametrize(
    "call",
    [
        lambda ws: ws.get_default_datastore().upload_files("src/train.py"),
        lambda _: CondaDependencies.create(pip_packages=5),  # type: ignore[arg-type]
        lambda _: StepSequence(5),  # type: ignore[arg-type]
        lambda _: OutputFileDatasetConfig().as_upload(source_globs=5),
    ],
    ids=["upload_files", "pip_packages", "StepSequence", "source_globs"],
)
def test_a_list_is_no_text_and_no_number(ws: Workspace, call: Callable[[Workspace], Any]) -> None:
    with pytest.raises(DefinitionError, match="must be a list, not"):
        call(ws)


@pytest.mark.parametrize("value", [None, 5, "digits"], ids=repr)
def test_a_run_is_of_an_experiment(value: Any) -> None:
    for make in (lambda: PipelineRun(value, "an id"), lambda: StepRun(value, "a", "b", "c")):
        with pytest.raises(DefinitionError, match=r"experiment must be an Experiment, not .*use Experiment\(workspace, name\)"):
            make()


def test_a_reference_needs_a_datastore(ws: Workspace) -> None:
    with pytest.raises(DefinitionError, match=r"'workspaceblobstore' is no Datastore; use Datastore.get"):
        DataReference("workspaceblobstore")  # type: ignore[arg-type]
    with pytest.raises(DefinitionError, match="datapath is missing"):
        DataReference.create("raw", "images")  # type: ignore[arg-type]


@pytest.mark.parametrize("wanted", [5, [5], [["a", "b", "c"]]], ids=repr)
def test_tags_to_look_for_are_names_or_pairs(ws: Workspace, wanted: Any) -> None:
    from airflow_amlpipe.sdk.core._tags import matches_tags

    with pytest.raises(DefinitionError, match=r"tags and properties to look for"):
        matches_tags({"a": "b"}, wanted)


def test_a_pathlib_path_is_as_good_as_text(ws: Workspace, project: Path) -> None:
    store = ws.get_default_datastore()
    store.upload(project / "src", "src", show_progress=False)
    assert store.download(project / "here", show_progress=False) == 2
    assert os.listdir(project / "here" / "src")
