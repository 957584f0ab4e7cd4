"""When does a step go on that waits for another run?"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from airflow_amlpipe.exceptions import DatastoreUnavailableError, DefinitionError
from airflow_amlpipe.storage.local import LocalStore
from airflow_amlpipe.triggers.claim import ClaimTrigger
from airflow_amlpipe.workspace.claims import ClaimLog
from airflow_amlpipe.workspace.ids import now_text
from airflow_amlpipe.workspace.records import RunRecord, StepStarted
from airflow_amlpipe.workspace.workspace import WorkspaceStore
from tests.contract.claims_contract import KEY, claim_of

RUN = "01900000-0000-7000-8000-000000000001"


@pytest.fixture
def workspace(tmp_path: Path) -> WorkspaceStore:
    workspace = WorkspaceStore.open(str(tmp_path / "ws"), home=tmp_path / "home")
    workspace.runs.create(RunRecord(run_id=RUN, pipeline="nightly", experiment="digits", created_at=now_text()))
    return workspace


@pytest.fixture
def log(workspace: WorkspaceStore) -> ClaimLog:
    log = ClaimLog(workspace.store, KEY)
    log.take(1, claim_of())
    return log


def trigger(workspace: WorkspaceStore, **changes: Any) -> ClaimTrigger:
    arguments: dict[str, Any] = {
        "workspace": workspace.url,
        "key": KEY,
        "newest_seen": 0,
        "run_id": RUN,
        "step_id": "train",
        "step_run_id": "try-1",
        "ttl_seconds": 60.0,
        "max_wait_seconds": 600.0,
        **changes,
    }
    return ClaimTrigger(**arguments)


def fire(trigger: ClaimTrigger) -> dict[str, Any]:
    async def first() -> Any:
        return await anext(trigger.run())

    payload: dict[str, Any] = asyncio.run(asyncio.wait_for(first(), 60)).payload
    return payload


def test_it_is_made_again_from_what_airflow_stores_of_it(workspace: WorkspaceStore) -> None:
    path, arguments = trigger(workspace, waited_seconds=3.0).serialize()
    assert path == f"{ClaimTrigger.__module__}.ClaimTrigger"
    again = ClaimTrigger(**json.loads(json.dumps(arguments)))
    assert again.serialize() == (path, arguments)


def test_it_opens_the_workspace_only_when_it_runs() -> None:
    it = ClaimTrigger(
        workspace="gopher://nowhere",
        key=KEY,
        newest_seen=0,
        run_id=RUN,
        step_id="train",
        step_run_id="try-1",
        ttl_seconds=1.0,
        max_wait_seconds=1.0,
    )
    with pytest.raises(DefinitionError):  # Airflow wakes the task, which computes the step
        fire(it)


def test_it_fires_when_the_owner_has_ended(workspace: WorkspaceStore, log: ClaimLog) -> None:
    threading.Timer(0.3, log.release, [1]).start()
    event = fire(trigger(workspace, waited_seconds=100.0))
    assert (event["why"], event["claim"]) == ("released", 1)
    assert event["waited_seconds"] > 100


def test_it_fires_when_the_owner_is_silent_for_its_time_to_live(workspace: WorkspaceStore, log: ClaimLog) -> None:
    log.beat(1, 3)
    event = fire(trigger(workspace, ttl_seconds=0.2))
    assert (event["why"], event["claim"], event["beat"]) == ("expired", 1, '{"c": 3}')


def test_it_gives_up_when_the_wait_was_too_long(workspace: WorkspaceStore, log: ClaimLog) -> None:
    assert fire(trigger(workspace, waited_seconds=599.9))["why"] == "gave-up"


def test_it_fires_when_the_run_that_waits_is_cancelled(workspace: WorkspaceStore, log: ClaimLog) -> None:
    workspace.runs.request_cancel(RUN, "asked for by a person")
    assert fire(trigger(workspace))["why"] == "canceled"


def test_any_number_of_copies_come_to_the_same_answer_and_change_nothing(workspace: WorkspaceStore, log: ClaimLog, tmp_path: Path) -> None:
    """Any number of triggerers may run it."""
    before = sorted(path for path in tmp_path.rglob("*"))

    async def both() -> list[Any]:
        return await asyncio.gather(*(anext(trigger(workspace, ttl_seconds=0.2).run()) for _ in range(3)))

    assert {(event.payload["why"], event.payload["claim"]) for event in asyncio.run(both())} == {("expired", 1)}
    assert sorted(path for path in tmp_path.rglob("*")) == before


def test_a_store_that_cannot_be_read_is_read_again(workspace: WorkspaceStore, log: ClaimLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """R23, R61."""
    list_names = LocalStore.list_names
    began = time.monotonic()

    def troubled(self: LocalStore, folder: str) -> list[str]:
        if time.monotonic() < began + 0.5:
            raise DatastoreUnavailableError("HTTP 503")
        return list_names(self, folder)

    monkeypatch.setattr(LocalStore, "list_names", troubled)
    log.release(1)
    event = fire(trigger(workspace))
    assert event["why"] == "released"
    assert time.monotonic() >= began + 0.5


def test_a_task_that_is_marked_by_hand_while_it_waits_leaves_no_try_that_waits_for_ever(workspace: WorkspaceStore) -> None:
    """R11, R60."""
    started = StepStarted(run_id=RUN, step_id="train", step_name="train", step_run_id="try-1", try_number=1, started_at=now_text())
    folder = workspace.runs.start_step(started)
    workspace.runs.pause_step(folder, "waiting for run their-run")
    asyncio.run(trigger(workspace).on_kill())
    (item,) = workspace.runs.tries(RUN, "train")
    assert item.finished is not None
    assert (item.status, item.waiting, workspace.runs.status(RUN)) == ("Canceled", "", "Canceled")
    assert "while it waited for another run" in (item.finished.error or "")
    asyncio.run(trigger(workspace).on_kill())
