"""What does a script's run do inside a step?"""

from __future__ import annotations

import errno
import io
import math
import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from airflow_amlpipe.runtime import protocol
from airflow_amlpipe.runtime.absent import AbsentMethods
from airflow_amlpipe.runtime.errors import AzureMLException, RunEnvironmentException, UserErrorException
from airflow_amlpipe.runtime.protocol import PARENT, SELF
from airflow_amlpipe.runtime.run import Run
from airflow_amlpipe.runtime.submitted import SubmittedRun
from airflow_amlpipe.runtime.summary import summarize

if TYPE_CHECKING:
    from airflow_amlpipe.runtime.protocol import RunContext

Open = Callable[[], SubmittedRun]


def test_a_run_knows_itself_and_what_it_belongs_to(open_run: Open, tmp_path: Path) -> None:
    run = open_run()
    assert (run.id, run.name, run.display_name, run.number, run.status, run.get_status()) == (
        "step-run-1",
        "train",
        "train",
        1,
        "Running",
        "Running",
    )
    assert (run.experiment.name, run.experiment.id) == ("digits", "e-1")
    workspace = run.experiment.workspace
    assert (workspace.name, workspace.subscription_id, workspace.resource_group, workspace.location) == ("team", "sub", "group", "local")
    assert workspace is run.experiment.workspace_object
    assert run.parent is not None
    assert (run.parent.id, run.parent.name, run.parent.get_portal_url()) == ("run-1", "nightly", "http://here/run-1")
    assert run.parent.parent is None
    assert run.parent.experiment is run.experiment
    assert run.get_snapshot_id() == "abc"
    assert list(run.get_children()) == []


def test_a_run_is_given_another_name_and_description(open_run: Open) -> None:
    run = open_run()
    run.display_name, run.description = "the third try", "with a smaller rate"
    assert (run.display_name, run.description, run.name) == ("the third try", "with a smaller rate", "train")
    assert {run.tags["mlflow.runName"], run.tags["mlflow.note.content"]} == {"the third try", "with a smaller rate"}


def test_details_have_sdk_v1s_keys(open_run: Open) -> None:
    details = open_run().get_details()
    assert details["runId"] == "step-run-1"
    assert details["status"] == "Running"
    assert details["runDefinition"] == {"script": "train.py", "arguments": ["--rate", "0.1"]}
    assert details["startTimeUtc"].startswith("2026-01-01")


def test_the_context_is_the_same_object_each_time(open_run: Open) -> None:
    run = open_run()
    assert Run.get_context() is run
    assert Run.get_context(allow_offline=False) is run
    assert Run.get_submitted_run() is run
    with Run.get_context() as same:
        assert same is run


