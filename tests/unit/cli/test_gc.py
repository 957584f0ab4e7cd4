"""What do ``amlpipe gc``, ``pin``, ``unpin`` and ``pins`` say and do?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from airflow_amlpipe.services.clearing import load_policy
from airflow_amlpipe.spec.data import DatastorePath
from airflow_amlpipe.workspace import WorkspaceStore
from tests.builders import OUT, a_pipeline, a_step
from tests.invariants import assert_store_ok
from tests.pretend import pretend_run, write_source
from tests.unit.cli.conftest import Amlpipe


@pytest.fixture
def runs(workspace: WorkspaceStore, project: Path) -> list[str]:
    write_source(project)
    return [pretend_run(workspace, a_pipeline(a_step("train", outputs=OUT, version=str(number))), project) for number in range(3)]


def is_there(workspace: WorkspaceStore, run_id: str) -> bool:
    return run_id in workspace.runs.ids()


def test_nothing_is_deleted_before_it_is_asked_for_and_the_list_says_why(
    amlpipe: Amlpipe, workspace: WorkspaceStore, runs: list[str]
) -> None:
    assert "nothing can be cleared away" in amlpipe("gc").out

    answer = amlpipe("gc", "--keep-last", "1")

    assert answer.code == 0
    assert "rules: runs and results that are not among the newest 1 of their experiment or step may go" in answer.out
    assert "nothing was deleted. The list, with reasons: " in answer.out
    assert workspace.runs.ids() == sorted(runs, reverse=True)
    path = next(line.partition("reasons: ")[2] for line in answer.out.splitlines() if "reasons: " in line)
    plan = json.loads(Path(path.removeprefix("file://")).read_text())
    assert {item["kind"] for item in plan["items"]} == {"result", "output", "run"}
    assert all(item["reason"] for item in plan["items"])


def test_a_plan_is_applied_and_the_workspace_is_whole(amlpipe: Amlpipe, workspace: WorkspaceStore, runs: list[str]) -> None:
    planned = amlpipe("gc", "--keep-last", "1", "--json").document

    applied = amlpipe("gc", "--apply", planned["plan"], "--json").document

    assert (planned["applied"], applied["applied"]) == (False, True)
    assert [(item["kind"], item["path"]) for item in applied["done"]] == [(item["kind"], item["path"]) for item in planned["items"]]
    assert (applied["left"], workspace.runs.ids()) == ([], [runs[2]])
    assert amlpipe("fsck").code == 0
    assert_store_ok(workspace)


def test_the_newest_plan_has_a_name_of_its_own(amlpipe: Amlpipe, workspace: WorkspaceStore, runs: list[str]) -> None:
    assert "no plan of what to clear away" in amlpipe("gc", "--apply", "latest").err
    amlpipe("gc", "--keep-last", "2")
    answer = amlpipe("gc", "--apply", "latest")
    assert (answer.code, is_there(workspace, runs[0])) == (0, False)
    assert "things cleared away" in answer.out


def test_what_is_needed_by_now_is_left_and_said(amlpipe: Amlpipe, workspace: WorkspaceStore, runs: list[str]) -> None:
    """R58."""
    amlpipe("gc", "--keep-last", "1")
    amlpipe("pin", runs[0])
    answer = amlpipe("gc", "--apply", "latest")
    assert "left, because something needs it by now, or it is gone already: 3" in answer.out
    assert (is_there(workspace, runs[0]), is_there(workspace, runs[1])) == (True, False)


def test_plan_and_delete_in_one_go(amlpipe: Amlpipe, workspace: WorkspaceStore, runs: list[str]) -> None:
    assert amlpipe("gc", "--keep-last", "0", "--yes").code == 0
    assert workspace.runs.ids() == []


def test_rules_are_saved_and_hold_from_then_on(amlpipe: Amlpipe, workspace: WorkspaceStore, runs: list[str]) -> None:
    amlpipe("gc", "--keep-last", "1", "--max-size", "workspaceblobstore=1.5k", "--guard", "30d", "--save")
    policy = load_policy(workspace)
    assert (policy.keep_last, policy.max_bytes, policy.guard_seconds) == (1, {"workspaceblobstore": 1500}, 30 * 86_400)
    amlpipe("gc", "--yes")
    assert workspace.runs.ids() == [runs[2]]


def test_rules_come_from_a_file_too(amlpipe: Amlpipe, workspace: WorkspaceStore, runs: list[str], project: Path) -> None:
    (project / "rules.json").write_text('{"older_than": "90d", "keep_last": 1, "max_size": {"workspaceblobstore": "500G"}, "guard": "3w"}')
    answer = amlpipe("gc", "--policy", "rules.json", "--json")
    assert answer.document["policy"] == (
        "runs and results that are older than 90d and not among the newest 1 of their experiment or step may go; "
        "outputs on workspaceblobstore may take 500000000000 bytes"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--older-than", "soon"), "--older-than: 'soon' is no length of time; write a whole number with its unit, such as 90s"),
        (("--max-size", "500G"), "--max-size '500G': give a datastore and a size"),
        (("--max-size", "lake=much"), "--max-size: 'much' is no size"),
        (("--max-size", "lake=1G"), "datastore 'lake' is not registered"),
        (("--guard", "1d"), "604800"),
        (("--policy", "none.json"), "--policy 'none.json' cannot be read"),
        (("--policy", "wrong.json"), "a retention policy has the fields guard, keep_last, max_size, older_than"),
        (("--policy", "torn.json"), "it is not JSON"),
        (("--apply", "x", "--keep-last", "1"), "--apply takes no rules"),
        (("--apply", "x"), "has no plan 'x'"),
    ],
)
def test_rules_that_are_none_are_refused(
    amlpipe: Amlpipe, workspace: WorkspaceStore, runs: list[str], project: Path, arguments: tuple[str, ...], said: str
) -> None:
    (project / "wrong.json").write_text('{"older": "90d"}')
    (project / "torn.json").write_text("{")
    answer = amlpipe("gc", *arguments)
    assert (answer.code, said in answer.err) == (2, True), answer.err
    assert workspace.runs.ids() == sorted(runs, reverse=True)


def test_many_files_have_to_be_meant(amlpipe: Amlpipe, workspace: WorkspaceStore, runs: list[str]) -> None:
    """S34."""
    answer = amlpipe("gc", "--keep-last", "0", "--yes", "--max-objects", "2")
    assert (answer.code, "--max-objects" in answer.err) == (2, True)
    assert workspace.runs.ids() == sorted(runs, reverse=True)


def test_things_are_pinned_listed_and_let_go(amlpipe: Amlpipe, workspace: WorkspaceStore, runs: list[str]) -> None:
    assert "nothing is pinned" in amlpipe("pins").out
    workspace.datasets.add_version("model", (DatastorePath(datastore="workspaceblobstore", path="raw"),))
    for target, kind in (("latest", "run"), (f"{runs[0]}/train", "step"), ("model:1", "dataset"), ("nightly", "pipeline")):
        assert amlpipe("pin", target, "--reason", "in production", "--json").document["kind"] == kind

    shown = amlpipe("pins", "--json").document

    assert [item["target"] for item in shown] == [runs[2], f"{runs[0]}/train", "model:1", "nightly"]
    assert "in production" in amlpipe("pins").out
    for target in ("latest", f"{runs[0]}/train", "model:1", "nightly"):
        assert "is not pinned any more" in amlpipe("unpin", target).out
    assert amlpipe("pins", "--json").document == []
    assert_store_ok(workspace)


@pytest.mark.parametrize("target", ["nothing", "latest/nothing", "model:7"])
def test_only_what_there_is_can_be_pinned(amlpipe: Amlpipe, runs: list[str], target: str) -> None:
    assert amlpipe("pin", target).code == 2
    assert amlpipe("unpin", target).code == 2


def test_what_was_never_pinned_cannot_be_let_go(amlpipe: Amlpipe, runs: list[str]) -> None:
    amlpipe("pin", runs[0])
    answer = amlpipe("unpin", "latest")
    assert (answer.code, f"'latest' is not pinned; pinned are: {runs[0]}" in answer.err) == (2, True)
