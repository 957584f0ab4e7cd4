"""What does a ScriptRunConfig accept, and how does the run of one answer?"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest

from airflow_amlpipe.exceptions import UnsupportedFeatureError
from airflow_amlpipe.sdk._workspace_store import open_workspace
from airflow_amlpipe.sdk.lowering import lower_pipeline
from airflow_amlpipe.services import submit
from airflow_amlpipe.spec.pipeline import PipelineSpec
from airflow_amlpipe.spec.step import CommandLine, InputArgument, LiteralArgument, PythonScript
from airflow_amlpipe.workspace.try_files import Logged
from azureml.core import Dataset, Datastore, Environment, Experiment, Run, RunConfiguration, ScriptRun, ScriptRunConfig, Workspace
from azureml.core.runconfig import (
    Data,
    DockerConfiguration,
    MpiConfiguration,
    ParallelTaskConfiguration,
    PyTorchConfiguration,
    TensorflowConfiguration,
)
from azureml.data.data_reference import DataReference
from azureml.exceptions import ActivityFailedException, UserErrorException
from azureml.pipeline.core import PipelineRun
from azureml.pipeline.steps import PythonScriptStep
from tests.unit.sdk.runs import a_run, a_step_run


@pytest.fixture
def submitted(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Stands for the engine: keeps what it was handed, and records a run."""
    handed: dict[str, Any] = {}
    signature = inspect.signature(submit.submit_pipeline)

    def take(*arguments: Any, **named: Any) -> str:
        handed.update(signature.bind(*arguments, **named).arguments)
        return a_run(ws, named["experiment"], "train", kind=named["kind"])

    monkeypatch.setattr(submit, "submit_pipeline", take)
    return handed


def spec_of(ws: Workspace, submitted: dict[str, Any], config: ScriptRunConfig, **options: Any) -> PipelineSpec:
    run = Experiment(ws, "digits").submit(config, **options)
    assert isinstance(run, ScriptRun)
    spec: PipelineSpec = submitted["spec"]
    return spec


# ---- what is given


def test_a_script_becomes_a_pipeline_of_one_step(ws: Workspace, submitted: dict[str, Any]) -> None:
    data = Dataset.File.from_files((Datastore.get(ws, "workspaceblobstore"), "images"), validate=False).as_named_input("images").as_mount()
    arguments = ["--data", data, "--rate", 0.5]
    config = ScriptRunConfig("src", "train.py", arguments, environment=Environment("digits"), max_run_duration_seconds=60)
    (step,) = spec_of(ws, submitted, config, tags={"a": "b"}).steps
    assert (step.command, step.source.directory, step.timeout_seconds) == (PythonScript(script="train.py"), "src", 60.0)
    assert step.arguments[1] == InputArgument(input="images")
    assert step.arguments[3] == LiteralArgument(value=0.5)
    assert (submitted["kind"], submitted["tags"], submitted["experiment"]) == ("script", {"a": "b"}, "digits")
    assert arguments[1] is data, "what is submitted twice is not changed by the first time"


def test_a_command_is_read_as_that_of_a_command_step(ws: Workspace, submitted: dict[str, Any]) -> None:
    (step,) = spec_of(ws, submitted, ScriptRunConfig("src", command=["python train.py", "--a b"])).steps
    assert step.command == CommandLine(line='python train.py "--a b"')


def test_where_and_in_what_it_runs_is_written_into_the_run_configuration(ws: Workspace) -> None:
    mine, environment, docker = RunConfiguration(), Environment("digits"), DockerConfiguration(use_docker=True)
    config = ScriptRunConfig(
        "src", "train.py", run_config=mine, environment=environment, docker_runtime_config=docker, compute_target="cpu"
    )
    assert config.run_config is mine
    assert (mine.environment, mine.docker, mine.target, mine.max_run_duration_seconds) == (environment, docker, "cpu", 2592000)