def test_a_context_that_cannot_be_read_is_an_error_and_never_an_offline_run(run_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(protocol.ENV_RUN_FOLDER, str(run_folder))
    with pytest.raises(RunEnvironmentException, match="could not be read"):
        Run.get_context()


def test_metrics_are_read_back_by_this_and_by_another_process(open_run: Open, run_folder: Path) -> None:
    run = open_run()
    run.log("loss", 1.5)
    run.log("loss", 0.5, description="of the last epoch", step=2)
    run.log("auc", 0.9)
    run.log_list("ids", [1, 2])
    run.log_row("point", x=1, y=0.4)
    run.log_row("point", "described", x=2, y=0.8)
    run.log_table("table", {"x": [1, 2]})
    run.log_confusion_matrix("matrix", '{"schema_type": "confusion_matrix", "data": {"matrix": [[1]]}}')
    run.log_accuracy_table("accuracy", {"a": 1})
    run.log_residuals("residuals", {"a": 1})
    run.log_predictions("predictions", {"a": 1})
    run.log("bad", math.inf)
    expected = {
        "loss": [1.5, 0.5],
        "auc": 0.9,
        "ids": [1, 2],
        "point": {"x": [1, 2], "y": [0.4, 0.8]},
        "table": {"x": [1, 2]},
        "matrix": {"schema_type": "confusion_matrix", "data": {"matrix": [[1]]}},
        "accuracy": {"a": 1},
        "residuals": {"a": 1},
        "predictions": {"a": 1},
        "bad": math.inf,
    }
    assert run.get_metrics() == expected
    assert open_run().get_metrics() == expected
    assert run.get_metrics("auc") == {"auc": 0.9}
    assert run.get_metrics(name="none") == {}
    assert run.get_metrics(recursive=True) == {"step-run-1": expected}
    assert summarize(protocol.read_events(str(run_folder)), SELF).metrics() == expected
    assert summarize(protocol.read_events(str(run_folder)), PARENT).metrics() == {}


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        (lambda run: run.log("m", [1, 2]), "use log_list"),
        (lambda run: run.log("m", range(3)), "use log_list"),
        (lambda run: run.log("", 1), "the name must be a text that is not empty"),
        (lambda run: run.log_list("m", 3), "use log for one value"),
        (lambda run: run.log_row("m"), "needs at least one column"),
        (lambda run: run.log_row("m", x=[1]), "one number or text"),
        (lambda run: run.log_table("m", [1]), "needs a mapping of columns to lists"),
        (lambda run: run.log_image("m"), "either path=... or plot=..."),
        (lambda run: run.log_image("m", path="a", plot=object()), "either path=... or plot=..."),
        (lambda run: run.log_image("m", path="missing.png"), "there is no file at 'missing.png'"),
        (lambda run: run.log_confusion_matrix("m", "{"), "the confusion matrix is not JSON"),
        (lambda run: run.log_residuals("m", [1]), "a JSON object or a mapping is wanted"),
        (lambda run: run.upload_files(["a", "b"], ["c"]), "2 names for 1 paths"),
        (lambda run: run.upload_folder("a", "missing"), "there is no folder at 'missing'"),
        (lambda run: run.output_datasets["model"].link(None), "this output is no link: write the data below"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_do(open_run: Open, call: Callable[[Run], object], complaint: str) -> None:
    run = open_run()
    with pytest.raises(UserErrorException, match=complaint) as caught:
        call(run)
    assert isinstance(caught.value, AzureMLException)
    assert complaint[:5] in caught.value.message
    assert run.get_metrics() == {}


def test_images_are_kept_as_artifacts(open_run: Open) -> None:
    class Plot:
        def savefig(self, target: io.BytesIO, **options: str) -> None:
            target.write(b"PNG of " + options["format"].encode())

    run = open_run()
    Path("curve.svg").write_text("<svg/>")
    run.log_image("a/b", plot=Plot())
    run.log_image("curve", path="curve.svg")
    image, curve = run.get_metrics()["a/b"], run.get_metrics()["curve"]
    assert image.startswith("a_b_")
    assert image.endswith(".png")
    assert curve.endswith(".svg")
    assert sorted(run.get_file_names()) == sorted([image, curve])
    run.download_file(image, "copy.png")
    assert Path("copy.png").read_bytes() == b"PNG of png"


def test_tags_change_and_properties_do_not(open_run: Open) -> None:
    run = open_run()
    run.tag("stage", "trained")
    run.tag("bare")
    run.set_tags({"a": 1, "b": "2"})
    run.remove_tags(["a", "team", "never set"])
    run.remove_tags("b")
    run.tag("stage", "tested")
    assert run.get_tags() == run.tags == {"stage": "tested", "bare": ""}
    run.add_properties({"seed": 1})
    run.add_properties({"seed": "1"})
    assert run.get_properties() == run.properties == {"seed": "1", "azureml.nodeid": "n"}
    for key in ("seed", "azureml.nodeid"):
        with pytest.raises(UserErrorException, match="properties are set once"):
            run.add_properties({key: 2})
    assert open_run().get_properties()["seed"] == "1"


def test_the_pipelines_run_has_what_earlier_steps_logged_and_takes_more(open_run: Open, context: RunContext, run_folder: Path) -> None:
    assert context["parent"] is not None
    context["parent"]["events"] = [{"kind": "metric", "type": "scalar", "name": "auc", "value": 0.7}]
    context["parent"]["tags"] = {"stage": "prepared"}
    run = open_run()
    parent = run.parent
    assert parent is not None
    assert parent.get_metrics() == {"auc": 0.7}
    parent.log("auc", 0.8)
    parent.tag("stage", "trained")
    parent.add_properties({"model": "x"})
    assert parent.get_metrics() == {"auc": [0.7, 0.8]}
    assert parent.get_tags() == {"stage": "trained"}
    assert (run.get_metrics(), run.get_properties()) == ({}, {"azureml.nodeid": "n"})
    found = summarize(protocol.read_events(str(run_folder)), PARENT)
    assert (found.metrics(), found.tags, found.properties) == ({"auc": 0.8}, {"stage": "trained"}, {"model": "x"})


def test_canceling_reaches_the_pipeline_only_through_its_run(open_run: Open, run_folder: Path) -> None:
    run = open_run()
    run.cancel()
    assert not summarize(protocol.read_events(str(run_folder)), PARENT).cancel_requested
    assert run.parent is not None
    run.parent.cancel()
    assert summarize(protocol.read_events(str(run_folder)), PARENT).cancel_requested


def test_inputs_are_paths_in_an_ordinary_dict(open_run: Open) -> None:
    run = open_run()
    assert run.input_datasets["raw"] == "/data/raw"
    assert os.path.join(run.input_datasets["raw"], "a") == "/data/raw/a"
    assert (sorted(run.input_datasets), len(run.input_datasets), "raw" in run.input_datasets) == (["raw", "table"], 2, True)
    assert run.input_datasets.get("other") is None
    assert isinstance(run.input_datasets, dict)
    run.input_datasets["training_data"] = "mine"
    assert run.input_datasets["training_data"] == "mine"
    with pytest.raises(KeyError):
        run.input_datasets["other"]


def test_outputs_are_paths(open_run: Open) -> None:
    model = open_run().output_datasets["model"]
    assert str(model) == os.path.join(model, "")[:-1] == "/private/outputs/model"


def test_a_file_is_uploaded_as_it_was_at_that_moment(open_run: Open, run_folder: Path) -> None:
    run = open_run()
    Path("model.bin").write_bytes(b"first")
    run.upload_file("models/model.bin", "model.bin")
    Path("model.bin").write_bytes(b"second")
    run.upload_file("models/stream", io.BytesIO(b"stream"))
    run.upload_file(name="models/text", path_or_stream=io.StringIO("é"))
    uploads = Path(protocol.uploads_folder(str(run_folder), SELF))
    assert (uploads / "models" / "model.bin").read_bytes() == b"first"
    assert (uploads / "models" / "stream").read_bytes() == b"stream"
    assert (uploads / "models" / "text").read_text() == "é"
    assert sorted(path.name for path in uploads.parent.iterdir()) == [SELF], "no temporary file stays"


def test_a_name_is_taken_once(open_run: Open) -> None:
    run = open_run()
    Path("a").write_text("a")
    run.upload_file("x/y", "a")
    for name in ("x/y", "x//y", "./x/y", "x", "x/y/z"):
        with pytest.raises(UserErrorException, match="exists already in this run"):
            run.upload_file(name, "a")
    run.upload_file("x/z", "a")
    assert run.parent is not None
    run.parent.upload_file("x/y", "a")


@pytest.mark.parametrize("name", ["", "/etc/x", "../x", "a/../../x", "a\\..\\..\\x", ".", "C:\\x", "a\0b"])
def test_a_name_that_leaves_the_runs_files_is_refused(open_run: Open, name: str) -> None:
    run = open_run()
    Path("a").write_text("a")
    with pytest.raises(UserErrorException, match="name"):
        run.upload_file(name, "a")


def test_folders_are_uploaded_and_files_come_back(open_run: Open) -> None:
    run = open_run()
    for name in ("models/a", "models/deep/b", "outputs/c", "logs/d", "elsewhere/e"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(name)
    run.upload_folder("kept", "models")
    run.upload_files(["one", "two"], ["models/a", "elsewhere/e"])
    assert run.get_file_names() == ["kept/a", "kept/deep/b", "logs/d", "one", "outputs/c", "two"]
    run.download_file("kept/deep/b")
    assert Path("b").read_text() == "models/deep/b"
    run.download_file("outputs/c", "new/place.txt")
    assert Path("new/place.txt").read_text() == "outputs/c"
    run.download_file("one", "new")
    assert Path("new/one").read_text() == "models/a"
    run.download_files("kept/", "down")
    assert Path("down/kept/deep/b").exists()
    run.download_files("kept/", "flat", append_prefix=False)
    assert Path("flat/deep/b").exists()
    run.download_files("kept/", output_paths=["p1", "deeper/p2"])
    assert Path("deeper/p2").read_text() == "models/deep/b"
    with pytest.raises(UserErrorException, match="1 output_paths for 2 files"):
        run.download_files("kept/", output_paths=["p1"])
    with pytest.raises(UserErrorException, match="does not exist in this run; its files: kept/a"):
        run.download_file("nothing")


def test_files_are_found_after_the_script_changed_its_folder(open_run: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = open_run()
    Path("outputs").mkdir()
    Path("outputs/c").write_text("c")
    monkeypatch.chdir(tmp_path)
    assert run.get_file_names() == ["outputs/c"]


def _log_in_child(folder: str, number: int) -> None:
    Run.get_context().log("from children", number)


def test_child_processes_of_the_script_log_to_the_same_run(open_run: Open, run_folder: Path) -> None:
    run = open_run()
    context = multiprocessing.get_context("fork")
    children = [context.Process(target=_log_in_child, args=(str(run_folder), number)) for number in range(5)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert sorted(run.get_metrics()["from children"]) == [0, 1, 2, 3, 4]


def test_complete_and_fail_do_not_change_the_status(open_run: Open, capsys: pytest.CaptureFixture[str]) -> None:
    run = open_run()
    run.start()
    run.flush(timeout_seconds=1)
    run.complete()
    run.fail(error_details="no data", error_code="x")
    assert run.status == "Running"
    assert "run.fail() was called: no data. To fail the step" in capsys.readouterr().err


def test_the_environment_is_the_one_that_the_script_runs_in(open_run: Open) -> None:
    environment = open_run().get_environment()
    assert (environment.name, environment.version) == ("train-env", None)
    assert (environment.requirements, environment.environment_variables) == (["numpy"], {"MODE": "fast"})
    # What the runtime itself does not know of an environment is the SDK's, which is installed here.
    assert list(environment.python.conda_dependencies.pip_packages) == ["numpy"]


@pytest.mark.parametrize("method", sorted(name for name in vars(AbsentMethods) if not name.startswith("_")))
def test_what_is_absent_says_what_to_do_instead(open_run: Open, method: str) -> None:
    parent = open_run().parent
    assert parent is not None
    with pytest.raises(UserErrorException, match=rf"Run\.{method} is not available inside a step of airflow-amlpipe: .+coverage\.md"):
        getattr(parent, method)("anything", key=1)


def test_a_file_system_without_links_keeps_files_too(open_run: Callable[[], SubmittedRun], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOTSUP, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    run = open_run()
    Path("a").write_text("first")
    run.upload_file("x/a", "a")
    Path("a").write_text("second")
    for name in ("x/a", "x"):
        with pytest.raises(UserErrorException, match="exists already in this run"):
            run.upload_file(name, "a")
    run.download_file("x/a", "back")
    assert (Path("back").read_text(), run.get_file_names()) == ("first", ["x/a"])
