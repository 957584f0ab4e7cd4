"""What becomes of one try of a step, whatever happens to it?"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Protocol

import pytest

from airflow_amlpipe.compute import backend as backends
from airflow_amlpipe.compute.backend import JobState, JobStatus, LaunchRequest
from airflow_amlpipe.compute.environments import StepInterpreter
from airflow_amlpipe.exceptions import (
    BackendUnavailableError,
    DatastoreUnavailableError,
    DefinitionError,
    EnvironmentBuildError,
    InfrastructureError,
    ReuseRequiredError,
    StepFailedError,
)
from airflow_amlpipe.hooks.opening import open_workspace
from airflow_amlpipe.operators import preparing
from airflow_amlpipe.operators.execution import StepExecution
from airflow_amlpipe.operators.job_note import JobNote
from airflow_amlpipe.operators.outline import PipelineOutline
from airflow_amlpipe.operators.run_request import RunRequest
from airflow_amlpipe.reuse.decision import Rejection
from airflow_amlpipe.reuse.policy import ReusePolicy
from airflow_amlpipe.runtime import protocol
from airflow_amlpipe.settings import Settings
from airflow_amlpipe.spec.data import DatasetSource, DatastorePath, InputSpec
from airflow_amlpipe.spec.dataset import DatasetDefinition, SqlQuery
from airflow_amlpipe.spec.pipeline import PipelineSpec
from airflow_amlpipe.spec.step import InputArgument, LiteralArgument, SourceSpec, StepSpec
from airflow_amlpipe.spec.workspace import WorkspaceNames
from airflow_amlpipe.workspace import git_state, step_run, streak
from airflow_amlpipe.workspace.datastores import DatastoreRecord
from airflow_amlpipe.workspace.records import RunRecord, StepFinished, StepReusing, StepTry
from airflow_amlpipe.workspace.try_files import Logged, logged_by_steps, read_logged
from airflow_amlpipe.workspace.workspace import WorkspaceStore
from tests.builders import OUT, a_pipeline, a_step, reading
from tests.postgres_server import postgres_server
from tests.unit.operators.scripted_backend import RUNNING, SUCCEEDED, ScriptedBackend
from tests.unit.operators.test_job_note import DictStore

RUN = "01900000-0000-7000-8000-000000000001"
TRAIN = a_step("train", outputs=OUT)
GIT = {"commit": "c0ffee", "branch": "main", "dirty": False, "remote": None}


def writing(text: str) -> Callable[[LaunchRequest], JobStatus]:
    """A script that writes ``text`` as its output ``out`` and ends well."""

    def script(request: LaunchRequest) -> JobStatus:
        (request.folder / "outputs" / "out" / "model.txt").write_text(text)
        return SUCCEEDED

    return script


class Opener(Protocol):
    def __call__(self, step: StepSpec = TRAIN, *, spec: PipelineSpec | None = None, **changes: Any) -> StepExecution: ...


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> ScriptedBackend:
    backend = ScriptedBackend(script=writing("weights"))
    monkeypatch.setitem(backends._FACTORIES, "local", lambda: backend)
    monkeypatch.setattr(preparing, "prepare_environment", lambda *_, **__: StepInterpreter(sys.executable))
    return backend


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def open_try(tmp_path: Path, said: list[str]) -> Opener:
    """Open a try of a step as its task does."""
    source = tmp_path / "src"
    source.mkdir()
    (source / "train.py").write_text("print('trained')\n")
    notes = DictStore()

    def open_it(step: StepSpec = TRAIN, *, spec: PipelineSpec | None = None, **changes: Any) -> StepExecution:
        policy, run_id = changes.pop("policy", "auto"), changes.pop("run_id", RUN)
        fields: dict[str, Any] = {
            "workspace": WorkspaceStore.open(str(tmp_path / "ws"), home=tmp_path / "home"),
            "settings": Settings(poll_interval_seconds=0.01, terminate_grace_seconds=1.0),
            "outline": outline_of(spec or a_pipeline(step)),
            "request": RunRequest(run_id=run_id, experiment="digits", policy=ReusePolicy.parse(policy), tags={"who": "me"}, parameters={}),
            "step": step,
            "source_base": tmp_path,
            "ancestors": tuple,
            "airflow": {"dag_id": "nightly", "dag_run_id": "manual__1", "task_id": step.id},
            "try_number": 1,
            "is_last_try": False,
            "notes": notes,
            "say": said.append,
            **changes,
        }
        return StepExecution(**fields)

    return open_it


def outline_of(spec: PipelineSpec) -> PipelineOutline:
    return PipelineOutline.of(spec, {step.id: step.name for step in spec.in_order()})


def carry_out(step: StepExecution) -> StepFinished:
    """Do what ``StepOperator.execute`` does."""
    with step.bad_end_recorded():
        step.identify()
        result = step.decide().decision.result
        if result is not None:
            return step.reuse(result)
        step.wait(step.launch())
        return step.record()


def crash_after_launch(step: StepExecution) -> None:
    """The worker dies while it waits: nothing of it can write anything down."""
    step.identify()
    step.decide()
    step.launch()


def tries(step: StepExecution) -> list[StepTry]:
    return step.workspace.runs.tries(RUN, step.step.id)


def test_a_job_that_was_launched_and_never_noted_is_ended_by_the_next_try(open_try: Opener, backend: ScriptedBackend) -> None:
    """R04. Its worker was killed between the two."""
    lost = open_try()
    lost.identify()
    orphan = subprocess.Popen(
        [sys.executable, "-c", "import time; print(flush=True); time.sleep(60)"],
        env={**os.environ, protocol.ENV_JOB: lost.run.step_run_id},
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        assert orphan.stdout is not None
        orphan.stdout.readline()
        assert carry_out(open_try(try_number=2)).status == "Finished"
        assert orphan.wait(10) == -signal.SIGTERM
    finally:
        orphan.kill()
        orphan.wait()


def test_a_try_that_ended_badly_is_of_a_run_that_is_known(
    open_try: Opener, backend: ScriptedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R24. The store was in trouble when the run was recorded, and no longer when the end of the try was."""
    step = open_try()

    def refuse(record: RunRecord) -> bool:
        monkeypatch.undo()
        raise DatastoreUnavailableError("datastore 'workspaceblobstore': no space left on device")

    monkeypatch.setattr(step.workspace.runs, "create", refuse)
    with pytest.raises(DatastoreUnavailableError):
        carry_out(step)
    assert step.workspace.runs.get(RUN).pipeline == "nightly"
    assert [item.status for item in tries(step)] == ["Failed"]