@pytest.mark.parametrize(
    ("job", "communicator", "framework", "nodes"),
    [
        (MpiConfiguration(2, 3), "OpenMpi", "Python", 3),
        (PyTorchConfiguration("Gloo", 4, 2), "Gloo", "PyTorch", 2),
        (TensorflowConfiguration(2, 1), "ParameterServer", "Tensorflow", 3),
        (ParallelTaskConfiguration(), "ParallelTask", "Python", 1),
    ],
)
def test_a_distributed_job_says_how_many_work_together(job: Any, communicator: str, framework: str, nodes: int) -> None:
    config = ScriptRunConfig("src", "train.py", distributed_job_config=job).run_config
    assert (config.communicator, config.framework, config.node_count) == (communicator, framework, nodes)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"script": "train.py", "command": "ls"}, "script and command are both given"),
        ({"command": "ls", "arguments": ["-l"]}, "write those of a command into command"),
        ({"script": 3}, "script must be the path of a script, not 3"),
        ({"script": "train.py", "arguments": "--a 1"}, "arguments must be a list"),
        ({"script": "train.py", "run_config": "cpu"}, "run_config must be a RunConfiguration"),
        ({"script": "train.py", "environment": "digits"}, "environment must be an Environment"),
        ({"script": "train.py", "distributed_job_config": 4}, "distributed_job_config 4 of type int is not known"),
    ],
)
def test_what_cannot_be_run_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(UserErrorException, match=message):
        ScriptRunConfig("src", **arguments)


def test_resuming_says_what_to_do_instead() -> None:
    with pytest.raises(UnsupportedFeatureError, match="give the script the earlier run's outputs as an input"):
        ScriptRunConfig("src", "train.py", resume_from="run")


def test_what_is_missing_is_found_when_it_is_submitted(ws: Workspace, submitted: dict[str, Any]) -> None:
    experiment = Experiment(ws, "digits")
    for config, message in (
        (ScriptRunConfig("src"), "give a script or a command"),
        (ScriptRunConfig("src", "none.py"), "script not found at"),
        (ScriptRunConfig("none", command="ls"), "source_directory 'none' does not exist"),
    ):
        with pytest.raises(UserErrorException, match=message):
            experiment.submit(config)
    with pytest.raises(UserErrorException, match="pipeline_parameters is not known"):
        experiment.submit(ScriptRunConfig("src", "train.py"), pipeline_parameters={"a": 1})
    assert submitted == {}


# ---- its run


def test_its_metrics_and_files_are_those_of_the_script(ws: Workspace) -> None:
    run_id = a_run(ws, "digits", "train", status="Finished", kind="script")
    logged = Logged(events=({"kind": "metric", "type": "scalar", "name": "auc", "value": 0.9},), tags={"stage": "done"})
    a_step_run(ws, run_id, logs=("hello\n", ""), own=logged)
    run = ScriptRun(Experiment(ws, "digits"), run_id)
    assert (run.id, run.type, run.name, run.status, run.get_status()) == (run_id, "azureml.scriptrun", "train", "Completed", "Completed")
    assert run.get_metrics() == {"auc": 0.9}
    assert run.get_tags()["stage"] == "done"
    assert "logs/stdout.txt" in run.get_file_names()
    details = run.get_details()
    assert (details["runId"], details["status"]) == (run_id, "Completed")
    assert run.get_details_with_logs()["logFiles"]["logs/stdout.txt"] == "hello\n"
    run.tag("reviewed", "yes")
    assert run.get_tags()["reviewed"] == "yes"
    run.remove_tags(["reviewed"])
    assert "reviewed" not in run.get_tags()


def test_its_environment_is_the_one_it_was_submitted_with(ws: Workspace) -> None:
    environment = Environment("train-env")
    environment.environment_variables = {"MODE": "fast"}
    config = ScriptRunConfig("src", "train.py", environment=environment)
    digest = open_workspace(ws).put_spec(lower_pipeline(config._pipeline(ws), "digits"))
    run = ScriptRun(Experiment(ws, "digits"), a_run(ws, "digits", "train.py", kind="script", spec=digest))
    assert (run.get_environment().name, run.get_environment().environment_variables) == ("train-env", {"MODE": "fast"})


