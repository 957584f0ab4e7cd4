"""Are the runs that a step's script made found from outside?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_amlpipe.sdk.core import Workspace
from airflow_amlpipe.sdk.exceptions import UserErrorException
from airflow_amlpipe.sdk.pipeline.core.run import PipelineRun
from airflow_amlpipe.workspace.try_files import Logged, LoggedChild
from tests.unit.sdk.runs import a_run, a_step_run, keep


def metric(name: str, value: float) -> dict[str, Any]:
    return {"kind": "metric", "type": "scalar", "name": name, "value": value}


@pytest.fixture
def ws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("AMLPIPE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return Workspace.create("team")


@pytest.fixture
def step(ws: Workspace) -> Any:
    below = LoggedChild(id="c-1-1", name="below", status="Completed", events=(metric("auc", 0.6),))
    first = LoggedChild(
        id="c-1", name="depth 1", status="Completed", events=(metric("auc", 0.5),), tags={"kind": "tree"}, children=(below,)
    )
    second = LoggedChild(id="c-2", name="depth 2", status="Failed", error="ValueError: too deep")
    run_id = a_run(ws, "digits", "train", status="Finished")
    components = {"code": {"digest": "d", "readable": "a" * 64}}
    a_step_run(
        ws, run_id, own=Logged(events=(metric("best", 0.6),), children=(first, second)), key_manifest={"components": components}, key="k"
    )
    return next(PipelineRun(ws.experiments["digits"], run_id).get_steps())


def test_they_are_children_of_the_steps_run(step: Any) -> None:
    first, second = step.get_children()
    assert [(child.name, child.status, child.parent) for child in (first, second)] == [
        ("depth 1", "Completed", step),
        ("depth 2", "Failed", step),
    ]
    assert [child.id for child in step.get_children(recursive=True)] == ["c-1", "c-1-1", "c-2"]
    assert [child.id for child in step.get_children(tags={"kind": "tree"})] == ["c-1"]
    assert [child.id for child in step.get_children(status="Failed")] == ["c-2"]
    assert (first.get_metrics(), first.tags, first.properties) == ({"auc": 0.5}, {"kind": "tree"}, {})
    assert second.get_details()["error"]["error"]["message"] == "ValueError: too deep"
    assert step.get_metrics(recursive=True) == {step.id: {"best": 0.6}, "c-1": {"auc": 0.5}, "c-1-1": {"auc": 0.6}, "c-2": {}}
    assert step.get_metrics() == {"best": 0.6}


def test_their_files_are_the_steps(ws: Workspace, step: Any, tmp_path: Path) -> None:
    keep(ws, f"{step._folder()}/artifacts/children/c-1/model.txt", "weights")
    first = next(step.get_children())
    assert first.get_file_names() == ["model.txt"]
    first.download_file("model.txt", str(tmp_path / "model.txt"))
    assert (tmp_path / "model.txt").read_text() == "weights"


def test_they_are_as_their_script_left_them(step: Any) -> None:
    first = next(step.get_children())
    for change in (lambda: first.tag("a"), lambda: first.set_tags({}), lambda: first.remove_tags([]), first.cancel):
        with pytest.raises(UserErrorException, match="as that script left it"):
            change()


def test_a_steps_snapshot_is_found_again(ws: Workspace, step: Any, tmp_path: Path) -> None:
    assert step.get_snapshot_id() == "a" * 64
    assert step.parent.get_snapshot_id() is None
    keep(ws, f".amlpipe/v1/snapshots/{'a' * 64}.zip", "a zip")
    assert Path(step.restore_snapshot(path=str(tmp_path / "restored"))).read_text() == "a zip"
    for run, snapshot, problem in (
        (step.parent, None, "has no source snapshot of its own"),
        (step, "b" * 64, "is not in the workspace any more"),
        (step, "../x", "is no id of a snapshot"),
    ):
        with pytest.raises(UserErrorException, match=problem):
            run.restore_snapshot(snapshot)
    assert (step.clean(), step.flush(), step.get_detailed_status()) == ([], None, {"status": "Completed", "details": ""})