@pytest.mark.parametrize(
    ("names", "seen"),
    [
        (WorkspaceNames(name="team", subscription_id="sub", resource_group="group"), ("team", "sub", "group")),
        (None, ("ws", "", "")),
    ],
)
def test_the_script_is_told_what_its_workspace_is_called(
    open_try: Opener, backend: ScriptedBackend, names: WorkspaceNames | None, seen: tuple[str, str, str]
) -> None:
    contexts: list[Any] = []

    def script(request: LaunchRequest) -> JobStatus:
        contexts.append(protocol.read_context(request.environment[protocol.ENV_RUN_FOLDER]))
        return SUCCEEDED

    backend.script = script
    carry_out(open_try(spec=a_pipeline(TRAIN, workspace=names)))
    environment, part = backend.launched[0].environment, contexts[0]["workspace"]
    assert (part["name"], part["subscription_id"], part["resource_group"]) == seen
    assert tuple(environment[name] for name in (protocol.ENV_WORKSPACE, protocol.ENV_SUBSCRIPTION, protocol.ENV_RESOURCE_GROUP)) == seen


def test_a_step_runs_and_is_recorded(open_try: Opener, backend: ScriptedBackend, said: list[str]) -> None:
    step = open_try()
    finished = carry_out(step)
    assert (finished.status, finished.reused, finished.outputs["out"].file_count) == ("Finished", False, 1)
    assert [item.status for item in tries(step)] == ["Finished"]
    assert {"a line", "a warning"} <= set(said)
    store = step.workspace.datastores.open("workspaceblobstore")
    assert store.read(f"{finished.outputs['out'].path}/model.txt") == b"weights"


def test_the_first_task_of_a_run_records_the_run(open_try: Opener, backend: ScriptedBackend) -> None:
    step = open_try()
    step.identify()
    open_try(a_step("other")).identify()
    record = step.workspace.runs.get(RUN)
    assert (record.pipeline, record.experiment, record.tags, record.step_ids) == ("nightly", "digits", {"who": "me"}, ("train",))
    assert record.airflow == {"dag_id": "nightly", "dag_run_id": "manual__1"}
    assert record.spec is None


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"dag_id": "nightly", "dag_run_id": "manual__1"}, {"dag_id": "nightly", "dag_run_id": "manual__2"}),
        ({"dag_id": "nightly", "dag_run_id": "manual__1"}, {"dag_id": "weekly", "dag_run_id": "manual__1"}),
    ],
)
def test_a_run_id_that_another_dag_run_has_is_refused_and_its_records_are_left_alone(
    open_try: Opener, backend: ScriptedBackend, first: dict[str, str], second: dict[str, str]
) -> None:
    carry_out(open_try(airflow={**first, "task_id": "train"}))
    other = open_try(airflow={**second, "task_id": "train"})
    with pytest.raises(DefinitionError, match=f"run id '{RUN}', .* is taken by run 'manual__1' of DAG 'nightly'; leave out 'run_id'"):
        carry_out(other)
    assert [item.status for item in tries(other)] == ["Finished"]
    assert len(backend.launched) == 1


