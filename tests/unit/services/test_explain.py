"""Why was a step reused, or not, and what does that go back to?"""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_amlpipe.cli.explain import explanation_lines
from airflow_amlpipe.exceptions import UnknownNameError
from airflow_amlpipe.reuse.decision import Reason
from airflow_amlpipe.services.explain import StepExplanation, explain_step
from airflow_amlpipe.spec.pipeline import PipelineSpec
from airflow_amlpipe.spec.step import LiteralArgument
from airflow_amlpipe.workspace import WorkspaceStore
from airflow_amlpipe.workspace.ids import new_run_id
from tests.builders import OUT, a_pipeline, a_step, reading
from tests.pretend import pretend_run, write_source

CHAIN = a_pipeline(
    a_step("prepare", outputs=OUT),
    a_step("train", source={"directory": "other"}, inputs=reading("prepare"), outputs=OUT),
    a_step("compare", source={"directory": "other"}, inputs=reading("train"), outputs=OUT),
)


def write_sources(base: Path, text: str = "print('prepared')\n") -> None:
    write_source(base, text=text)
    (base / "other").mkdir(exist_ok=True)
    (base / "other" / "train.py").write_text("print('trained')\n")


def explain(workspace: WorkspaceStore, run_id: str, step: str) -> StepExplanation:
    return explain_step(workspace.url, run_id, step, home=workspace.home)


def test_a_reused_step_names_the_run_that_produced_its_result(workspace: WorkspaceStore, tmp_path: Path) -> None:
    write_sources(tmp_path)
    first = pretend_run(workspace, CHAIN, tmp_path)

    found = explain(workspace, pretend_run(workspace, CHAIN, tmp_path), "train")

    assert (found.status, found.reused, found.reason) == ("Finished", True, "MATCH")
    assert found.produced_by_run == first
    assert found.differences == ()


def test_a_step_that_never_ran_before_says_that_it_is_the_first(workspace: WorkspaceStore, tmp_path: Path) -> None:
    write_sources(tmp_path)

    found = explain(workspace, pretend_run(workspace, CHAIN, tmp_path), "prepare")

    assert (found.reason, found.compared_with) == ("NO_RECORD", None)
    assert "first run of this step" in found.sentence


def test_an_edited_file_is_named(workspace: WorkspaceStore, tmp_path: Path) -> None:
    write_sources(tmp_path)
    first = pretend_run(workspace, CHAIN, tmp_path)
    write_sources(tmp_path, text="print('prepared better')\n")

    found = explain(workspace, pretend_run(workspace, CHAIN, tmp_path), "prepare")

    assert found.compared_with == first
    assert [difference.sentence for difference in found.differences] == ["code: train.py changed"]
    assert found.root_causes == ("step 'prepare': code: train.py changed",)


def test_a_change_is_followed_through_the_steps_before_to_where_it_began(workspace: WorkspaceStore, tmp_path: Path) -> None:
    write_sources(tmp_path)
    pretend_run(workspace, CHAIN, tmp_path)
    write_sources(tmp_path, text="print('prepared better')\n")
    run_id = pretend_run(workspace, CHAIN, tmp_path, write=lambda step_id, output: f"better {step_id}".encode())

    found = explain(workspace, run_id, "compare")

    assert [difference.sentence for difference in found.differences] == ["inputs: data/data.txt changed"]
    assert [cause.step_id for cause in found.causes] == ["train"]
    assert found.root_causes == ("step 'prepare': code: train.py changed",)


def test_the_nearest_earlier_run_is_compared_and_not_just_the_last_one(workspace: WorkspaceStore, tmp_path: Path) -> None:
    write_sources(tmp_path)
    first = pretend_run(workspace, CHAIN, tmp_path)
    write_sources(tmp_path, text="print('an excursion')\n")
    far = a_pipeline(CHAIN.steps[0].model_copy(update={"version": "2"}), *CHAIN.steps[1:])
    pretend_run(workspace, far, tmp_path)
    write_sources(tmp_path)
    back = a_pipeline(CHAIN.steps[0].model_copy(update={"version": "3"}), *CHAIN.steps[1:])

    found = explain(workspace, pretend_run(workspace, back, tmp_path), "prepare")

    assert found.compared_with == first
    assert [difference.component for difference in found.differences] == ["version"]


def test_a_step_that_is_new_in_its_pipeline_is_compared_with_the_same_step_of_another(workspace: WorkspaceStore, tmp_path: Path) -> None:
    write_sources(tmp_path)
    weekly = pretend_run(workspace, a_pipeline(*CHAIN.steps, name="weekly"), tmp_path)
    write_sources(tmp_path, text="print('prepared better')\n")

    found = explain(workspace, pretend_run(workspace, CHAIN, tmp_path), "prepare")

    assert (found.compared_with, found.compared_pipeline) == (weekly, "weekly")
    assert f"compared with run {weekly} of pipeline 'weekly'" in found.sentence
    assert found.root_causes == ("step 'prepare': code: train.py changed since it ran in pipeline 'weekly'",)


def test_a_step_with_another_id_is_compared_by_its_name(workspace: WorkspaceStore, tmp_path: Path) -> None:
    write_sources(tmp_path)
    weekly = pretend_run(workspace, a_pipeline(a_step("first", name="prepare", outputs=OUT), name="weekly"), tmp_path)
    write_sources(tmp_path, text="print('prepared better')\n")

    assert explain(workspace, pretend_run(workspace, CHAIN, tmp_path), "prepare").compared_with == weekly


