"""Can a clearing-up be killed anywhere? (kill -9 in a process of its own)"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_amlpipe.services.clearing import RetentionPolicy, apply_plan, plan_clearing
from airflow_amlpipe.services.fsck import check_workspace
from airflow_amlpipe.workspace.workspace import WorkspaceStore
from tests.builders import OUT, a_pipeline, a_step, reading
from tests.invariants import assert_store_ok
from tests.pretend import pretend_run, write_source
from tests.unit.services.clearing.conftest import Story, days

CLEARING = """
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from airflow_amlpipe.services.clearing import RetentionPolicy, apply_plan, plan_clearing
from airflow_amlpipe.workspace.workspace import WorkspaceStore
workspace = WorkspaceStore.open(sys.argv[1], home=Path(sys.argv[2]))
now = datetime.now(UTC) + timedelta(days=float(sys.argv[3]))
policy = RetentionPolicy(keep_last=1)
print(len(apply_plan(workspace, plan_clearing(workspace, policy, now=now), now=now).done))
"""
POINTS = ["gc-result-set-aside", "gc-output-deleted", "gc-run-deleted", "gc-content-deleted", "gc-key-entry-deleted", "gc-key-deleted"]
REPOSITORY = Path(__file__).parents[4]


def pipeline(version: str):  # type: ignore[no-untyped-def]
    return a_pipeline(
        a_step("prepare", outputs=OUT, version=version), a_step("train", inputs=reading("prepare"), outputs=OUT, version=version)
    )


def clear(workspace: WorkspaceStore, ahead: int, crash: str = "") -> int:
    done = subprocess.run(
        [sys.executable, "-c", CLEARING, workspace.url, str(workspace.home), str(ahead)],
        cwd=REPOSITORY,
        env=os.environ | {"AMLPIPE_TEST_CRASH": crash},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr
    return done.returncode


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("point", POINTS)
def test_wherever_it_is_killed_the_workspace_is_whole_and_the_next_one_goes_on(tmp_path: Path, point: str, times: int) -> None:
    """R58: nothing that is kept is touched, what is half cleared away is no damage, and a fresh run is right."""
    workspace = WorkspaceStore.open(str(tmp_path / "ws"), home=tmp_path / "home")
    write_source(tmp_path)
    for number in range(4):
        pretend_run(workspace, pipeline(str(number)), tmp_path)
    kept = pretend_run(workspace, pipeline("kept"), tmp_path)
    ahead = 0
    if point.startswith("gc-key"):
        # Keys go when their results were set aside long ago.
        assert clear(workspace, 0) == 0
        ahead = 30

    killed = clear(workspace, ahead + 10, f"{point}:{times}")

    assert killed == -signal.SIGKILL
    assert_store_ok(workspace)
    assert clear(workspace, ahead + 10) == 0
    assert [item.check.name for item in check_workspace(workspace, depth="full").found] == []
    assert workspace.runs.ids() == [kept]
    for version, reused in (("kept", True), ("0", False)):
        run = pretend_run(workspace, pipeline(version), tmp_path)
        for step_id in ("prepare", "train"):
            finished = workspace.runs.output_of(run, step_id)
            assert finished is not None
            assert finished.reused is reused
            (file,) = workspace.get_manifest(finished.outputs["out"].digest).files
            place = workspace.datastores.open("workspaceblobstore").local_path(finished.outputs["out"].path)
            assert place is not None
            assert (place / file.path).read_bytes() == f"{step_id} out".encode()
    assert_store_ok(workspace)


def test_a_clearing_up_that_was_killed_leaves_nothing_behind_for_ever(story: Story) -> None:
    """One that stops after each single deletion, and begins anew, ends where one that is not stopped does."""
    story.run()
    story.later(100)
    policy = RetentionPolicy(older_than_seconds=days(90))
    for _ in range(50):
        plan = plan_clearing(story.workspace, policy, now=story.now)
        if not plan.items:
            break
        apply_plan(story.workspace, plan.model_copy(update={"items": plan.items[:1]}), now=story.now)
        assert_store_ok(story.workspace)
    assert story.workspace.runs.ids() == []
    assert story.clear(older_than_seconds=days(90)) == []
