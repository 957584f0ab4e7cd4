"""What does submitting record, refuse and start?"""

from __future__ import annotations

import pickle
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from airflow_amlpipe.exceptions import DefinitionError, ReuseRequiredError, UnknownNameError
from airflow_amlpipe.services import submit
from airflow_amlpipe.services.cancel import cancel_run
from airflow_amlpipe.services.engine_process import engine_folder
from airflow_amlpipe.services.settle import settle_run
from airflow_amlpipe.services.submit import submit_pipeline, submitted_runs
from airflow_amlpipe.spec.parameter import ParameterSpec
from airflow_amlpipe.spec.pipeline import PipelineSpec
from airflow_amlpipe.spec.step import ParameterArgument
from airflow_amlpipe.workspace import WorkspaceStore
from airflow_amlpipe.workspace.step_run import StepRun
from tests.builders import OUT, a_pipeline, a_step, reading
from tests.pretend import pretend_run, write_source

REPOSITORY = Path(__file__).parents[3]
CHAIN = a_pipeline(a_step("prepare", outputs=OUT), a_step("train", inputs=reading("prepare"), outputs=OUT))
TUNED = a_pipeline(
    a_step(arguments=(ParameterArgument(parameter="rate"),)), parameters=(ParameterSpec(name="rate", type="number", default=0.5),)
)


class FakeEngine:
    """Takes the place of ``StartedEngine`` and writes down what it is told."""

    told: list[str]

    @classmethod
    def start(cls, run_id: str, *, workspace: str, home: Path) -> FakeEngine:
        cls.told.append("start")
        return cls()

    def go(self) -> None:
        self.told.append("go")

    def dismiss(self) -> None:
        self.told.append("dismiss")


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    FakeEngine.told = []
    monkeypatch.setattr(submit, "StartedEngine", FakeEngine)
    return FakeEngine.told


def send(workspace: WorkspaceStore, spec: PipelineSpec, base: Path, **options: Any) -> str:
    arguments = {"experiment": "nights", "source_base": base, "home": workspace.home, **options}
    return submit_pipeline(spec, workspace=workspace.url, **arguments)


def test_a_pipeline_that_has_to_run_is_recorded_before_its_engine_is_told_to_go(
    workspace: WorkspaceStore, tmp_path: Path, engine: list[str]
) -> None:
    write_source(tmp_path)

    run_id = send(workspace, CHAIN, tmp_path, tags={"team": "vision"}, description="every night")

    assert engine == ["start", "go"]
    record = workspace.runs.get(run_id)
    assert (record.pipeline, record.experiment, record.policy) == ("nightly", "nights", "auto")
    assert (record.tags, record.description) == ({"team": "vision"}, "every night")
    assert record.step_ids == ("prepare", "train")
    assert workspace.runs.status(run_id) == "NotStarted"


def test_the_stored_specification_holds_the_frozen_sources_and_their_copies_are_stored(
    workspace: WorkspaceStore, tmp_path: Path, engine: list[str]
) -> None:
    write_source(tmp_path)

    record = workspace.runs.get(send(workspace, CHAIN, tmp_path))

    stored = workspace.get_spec(record.spec or "")
    snapshots = {step.source.snapshot for step in stored.steps}
    assert len(snapshots) == 1
    assert workspace.store.exists(f".amlpipe/v1/snapshots/{snapshots.pop()}.zip")


def test_a_pipeline_that_is_reused_whole_is_finished_without_an_engine(
    workspace: WorkspaceStore, tmp_path: Path, engine: list[str]
) -> None:
    write_source(tmp_path)
    first = pretend_run(workspace, CHAIN, tmp_path)

    run_id = send(workspace, CHAIN, tmp_path)

    assert engine == []
    assert workspace.runs.status(run_id) == "Finished"
    ends = {step_id: tries[-1].finished for step_id, tries in workspace.runs.steps(run_id).items()}
    assert {step_id: (end.status, end.reused, end.reason) for step_id, end in ends.items() if end} == {
        "prepare": ("Finished", True, "MATCH"),
        "train": ("Finished", True, "MATCH"),
    }
    assert {end.reused_from.run_id for end in ends.values() if end and end.reused_from} == {first}
    assert all(end.outputs for end in ends.values() if end)


def test_what_was_submitted_by_this_process_is_remembered(workspace: WorkspaceStore, tmp_path: Path, engine: list[str]) -> None:
    write_source(tmp_path)

    run_id = send(workspace, CHAIN, tmp_path)

    last = submitted_runs()[-1]
    assert (last.run_id, last.workspace, last.experiment) == (run_id, workspace.url, "nights")


def test_parameters_are_bound_and_recorded(workspace: WorkspaceStore, tmp_path: Path, engine: list[str]) -> None:
    write_source(tmp_path)

    record = workspace.runs.get(send(workspace, TUNED, tmp_path, parameters={"rate": 1}))

    assert record.parameters == {"rate": 1.0}


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"parameters": {"speed": 1}}, UnknownNameError, "no parameter 'speed'"),
        ({"parameters": {"rate": "fast"}}, DefinitionError, "takes a value of type number"),
        ({"policy": "sometimes"}, DefinitionError, "'sometimes' is not known"),
        ({"policy": "refresh-from:nothing"}, UnknownNameError, "'nothing'"),
        (
            {"policy": "max-age:soon"},
            DefinitionError,
            "'max-age:soon': 'soon' is no length of time; write .* such as 90s, 30m, 12h, 7d or 2w",
        ),
        ({"experiment": "two\nlines"}, DefinitionError, "experiment"),
    ],
)
def test_what_cannot_be_used_is_refused_before_anything_is_recorded(
    workspace: WorkspaceStore, tmp_path: Path, engine: list[str], options: dict[str, Any], error: type[Exception], words: str
) -> None:
    write_source(tmp_path)

    with pytest.raises(error, match=words):
        send(workspace, TUNED, tmp_path, **options)

    assert engine == []
    assert workspace.runs.ids() == []


