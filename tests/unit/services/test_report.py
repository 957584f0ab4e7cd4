"""What does a report say of the runs of a workspace?"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_amlpipe.exceptions import DatastoreUnavailableError
from airflow_amlpipe.services.report import Report, report_on
from airflow_amlpipe.services.report.figures import Figures
from airflow_amlpipe.spec.step import LiteralArgument
from airflow_amlpipe.workspace import WorkspaceStore
from airflow_amlpipe.workspace.ids import new_run_id
from airflow_amlpipe.workspace.layout import run_folder
from airflow_amlpipe.workspace.records import Origin, RunRecord, StepFinished, StepStarted
from tests.builders import OUT, a_pipeline, a_step, reading
from tests.pretend import pretend_run, write_source

NOW = datetime.now(UTC)
CHAIN = a_pipeline(a_step("prepare", outputs=OUT), a_step("train", inputs=reading("prepare"), outputs=OUT))


def report(workspace: WorkspaceStore, **asked: Any) -> Report:
    return report_on(workspace.url, home=workspace.home, **asked)


def recorded(
    workspace: WorkspaceStore,
    *tries: dict[str, Any],
    pipeline: str = "nightly",
    experiment: str = "lab",
    ago: timedelta = timedelta(),
) -> list[StepFinished]:
    """Record a run of which each try took 10 seconds, if it is not said otherwise."""
    at = NOW - ago
    run_id = new_run_id(at)
    workspace.runs.create(
        RunRecord(run_id=run_id, pipeline=pipeline, experiment=experiment, created_at=at.isoformat(), step_ids=("train",))
    )
    finished = []
    for number, given in enumerate(tries, 1):
        shared = {"run_id": run_id, "step_id": "train", "step_name": "train", "step_run_id": new_run_id(), "try_number": number}
        workspace.runs.start_step(StepStarted(**shared, started_at=at.isoformat()))
        fields = {"status": "Finished", "reason": "FORCED", "duration_seconds": 10.0, "finished_at": at.isoformat(), **given}
        finished.append(StepFinished(**shared, started_at=at.isoformat(), **fields))
        workspace.runs.finish_step(finished[-1])
    workspace.runs.finish(run_id, "Finished" if not tries or finished[-1].status == "Finished" else "Failed")
    return finished


def reused_from(origin: StepFinished, folder: str = "runs/gone") -> dict[str, Any]:
    place = Origin(pipeline="p", run_id=origin.run_id, step_id="train", step_run_id=origin.step_run_id, folder=folder)
    return {"reused": True, "reason": "MATCH", "reused_from": place, "duration_seconds": 0.1}


def test_what_was_reused_is_counted_and_what_it_took_to_compute_was_saved(workspace: WorkspaceStore) -> None:
    (origin,) = recorded(workspace, {"duration_seconds": 100.0})
    for _ in range(3):
        recorded(workspace, reused_from(origin))

    total = report(workspace).total

    assert (total.reused, total.ran, total.failed, total.hit_rate) == (3, 1, 0, 0.75)
    assert (total.saved_seconds, total.spent_seconds, total.longest_seconds) == (300.0, 100.0, 100.0)


def test_what_a_result_took_is_known_although_its_run_is_not_asked_for_and_0_when_it_is_not_kept(workspace: WorkspaceStore) -> None:
    (origin,) = recorded(workspace, {"duration_seconds": 50.0}, ago=timedelta(days=9))
    folder = workspace.runs.tries(origin.run_id, "train")[0].folder
    recorded(workspace, reused_from(origin, folder))
    (gone,) = recorded(workspace, {}, ago=timedelta(days=9))
    recorded(workspace, reused_from(gone, "runs/gone"))

    found = report(workspace, last_seconds=86_400)

    assert (found.total.reused, found.total.ran, found.total.saved_seconds) == (2, 0, 50.0)


def test_a_step_that_failed_and_was_retried_ran_twice_and_failed_once(workspace: WorkspaceStore) -> None:
    recorded(workspace, {"status": "Failed", "error": "no such column: age"}, {})

    found = report(workspace)

    assert (found.total.ran, found.total.failed, found.total.spent_seconds) == (2, 1, 20.0)
    assert [(item.step, item.error) for item in found.failures] == [("train", "no such column: age")]


def test_a_try_that_ended_before_it_was_decided_is_neither_a_hit_nor_a_miss(workspace: WorkspaceStore) -> None:
    recorded(workspace, {"status": "Failed", "reason": None, "error": "the store could not be read"})

    total = report(workspace).total

    assert (total.ran, total.failed, total.hit_rate) == (0, 1, None)


@pytest.mark.parametrize(
    ("asked", "runs"),
    [
        ({}, 4),
        ({"last_seconds": 86_400}, 2),
        ({"most_runs": 3}, 3),
        ({"pipeline": "weekly"}, 1),
        ({"experiment": "lab"}, 3),
        ({"experiment": "lab", "most_runs": 1}, 1),
        ({"pipeline": "unknown"}, 0),
    ],
)
def test_only_what_is_asked_for_is_told(workspace: WorkspaceStore, asked: dict[str, Any], runs: int) -> None:
    recorded(workspace, {}, ago=timedelta(days=40))
    recorded(workspace, {}, ago=timedelta(days=3))
    recorded(workspace, {}, ago=timedelta(hours=2), pipeline="weekly", experiment="prod")
    recorded(workspace, {})
    assert sum(report(workspace, **asked).statuses.values()) == runs


def test_steps_are_told_apart_by_pipeline_and_name_and_the_slowest_comes_first(workspace: WorkspaceStore) -> None:
    recorded(workspace, {"duration_seconds": 5.0}, {"duration_seconds": 7.0})
    recorded(workspace, {"duration_seconds": 90.0}, pipeline="weekly")

    found = report(workspace)

    assert [(item.names, item.ran, item.mean_seconds) for item in found.steps] == [
        (("nightly", "train"), 2, 6.0),
        (("weekly", "train"), 1, 90.0),
    ]
    assert [item.names for item in found.slowest] == [("weekly", "train"), ("nightly", "train")]
    assert [(item.names, item.ran) for item in found.experiments] == [(("lab",), 3)]


def test_what_made_steps_run_is_named_down_to_the_argument_and_file(workspace: WorkspaceStore, tmp_path: Path) -> None:
    write_source(tmp_path)
    for build, note in ((1, "a"), (2, "a"), (3, "a"), (4, "b")):
        (tmp_path / "src" / "notes.txt").write_text(note)
        marked = (LiteralArgument(value="--build"), LiteralArgument(value=build))
        pretend_run(workspace, a_pipeline(a_step(arguments=marked, outputs=OUT)), tmp_path)

    found = report(workspace)

    assert [(cause.component, cause.what, cause.count, cause.alone) for cause in found.causes] == [
        ("arguments", "argument 2 ('--build')", 3, 2),
        ("", "it is the first run of the step among these runs", 1, 1),
        ("code", "file 'notes.txt'", 1, 0),
    ]
    assert found.components == {"arguments": 3, "code": 1}


def test_other_reasons_are_told_in_their_own_words_and_an_input_with_the_step_that_wrote_it(
    workspace: WorkspaceStore, tmp_path: Path
) -> None:
    write_source(tmp_path)
    pretend_run(workspace, CHAIN, tmp_path)
    pretend_run(workspace, CHAIN, tmp_path, policy="refresh-from:prepare")
    changed = a_pipeline(CHAIN.steps[0].model_copy(update={"version": "2"}), CHAIN.steps[1])
    pretend_run(workspace, changed, tmp_path, write=lambda step_id, _: f"other {step_id}".encode())

    causes = {(cause.step, cause.what) for cause in report(workspace).causes}

    assert {
        ("prepare", "this run asked to compute it again"),
        ("prepare", "the version"),
        ("train", "input 'data', which step 'prepare' wrote"),
    } <= causes


@pytest.mark.parametrize(
    ("span", "periods", "first"), [(timedelta(hours=5), 6, 13), (timedelta(days=30), 31, 10), (timedelta(days=300), 43, 10)]
)
def test_time_is_told_in_hours_days_or_weeks_without_gaps(workspace: WorkspaceStore, span: timedelta, periods: int, first: int) -> None:
    recorded(workspace, {}, ago=span)
    recorded(workspace, {})

    found = report(workspace).periods

    assert periods <= len(found) <= periods + 1
    assert (found[0].ran, found[-1].ran, sum(item.ran for item in found)) == (1, 1, 2)


def test_a_record_that_this_version_cannot_read_is_told_and_the_others_are_counted(workspace: WorkspaceStore) -> None:
    """R59."""
    recorded(workspace, {})
    (damaged,) = recorded(workspace, {})
    workspace.store.put(f"{run_folder(damaged.run_id)}/run.json", b'{"format": "amlpipe/run/v9"}')
    workspace.store.put("runs/half-written/note", b"")

    found = report(workspace)

    assert (found.unreadable, sum(found.statuses.values())) == ((damaged.run_id,), 1)


def test_trouble_in_reading_is_no_absence(workspace: WorkspaceStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> bytes:
        raise DatastoreUnavailableError("workspace: HTTP 503")

    recorded(workspace, {})
    monkeypatch.setattr(type(workspace.store), "read", broken)
    with pytest.raises(DatastoreUnavailableError):
        report(workspace)


def test_a_workspace_without_runs_has_an_empty_report(workspace: WorkspaceStore) -> None:
    found = report(workspace)
    assert (found.statuses, found.total, found.periods, found.causes) == ({}, Figures(), (), ())
    assert json.loads(json.dumps(found.to_json()))["steps"]["hit_rate"] is None
