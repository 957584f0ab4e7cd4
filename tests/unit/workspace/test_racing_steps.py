"""What becomes of steps that were computed twice, because nothing kept them apart?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_amlpipe.exceptions import CommitUnknownError
from airflow_amlpipe.reuse.decision import Rejection
from airflow_amlpipe.workspace import WorkspaceStore
from airflow_amlpipe.workspace.assessment import Assessment
from airflow_amlpipe.workspace.records import StepFinished
from airflow_amlpipe.workspace.step_run import StepRun
from tests.unit.workspace.test_step_run import STEP, assess, read, run

Try = Callable[[str], tuple[StepRun, Assessment, Path]]


@pytest.fixture
def begin(workspace: WorkspaceStore, tmp_path: Path) -> Try:
    """Decide a step in a run, and let its script write the run's id; nothing is stored yet."""

    def begin_it(run_id: str, policy: str = "auto") -> tuple[StepRun, Assessment, Path]:
        assessment = assess(workspace, policy=policy)
        step_run = StepRun(workspace, "nightly", run_id, STEP, 1)
        step_run.start()
        produced = tmp_path / "produced" / step_run.step_run_id
        produced.mkdir(parents=True)
        (produced / "model.bin").write_text(run_id)
        return step_run, assessment, produced

    return begin_it


def finish(begun: tuple[StepRun, Assessment, Path]) -> StepFinished:
    step_run, assessment, produced = begun
    return step_run.finish_ran(assessment, {"model": produced})


def results(workspace: WorkspaceStore) -> list[str]:
    return [result.run_id for _, result in workspace.results.candidates(assess(workspace).key)]


def test_two_that_were_decided_at_the_same_time_leave_one_result_and_each_run_is_complete(
    workspace: WorkspaceStore, tmp_path: Path, begin: Try
) -> None:
    """R14, without a lease."""
    one, two = begin("run-1"), begin("run-2")
    first, second = finish(one), finish(two)
    assert results(workspace) == ["run-1"]
    assert first.lost_race_to is None
    assert second.lost_race_to is not None
    assert (second.lost_race_to.run_id, second.lost_race_to.step_run_id) == ("run-1", first.step_run_id)
    assert (second.status, second.reused, second.reused_from) == ("Finished", False, None)
    # Nothing of one was laid over the other: each run hands on what its own script wrote.
    assert (read(workspace, first, tmp_path), read(workspace, second, tmp_path)) == ("run-1", "run-2")
    third = run(workspace, tmp_path, run_id="run-3")
    assert (third.reused, third.reused_from and third.reused_from.run_id) == (True, "run-1")


def test_a_result_that_was_found_bad_stands_in_nobodys_way(workspace: WorkspaceStore, tmp_path: Path, begin: Try) -> None:
    one, two = begin("run-1"), begin("run-2")
    finish(one)
    workspace.results.mark_bad(one[1].key, Rejection(1, "its files are gone"))
    assert finish(two).lost_race_to is None
    assert results(workspace) == ["run-2"]


def test_a_result_that_cannot_be_read_stands_in_nobodys_way(workspace: WorkspaceStore, tmp_path: Path, begin: Try) -> None:
    """R31."""
    begun = begin("run-1")
    key = begun[1].key
    workspace.store.put(f".amlpipe/v1/keys/{key[:2]}/{key}/results/00000001.json", b'{"format": "amlpipe/res')
    assert finish(begun).lost_race_to is None
    assert results(workspace) == ["run-1"]


def test_a_run_that_asked_to_compute_again_stores_a_newer_result(workspace: WorkspaceStore, begin: Try) -> None:
    one, two, three = begin("run-1"), begin("run-2", "refresh"), begin("run-3", "refresh")
    assert [finish(item).lost_race_to for item in (one, two, three)] == [None, None, None]
    assert results(workspace) == ["run-3", "run-2", "run-1"]


def test_a_result_whose_answer_was_lost_is_known_as_our_own(workspace: WorkspaceStore, begin: Try, monkeypatch: pytest.MonkeyPatch) -> None:
    """R20: the commit was done, nobody was told, and the try is recorded again."""
    step_run, assessment, produced = begin("run-1")
    store = type(workspace.store)
    create = store.create_exclusive

    def lose_the_answer(self: object, path: str, body: bytes, *, durable: bool = True) -> bool:
        done: bool = create(self, path, body, durable=durable)  # type: ignore[arg-type]
        if "/results/" in path:
            raise CommitUnknownError("nobody can say whether it was created")
        return done

    monkeypatch.setattr(store, "create_exclusive", lose_the_answer)
    with pytest.raises(CommitUnknownError):
        step_run.finish_ran(assessment, {"model": produced})
    monkeypatch.undo()
    (stored,) = [result for _, result in workspace.results.candidates(assessment.key)]
    assert workspace.results.publish(stored, after=0).step_run_id == step_run.step_run_id
    assert results(workspace) == ["run-1"]
