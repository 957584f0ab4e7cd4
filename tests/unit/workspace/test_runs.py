"""Is a run's status what its records say?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from airflow_amlpipe.exceptions import ProtocolError, UnknownNameError
from airflow_amlpipe.workspace import WorkspaceStore
from airflow_amlpipe.workspace.ids import new_run_id, run_id_for
from airflow_amlpipe.workspace.layout import run_folder
from airflow_amlpipe.workspace.records import RunRecord, StepFinished, StepStarted, StepStatus

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def a_run(run_id: str = "run-1", experiment: str = "digits", **changes: object) -> RunRecord:
    return RunRecord(run_id=run_id, pipeline="nightly", experiment=experiment, created_at="now", step_ids=("a", "b"), **changes)  # type: ignore[arg-type]


def begin(workspace: WorkspaceStore, step_id: str, number: int = 1) -> None:
    workspace.runs.start_step(
        StepStarted(
            run_id="run-1", step_id=step_id, step_name=step_id, step_run_id=f"{step_id}{number}", try_number=number, started_at="now"
        )
    )


def end(workspace: WorkspaceStore, step_id: str, status: StepStatus, number: int = 1) -> None:
    workspace.runs.finish_step(
        StepFinished(
            run_id="run-1",
            step_id=step_id,
            step_name=step_id,
            step_run_id=f"{step_id}{number}",
            try_number=number,
            status=status,
            started_at="now",
            finished_at="now",
        )
    )


def test_a_run_goes_from_not_started_through_running_to_finished(workspace: WorkspaceStore) -> None:
    seen = []
    workspace.runs.create(a_run())
    seen.append(workspace.runs.status("run-1"))
    for step_id in ("a", "b"):
        begin(workspace, step_id)
        seen.append(workspace.runs.status("run-1"))
        end(workspace, step_id, "Finished")
        seen.append(workspace.runs.status("run-1"))
    assert seen == ["NotStarted", "Running", "Running", "Running", "Finished"]


def test_a_failed_step_fails_the_run_until_a_retry_starts(workspace: WorkspaceStore) -> None:
    workspace.runs.create(a_run())
    begin(workspace, "a")
    end(workspace, "a", "Failed")
    assert workspace.runs.status("run-1") == "Failed"
    begin(workspace, "a", 2)
    assert workspace.runs.status("run-1") == "Running"
    end(workspace, "a", "Finished", 2)
    assert workspace.runs.status("run-1") == "Running"
    assert [item.status for item in workspace.runs.tries("run-1", "a")] == ["Failed", "Finished"]


def test_the_carriers_own_word_on_how_a_run_ended_holds_and_is_said_once(workspace: WorkspaceStore) -> None:
    workspace.runs.create(a_run())
    assert workspace.runs.finish("run-1", "Canceled", "asked for")
    assert not workspace.runs.finish("run-1", "Finished")
    assert workspace.runs.status("run-1") == "Canceled"


def test_a_run_cancelled_before_it_started_is_canceled(workspace: WorkspaceStore) -> None:
    workspace.runs.create(a_run())
    workspace.runs.request_cancel("run-1", "by hand")
    workspace.runs.request_cancel("run-1", "by hand again")
    assert workspace.runs.status("run-1") == "Canceled"


def test_creating_a_run_twice_keeps_the_first_record(workspace: WorkspaceStore) -> None:
    assert workspace.runs.create(a_run())
    assert not workspace.runs.create(a_run(experiment="other"))
    assert workspace.runs.get("run-1").experiment == "digits"


def test_runs_are_listed_newest_first_and_by_experiment(workspace: WorkspaceStore) -> None:
    ids = [new_run_id(NOON + timedelta(milliseconds=index)) for index in range(3)]
    for run_id, experiment in zip(ids, ("x", "y", "x"), strict=True):
        workspace.runs.create(a_run(run_id, experiment))
    assert [record.run_id for record in workspace.runs.list()] == ids[::-1]
    assert [record.run_id for record in workspace.runs.list(experiment="x")] == [ids[2], ids[0]]


@pytest.mark.parametrize("run_id", ["nope", "", "../x", "a/b", "*"])
def test_an_unknown_run_is_refused_without_looking_outside(workspace: WorkspaceStore, run_id: str) -> None:
    with pytest.raises(UnknownNameError, match="is not in the workspace"):
        workspace.runs.get(run_id)


def test_a_torn_record_is_an_error_and_not_a_missing_run(workspace: WorkspaceStore) -> None:
    """R31."""
    workspace.store.put(".amlpipe/v1/runs/run-1/run.json", b'{"run_id": "run-')
    with pytest.raises(ProtocolError, match="cannot be read"):
        workspace.runs.get("run-1")


def test_tags_are_set_changed_and_removed(workspace: WorkspaceStore) -> None:
    workspace.runs.create(a_run(tags={"a": "1", "b": "2"}))
    workspace.runs.change_tags("run-1", {"a": None, "c": "3"})
    assert workspace.runs.tags("run-1") == {"b": "2", "c": "3"}


def test_an_airflow_run_has_one_id_wherever_its_tasks_run_and_ids_sort_by_time() -> None:
    ids = [run_id_for("dag", "manual__1", NOON + timedelta(seconds=index)) for index in range(3)]
    assert ids == sorted(ids)
    assert run_id_for("dag", "manual__1", NOON) == ids[0]
    assert len({run_id_for(dag_id, run_id, NOON) for dag_id, run_id in (("a", "bc"), ("ab", "c"), ("a", "b"))}) == 3


def test_damaged_tags_of_a_run_are_told(workspace: WorkspaceStore) -> None:
    """R31."""
    workspace.runs.create(a_run())
    workspace.runs.change_tags("run-1", {"a": "1"})
    workspace.store.put(f"{run_folder('run-1')}/tags/00000001.json", b'{"a": ')
    with pytest.raises(ProtocolError, match="a record in the workspace cannot be read: the tags of run run-1, line 1"):
        workspace.runs.tags("run-1")
