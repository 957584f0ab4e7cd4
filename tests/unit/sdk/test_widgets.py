"""What does RunDetails show, in a terminal and in a notebook?"""

from __future__ import annotations

import sys
import threading
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from airflow_amlpipe.sdk.exceptions import UserErrorException
from azureml.core import Experiment, Workspace
from azureml.pipeline.core import PipelineRun
from azureml.widgets import RunDetails
from tests.unit.sdk.runs import a_run, a_step_run


@pytest.fixture
def run(ws: Workspace) -> PipelineRun:
    run_id = a_run(ws, "digits", "prepare", "train", "<b>odd</b>", status="Failed", error="train fell over")
    first = a_run(ws, "digits", "prepare", status="Finished")
    done = a_step_run(ws, first, "prepare")
    a_step_run(ws, run_id, "prepare", reused_from=(first, done))
    a_step_run(ws, run_id, "train", "Failed")
    return PipelineRun.get(ws, run_id)


def test_in_a_terminal_the_states_of_all_steps_end_what_is_shown(run: PipelineRun, capsys: pytest.CaptureFixture[str]) -> None:
    RunDetails(run).show()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"run {run.id} of pipeline digits, experiment digits: Failed"
    assert {"+ prepare: Finished (reused)", "x train: Failed"} <= set(lines)
    assert lines[-4:] == [
        f"run {run.id}: Failed",
        "  [+] prepare: Finished (reused)",
        "  [x] train: Failed",
        "  [.] <b>odd</b>: NotStarted",
    ]


def test_a_step_is_shown_with_its_run_and_anything_else_is_refused(run: PipelineRun) -> None:
    (step,) = run.find_step_run("train")
    assert RunDetails(step).get_widget_data()["run_id"] == run.id
    with pytest.raises(UserErrorException, match="RunDetails: give a run, not 'digits'"):
        RunDetails("digits")


def test_a_script_that_was_submitted_by_itself_is_shown_as_its_one_step(ws: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    run_id = a_run(ws, "digits", "train", status="Finished", kind="script")
    a_step_run(ws, run_id, "train")
    RunDetails(ws.get_run(run_id)).show()
    assert capsys.readouterr().out.splitlines()[-2:] == [f"run {run_id}: Finished", "  [+] train: Finished"]


def test_a_run_that_the_script_itself_carries_out_is_not_waited_for(ws: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    run = Experiment(ws, "digits").start_logging()
    RunDetails(run).show()
    assert capsys.readouterr().out.splitlines()[-1] == f"run {run.id}: Running"


def test_in_a_notebook_a_table_is_kept_current_and_nothing_in_it_is_markup(run: PipelineRun, monkeypatch: pytest.MonkeyPatch) -> None:
    """S21"""
    shown: list[Any] = []
    ended = threading.Event()

    def update(table: str) -> None:
        shown.append(table)

    def display(table: str, *, display_id: bool) -> Any:
        assert display_id
        shown.append(table)
        return SimpleNamespace(update=update)

    ipython, pages = ModuleType("IPython"), ModuleType("IPython.display")
    ipython.get_ipython = lambda: SimpleNamespace(kernel=object())  # type: ignore[attr-defined]
    pages.HTML, pages.display = str, display  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", pages)
    details = RunDetails(run)
    follow = details._follow

    def follow_to_the_end(view: Any) -> None:
        follow(view)
        ended.set()

    monkeypatch.setattr(details, "_follow", follow_to_the_end)
    details.show()
    assert ended.wait(20)
    assert "<b>Failed</b>" in shown[-1]
    assert "&lt;b&gt;odd&lt;/b&gt;" in shown[-1]
    assert "Finished (reused)" in shown[-1]