def test_before_its_script_has_started_there_is_nothing_yet(ws: Workspace) -> None:
    run = ScriptRun(Experiment(ws, "digits"), a_run(ws, "digits", "train", kind="script"))
    assert (run.get_metrics(), run.get_file_names(), run.get_status()) == ({}, [], "NotStarted")
    assert run.get_details_with_logs()["status"] == "NotStarted"


@pytest.mark.parametrize(("kind", "found"), [("script", ScriptRun), ("pipeline", PipelineRun)])
def test_it_is_found_as_what_it_was_submitted_as(ws: Workspace, kind: str, found: type[Run]) -> None:
    run_id = a_run(ws, "digits", "train", kind=kind)
    experiment = Experiment(ws, "digits")
    for run in (Run(experiment, run_id), ws.get_run(run_id), Run.get(ws, run_id), *experiment.get_runs()):
        assert type(run) is found


def test_waiting_prints_what_sdk_v1_printed_and_returns_the_details(ws: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    run_id = a_run(ws, "digits", "train", status="Finished", kind="script")
    a_step_run(ws, run_id, logs=("trained\n", ""))
    run = ScriptRun(Experiment(ws, "digits"), run_id)
    assert run.wait_for_completion(show_output=True)["status"] == "Completed"
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [f"RunId: {run_id}", f"Web View: {run.get_portal_url()}"]
    assert "Streaming user_logs/std_log.txt" in lines
    assert "trained" in lines
    assert lines[-5:-1] == ["Execution Summary", "=================", f"RunId: {run_id}", f"Web View: {run.get_portal_url()}"]
    assert run.wait_for_completion()["status"] == "Completed"
    assert capsys.readouterr().out == ""


def test_a_failure_is_raised_unless_it_is_not_wanted(ws: Workspace, project: Path) -> None:
    run_id = a_run(ws, "digits", "train", status="Failed", error="step 'train' failed", kind="script")
    a_step_run(ws, run_id, status="Failed", error="exit code 3")
    run = ScriptRun(Experiment(ws, "digits"), run_id)
    with pytest.raises(ActivityFailedException, match="exit code 3"):
        run.wait_for_completion()
    assert run.wait_for_completion(raise_on_error=False)["status"] == "Failed"


# ---- data of the run configuration itself


def test_data_of_the_run_configuration_is_read_by_its_script(ws: Workspace, submitted: dict[str, Any]) -> None:
    store = Datastore.get(ws, "workspaceblobstore")
    reference = DataReference(store, "raw", "raw").as_download()
    images = Dataset.File.from_files((store, "images"), validate=False).as_named_input("images").as_mount()
    config = RunConfiguration()
    config.data_references = {"raw": reference.to_config()}
    config.data = {"images": Data.create(images)}
    (step,) = spec_of(ws, submitted, ScriptRunConfig("src", "train.py", ["--raw", str(reference), images], config)).steps
    assert step.arguments[1:] == (InputArgument(input="raw"), InputArgument(input="images"))
    assert {item.name: item.mode for item in step.inputs} == {"raw": "download", "images": "mount"}
    assert config.data, "what is submitted twice is not changed by the first time"
    (step,) = spec_of(ws, submitted, ScriptRunConfig("src", command=["ls", str(reference)], run_config=config)).steps
    assert step.command == CommandLine(line='ls "$1"')


def test_data_that_cannot_be_read_is_refused(ws: Workspace, submitted: dict[str, Any]) -> None:
    with pytest.raises(UserErrorException, match="use dataset.as_named_input"):
        Data.create("images")
    config = RunConfiguration()
    for what in ("data", "data_references"):
        setattr(config, what, {"x": 1})
        with pytest.raises(UserErrorException, match=f"ScriptRunConfig: {what}: 'x' must be"):
            spec_of(ws, submitted, ScriptRunConfig("src", "train.py", run_config=config))
        with pytest.raises(UserErrorException, match=f"runconfig.{what} is not read by a step"):
            PythonScriptStep("train.py", runconfig=config)
        setattr(config, what, {})
