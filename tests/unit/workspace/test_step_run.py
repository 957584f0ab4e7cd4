"""Is a step's end written down so that nothing half-done is taken for done?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_amlpipe.exceptions import DatastoreUnavailableError, DefinitionError, InfrastructureError, ReuseRequiredError, StepFailedError
from airflow_amlpipe.reuse.decision import Reason
from airflow_amlpipe.reuse.policy import ReusePolicy
from airflow_amlpipe.spec.data import OutputSpec, RegistrationSpec
from airflow_amlpipe.spec.step import StepSpec
from airflow_amlpipe.workspace import WorkspaceStore
from airflow_amlpipe.workspace.assessment import Assessment, assess_step, enforce
from airflow_amlpipe.workspace.ids import now_text
from airflow_amlpipe.workspace.inputs import resolve_input
from airflow_amlpipe.workspace.layout import manifest_path
from airflow_amlpipe.workspace.records import RunRecord, StepFinished
from airflow_amlpipe.workspace.staging import fetch_input
from airflow_amlpipe.workspace.step_run import StepRun
from airflow_amlpipe.workspace.try_files import Logged, keep_logged, logged_by_steps
from tests.builders import a_step, reading
from tests.workspaces import workspace_on

OUT = OutputSpec(name="model", datastore="workspaceblobstore", register_as=RegistrationSpec(name="models"))
STEP = a_step(outputs=(OUT,))


def assess(
    workspace: WorkspaceStore, step: StepSpec = STEP, policy: str = "auto", snapshot: str = "s", run_id: str | None = None
) -> Assessment:
    chosen = ReusePolicy.parse(policy)
    return assess_step(workspace, step, snapshot=snapshot, parameters={}, upstream={}, policy=chosen, ancestors=(), run_id=run_id)


def run(
    workspace: WorkspaceStore,
    tmp_path: Path,
    step: StepSpec = STEP,
    *,
    content: str = "weights",
    file: str = "model.bin",
    run_id: str = "run-1",
    number: int = 1,
    **options: Any,
) -> StepFinished:
    """One whole try, as the operator does it: reuse where possible, else the 'script' writes one file."""
    assessment = assess(workspace, step, **options)
    enforce(workspace, assessment, ReusePolicy.parse(options.get("policy", "auto")))
    step_run = StepRun(workspace, "nightly", run_id, step, number)
    step_run.start()
    if assessment.decision.result is not None:
        return step_run.finish_reused(assessment, assessment.decision.result)
    produced = tmp_path / "produced" / step_run.step_run_id
    produced.mkdir(parents=True)
    (produced / file).write_text(content)
    return step_run.finish_ran(assessment, {"model": produced})


def read(workspace: WorkspaceStore, finished: StepFinished, tmp_path: Path) -> str:
    output = finished.outputs["model"]
    target = tmp_path / "read" / finished.step_run_id
    target.parent.mkdir(exist_ok=True)
    workspace.datastores.open(output.datastore).fetch(output.path, target, workspace.get_manifest(output.digest))
    return (target / "model.bin").read_text()


def test_a_second_run_hands_on_the_first_ones_outputs(workspace: WorkspaceStore, tmp_path: Path) -> None:
    first, second = run(workspace, tmp_path), run(workspace, tmp_path, run_id="run-2")
    assert (first.reused, first.reason) == (False, Reason.NO_RECORD.name)
    assert (second.reused, second.reason, second.status) == (True, Reason.MATCH.name, "Finished")
    assert second.reused_from is not None
    assert second.reused_from.step_run_id == first.step_run_id
    assert second.outputs["model"].path == first.outputs["model"].path
    assert read(workspace, second, tmp_path) == "weights"


def test_what_a_reused_step_told_its_run_is_there_in_a_run_that_reuses_it_once(workspace: WorkspaceStore, tmp_path: Path) -> None:
    for run_id in ("run-1", "run-2", "run-3"):
        workspace.runs.create(RunRecord(run_id=run_id, pipeline="nightly", experiment="digits", created_at=now_text()))
    first = run(workspace, tmp_path)
    told = Logged(events=({"kind": "metric", "key": "auc", "value": 0.9},), tags={"best": "yes"}, properties={"made": "here"})
    keep_logged(workspace, "run-1", "none", first.step_run_id, own=Logged(), parent=told)
    assert (logged_by_steps(workspace, "run-2"), workspace.runs.tags("run-2")) == (Logged(), {})
    for run_id, number in (("run-2", 1), ("run-2", 2), ("run-3", 1)):
        assert run(workspace, tmp_path, run_id=run_id, number=number).reused
    for run_id in ("run-2", "run-3"):
        assert (logged_by_steps(workspace, run_id), workspace.runs.tags(run_id)) == (told, {"best": "yes"})


def test_outputs_lie_where_only_one_try_writes(workspace: WorkspaceStore, tmp_path: Path) -> None:
    """R13, R60."""
    first, second = run(workspace, tmp_path), run(workspace, tmp_path, policy="refresh")
    assert first.outputs["model"].path == f"azureml/{first.step_run_id}/model"
    assert first.outputs["model"].path != second.outputs["model"].path


def test_a_step_that_does_not_allow_reuse_neither_takes_nor_offers_results(workspace: WorkspaceStore, tmp_path: Path) -> None:
    never = STEP.model_copy(update={"allow_reuse": False})
    assert [run(workspace, tmp_path, never).reused for _ in range(2)] == [False, False]
    assert run(workspace, tmp_path).reason == Reason.NO_RECORD.name


@pytest.mark.parametrize(
    "damage", ["delete a file", "delete the folder", "alter in place", "add a file", "delete the list", "cut the list", "alter the list"]
)
def test_a_result_whose_outputs_were_damaged_is_never_handed_on_and_heals(workspace: WorkspaceStore, tmp_path: Path, damage: str) -> None:
    """R28, R29, R31."""
    first = run(workspace, tmp_path)
    store, place = workspace.datastores.open("workspaceblobstore"), first.outputs["model"].path
    listing = manifest_path(first.outputs["model"].digest)
    if damage == "alter in place":
        store.put(f"{place}/model.bin", b"WEIGHTS")  # the same size
    elif damage == "add a file":
        store.put(f"{place}/extra", b"")
    elif damage == "delete the list":
        workspace.store.remove_tree(listing)
    elif damage.endswith("the list"):
        body = workspace.store.read(listing)
        workspace.store.put(listing, body[:20] if damage == "cut the list" else body.replace(b"model.bin", b"mabel.bin"))
    else:
        store.remove_tree(place if damage == "delete the folder" else f"{place}/model.bin")
    second, third = run(workspace, tmp_path), run(workspace, tmp_path)
    assert (second.reused, second.reason) == (False, Reason.OUTPUTS_GONE.name)
    assert "output 'model'" in second.explanation
    assert (third.reused, third.reused_from and third.reused_from.step_run_id) == (True, second.step_run_id)
    assert read(workspace, third, tmp_path) == "weights"


def test_trouble_in_reading_is_not_taken_for_a_miss(workspace: WorkspaceStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """R23."""
    run(workspace, tmp_path)

    def broken(*_: object, **__: object) -> None:
        raise DatastoreUnavailableError("datastore 'workspaceblobstore': HTTP 503")

    monkeypatch.setattr(type(workspace.datastores.open("workspaceblobstore")), "identify", broken)
    with pytest.raises(DatastoreUnavailableError):
        assess(workspace)
    monkeypatch.undo()
    assert assess(workspace).decision.reason is Reason.MATCH


def test_the_policy_require_computes_nothing(workspace: WorkspaceStore, tmp_path: Path) -> None:
    with pytest.raises(
        ReuseRequiredError, match="step 'train' would have to run, which the reuse policy 'require' does not allow: no earlier run"
    ):
        run(workspace, tmp_path, policy="require")
    run(workspace, tmp_path)
    assert run(workspace, tmp_path, policy="require").reused


def test_an_output_is_registered_once_for_its_result(workspace: WorkspaceStore, tmp_path: Path) -> None:
    """R09."""
    first, second, third = run(workspace, tmp_path), run(workspace, tmp_path), run(workspace, tmp_path, policy="refresh")
    assert [item.outputs["model"].dataset and item.outputs["model"].dataset.version for item in (first, second, third)] == [1, 1, 2]
    record = workspace.datasets.get("models")
    assert (record.digest, record.produced_by and record.produced_by["step_run_id"]) == (third.outputs["model"].digest, third.step_run_id)


def test_a_run_does_not_compute_again_what_it_has_computed_itself(workspace: WorkspaceStore, tmp_path: Path) -> None:
    """R08, R09. Its task was killed after it had stored its result, and the run asked for everything to be computed."""
    run(workspace, tmp_path)
    first = run(workspace, tmp_path, policy="refresh", run_id="run-2")
    again = {"policy": "refresh", "run_id": "run-2"}
    retried = assess(workspace, **again)
    assert retried.decision.result is not None
    assert retried.decision.result.step_run_id == first.step_run_id
    StepRun(workspace, "nightly", "run-2", STEP, 2).finish_reused(retried, retried.decision.result)
    assert workspace.datasets.versions("models") == [1, 2]
    assert assess(workspace, policy="refresh", run_id="run-3").decision.reason is Reason.FORCED
    workspace.datastores.open("workspaceblobstore").remove_tree(first.outputs["model"].path)
    assert assess(workspace, **again).decision.reason is Reason.FORCED, "damaged, it is computed again all the same"


@pytest.mark.parametrize("body", [b"", b"{", b'{"format": "amlpipe/tree/v9"}'])
def test_a_damaged_listing_of_an_output_is_mended_by_whoever_writes_the_same_bytes_again(
    workspace: WorkspaceStore, tmp_path: Path, body: bytes
) -> None:
    """R31."""
    first = run(workspace, tmp_path)
    workspace.store.put(manifest_path(first.outputs["model"].digest), body)
    second = run(workspace, tmp_path, policy="refresh", run_id="run-2")
    assert read(workspace, second, tmp_path) == "weights"


def test_what_another_process_of_the_same_try_collected_is_an_error_of_ours(workspace: WorkspaceStore, tmp_path: Path) -> None:
    """R12. A worker that was cut off comes back, while another has taken its job up."""
    assessment = assess(workspace)
    first, second = (StepRun(workspace, "nightly", "run-1", STEP, 1, step_run_id="the-same") for _ in range(2))
    for number in (1, 2):
        (tmp_path / f"{number}").mkdir()
        (tmp_path / f"{number}" / "model.bin").write_text("weights")
    finished = first.finish_ran(assessment, {"model": tmp_path / "1"})
    for produced in (tmp_path / "2", tmp_path / "taken away"):
        with pytest.raises(InfrastructureError, match="output 'model' was collected meanwhile by another process"):
            second.finish_ran(assessment, {"model": produced})
    assert read(workspace, finished, tmp_path) == "weights"


def test_a_step_that_ended_well_says_so_whatever_another_process_wrote_of_the_same_try(workspace: WorkspaceStore, tmp_path: Path) -> None:
    """R12, R13. Of two that carry out one try, one gave up; the steps that follow must find what the other has stored."""
    assessment = assess(workspace)
    gave_up, ended_well = (StepRun(workspace, "nightly", "run-1", STEP, 1, step_run_id="the-same") for _ in range(2))
    gave_up.start()
    gave_up.finish_failed(ValueError("it was cut off"))
    (tmp_path / "produced").mkdir()
    (tmp_path / "produced" / "model.bin").write_text("weights")
    finished = ended_well.finish_ran(assessment, {"model": tmp_path / "produced"})
    assert workspace.runs.output_of("run-1", STEP.id) == finished
    assert [item.status for item in workspace.runs.tries("run-1", STEP.id)] == ["Finished", "Failed"]
    again = StepRun(workspace, "nightly", "run-1", STEP, 1, step_run_id=finished.step_run_id)
    assert again.finish_reused(assess(workspace), next(result for _, result in workspace.results.candidates(str(finished.key)))) == finished


def test_a_try_that_could_not_say_that_it_began_says_so_when_it_ends(workspace: WorkspaceStore) -> None:
    """R20, I3."""
    step_run = StepRun(workspace, "nightly", "run-1", STEP, 1)
    step_run.finish_failed(DatastoreUnavailableError("datastore 'workspaceblobstore': HTTP 503"))
    assert workspace.store.exists(f"{step_run.folder}/started.json")


def latest(workspace: WorkspaceStore) -> tuple[int, str | None]:
    record = workspace.datasets.get("models")
    return record.version, record.digest


def test_after_a_run_the_latest_version_is_what_that_run_handed_on(workspace: WorkspaceStore, tmp_path: Path) -> None:
    """Reusing an older result while another run has registered something else since makes it the latest again."""
    first = run(workspace, tmp_path, content="one")
    run(workspace, tmp_path, content="two", snapshot="other code", run_id="run-2")
    again = run(workspace, tmp_path, run_id="run-3")
    assert again.reused
    assert latest(workspace) == (3, first.outputs["model"].digest)
    assert again.outputs["model"].dataset is not None
    assert again.outputs["model"].dataset.version == 3
    assert [run(workspace, tmp_path, run_id="run-4").reused, latest(workspace)[0]] == [True, 3]


@pytest.mark.parametrize("destination", [None, "files/{run-id}", "files/fixed"])
def test_an_output_that_is_one_file_is_reused_and_cut_off_wherever_it_lies(
    workspace: WorkspaceStore, tmp_path: Path, destination: str | None
) -> None:
    step = a_step(outputs=(OutputSpec(name="model", datastore="workspaceblobstore", destination=destination),))

    def write(policy: str, run_id: str) -> StepFinished:
        assessment = assess(workspace, step, policy)
        step_run = StepRun(workspace, "nightly", run_id, step, 1)
        if assessment.decision.result is not None:
            return step_run.finish_reused(assessment, assessment.decision.result)
        produced = tmp_path / step_run.step_run_id / "model"
        produced.parent.mkdir()
        produced.write_text("weights")
        return step_run.finish_ran(assessment, {"model": produced})

    first, second, third = write("auto", "run-1"), write("auto", "run-2"), write("refresh", "run-3")
    assert [first.reused, second.reused, third.reused] == [False, True, False]
    assert first.outputs["model"].digest == third.outputs["model"].digest
    reading_it = reading("train", "model")[0]
    resolved = resolve_input(workspace, "step 's'", reading_it, {"train": third.outputs})
    place = fetch_input(workspace, resolved, tmp_path / "in")
    assert (place.name, place.read_text()) == ("model", "weights")


class Crash(BaseException):
    """Stands for kill -9: nothing in the code under test catches it."""


@pytest.mark.parametrize("point", ["put_listing_of", "ingest", "publish", "add_version", "finish_step"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_at_any_point_loses_nothing_and_tears_nothing(
    workspace: WorkspaceStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str, when: str
) -> None:
    """R05 to R10, at the points of the commit order."""
    owner: Any = {
        "put_listing_of": WorkspaceStore,
        "ingest": type(workspace.datastores.open("workspaceblobstore")),
        "publish": type(workspace.results),
        "add_version": type(workspace.datasets),
        "finish_step": type(workspace.runs),
    }[point]
    original: Callable[..., Any] = getattr(owner, point)

    def crash(*args: Any, **kwargs: Any) -> None:
        if when == "after":
            original(*args, **kwargs)
        raise Crash

    monkeypatch.setattr(owner, point, crash)
    with pytest.raises(Crash):
        run(workspace, tmp_path)
    monkeypatch.undo()

    retry = run(workspace, tmp_path, number=2)
    assert retry.status == "Finished"
    assert read(workspace, retry, tmp_path) == "weights"
    committed = point in {"add_version", "finish_step"} or (point, when) == ("publish", "after")
    assert retry.reused == committed
    assert workspace.datasets.versions("models") == [1]
    assert run(workspace, tmp_path, run_id="run-2").reused


FIXED = a_step(outputs=(OutputSpec(name="model", datastore="workspaceblobstore", destination="models/current"),))


def at_destination(workspace: WorkspaceStore) -> dict[str, str]:
    store = workspace.datastores.open("workspaceblobstore")
    return {name: store.read(f"models/current/{name}").decode() for name in store.list_names("models/current")}


def test_a_fixed_destination_holds_the_newest_content_whole(workspace: WorkspaceStore, tmp_path: Path) -> None:
    first = run(workspace, tmp_path, FIXED, content="one")
    assert (first.outputs["model"].published_to, at_destination(workspace)) == ("models/current", {"model.bin": "one"})
    run(workspace, tmp_path, FIXED, content="two", policy="refresh")
    assert at_destination(workspace) == {"model.bin": "two"}


def test_reuse_puts_its_content_back_at_a_fixed_destination(workspace: WorkspaceStore, tmp_path: Path) -> None:
    run(workspace, tmp_path, FIXED, content="one")
    run(workspace, tmp_path, FIXED, content="two", snapshot="other code")
    assert at_destination(workspace) == {"model.bin": "two"}
    assert run(workspace, tmp_path, FIXED).reused
    assert at_destination(workspace) == {"model.bin": "one"}


def test_altering_what_lies_at_a_fixed_destination_harms_no_later_reuse(workspace: WorkspaceStore, tmp_path: Path) -> None:
    run(workspace, tmp_path, FIXED, content="one")
    workspace.datastores.open("workspaceblobstore").put("models/current/model.bin", b"scribble")
    again = run(workspace, tmp_path, FIXED)
    assert again.reused
    assert read(workspace, again, tmp_path) == "one"


@pytest.mark.parametrize(
    ("mode", "overwrite", "expected"), [("mount", False, "ours"), ("upload", True, "ours"), ("upload", False, "theirs")]
)
def test_files_of_others_at_a_fixed_destination_are_never_deleted(
    workspace: WorkspaceStore, tmp_path: Path, mode: str, overwrite: bool, expected: str
) -> None:
    """S34."""
    store = workspace.datastores.open("workspaceblobstore")
    store.put("models/current/model.bin", b"theirs")
    store.put("models/current/notes.txt", b"keep me")
    output = FIXED.outputs[0].model_copy(update={"mode": mode, "overwrite": overwrite})
    run(workspace, tmp_path, a_step(outputs=(output,)), content="ours")
    assert at_destination(workspace) == {"model.bin": expected, "notes.txt": "keep me"}


def test_outputs_that_share_a_place_lie_there_side_by_side_and_are_reused_each_as_it_was(workspace: WorkspaceStore, tmp_path: Path) -> None:
    shared = OutputSpec(name="model", datastore="workspaceblobstore", destination="models/current", shares_place=True)
    one, other = (a_step(step_id, outputs=(shared,)) for step_id in ("one", "other"))
    store = workspace.datastores.open("workspaceblobstore")
    first = run(workspace, tmp_path, one, content="one")
    second = run(workspace, tmp_path, other, content="other", run_id="run-2", snapshot="other code")
    assert first.outputs["model"].path == f"azureml/{first.step_run_id}/model"
    assert (second.outputs["model"].published_to, at_destination(workspace)) == ("models/current", {"model.bin": "other"})
    store.put("models/current/notes.txt", b"of the step before")
    again = run(workspace, tmp_path, one, run_id="run-3")
    assert (again.reused, read(workspace, again, tmp_path)) == (True, "one")
    assert at_destination(workspace) == {"model.bin": "one", "notes.txt": "of the step before"}


def test_an_output_at_a_shared_place_takes_away_nothing_that_another_put_there(workspace: WorkspaceStore, tmp_path: Path) -> None:
    shared = OutputSpec(name="model", datastore="workspaceblobstore", destination="models/current", shares_place=True)
    for number, name in enumerate(("one", "other"), 1):
        run(workspace, tmp_path, a_step(name, outputs=(shared,)), content=name, file=f"{name}.bin", run_id=f"run-{number}", snapshot=name)
    assert at_destination(workspace) == {"one.bin": "one", "other.bin": "other"}


def test_what_lies_whole_at_a_shared_place_is_not_copied_there_again(tmp_path: Path) -> None:
    shared = a_step(outputs=(OutputSpec(name="model", datastore="workspaceblobstore", destination="models/current", shares_place=True),))
    with workspace_on("local", tmp_path / "kept") as workspace:
        run(workspace, tmp_path, shared)
        file = workspace.datastores.open("workspaceblobstore").local_path("models/current/model.bin")
        assert file is not None
        before = file.stat()
        assert run(workspace, tmp_path, shared, run_id="run-2").reused
        assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize("name", [".amlpipe-tmp-mine", "deep/.amlpipe-tmp-folder/x", "deep/.amlpipe-tmp-"])
def test_a_file_that_would_be_taken_for_an_unfinished_write_of_ours_is_refused_by_name(
    workspace: WorkspaceStore, tmp_path: Path, name: str
) -> None:
    step_run = StepRun(workspace, "nightly", "run-1", STEP, 1)
    step_run.start()
    (tmp_path / "out" / name).parent.mkdir(parents=True)
    (tmp_path / "out" / name).write_text("precious")
    shown = name.removesuffix("/x")
    with pytest.raises(DefinitionError, match=f"step 'train': output 'model': the name of '{shown}' begins with '.amlpipe-tmp-'"):
        step_run.finish_ran(assess(workspace), {"model": tmp_path / "out"})
    assert (tmp_path / "out" / name).read_text() == "precious"
    assert workspace.runs.output_of("run-1", "train") is None


def test_a_failed_try_is_recorded_with_what_a_person_needs(workspace: WorkspaceStore) -> None:
    step_run = StepRun(workspace, "nightly", "run-1", STEP, 1)
    step_run.start()
    record = step_run.finish_failed(StepFailedError("step 'train' returned 3", exit_code=3, log_tail="boom"), assess(workspace))
    assert (record.status, record.exit_code, record.log_tail, record.error) == ("Failed", 3, "boom", "step 'train' returned 3")
    assert workspace.runs.output_of("run-1", "train") is None
    assert assess(workspace).decision.reason is Reason.NO_RECORD