def test_runs_of_another_pipeline_are_not_compared_where_there_is_one_of_its_own(workspace: WorkspaceStore, tmp_path: Path) -> None:
    write_sources(tmp_path)
    own = pretend_run(workspace, CHAIN, tmp_path)
    write_sources(tmp_path, text="print('prepared better')\n")
    pretend_run(workspace, a_pipeline(*CHAIN.steps, name="weekly"), tmp_path)
    write_sources(tmp_path, text="print('prepared best')\n")

    found = explain(workspace, pretend_run(workspace, CHAIN, tmp_path), "prepare")

    assert (found.compared_with, found.compared_pipeline) == (own, None)


def test_a_forced_step_says_so_although_nothing_changed(workspace: WorkspaceStore, tmp_path: Path) -> None:
    write_sources(tmp_path)
    pretend_run(workspace, CHAIN, tmp_path)

    found = explain(workspace, pretend_run(workspace, CHAIN, tmp_path, policy="refresh"), "prepare")

    assert (found.reason, found.differences) == ("FORCED", ())
    assert found.root_causes == ("step 'prepare' ran: this run asked to compute it again",)


def test_a_step_after_a_failed_run_says_that_the_same_key_left_no_result(workspace: WorkspaceStore, tmp_path: Path) -> None:
    write_sources(tmp_path)
    first = pretend_run(workspace, CHAIN, tmp_path, fail="prepare")

    found = explain(workspace, pretend_run(workspace, CHAIN, tmp_path), "prepare")

    assert f"run {first} had the same key" in found.sentence
    assert "Failed" in found.sentence


def test_a_step_that_has_not_started_has_nothing_to_explain(workspace: WorkspaceStore, tmp_path: Path) -> None:
    write_sources(tmp_path)

    found = explain(workspace, pretend_run(workspace, CHAIN, tmp_path, fail="prepare"), "compare")

    assert (found.status, found.reason) == ("NotStarted", "")


def test_the_explanation_as_data_has_differences_causes_and_root_causes(workspace: WorkspaceStore, tmp_path: Path) -> None:
    write_sources(tmp_path)
    pretend_run(workspace, CHAIN, tmp_path)
    write_sources(tmp_path, text="print('prepared better')\n")
    run_id = pretend_run(workspace, CHAIN, tmp_path, write=lambda step_id, output: f"better {step_id}".encode())

    document = explain(workspace, run_id, "train").to_json()

    assert document["differences"][0]["where"] == "data/data.txt"
    assert document["causes"][0]["step"] == "prepare"
    assert document["root_causes"] == ["step 'prepare': code: train.py changed"]


def test_unknown_runs_and_steps_are_refused_with_what_there_is(workspace: WorkspaceStore, tmp_path: Path) -> None:
    write_sources(tmp_path)
    run_id = pretend_run(workspace, CHAIN, tmp_path)

    with pytest.raises(UnknownNameError, match="not in the workspace"):
        explain(workspace, new_run_id(), "train")
    with pytest.raises(UnknownNameError, match="prepare, train, compare"):
        explain(workspace, run_id, "trian")


def labelled(build: int, version: str = "1") -> PipelineSpec:
    marked = (LiteralArgument(value="--build"), LiteralArgument(value=build, volatile=True))
    return a_pipeline(a_step("train", arguments=marked, version=version, outputs=OUT))


def test_a_hit_tells_which_volatile_values_its_outputs_were_computed_with(workspace: WorkspaceStore, tmp_path: Path) -> None:
    write_source(tmp_path)
    first = pretend_run(workspace, labelled(41), tmp_path)

    found = explain(workspace, pretend_run(workspace, labelled(42), tmp_path), "train")

    assert (found.reused, found.produced_by_run) == (True, first)
    assert found.sentence.endswith("; it was computed with other volatile values: argument 2 ('--build') was 41 and is 42 now")
    assert found.volatile == ("argument 2 ('--build') was 41 and is 42 now",)
    assert (found.differences, found.root_causes) == ((), ())
    same = explain(workspace, pretend_run(workspace, labelled(41), tmp_path), "train")
    assert (same.volatile, same.sentence) == ((), Reason.MATCH.value)


def test_a_miss_tells_volatile_values_that_differ_beside_its_cause(workspace: WorkspaceStore, tmp_path: Path) -> None:
    write_source(tmp_path)
    pretend_run(workspace, labelled(41), tmp_path)

    found = explain(workspace, pretend_run(workspace, labelled(42, version="2"), tmp_path), "train")

    assert found.root_causes == ("step 'train': version changed from '1' to '2'",)
    assert found.volatile == ("argument 2 ('--build') was 41 and is 42 now",)
    assert found.to_json()["volatile_differences"] == list(found.volatile)
    assert "volatile" not in found.sentence


def test_a_step_that_one_argument_keeps_running_is_warned_of(
    workspace: WorkspaceStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_source(tmp_path)
    for build in range(3):
        marked = (LiteralArgument(value="--build"), LiteralArgument(value=build))
        run_id = pretend_run(workspace, a_pipeline(a_step("train", arguments=marked, outputs=OUT)), tmp_path)

    assert explain(workspace, run_id, "train").warning is None
    monkeypatch.setenv("AMLPIPE_CHANGED_STREAK_WARNING", "2")
    warning = explain(workspace, run_id, "train").warning
    assert warning is not None
    assert warning.startswith("argument 2 ('--build') changed in each of the last 2 runs and alone made this step run; if it does not")
    assert "warning: argument 2" in "\n".join(explanation_lines(explain(workspace, run_id, "train")))