def test_a_script_that_is_not_in_the_source_folder_is_refused(workspace: WorkspaceStore, tmp_path: Path, engine: list[str]) -> None:
    write_source(tmp_path, script="other.py")

    with pytest.raises(DefinitionError, match=r"'train\.py' is not in the source folder"):
        send(workspace, CHAIN, tmp_path)

    assert workspace.runs.ids() == []


KILLED = """
import os, pickle, signal, sys
from pathlib import Path
from airflow_amlpipe.services.submit import submit_pipeline
from airflow_amlpipe.workspace.step_run import StepRun

url, base, home = sys.argv[1:]
StepRun.finish_reused = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
spec = pickle.loads(sys.stdin.buffer.read())
submit_pipeline(spec, workspace=url, experiment="nights", source_base=Path(base), home=Path(home))
"""


@pytest.mark.parametrize("cancel", [False, True])
def test_a_reused_run_whose_submitting_process_was_killed_half_way_is_recorded_as_ended(
    workspace: WorkspaceStore, tmp_path: Path, cancel: bool
) -> None:
    write_source(tmp_path)
    first = pretend_run(workspace, CHAIN, tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", KILLED, workspace.url, str(tmp_path), str(workspace.home)], cwd=REPOSITORY, input=pickle.dumps(CHAIN)
    )
    assert done.returncode == -signal.SIGKILL
    run_id, *_ = workspace.runs.ids()
    assert run_id != first
    assert workspace.runs.status(run_id) == "Running"

    if cancel:
        cancel_run(workspace.url, run_id, home=workspace.home)
    else:
        assert settle_run(workspace, run_id, workspace.home)

    ended = workspace.runs.finished(run_id)
    assert ended is not None
    assert ended.status == workspace.runs.tries(run_id, "prepare")[-1].status == ("Canceled" if cancel else "Failed")
    assert ("the run was cancelled" if cancel else "every step is reused; submit again") in (ended.error or "")
    assert not engine_folder(workspace.home, run_id).exists()


def test_a_submission_that_was_killed_before_its_run_was_recorded_is_no_run_that_has_ended(
    workspace: WorkspaceStore, tmp_path: Path
) -> None:
    write_source(tmp_path)
    first = pretend_run(workspace, CHAIN, tmp_path)
    killed = KILLED.replace("step_run import StepRun", "runs import RunRegistry").replace("StepRun.finish_reused", "RunRegistry.create")
    done = subprocess.run(
        [sys.executable, "-c", killed, workspace.url, str(tmp_path), str(workspace.home)], cwd=REPOSITORY, input=pickle.dumps(CHAIN)
    )
    assert done.returncode == -signal.SIGKILL
    (folder,) = engine_folder(workspace.home, first).parent.iterdir()
    assert not settle_run(workspace, folder.name, workspace.home)
    assert workspace.runs.finished(folder.name) is None
    assert workspace.runs.ids() == [first]


def test_a_reused_run_that_is_being_recorded_is_left_alone_and_leaves_nothing_behind(
    workspace: WorkspaceStore, tmp_path: Path, engine: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_source(tmp_path)
    pretend_run(workspace, CHAIN, tmp_path)
    settled: list[bool] = []
    start = StepRun.start

    def start_and_settle(step: StepRun) -> None:
        start(step)
        settled.append(settle_run(workspace, step.run_id, workspace.home))

    monkeypatch.setattr(StepRun, "start", start_and_settle)
    run_id = send(workspace, CHAIN, tmp_path)

    assert settled == [False, False]
    assert workspace.runs.status(run_id) == "Finished"
    assert not engine_folder(workspace.home, run_id).exists()


def test_the_policy_require_refuses_a_pipeline_that_would_have_to_run(workspace: WorkspaceStore, tmp_path: Path, engine: list[str]) -> None:
    write_source(tmp_path)

    with pytest.raises(ReuseRequiredError, match="step 'prepare' would have to run: no earlier run"):
        send(workspace, CHAIN, tmp_path, policy="require")

    assert engine == []
    assert workspace.runs.ids() == []


def test_an_engine_that_was_started_early_is_dismissed_when_the_submission_fails(
    workspace: WorkspaceStore, tmp_path: Path, engine: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_source(tmp_path)

    def full(*_: object) -> str:
        raise OSError("no space left on device")

    monkeypatch.setattr(WorkspaceStore, "put_spec", full)
    with pytest.raises(OSError, match="no space left"):
        send(workspace, CHAIN, tmp_path)

    assert engine == ["start", "dismiss"]
    assert workspace.runs.ids() == []


def test_the_git_state_of_every_source_folder_is_kept(
    workspace: WorkspaceStore, tmp_path: Path, engine: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_source(tmp_path)
    monkeypatch.setattr(submit, "git_state", lambda folder: {"commit": "c0ffee", "branch": "main", "dirty": False, "remote": None})

    record = workspace.runs.get(send(workspace, CHAIN, tmp_path))

    assert record.source == {"src": {"commit": "c0ffee", "branch": "main", "dirty": False, "remote": None}}
