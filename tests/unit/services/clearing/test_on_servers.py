"""Do checking and clearing away keep their promises on object stores and SFTP too? One life of a workspace, on each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_amlpipe.services.fsck import Check, check_workspace, repair_workspace
from airflow_amlpipe.workspace import layout
from airflow_amlpipe.workspace.workspace import WorkspaceStore
from tests.builders import OUT, a_pipeline, a_step
from tests.invariants import assert_store_ok
from tests.unit.services.clearing.conftest import STORE, Story, days
from tests.workspaces import ON_SERVERS, workspace_on


@pytest.fixture(params=ON_SERVERS)
def workspace(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[WorkspaceStore]:
    with workspace_on(request.param, tmp_path) as opened:
        yield opened


def test_damage_on_a_server_is_found_and_set_aside(story: Story) -> None:
    """R28, R29: by the store's own versions, or by content."""
    run = story.run()
    assert_store_ok(story.workspace)
    store = story.workspace.datastores.open(STORE)
    store.put(f"{story.output(run).path}/data.txt", b"TRAIN out")
    store.remove_tree(story.output(run, "prepare").path)
    story.workspace.store.put(f"{layout.run_folder(run)}/finished.json", b"{")

    findings = check_workspace(story.workspace)
    repair_workspace(story.workspace, findings)

    assert [item.check for item in findings.breaches] == [Check.RUN_RECORD_UNREADABLE, Check.OUTPUT_DAMAGED, Check.OUTPUT_DAMAGED]
    assert [item.check for item in check_workspace(story.workspace, depth="quick").breaches] == [Check.RUN_RECORD_UNREADABLE]
    healed = story.run()
    assert [story.finished(healed, step).reused for step in ("prepare", "train")] == [False, False]


def test_what_is_needed_no_more_goes_from_a_server_and_nothing_else(story: Story) -> None:
    """R58, S34."""
    old, kept = story.run(), story.run(a_pipeline(a_step("train", outputs=OUT, version="2")), experiment="other")
    left = story.crashed_try(run_id=old)
    story.pin("run", kept)
    story.put(f"azureml/mine/{left.path.rpartition('/')[2]}", "of somebody")
    story.later(100)

    cleared = story.clear(older_than_seconds=days(90))

    assert {kind for kind, _ in cleared} == {"result", "output", "run", "content"}
    assert (story.workspace.runs.ids(), story.is_there(story.output(kept)), story.is_there(left)) == ([kept], True, False)
    assert story.workspace.datastores.open(STORE).list_names("azureml") == sorted(["mine", story.output(kept).path.split("/")[1]])
    assert {kind for kind, _ in story.clear(older_than_seconds=days(90))} == {"key"}
    assert story.finished(story.run()).reused is False
