"""What does a person see while they wait, and how does waiting end?"""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from airflow_amlpipe.exceptions import StepFailedError
from airflow_amlpipe.sdk._workspace_store import open_workspace
from airflow_amlpipe.sdk.pipeline.core._waiting import _ShownRun
from airflow_amlpipe.services import follow
from airflow_amlpipe.services.follow import RunEvent
from azureml.core import Experiment, Workspace
from azureml.exceptions import ActivityFailedException, ExperimentExecutionException
from azureml.pipeline.core import PipelineRun
from tests.unit.sdk.runs import a_run, a_step_run


def run_of(ws: Workspace, run_id: str) -> PipelineRun:
    return PipelineRun(Experiment(ws, "digits"), run_id)


def a_finished_run(ws: Workspace) -> PipelineRun:
    run_id = a_run(ws, "digits", "prepare", "train")
    a_step_run(ws, run_id, "prepare", logs=("prepared 3\n", ""))
    a_step_run(ws, run_id, "train", logs=("trained\n", ""), explanation="ran: no earlier run had the same code")
    open_workspace(ws).runs.finish(run_id, "Finished")
    return run_of(ws, run_id)


def test_sdk_v1s_lines_come_in_sdk_v1s_order(ws: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    run = a_finished_run(ws)
    assert run.wait_for_completion(show_output=True) == "Finished"
    printed = capsys.readouterr().out.splitlines()
    expected = [
        f"PipelineRunId: {run.id}",
        "PipelineRun Status: Finished",
        "StepRun( prepare ) Status: Running",
        "prepared 3",
        "StepRun(prepare) Execution Summary",
        "StepRun( prepare ) Status: Finished",
        "StepRun( train ) Status: Running",
        "trained",
        "StepRun(train) Execution Summary",
        "StepRun( train ) Status: Finished",
        "ran: no earlier run had the same code",
        "PipelineRun Execution Summary",
        "PipelineRun Status: Finished",
    ]
    position = -1
    for line in expected:
        position = printed.index(line, position + 1)
    assert sum(line.startswith("StepRunId: ") for line in printed) == 2


def test_nothing_is_shown_unless_asked(ws: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    assert a_finished_run(ws).wait_for_completion(show_output=False) == "Finished"
    assert capsys.readouterr().out == ""


def test_a_failed_run_raises_with_the_step_its_exit_code_and_its_last_words(ws: Workspace) -> None:
    run_id = a_run(ws, "digits", "train")
    a_step_run(ws, run_id, "train", "Failed", error="the script ended with exit code 3", exit_code=3, log_tail="ValueError: bad digit")
    open_workspace(ws).runs.finish(run_id, "Failed", "a step failed")
    with pytest.raises(
        ActivityFailedException, match=r"step 'train': the script ended with exit code 3; see `amlpipe runs logs(.|\n)*bad digit"
    ) as caught:
        run_of(ws, run_id).wait_for_completion(show_output=False)
    assert (caught.value.exit_code, caught.value.log_tail) == (3, "ValueError: bad digit")
    assert isinstance(caught.value, StepFailedError)
    assert run_of(ws, run_id).wait_for_completion(show_output=False, raise_on_error=False) == "Failed"
    step = next(run_of(ws, run_id).get_steps())
    with pytest.raises(ActivityFailedException):
        step.wait_for_completion(show_output=False)
    assert step.wait_for_completion(show_output=False, raise_on_error=False) == "Failed"


def test_a_run_that_failed_without_a_step_says_why(ws: Workspace) -> None:
    with pytest.raises(ActivityFailedException, match="failed: the engine was killed"):
        run_of(ws, a_run(ws, status="Failed", error="the engine was killed")).wait_for_completion(show_output=False)


def test_a_cancelled_run_returns_its_status(ws: Workspace) -> None:
    assert run_of(ws, a_run(ws, status="Canceled")).wait_for_completion(show_output=False) == "Canceled"


def test_waiting_ends_when_the_time_is_up_and_the_run_goes_on(ws: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    run_id = a_run(ws, "digits", "train")
    a_step_run(ws, run_id, "train", None)
    for show_output in (False, True):
        assert run_of(ws, run_id).wait_for_completion(show_output=show_output, timeout_seconds=0.01) == "Running"
    assert next(run_of(ws, run_id).get_steps()).wait_for_completion(timeout_seconds=0.01) == "Running"
    assert "Timed out of waiting after 0.01 seconds" in capsys.readouterr().out


def test_interrupting_leaves_the_run_alone(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(follow, "follow_run", interrupted)
    with pytest.raises(ExperimentExecutionException, match="was interrupted. The run goes on; stop it with run.cancel()"):
        run_of(ws, a_run(ws)).wait_for_completion()


def test_one_step_can_be_waited_for(ws: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    run = a_finished_run(ws)
    (step,) = run.find_step_run("train")
    assert step.wait_for_completion(show_output=True) == "Finished"
    printed = capsys.readouterr().out
    assert "trained" in printed
    assert "prepared" not in printed


def test_steps_that_run_at_the_same_time_are_shown_one_after_another(ws: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    run_id = a_run(ws, "digits", "a", "b")
    a_step_run(ws, run_id, "a")
    a_step_run(ws, run_id, "b")
    tries = {step: items[-1] for step, items in open_workspace(ws).runs.steps(run_id).items()}
    shown = _ShownRun(run_of(ws, run_id))

    def tell(kind: Any, step: str, line: str = "") -> None:
        finished = tries[step].finished if kind == "step_finished" else None
        shown.on_event(RunEvent(kind, run_id, tries[step].started, line, finished))

    for kind, step, line in [
        ("step_started", "a", ""),
        ("step_started", "b", ""),
        ("log_line", "b", "b one"),
        ("log_line", "a", "a one"),
        ("step_finished", "b", ""),
        ("log_line", "a", "a two"),
        ("step_finished", "a", ""),
    ]:
        tell(kind, step, line)
    shown.on_event(RunEvent("run_finished", run_id))
    lines = [line for line in capsys.readouterr().out.splitlines() if line[2:] in {"one", "two"} or "Summary" in line]
    assert lines == ["a one", "a two", "StepRun(a) Execution Summary", "b one", "StepRun(b) Execution Summary"]


def test_defaults_are_sdk_v1s() -> None:
    defaults = {
        name: item.default for name, item in inspect.signature(PipelineRun.wait_for_completion).parameters.items() if name != "self"
    }
    assert defaults == {"show_output": True, "timeout_seconds": 9223372036854775807, "raise_on_error": True}
