"""What does a run tell of itself, its steps and what they left behind?"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest

from airflow_amlpipe.exceptions import UnsupportedFeatureError
from airflow_amlpipe.sdk._workspace_store import open_workspace
from airflow_amlpipe.sdk.lowering import lower_pipeline
from airflow_amlpipe.services import cancel
from airflow_amlpipe.spec.data import DatasetSource, DatastorePath
from airflow_amlpipe.workspace.try_files import Logged
from azureml.core import Dataset, Environment, Experiment, Run, RunConfiguration, Workspace
from azureml.data import OutputFileDatasetConfig
from azureml.data.datapath import DataPath, DataPathComputeBinding
from azureml.data.dataset_consumption_config import DatasetConsumptionConfig
from azureml.exceptions import RunEnvironmentException, UserErrorException
from azureml.pipeline.core import Pipeline, PipelineParameter, PipelineRun
from azureml.pipeline.steps import PythonScriptStep
from tests.unit.sdk.runs import a_run, a_step_run, keep


@pytest.fixture
def auc() -> Logged:
    event = {"kind": "metric", "name": "auc", "type": "scalar", "value": 0.9}
    return Logged(events=(event,), tags={"stage": "good", "gone": None}, properties={"commit": "abc"})


def run_of(ws: Workspace, run_id: str) -> PipelineRun:
    return PipelineRun(Experiment(ws, "digits"), run_id)


# ---- status and steps


@pytest.mark.parametrize(
    ("recorded", "status", "word"),
    [
        (None, "NotStarted", "NotStarted"),
        ("Finished", "Finished", "Completed"),
        ("Failed", "Failed", "Failed"),
        ("Canceled", "Canceled", "Canceled"),
    ],
)
def test_a_pipeline_run_is_finished_and_its_status_is_completed(ws: Workspace, recorded: str | None, status: str, word: str) -> None:
    run = run_of(ws, a_run(ws, status=recorded))
    assert (run.get_status(), run.status, run.get_details()["status"]) == (status, word, word)


def test_steps_come_one_by_one_in_the_pipelines_order_as_far_as_they_started(ws: Workspace) -> None:
    run_id = a_run(ws, "digits", "prepare", "train", "compare")
    assert list(run_of(ws, run_id).get_steps()) == []
    a_step_run(ws, run_id, "train", None)
    a_step_run(ws, run_id, "prepare", "Failed")
    again = a_step_run(ws, run_id, "prepare", "Finished")
    steps = run_of(ws, run_id).get_children()
    assert inspect.isgenerator(steps)
    first = next(steps)
    assert (first.id, first.name, first.number, first.get_status(), first.status) == (again, "prepare", 2, "Finished", "Completed")
    assert [step.get_status() for step in steps] == ["Running"]
    assert [step.name for step in run_of(ws, run_id).get_children(status="Running")] == ["train"]
    assert run_of(ws, run_id).get_status() == "Running"


def test_a_step_is_found_by_its_name(ws: Workspace) -> None:
    run_id = a_run(ws, "digits", "a", "b")
    a_step_run(ws, run_id, "a", step_name="same")
    a_step_run(ws, run_id, "b", step_name="same")
    assert run_of(ws, run_id).find_step_run("nope") == []
    (step,) = run_of(ws, run_id).find_step_run("a")
    assert step.parent == run_of(ws, run_id)


def test_a_running_step_is_looked_at_again(ws: Workspace) -> None:
    from airflow_amlpipe.sdk._workspace_store import home, open_workspace
    from airflow_amlpipe.services.settle import end_running_tries

    run_id = a_run(ws, "digits", "train")
    a_step_run(ws, run_id, "train", None)
    (step,) = run_of(ws, run_id).get_steps()
    assert step.get_status() == "Running"
    end_running_tries(open_workspace(ws), run_id, home(), status="Failed", error="it died")
    assert step.get_status() == "Failed"
    assert step.get_details()["error"]["error"]["message"] == "it died"


# ---- metrics, tags, properties


def test_metrics_are_the_steps_own_or_the_pipelines(ws: Workspace, auc: Logged) -> None:
    run_id = a_run(ws, "digits", "train")
    step_run_id = a_step_run(ws, run_id, own=auc, parent=auc)
    run = run_of(ws, run_id)
    (step,) = run.get_steps()
    assert step.get_metrics() == run.get_metrics() == {"auc": 0.9}
    assert (step.get_metrics("auc"), step.get_metrics("loss")) == ({"auc": 0.9}, {})
    assert run.get_metrics(recursive=True) == {step_run_id: {"auc": 0.9}}


def test_tags_can_be_set_from_outside_and_from_inside(ws: Workspace, auc: Logged) -> None:
    run_id = a_run(ws, "digits", "train", tags={"a": "1", "gone": "x"})
    a_step_run(ws, run_id, own=auc, parent=auc)
    run = run_of(ws, run_id)
    assert run.tags == {"a": "1", "stage": "good"}
    run.tag("b")
    run.set_tags({"c": 3, "a": "2"})
    run.remove_tags(["b"])
    assert run.get_tags() == {"a": "2", "c": "3", "stage": "good"}
    (step,) = run.get_steps()
    assert step.get_tags() == {"stage": "good"}
    with pytest.raises(UnsupportedFeatureError, match="StepRun.tag is not supported"):
        step.tag("a")


def test_a_reused_step_names_the_run_it_came_from(ws: Workspace, auc: Logged) -> None:
    first = a_run(ws, "digits", "train")
    origin = a_step_run(ws, first, own=auc, logs=("out\n", ""), outputs=("model",))
    second = a_run(ws, "digits", "train")
    a_step_run(ws, second, reused_from=(first, origin), reason="MATCH", explanation="reused: nothing changed")
    (step,) = run_of(ws, second).get_steps()
    assert step._is_reused
    properties = step.get_properties()
    assert (properties["azureml.reusedrunid"], properties["azureml.reusednodeid"], properties["azureml.reusedpipeline"]) == (
        origin,
        "train",
        first,
    )
    assert (properties["azureml.nodeid"], properties["azureml.pipeline"], properties["commit"]) == ("train", second, "abc")
    assert (step.get_metrics(), step.get_stdout_log(), step.get_job_log()) == ({"auc": 0.9}, "out\n", "reused: nothing changed")


def test_a_run_tells_what_it_was_given(ws: Workspace) -> None:
    run = run_of(ws, a_run(ws, parameters={"rate": 0.5}, policy="require", description="about it"))
    assert (run.parameters, run.description, run.name, run.parent, run.type) == (
        {"rate": 0.5},
        "about it",
        "digits",
        None,
        "azureml.PipelineRun",
    )
    assert run.properties["azureml.parameters"] == '{"rate": 0.5}'
    assert run.properties["amlpipe.reuse"] == "require"
    assert run.display_name == "digits"


def test_a_run_is_given_another_name_and_description_afterwards(ws: Workspace) -> None:
    run_id = a_run(ws, description="about it")
    run_of(ws, run_id).display_name = "nightly 7"
    run_of(ws, run_id).description = "the good one"
    again = run_of(ws, run_id)
    assert (again.display_name, again.description, again.name) == ("nightly 7", "the good one", "digits")
    assert again.tags == {"mlflow.runName": "nightly 7", "mlflow.note.content": "the good one"}


# ---- logs, outputs, files


def test_logs_can_be_read_while_a_step_runs_and_afterwards(ws: Workspace) -> None:
    run_id = a_run(ws, "digits", "prepare", "train")
    a_step_run(ws, run_id, "prepare", logs=("out\n", "err\n"), status="Failed", error="exit code 1")
    a_step_run(ws, run_id, "train", None, logs=("so far", ""))
    ended, running = run_of(ws, run_id).get_steps()
    assert (ended.get_stdout_log(), ended.get_stderr_log(), ended.get_job_log()) == ("out\n", "err\n", "exit code 1")
    assert (running.get_stdout_log(), running.get_stderr_log(), running.get_job_log()) == ("so far", "", "")
    details = ended.get_details_with_logs()
    assert (details["STDOUT"], details["STDERR"], details["JOBLOG"]) == ("out\n", "err\n", "exit code 1")


def test_an_output_is_downloaded_below_its_path(ws: Workspace, project: Path) -> None:
    run_id = a_run(ws, "digits", "train")
    step_run_id = a_step_run(ws, run_id, outputs=("model", "plot"))
    (step,) = run_of(ws, run_id).get_steps()
    assert sorted(step.get_outputs()) == ["model", "plot"]
    data = step.get_output_data("model")
    assert (data.name, data.datastore_name, data.path_on_datastore) == ("model", "workspaceblobstore", f"azureml/{step_run_id}/model")
    assert data._path_on_datastore == data.path_on_datastore
    assert data.download(str(project / "here"), show_progress=False) == 1
    assert (project / "here" / data.path_on_datastore / "a.txt").read_text() == "model"
    assert step.get_details()["outputDatasets"][0]["identifier"]["savedId"] == "an-id"
    with pytest.raises(UserErrorException, match="step 'train' of run .* has no output 'modle'; its outputs are: model, plot"):
        step.get_output("modle")


def test_the_details_of_a_step_run_name_the_data_that_it_read_and_its_environment(ws: Workspace, project: Path) -> None:
    (project / "raw").mkdir()
    (project / "raw" / "a.csv").write_text("a\n1\n")
    store = ws.get_default_datastore()
    store.upload(str(project / "raw"), "raw", show_progress=False)
    named = Dataset.File.from_files((store, "raw")).register(ws, "rows")
    other = Dataset.Tabular.from_delimited_files((store, "raw/*.csv"))
    prepared = OutputFileDatasetConfig("prepared")
    environment = Environment("train-env")
    environment.python.conda_dependencies.add_pip_package("numpy")
    runconfig = RunConfiguration()
    runconfig.environment = environment
    PythonScriptStep("prepare.py", name="prepare", source_directory="src", outputs=[prepared])  # the step that writes it
    place = (PipelineParameter("place", DataPath(store, "raw")), DataPathComputeBinding())
    which = DatasetConsumptionConfig("which", PipelineParameter("chosen", other))
    train = PythonScriptStep(
        "train.py",
        name="train",
        source_directory="src",
        runconfig=runconfig,
        inputs=[named.as_named_input("named").as_download(), which, prepared.as_input("prepared"), place, store.path("raw").as_mount()],
    )
    pipeline = Pipeline(ws, [train])
    digest = open_workspace(ws).put_spec(lower_pipeline(pipeline, "digits"))
    chosen = DatasetSource(name=other.register(ws, "table").name, version=1)
    run_id = a_run(ws, "digits", "prepare", "train", spec=digest, parameters={"chosen": chosen, "place": DatastorePath(datastore="d")})
    a_step_run(ws, run_id, "prepare")
    a_step_run(ws, run_id, "train", None)
    first, second = run_of(ws, run_id).get_steps()
    assert first.get_details()["inputDatasets"] == []
    told = {item["consumptionDetails"]["inputName"]: item for item in second.get_details()["inputDatasets"]}
    assert told["named"]["consumptionDetails"] == {"type": "RunInput", "inputName": "named", "mechanism": "Download"}
    read = told["named"]["dataset"]
    assert (read.id, read.name, read.version, read.to_path()) == (named.id, "rows", 1, ["/a.csv"])
    assert read.register(ws, "rows again").name == "rows again"
    assert told["prepared"]["dataset"] == {"id": None, "step": "prepare", "output": "prepared"}
    assert (told["which"]["dataset"].name, sorted(told)) == ("table", ["named", "prepared", "which"])
    found = second.get_environment()
    assert (found.name, list(found.python.conda_dependencies.pip_packages)) == ("train-env", ["numpy"])
    with pytest.raises(UserErrorException, match=r"run .* has no environment of its own; ask one of its steps"):
        run_of(ws, run_id).get_environment()


def test_of_a_dag_files_run_the_inputs_are_those_of_its_key_and_the_environment_is_in_the_file(ws: Workspace) -> None:
    run_id = a_run(ws, "digits", "train")
    manifest = {"components": {"inputs": {"readable": {"raw": {"mode": "mount"}, "made": {"mode": "direct"}}}}}
    a_step_run(ws, run_id, key_manifest=manifest, inputs_from={"made": "prepare"})
    (step,) = run_of(ws, run_id).get_steps()
    assert [(item["dataset"], item["consumptionDetails"]["mechanism"]) for item in step.get_details()["inputDatasets"]] == [
        ({"id": None, "step": "prepare"}, "Direct"),
        ({"id": None}, "Mount"),
    ]
    with pytest.raises(
        UserErrorException, match="is one of a DAG, whose definition is in its DAG file; look at the environment of step 'train' there"
    ):
        step.get_environment()


def test_an_output_is_found_by_its_name_among_those_of_the_pipeline(ws: Workspace, tmp_path: Path) -> None:
    run_id = a_run(ws, "digits", "train", "score")
    step_run_id = a_step_run(ws, run_id, "train", outputs=("model",))
    a_step_run(ws, run_id, "score", status=None)
    run = run_of(ws, run_id)
    found = run.get_pipeline_output("the model")
    assert (found.name, found.datastore_name) == ("model", "workspaceblobstore")
    assert found.path_on_datastore == found._path_on_datastore == f"azureml/{step_run_id}/model"
    assert found.download(str(tmp_path / "here")) == 1
    assert (tmp_path / "here" / found.path_on_datastore / "a.txt").read_text() == "model"
    with pytest.raises(UserErrorException, match="has no pipeline output 'model'; its pipeline outputs are: the model"):
        run.get_pipeline_output("model")


def test_artifacts_and_logs_are_files_of_a_run(ws: Workspace, project: Path) -> None:
    run_id = a_run(ws, "digits", "train")
    a_step_run(ws, run_id, logs=("out\n", ""))
    (step,) = run_of(ws, run_id).get_steps()
    keep(ws, f"{step._folder()}/artifacts/outputs/model.txt", "weights")
    assert step.get_file_names() == ["logs/stdout.txt", "outputs/model.txt"]
    step.download_file("outputs/model.txt")
    step.download_file("outputs/model.txt", "folder/")
    assert (project / "model.txt").read_text() == (project / "folder/model.txt").read_text() == "weights"
    step.download_files("outputs", "all")
    step.download_files("outputs", "bare", append_prefix=False)
    assert (project / "all/outputs/model.txt").exists()
    assert (project / "bare/model.txt").exists()
    (log,) = step.get_all_logs("logs")
    assert Path(log).read_text() == "out\n"
    with pytest.raises(UserErrorException, match="there is no file 'outputs/x'; its files are: logs/stdout.txt, outputs/model.txt"):
        step.download_file("outputs/x")
    with pytest.raises(UserErrorException, match="1 files, but 2 output_paths"):
        step.download_files("outputs", output_paths=["a", "b"])


# ---- the rest


def test_a_run_is_cancelled_through_its_service(ws: Workspace, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(cancel, "cancel_run", lambda workspace, run_id, *, home, why="": asked.append((workspace, run_id, home)))
    run_id = a_run(ws, "digits", "train")
    a_step_run(ws, run_id, "train", None)
    run_of(ws, run_id).cancel()
    next(run_of(ws, run_id).get_steps()).cancel()
    assert asked == [(ws._url, run_id, home)] * 2


def test_what_a_run_of_a_pipeline_never_could(ws: Workspace) -> None:
    run_id = a_run(ws, "digits", "train")
    a_step_run(ws, run_id)
    for run in (run_of(ws, run_id), next(run_of(ws, run_id).get_steps())):
        for method in (run.complete, run.fail, run.child_run):
            with pytest.raises(NotImplementedError, match="not for runs of a pipeline"):
                method()


def test_what_belongs_inside_a_step_says_so(ws: Workspace) -> None:
    with pytest.raises(UnsupportedFeatureError, match=r"Run.log is not supported .*on Run.get_context\(\)"):
        run_of(ws, a_run(ws)).log("auc", 1)


def test_the_context_is_the_runtimes() -> None:
    with pytest.raises(Exception, match=".") as caught:
        Run.get_context(allow_offline=False)
    assert type(caught.value).__name__ == RunEnvironmentException.__name__
    assert Run.get_context().id.startswith("OfflineRun")


def test_a_run_shows_itself(ws: Workspace) -> None:
    run = run_of(ws, a_run(ws))
    assert f"Id: {run.id}" in repr(run)
    assert run.get_portal_url().endswith(run.id)
