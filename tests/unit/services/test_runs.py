"""What can be asked about runs, as plain data?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from airflow_amlpipe.exceptions import StepFailedError, UnknownNameError
from airflow_amlpipe.services.runs import find_run, find_step, list_runs, show_run, step_log
from airflow_amlpipe.workspace import WorkspaceStore
from tests.builders import OUT, a_pipeline, a_step, reading
from tests.pretend import pretend_run, write_source

GIT = {"commit": "c0ffee", "branch": "main", "dirty": False, "remote": None}
CHAIN = a_pipeline(a_step("prepare", name="prepare the data", outputs=OUT), a_step("train", inputs=reading("prepare"), outputs=OUT))


def test_latest_is_the_newest_run_and_a_unique_beginning_is_enough(workspace: WorkspaceStore, tmp_path: Path) -> None:
    write_source(tmp_path)
    first = pretend_run(workspace, CHAIN, tmp_path)
    second = pretend_run(workspace, CHAIN, tmp_path)
    beginning = next(second[:length] for length in range(4, 37) if not first.startswith(second[:length]))

    assert find_run(workspace.url, "latest", home=workspace.home) == second
    assert find_run(workspace.url, beginning, home=workspace.home) == second
    assert find_run(workspace.url, first, home=workspace.home) == first


def test_a_beginning_that_several_runs_share_is_refused(workspace: WorkspaceStore, tmp_path: Path) -> None:
    write_source(tmp_path)
    shared = pretend_run(workspace, CHAIN, tmp_path)[:6]
    pretend_run(workspace, CHAIN, tmp_path)

    with pytest.raises(UnknownNameError, match="2 runs begin with"):
        find_run(workspace.url, shared, home=workspace.home)


@pytest.mark.parametrize(
    ("text", "words"), [("latest", "has no runs yet"), ("0123456789", "is not in the workspace"), ("0", "at least 4 characters")]
)
def test_a_run_that_is_not_there_is_refused_with_what_to_give(workspace: WorkspaceStore, text: str, words: str) -> None:
    with pytest.raises(UnknownNameError, match=words):
        find_run(workspace.url, text, home=workspace.home)


def test_a_step_is_found_by_its_id_or_its_name(workspace: WorkspaceStore, tmp_path: Path) -> None:
    write_source(tmp_path)
    record = workspace.runs.get(pretend_run(workspace, CHAIN, tmp_path))

    assert find_step(record, "prepare") == find_step(record, "prepare the data") == "prepare"


def test_a_name_that_two_steps_have_is_refused(workspace: WorkspaceStore, tmp_path: Path) -> None:
    write_source(tmp_path)
    record = workspace.runs.get(pretend_run(workspace, a_pipeline(a_step("a", name="same"), a_step("b", name="same")), tmp_path))

    with pytest.raises(UnknownNameError, match="2 steps named 'same'"):
        find_step(record, "same")


def test_runs_are_listed_newest_first_and_by_experiment(workspace: WorkspaceStore, tmp_path: Path) -> None:
    write_source(tmp_path)
    first = pretend_run(workspace, CHAIN, tmp_path, experiment="one")
    second = pretend_run(workspace, CHAIN, tmp_path, experiment="two")

    everything = list(list_runs(workspace.url, home=workspace.home))

    assert [run["run_id"] for run in everything] == [second, first]
    assert {run["status"] for run in everything} == {"Finished"}
    assert [run["run_id"] for run in list_runs(workspace.url, home=workspace.home, experiment="one")] == [first]
    assert [run["run_id"] for run in list_runs(workspace.url, home=workspace.home, limit=1)] == [second]


def test_a_run_is_shown_with_its_steps_in_order_and_where_their_outputs_are(workspace: WorkspaceStore, tmp_path: Path) -> None:
    write_source(tmp_path)
    pretend_run(workspace, CHAIN, tmp_path)
    run = show_run(workspace.url, pretend_run(workspace, CHAIN, tmp_path), home=workspace.home)

    assert run["status"] == "Finished"
    assert [(step["name"], step["status"], step["reused"], step["reason"]) for step in run["steps"]] == [
        ("prepare the data", "Finished", True, "MATCH"),
        ("train", "Finished", True, "MATCH"),
    ]
    output = run["steps"][0]["outputs"]["out"]
    assert (Path(output["location"]) / "data.txt").read_text() == "prepare out"
    json.dumps(run)


def test_a_run_of_a_dag_file_shows_the_git_state_that_its_steps_found(workspace: WorkspaceStore, tmp_path: Path) -> None:
    write_source(tmp_path)
    states = {"prepare": {"src": GIT}, "train": {"src": {**GIT, "commit": "decaf"}}}
    run = show_run(workspace.url, pretend_run(workspace, CHAIN, tmp_path, source=states), home=workspace.home)

    assert run["source"] == {"src": GIT}
    assert [step["source"] for step in run["steps"]] == [{"src": GIT}, {"src": {**GIT, "commit": "decaf"}}]


def test_steps_that_never_started_are_not_started_and_canceled_once_the_run_is(workspace: WorkspaceStore, tmp_path: Path) -> None:
    write_source(tmp_path)
    failed = show_run(workspace.url, pretend_run(workspace, CHAIN, tmp_path, fail="prepare"), home=workspace.home)

    assert [step["status"] for step in failed["steps"]] == ["Failed", "NotStarted"]
    assert failed["steps"][0]["error"] == "ValueError: the script fell over"
    assert failed["error"] == "step 'prepare' failed"


def test_every_step_is_shown_with_its_error_and_the_end_of_its_log(workspace: WorkspaceStore, tmp_path: Path) -> None:
    write_source(tmp_path)
    error = StepFailedError("it fell over", exit_code=9, log_tail="epoch 1\nno such été")
    run_id = pretend_run(workspace, CHAIN, tmp_path, fail="prepare", error=error)

    steps = show_run(workspace.url, run_id, home=workspace.home)["steps"]

    assert [(step["error"], step["exit_code"], step["log_tail"]) for step in steps] == [
        ("it fell over", 9, "epoch 1\nno such été"),
        (None, None, ""),
    ]


def test_the_log_of_a_reused_step_is_that_of_the_try_that_produced_its_result(workspace: WorkspaceStore, tmp_path: Path) -> None:
    write_source(tmp_path)
    pretend_run(workspace, CHAIN, tmp_path, log={"train": "epoch 1\nepoch 2\n"})
    run_id = pretend_run(workspace, CHAIN, tmp_path)

    assert list(step_log(workspace.url, run_id, "train", home=workspace.home)) == ["epoch 1", "epoch 2"]


def test_the_log_of_a_step_or_try_that_is_not_there_is_refused(workspace: WorkspaceStore, tmp_path: Path) -> None:
    write_source(tmp_path)
    run_id = pretend_run(workspace, CHAIN, tmp_path, fail="prepare")

    with pytest.raises(UnknownNameError, match="has not started"):
        step_log(workspace.url, run_id, "train", home=workspace.home)
    with pytest.raises(UnknownNameError, match="no try 7"):
        step_log(workspace.url, run_id, "prepare", home=workspace.home, try_number=7)