@pytest.mark.parametrize("airflow", [None, {"dag_id": "nightly"}])
def test_the_engine_carries_out_the_run_that_was_submitted_and_no_dag_file_does(
    open_try: Opener, backend: ScriptedBackend, airflow: dict[str, str] | None
) -> None:
    step = open_try()
    submitted = step.outline.model_copy(update={"digest": "c0ffee"})
    record = RunRecord(run_id=RUN, pipeline="nightly", experiment="digits", created_at="2026-01-02", spec="c0ffee", airflow=airflow)
    step.workspace.runs.create(record)
    with pytest.raises(DefinitionError, match="is taken by a run of pipeline 'nightly' that was submitted without Airflow"):
        carry_out(open_try())
    assert carry_out(open_try(outline=submitted)).status == "Finished"


def test_the_same_step_in_another_run_is_reused_without_a_job(open_try: Opener, backend: ScriptedBackend) -> None:
    first = carry_out(open_try())
    second = carry_out(open_try(run_id="01900000-0000-7000-8000-000000000002"))
    assert (second.reused, second.outputs["out"].digest) == (True, first.outputs["out"].digest)
    assert second.reused_from is not None
    assert second.reused_from.airflow == {"dag_id": "nightly", "dag_run_id": "manual__1", "task_id": "train"}
    assert len(backend.launched) == 1


