"""What happens when a script is started by hand?"""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_amlpipe.runtime import protocol
from airflow_amlpipe.runtime.errors import RunEnvironmentException, UserErrorException
from airflow_amlpipe.runtime.offline import OfflineRun
from airflow_amlpipe.runtime.run import Run


@pytest.fixture
def run() -> Run:
    return Run.get_context()


def test_outside_a_step_the_run_is_offline_and_its_id_says_so(run: Run) -> None:
    assert isinstance(run, OfflineRun)
    assert run.id.startswith("OfflineRun_")
    assert Run.get_context() is run


def test_who_does_not_allow_that_gets_an_error() -> None:
    with pytest.raises(RunEnvironmentException, match="does not run inside a pipeline's step"):
        Run.get_context(allow_offline=False)
    Run.get_context()
    with pytest.raises(RunEnvironmentException, match="does not run inside a pipeline's step"):
        Run.get_submitted_run()


def test_what_is_logged_is_printed(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run.log("auc", 0.5)
    run.log_list("ids", [1, 2])
    run.log_row("row", x=float("nan"))
    run.tag("stage", "x")
    run.remove_tags("stage")
    run.add_properties({"seed": 1})
    run.cancel()
    assert capsys.readouterr().out == (
        "Attempted to log scalar metric auc:\n0.5\nAttempted to log list metric ids:\n[1, 2]\nAttempted to log row metric row:\n{'x': nan}\n"
        "Attempted to set tag stage:\nx\nAttempted to remove tag stage\nAttempted to set property seed:\n1\nAttempted to cancel the run\n"
    )


def test_what_is_logged_can_be_read_back(run: Run) -> None:
    run.log("auc", 0.5)
    run.log("auc", 0.6)
    run.tag("stage", "x")
    run.add_properties({"seed": 1})
    assert (run.get_metrics(), run.get_tags(), run.get_properties()) == ({"auc": [0.5, 0.6]}, {"stage": "x"}, {"seed": "1"})


def test_it_refuses_what_a_step_would_refuse(run: Run) -> None:
    with pytest.raises(UserErrorException, match="use log_list"):
        run.log("m", [1])
    with pytest.raises(UserErrorException, match="there is no file"):
        run.upload_file("a", "missing")
    with pytest.raises(UserErrorException, match="not available inside a step"):
        run.submit_child("x")


def test_it_has_runs_below_it_and_models_that_are_only_said(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    child = run.child_run("depth 1")
    child.log("auc", 0.5)
    assert (child.parent, child.name, child.get_metrics(), run.get_metrics()) == (run, "depth 1", {"auc": 0.5}, {})
    assert [below.get_tags() for below in run.create_children(tag_key="rate", tag_values=[1, 2])] == [{"rate": "1"}, {"rate": "2"}]
    assert len(list(run.get_children())) == 3
    run.register_model("digits", model_path="outputs/model.pkl")
    assert "Attempted to register model digits:\noutputs/model.pkl" in capsys.readouterr().out


def test_it_has_everything_a_steps_run_has(run: Run) -> None:
    assert run.experiment.name == "offline"
    assert (run.input_datasets, run.output_datasets) == ({}, {})
    assert run.status == run.get_status() == run.get_details()["status"] == "Running"
    assert run.parent is not None
    assert run.parent.id.startswith("OfflineRun_")
    assert run.parent.id != run.id
    assert run.parent is run.parent
    assert run.parent.parent is None
    run.parent.log("auc", 1)
    assert run.get_metrics() == {}
    run.input_datasets["raw"] = "here"
    assert run.name
    assert run.number == 1
    assert "Running" in repr(run)


def test_files_are_not_kept_but_can_be_asked_for(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.txt").write_text("a")
    run.upload_file("models/a.txt", "a.txt")
    assert run.get_file_names() == ["models/a.txt"]
    run.download_file("models/a.txt", "b.txt")
    assert Path("b.txt").read_text() == "a"
    with pytest.raises(UserErrorException, match="this run is offline, so nothing was kept of it"):
        run.download_file("models/b.txt")


def test_a_run_of_the_real_service_is_not_silently_taken_for_an_offline_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(protocol.ENV_RUN_ID, "x")
    Run.get_context()
    assert "AZUREML_RUN_ID is set but AMLPIPE_RUN_FOLDER is not: this run is taken as offline" in capsys.readouterr().err
