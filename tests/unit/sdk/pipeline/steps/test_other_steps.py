"""What do MpiStep, EstimatorStep, RScriptStep and NotebookRunnerStep accept, and what do they become?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_amlpipe.exceptions import DefinitionError, UnsupportedFeatureError
from airflow_amlpipe.sdk.lowering import lower_pipeline
from airflow_amlpipe.spec.compute import RunSettingsSpec
from airflow_amlpipe.spec.step import InputArgument, LiteralArgument, NotebookRun, ParameterArgument, PythonScript, RScript, StepSpec
from azureml.contrib.notebook import AzureMLNotebookHandler, NotebookRunConfig, NotebookRunnerStep
from azureml.core import Dataset, Environment, RunConfiguration, Workspace
from azureml.data import OutputFileDatasetConfig
from azureml.pipeline.core import Pipeline, PipelineParameter
from azureml.pipeline.steps import EstimatorStep, MpiStep, RScriptStep
from azureml.train.dnn import Mpi, PyTorch, TensorFlow
from azureml.train.estimator import Estimator
from azureml.train.sklearn import SKLearn


def only(ws: Workspace, step: Any) -> StepSpec:
    return lower_pipeline(Pipeline(ws, step), "nightly").steps[0]


# ---- MpiStep


def an_mpi_step(**changes: Any) -> MpiStep:
    given = {
        "name": "train",
        "source_directory": "src",
        "script_name": "train.py",
        "arguments": ["--rate", 0.5],
        "compute_target": "local",
        "node_count": 2,
        "process_count_per_node": 3,
    }
    return MpiStep(**{**given, **changes})


def test_an_mpi_step_says_how_many_processes_work_together(ws: Workspace) -> None:
    step = only(ws, an_mpi_step(pip_packages=["mpi4py==4.0.0"]))
    assert (step.command, step.run_settings) == (
        PythonScript(script="train.py"),
        RunSettingsSpec(node_count=2, processes_per_node=3, communicator="OpenMpi"),
    )
    assert step.environment.pip_requirements == ("mpi4py==4.0.0",)


@pytest.mark.parametrize(
    "name", ["name", "source_directory", "script_name", "arguments", "compute_target", "node_count", "process_count_per_node"]
)
def test_an_mpi_step_needs_the_first_seven_of_its_arguments(name: str) -> None:
    with pytest.raises(ValueError, match=f"MpiStep: {name} must be given"):
        an_mpi_step(**{name: None})


def test_what_an_mpi_step_does_not_know_is_refused(ws: Workspace, project: Path) -> None:
    with pytest.raises(ValueError, match="MpiStep: unknown arguments pip_pakages"):
        an_mpi_step(pip_pakages=["a"])
    with pytest.raises(ValueError, match="environment_definition or packages, not both"):
        an_mpi_step(environment_definition=Environment("e"), pip_packages=["a"])
    with pytest.raises(ValueError, match="environment_definition must be an Environment"):
        an_mpi_step(environment_definition="e")
    with pytest.raises(ValueError, match="pip_requirements_file 'none.txt' does not exist"):
        an_mpi_step(pip_requirements_file="none.txt")
    with pytest.raises(DefinitionError, match="node_count must be a whole number from 1 up, not 0"):
        only(ws, an_mpi_step(node_count=0))
    (project / "requirements.txt").write_text("# comment\nnumpy\n\n")
    assert only(ws, an_mpi_step(pip_requirements_file="requirements.txt")).environment.pip_requirements == ("numpy",)


# ---- estimators


def an_estimator(**changes: Any) -> Estimator:
    return Estimator("src", **{"compute_target": "local", "entry_script": "train.py", "pip_packages": ["numpy"], **changes})


def test_an_estimator_becomes_a_step_with_its_software(ws: Workspace) -> None:
    step = only(ws, EstimatorStep("train", an_estimator(node_count=2, distributed_training=Mpi(4)), ["--rate", 0.5]))
    assert (step.name, step.command, step.source.directory) == ("train", PythonScript(script="train.py"), "src")
    assert step.environment.pip_requirements == ("numpy",)
    assert step.run_settings == RunSettingsSpec(node_count=2, processes_per_node=4, communicator="OpenMpi")
    assert [argument.value for argument in step.arguments if isinstance(argument, LiteralArgument)] == ["--rate", 0.5]


def test_an_estimator_by_itself_reads_its_inputs_and_the_places_among_its_arguments(ws: Workspace) -> None:
    store = ws.get_default_datastore()
    table = Dataset.Tabular.from_delimited_files((store, "iris.csv"), validate=False).as_named_input("iris")
    raw = store.path("raw").as_mount()
    pipeline = an_estimator(script_params={"--raw": raw}, inputs=[table])._pipeline(ws)
    (step,) = lower_pipeline(pipeline, "train").steps
    assert {item.name: item.mode for item in step.inputs} == {"iris": "direct", "workspaceblobstore": "mount"}
    assert step.arguments[1] == InputArgument(input="workspaceblobstore")
    (step,) = lower_pipeline(an_estimator(script_params={"--raw": raw}, inputs=[raw])._pipeline(ws), "train").steps
    assert [item.name for item in step.inputs] == ["workspaceblobstore"]


def test_an_estimator_by_itself_runs_with_its_own_arguments(ws: Workspace) -> None:
    pipeline = an_estimator(script_params={"--rate": 0.5, "--fast": ""})._pipeline(ws)
    (step,) = lower_pipeline(pipeline, "nightly").steps
    assert [argument.value for argument in step.arguments if isinstance(argument, LiteralArgument)] == ["--rate", 0.5, "--fast"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "estimator must be an Estimator, not None"),
        ((Estimator("src"), []), "the estimator has no entry_script"),
        ((an_estimator(script_params={"--a": 1}), []), "script_params of the estimator have no effect in a step"),
        ((an_estimator(),), "estimator_entry_script_arguments must be given"),
    ],
)
def test_an_estimator_step_without_what_it_needs_is_refused(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        EstimatorStep("train", *arguments)


def test_frameworks_are_their_packages() -> None:
    def packages(estimator: Estimator) -> list[str]:
        return list(estimator.run_config.environment.python.conda_dependencies.pip_packages)

    assert packages(SKLearn("src", entry_script="train.py", framework_version="1.5.0")) == ["scikit-learn==1.5.0"]
    assert packages(TensorFlow("src", pip_packages=["numpy"])) == ["tensorflow", "numpy"]
    assert packages(PyTorch("src", framework_version="2.3.0")) == ["torch==2.3.0", "torchvision"]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"distributed_backend": "nccl"}, ValueError, "distributed_backend 'nccl' is not known; use 'mpi' or 'ps'"),
        ({"script_params": ["--a"]}, ValueError, "script_params must be a dictionary"),
        ({"pip_package": []}, ValueError, "Estimator: unknown arguments pip_package"),
        ({"resume_from": "run"}, UnsupportedFeatureError, "give the script the earlier run's outputs"),
        ({"vm_size": "STANDARD_D2"}, UnsupportedFeatureError, "give a compute_target"),
    ],
)
def test_what_an_estimator_does_not_know_is_refused(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Estimator("src", **arguments)


# ---- RScriptStep


def test_an_r_script_is_started_with_its_arguments_and_says_which_packages_it_has_to_find(ws: Workspace, project: Path) -> None:
    (project / "src" / "fit.R").write_text("print(1)\n")
    with pytest.warns(UserWarning, match="the R packages dplyr are not installed here"):
        step = RScriptStep("fit.R", source_directory="src", arguments=["--rate", 0.5], cran_packages=["dplyr"])
    spec = only(ws, step)
    assert (spec.name, spec.command, len(spec.arguments)) == ("fit.R", RScript(script="fit.R"), 2)
    with pytest.raises(ValueError, match="script not found"):
        Pipeline(ws, RScriptStep("none.R", source_directory="src"))
    with pytest.raises(ValueError, match="script_name is required"):
        RScriptStep("")


# ---- notebooks


def test_a_notebook_is_given_parameters_of_its_own_and_of_the_run(ws: Workspace, project: Path) -> None:
    (project / "src" / "train.ipynb").write_text("{}")
    config = NotebookRunConfig("src", "train.ipynb", parameters={"rate": 0.5, "name": "a"}, handler=AzureMLNotebookHandler(timeout=6))
    model = OutputFileDatasetConfig("model")
    step = only(
        ws,
        NotebookRunnerStep(
            "nb",
            config,
            params={"name": PipelineParameter("who", "b")},
            outputs=[model],
            output_notebook_pipeline_data_name="executed",
        ),
    )
    assert step.command == NotebookRun(notebook="train.ipynb", output_notebook="train.output.ipynb", copy_to="executed")
    assert [output.name for output in step.outputs] == ["model", "executed"]
    assert {variable.name: variable.value for variable in step.variables} == {
        "rate": LiteralArgument(value=0.5),
        "name": ParameterArgument(parameter="who"),
    }
    with pytest.raises(ValueError, match="script not found"):
        Pipeline(ws, NotebookRunnerStep(notebook_run_config=NotebookRunConfig("src", "none.ipynb")))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("src", "train.py"), "notebook must be the path of a .ipynb file"),
        (("src", "a.ipynb", None, ["a"]), "parameters must be a dictionary"),
        (("src", "a.ipynb", None, None, None, "cpu"), "run_config must be a RunConfiguration"),
    ],
)
def test_what_is_no_notebook_is_refused(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        NotebookRunConfig(*arguments)
    with pytest.raises(ValueError, match="notebook_run_config must be a NotebookRunConfig, not None"):
        NotebookRunnerStep("nb")


def test_an_output_notebook_that_is_none_is_refused(ws: Workspace, project: Path) -> None:
    (project / "src" / "a.ipynb").write_text("{}")
    with pytest.raises(DefinitionError, match="output_notebook 'a.txt' is no notebook; end its name in .ipynb"):
        only(ws, NotebookRunnerStep("nb", NotebookRunConfig("src", "a.ipynb", "a.txt", run_config=RunConfiguration())))