def test_a_result_that_is_cleared_away_while_it_is_taken_is_no_hit(
    open_try: Opener, backend: ScriptedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R58: the step is computed in the same try."""
    first = carry_out(open_try())
    step = open_try(run_id=RUN.replace("1", "2"))
    announce, results = step.workspace.runs.announce_reuse, step.workspace.results

    def cleared_in_between(folder: str, record: StepReusing) -> None:
        results.mark_bad(str(first.key), Rejection(1, "cleared away"))
        announce(folder, record)

    monkeypatch.setattr(step.workspace.runs, "announce_reuse", cleared_in_between)

    assert carry_out(step).reused is False
    assert len(backend.launched) == 2


def test_a_step_that_runs_keeps_the_git_state_of_its_source_folder_and_a_reused_one_asks_for_none(
    open_try: Opener, backend: ScriptedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []
    monkeypatch.setattr(git_state, "git_state", lambda folder: asked.append(folder) or GIT)
    step = open_try()
    assert carry_out(step).source == {"src": GIT}
    assert carry_out(open_try(run_id="01900000-0000-7000-8000-000000000002")).source == {}
    assert asked == [step.source_base / "src"]


def test_a_step_of_frozen_code_leaves_the_git_state_to_its_run(
    open_try: Opener, backend: ScriptedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(git_state, "git_state", lambda folder: GIT)
    first = open_try()
    carry_out(first)
    frozen = TRAIN.model_copy(update={"source": SourceSpec(directory="src", snapshot=first.assessment.snapshot)})
    assert carry_out(open_try(frozen, policy="refresh", run_id="01900000-0000-7000-8000-000000000002")).source == {}


def test_a_failed_step_keeps_the_git_state_too(open_try: Opener, backend: ScriptedBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git_state, "git_state", lambda folder: GIT)
    backend.script = lambda _: JobStatus(JobState.FAILED, 3)
    step = open_try()
    with pytest.raises(StepFailedError):
        carry_out(step)
    (item,) = tries(step)
    assert item.finished is not None
    assert item.finished.source == {"src": GIT}


def test_a_source_folder_in_no_repository_has_no_git_state(
    open_try: Opener, backend: ScriptedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(git_state, "git_state", lambda folder: None)
    assert carry_out(open_try()).source == {}


def test_a_step_reads_what_the_step_before_it_wrote(open_try: Opener, backend: ScriptedBackend) -> None:
    spec = a_pipeline(a_step("prepare", outputs=OUT), a_step("train", inputs=reading("prepare")))
    carry_out(open_try(spec.steps[0], spec=spec))
    seen = []

    def read(request: LaunchRequest) -> JobStatus:
        seen.append((request.folder / "inputs" / "data" / "model.txt").read_text())
        return SUCCEEDED

    backend.script = read
    carry_out(open_try(spec.steps[1], spec=spec))
    assert seen == ["weights"]


def test_a_step_whose_producer_was_marked_by_hand_says_what_to_do(open_try: Opener, backend: ScriptedBackend) -> None:
    spec = a_pipeline(a_step("prepare", outputs=OUT), a_step("train", inputs=reading("prepare")))
    with pytest.raises(
        DefinitionError, match=r"step 'train' reads what step 'prepare' writes, but that step has not ended well .* clear it"
    ):
        carry_out(open_try(spec.steps[1], spec=spec))


def test_a_failed_script_leaves_its_exit_code_its_last_lines_and_its_logs(open_try: Opener, backend: ScriptedBackend) -> None:
    def fail(request: LaunchRequest) -> JobStatus:
        (request.log_folder / "stdout.txt").write_text("a line\n")
        return JobStatus(JobState.FAILED, 3)

    backend.script = fail
    step = open_try()
    with pytest.raises(StepFailedError, match="step 'train'"):
        carry_out(step)
    (item,) = tries(step)
    assert item.finished is not None
    assert (item.finished.status, item.finished.exit_code) == ("Failed", 3)
    assert "a warning" in item.finished.log_tail
    assert step.workspace.store.read(f"{item.folder}/logs/stdout.txt") == b"a line\n"
    assert not list((step.workspace.home / "tries").iterdir())


def test_a_failed_try_does_not_stand_in_for_a_later_one(open_try: Opener, backend: ScriptedBackend) -> None:
    backend.script = lambda _: JobStatus(JobState.FAILED, 3)
    with pytest.raises(StepFailedError):
        carry_out(open_try())
    backend.script = writing("weights")
    step = open_try(try_number=2)
    assert carry_out(step).reused is False
    assert [item.status for item in tries(step)] == ["Failed", "Finished"]
    assert [item.started.try_number for item in tries(step)] == [1, 2]


def test_what_the_script_logged_and_uploaded_is_kept(open_try: Opener, backend: ScriptedBackend) -> None:
    def script(request: LaunchRequest) -> JobStatus:
        run = str(request.folder / "run")
        for event in (
            {"kind": "metric", "key": "auc", "value": 0.9, "target": "self"},
            {"kind": "tag", "key": "best", "value": "yes", "target": "parent"},
            {"kind": "tag", "key": "own", "value": "x", "target": "self"},
        ):
            protocol.append_event(run, event)
        uploads = Path(protocol.uploads_folder(run, protocol.SELF))
        uploads.mkdir(parents=True)
        (uploads / "plot.txt").write_text("curve")
        return writing("weights")(request)

    backend.script = script
    step = open_try()
    carry_out(step)
    (item,) = tries(step)
    assert step.workspace.store.read(f"{item.folder}/artifacts/plot.txt") == b"curve"
    assert read_logged(step.workspace, item.folder).tags == {"own": "x"}
    assert logged_by_steps(step.workspace, RUN).tags == {"best": "yes"}
    assert step.workspace.runs.tags(RUN) == {"who": "me", "best": "yes"}


def test_a_script_can_cancel_its_run(open_try: Opener, backend: ScriptedBackend) -> None:
    def script(request: LaunchRequest) -> JobStatus:
        protocol.append_event(str(request.folder / "run"), {"kind": "cancel", "target": "parent"})
        return SUCCEEDED

    backend.script = script
    step = open_try()
    with pytest.raises(DefinitionError, match="step 'train': its script asked for the run to be cancelled"):
        carry_out(step)
    assert [item.status for item in tries(step)] == ["Canceled"]
    assert step.workspace.runs.cancel_requested(RUN)
    assert list(step.workspace.results.candidates(step.assessment.key)) == []


def test_a_step_of_a_cancelled_run_does_not_start(open_try: Opener, backend: ScriptedBackend) -> None:
    step = open_try()
    step.identify()
    step.workspace.runs.request_cancel(RUN, "no longer wanted")
    with pytest.raises(DefinitionError, match=f"run {RUN} was cancelled before step 'other' started"):
        carry_out(open_try(a_step("other")))
    assert backend.launched == []


def building(fails: bool) -> Callable[..., StepInterpreter]:
    def prepare_environment(*_: object, say: Callable[[str], None], **__: object) -> StepInterpreter:
        say("environment 'x': building it")
        if fails:
            raise EnvironmentBuildError("environment 'x' cannot be installed")
        return StepInterpreter(sys.executable)

    return prepare_environment


@pytest.mark.parametrize("fails", [False, True])
def test_what_is_said_while_the_environment_is_built_is_kept_with_the_logs_however_it_ends(
    open_try: Opener, backend: ScriptedBackend, monkeypatch: pytest.MonkeyPatch, said: list[str], fails: bool
) -> None:
    monkeypatch.setattr(preparing, "prepare_environment", building(fails))
    step = open_try()
    with pytest.raises(EnvironmentBuildError) if fails else nullcontext():
        carry_out(step)
    assert said[0] == "environment 'x': building it"
    assert step.workspace.store.read(f"{step.run.folder}/logs/notices.txt") == b"environment 'x': building it\n"
    assert not (step.workspace.home / "tries" / step.run.step_run_id).exists()


def test_the_policy_require_fails_rather_than_computes(open_try: Opener, backend: ScriptedBackend) -> None:
    with pytest.raises(ReuseRequiredError, match="step 'train' would have to run, which .* does not allow: no earlier run had the same"):
        carry_out(open_try(policy="require"))
    assert backend.launched == []


def test_a_result_that_is_too_old_is_computed_again_and_kept_for_who_is_content_with_it(
    open_try: Opener, backend: ScriptedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr(step_run, "now_text", lambda: "2020-01-01T00:00:00.000+00:00")
        carry_out(open_try())
    second, third = "01900000-0000-7000-8000-000000000002", "01900000-0000-7000-8000-000000000003"
    assert carry_out(open_try(run_id=third)).reused is True

    with pytest.raises(
        ReuseRequiredError, match=r"its result is older than max-age allows \(it was computed \d+d( \d+h)? ago; this run accepts"
    ):
        carry_out(open_try(run_id=second, policy="require,max-age:7d"))
    assert (len(backend.launched), carry_out(open_try(run_id=third)).reused) == (1, True)
    finished = carry_out(open_try(run_id=second, policy="max-age:7d", notes=DictStore()))
    assert (finished.reused, finished.reason, len(backend.launched)) == (False, "TOO_OLD", 2)
    assert carry_out(open_try(run_id=third, policy="max-age:7d")).reused is True


def test_the_policy_refresh_from_asks_who_comes_before(open_try: Opener, backend: ScriptedBackend) -> None:
    spec = a_pipeline(a_step("prepare"), a_step("train", outputs=OUT, run_after=("prepare",)))
    carry_out(open_try(spec.steps[1], spec=spec))
    again = {"spec": spec, "run_id": "01900000-0000-7000-8000-000000000002", "policy": "refresh-from:prepare"}
    assert carry_out(open_try(spec.steps[1], ancestors=lambda: {"prepare"}, **again)).reused is False
    assert carry_out(open_try(spec.steps[1], ancestors=tuple, **again)).reused is True


def test_a_dataset_that_nobody_registered_is_handed_over_by_the_id_it_is_saved_under(open_try: Opener, backend: ScriptedBackend) -> None:
    paths = (DatastorePath(datastore="workspaceblobstore", path="raw"),)
    item = InputSpec(name="raw", mode="direct", source=DatasetSource(paths=paths))
    step = open_try(a_step("train", inputs=(item,), arguments=(InputArgument(input="raw"),)))
    data = Path(step.workspace.url) / "workspaceblobstore" / "raw"
    data.mkdir(parents=True)
    (data / "a.txt").write_text("a")
    told: list[Any] = []

    def script(request: LaunchRequest) -> JobStatus:
        told.append(protocol.read_context(request.environment[protocol.ENV_RUN_FOLDER])["inputs"])
        return SUCCEEDED

    backend.script = script
    carry_out(step)
    saved = step.workspace.datasets.save(paths)
    [launched], [[part]] = backend.launched, told
    assert launched.argv[-1] == part["value"] == part["dataset"]["id"] == saved.id
    assert step.workspace.datasets.find_id(saved.id) == saved
    assert part["dataset"]["path"].endswith("/inputs/raw")


def run_with_builds(open_try: Opener, count: int, **changes: Any) -> list[StepFinished]:
    finished = []
    for build in range(count):
        step = a_step("train", arguments=(LiteralArgument(value="--build"), LiteralArgument(value=build)), outputs=OUT)
        run_id = f"01900000-0000-7000-8000-0000000001{build:02d}"
        airflow = {"dag_id": "nightly", "dag_run_id": f"manual__{build}", "task_id": "train"}
        finished.append(carry_out(open_try(step, run_id=run_id, airflow=airflow, notes=DictStore(), **changes)))
    return finished


def test_the_log_warns_when_one_argument_alone_has_made_the_step_run_for_some_runs(
    open_try: Opener, backend: ScriptedBackend, said: list[str]
) -> None:
    finished = run_with_builds(open_try, 5)
    assert [item.streak and item.streak.runs for item in finished] == [None, 1, 2, 3, 4]
    warnings = [line for line in said if line.startswith("warning: ")]
    assert len(warnings) == 1
    assert warnings[0].startswith(
        "warning: step 'train': argument 2 ('--build') changed in each of the last 4 runs and alone made this step"
    )


def test_trouble_in_looking_back_or_a_setting_of_0_leaves_the_warning_out_and_the_step_alone(
    open_try: Opener, backend: ScriptedBackend, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise DatastoreUnavailableError("workspace: HTTP 503")

    monkeypatch.setattr(streak, "count_streak", broken)
    assert [item.status for item in run_with_builds(open_try, 2)] == ["Finished", "Finished"]
    never = Settings(poll_interval_seconds=0.01, terminate_grace_seconds=1.0, changed_streak_warning=0)
    monkeypatch.setattr(streak, "count_streak", None)
    step = a_step("train", arguments=(LiteralArgument(value="another"),), outputs=OUT)
    assert carry_out(open_try(step, settings=never, notes=DictStore())).streak is None
    assert not [line for line in said if "warning" in line and line != "a warning"]


class TestAfterACrash:
    def test_the_next_try_takes_up_the_job_that_runs(self, open_try: Opener, backend: ScriptedBackend) -> None:
        backend.script = lambda request: writing("weights")(request) and RUNNING
        crash_after_launch(open_try())
        backend.on_wait = lambda it, job: it.jobs.update({job: SUCCEEDED})
        step = open_try(try_number=2)
        finished = carry_out(step)
        assert len(backend.launched) == 1
        assert (finished.status, finished.try_number, finished.step_run_id) == ("Finished", 1, backend.launched[0].job_name)
        assert [item.status for item in tries(step)] == ["Finished"]

    def test_a_job_that_is_taken_up_keeps_the_git_state_it_was_launched_with(
        self, open_try: Opener, backend: ScriptedBackend, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(git_state, "git_state", lambda folder: GIT)
        crash_after_launch(open_try())
        monkeypatch.setattr(git_state, "git_state", lambda folder: {**GIT, "commit": "another"})
        assert carry_out(open_try(try_number=2)).source == {"src": GIT}

    def test_the_time_out_of_a_job_that_is_taken_up_goes_on_from_its_launch(
        self, open_try: Opener, backend: ScriptedBackend, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        backend.script = lambda _: RUNNING
        slow = a_step("train", outputs=OUT, timeout_seconds=60.0)
        crash_after_launch(open_try(slow))
        launched = time.time()
        monkeypatch.setattr("airflow_amlpipe.operators.job_note.time.time", lambda: launched + 61)
        with pytest.raises(StepFailedError, match=r"step 'train' ran longer than its timeout of 60 s and was stopped"):
            carry_out(open_try(slow, try_number=2))
        assert backend.terminated == [backend.launched[0].job_name]

    def test_the_next_try_takes_up_a_job_that_has_succeeded_meanwhile(self, open_try: Opener, backend: ScriptedBackend) -> None:
        crash_after_launch(open_try())
        assert carry_out(open_try(try_number=2)).status == "Finished"
        assert len(backend.launched) == 1

    @pytest.mark.parametrize("state", [JobStatus(JobState.FAILED, 1), JobStatus(JobState.GONE)])
    def test_a_job_that_failed_or_was_lost_is_run_again(self, open_try: Opener, backend: ScriptedBackend, state: JobStatus) -> None:
        backend.script = lambda _: state
        crash_after_launch(open_try())
        backend.script = writing("weights")
        step = open_try(try_number=2)
        assert carry_out(step).status == "Finished"
        assert [item.status for item in tries(step)] == ["Canceled", "Finished"]
        assert len(backend.launched) == 2

    def test_a_job_of_an_older_definition_is_ended(self, open_try: Opener, backend: ScriptedBackend) -> None:
        backend.script = lambda _: RUNNING
        crash_after_launch(open_try())
        backend.script = writing("weights")
        step = open_try(a_step("train", outputs=OUT, version="2"), try_number=2)
        assert carry_out(step).status == "Finished"
        assert backend.terminated == [backend.launched[0].job_name]
        assert [item.status for item in tries(step)] == ["Canceled", "Finished"]

    def test_a_job_whose_result_somebody_else_has_stored_is_ended(self, open_try: Opener, backend: ScriptedBackend) -> None:
        backend.script = lambda _: RUNNING
        crash_after_launch(open_try())
        backend.script = writing("weights")
        carry_out(open_try(run_id="01900000-0000-7000-8000-000000000002", notes=DictStore()))
        step = open_try(try_number=2)
        assert carry_out(step).reused is True
        assert backend.terminated == [backend.launched[0].job_name]

    def test_a_result_that_was_stored_before_the_crash_is_found(
        self, open_try: Opener, backend: ScriptedBackend, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        step = open_try()
        step.identify()
        step.decide()
        step.wait(step.launch())
        with monkeypatch.context() as patch:
            patch.setattr(step.workspace.runs, "finish_step", lambda _: sys.exit("killed"))
            with pytest.raises(SystemExit):
                step.record()
        again = open_try(try_number=2)
        finished = carry_out(again)
        assert (finished.status, finished.step_run_id) == ("Finished", step.run.step_run_id)
        assert [item.status for item in tries(again)] == ["Finished"]
        assert len(list(again.workspace.results.candidates(again.assessment.key))) == 1

    def test_a_crash_while_outputs_are_stored_does_not_lose_half_of_them(
        self, open_try: Opener, backend: ScriptedBackend, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        step = open_try()
        step.identify()
        step.decide()
        step.wait(step.launch())
        with monkeypatch.context() as patch:
            patch.setattr(step.run, "finish_ran", lambda *_, **__: sys.exit("killed"))
            with pytest.raises(SystemExit):
                step.record()
        (step._folder.root / "collector.json").unlink()  # a process that was killed is gone; this one is not
        again = open_try(try_number=2)
        assert carry_out(again).outputs["out"].file_count == 1
        assert [item.status for item in tries(again)] == ["Canceled", "Finished"]

    def test_a_note_of_a_try_that_is_recorded_is_of_no_use(self, open_try: Opener, backend: ScriptedBackend) -> None:
        # The task was cleared: Airflow counts its tries on, and the state store keeps what the first one left.
        first = carry_out(open_try())
        step = open_try(try_number=2)
        assert carry_out(step).reused is True
        assert first.step_run_id != step.run.step_run_id
        assert [item.status for item in tries(step)] == ["Finished", "Finished"]


class TestTrouble:
    def test_a_job_that_cannot_be_asked_is_left_for_the_next_try(self, open_try: Opener, backend: ScriptedBackend, said: list[str]) -> None:
        backend.script = lambda request: writing("weights")(request) and RUNNING
        backend.on_wait = lambda it, _: setattr(it, "is_reachable", False)
        step = open_try()
        with pytest.raises(BackendUnavailableError):
            carry_out(step)
        assert [item.status for item in tries(step)] == ["Running"]
        assert said[-1] == "the step's job is left as it is: the next try of this task takes it up again"
        backend.is_reachable, backend.on_wait = True, lambda it, job: it.jobs.update({job: SUCCEEDED})
        assert carry_out(open_try(try_number=2)).status == "Finished"
        assert len(backend.launched) == 1

    def test_on_the_last_try_nobody_would_come_back_so_the_job_is_ended(self, open_try: Opener, backend: ScriptedBackend) -> None:
        backend.script = lambda _: RUNNING
        backend.on_wait = lambda it, _: setattr(it, "is_reachable", False)
        step = open_try(is_last_try=True)
        with pytest.raises(BackendUnavailableError):
            carry_out(step)
        assert backend.terminated == [backend.launched[0].job_name]
        assert [item.status for item in tries(step)] == ["Failed"]

    def test_trouble_in_storing_an_output_is_recorded_and_the_next_try_runs_again(
        self, open_try: Opener, backend: ScriptedBackend, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        step = open_try()
        with monkeypatch.context() as patch:
            patch.setattr("airflow_amlpipe.workspace.step_run.store_output", _unavailable)
            with pytest.raises(DatastoreUnavailableError, match="the store is full"):
                carry_out(step)
        assert [item.status for item in tries(step)] == ["Failed"]
        assert carry_out(open_try(try_number=2)).outputs["out"].file_count == 1
        assert len(backend.launched) == 2

    def test_the_error_itself_is_told_even_if_it_cannot_be_recorded(
        self, open_try: Opener, backend: ScriptedBackend, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        backend.script = lambda _: JobStatus(JobState.FAILED, 3)
        step = open_try()
        monkeypatch.setattr(step.workspace.runs, "finish_step", _unavailable)
        with pytest.raises(StepFailedError):
            carry_out(step)


class TestStopping:
    def test_the_job_is_ended_and_the_try_is_recorded_as_cancelled(self, open_try: Opener, backend: ScriptedBackend) -> None:
        step = open_try()
        backend.script, backend.on_wait = lambda _: RUNNING, lambda *_: step.stop()
        with pytest.raises(InfrastructureError, match="step 'train' was stopped by Airflow"):
            carry_out(step)
        assert backend.terminated == [backend.launched[0].job_name]
        assert [item.status for item in tries(step)] == ["Canceled"]

    def test_a_stop_of_a_cancelled_run_says_that_it_was_cancelled(self, open_try: Opener, backend: ScriptedBackend) -> None:
        step = open_try()

        def cancel(*_: object) -> None:
            step.workspace.runs.request_cancel(RUN, "asked for by a person")
            step.stop()

        backend.script, backend.on_wait = lambda _: RUNNING, cancel
        with pytest.raises(InfrastructureError, match="^step 'train' was stopped, because its run was cancelled$"):
            carry_out(step)
        assert tries(step)[0].finished.error == "step 'train' was stopped, because its run was cancelled"  # type: ignore[union-attr]

    def test_a_stop_while_the_job_is_launched_is_not_lost(self, open_try: Opener, backend: ScriptedBackend) -> None:
        step = open_try()

        def script(request: LaunchRequest) -> JobStatus:
            step.stop()
            return RUNNING

        backend.script = script
        with pytest.raises(InfrastructureError, match="was stopped by Airflow"):
            carry_out(step)
        assert backend.terminated == [backend.launched[0].job_name]

    def test_a_stop_while_a_database_is_asked_stops_its_query(
        self, open_try: Opener, backend: ScriptedBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        server = postgres_server()
        monkeypatch.setenv("AIRFLOW_CONN_PG", server.connection())
        workspace = open_workspace(str(tmp_path / "ws"), home=tmp_path / "home")
        workspace.datastores.register(
            "db", DatastoreRecord(name="db", url=server.url("postgres"), conn_id="pg", sdk_type="AzurePostgreSql")
        )
        query = SqlQuery(datastore="db", query="SELECT pg_sleep(57) AS long", timeout_seconds=0)
        slow = InputSpec(name="slow", mode="direct", source=DatasetSource(definition=DatasetDefinition(kind="tabular", reading=query)))
        step = open_try(a_step("train", outputs=OUT, inputs=(slow,)), workspace=workspace)
        threading.Timer(1.0, step.stop).start()
        began = time.monotonic()
        with pytest.raises(InfrastructureError, match="the query of step 'train': input 'slow' was stopped"):
            carry_out(step)
        assert time.monotonic() - began < 40
        assert ([item.status for item in tries(step)], backend.launched) == (["Canceled"], [])

    def test_a_stop_before_the_launch_launches_nothing(self, open_try: Opener, backend: ScriptedBackend) -> None:
        step = open_try()
        step.stop()
        with pytest.raises(InfrastructureError, match="was stopped by Airflow"):
            carry_out(step)
        assert backend.launched == []

    def test_stopping_twice_is_not_an_error(self, open_try: Opener, backend: ScriptedBackend) -> None:
        backend.script = lambda _: RUNNING
        step = open_try()
        crash_after_launch(step)
        step.stop()
        step.stop()
        assert len(backend.terminated) == 1

    def test_an_interrupt_from_the_keyboard_ends_the_job(self, open_try: Opener, backend: ScriptedBackend) -> None:
        def interrupt(*_: object) -> None:
            raise KeyboardInterrupt

        backend.script, backend.on_wait = lambda _: RUNNING, interrupt
        step = open_try()
        with pytest.raises(KeyboardInterrupt):
            carry_out(step)
        assert backend.terminated == [backend.launched[0].job_name]
        assert [item.status for item in tries(step)] == ["Canceled"]


def test_nothing_was_logged_for_nothing(open_try: Opener, backend: ScriptedBackend) -> None:
    step = open_try()
    carry_out(step)
    assert read_logged(step.workspace, tries(step)[0].folder) == Logged()
    assert JobNote.find(step.notes) is not None


def _unavailable(*_: object, **__: object) -> None:
    raise DatastoreUnavailableError("the store is full")
