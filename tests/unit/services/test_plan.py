"""What does a plan announce, before anything runs?"""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from airflow_amlpipe.exceptions import DefinitionError, UnknownNameError
from airflow_amlpipe.reuse.told import Told
from airflow_amlpipe.services.plan import PipelinePlan, plan_pipeline
from airflow_amlpipe.spec.data import DatasetSource, InputSpec, RegistrationSpec
from airflow_amlpipe.spec.parameter import ParameterSpec
from airflow_amlpipe.spec.pipeline import PipelineSpec
from airflow_amlpipe.spec.step import ParameterArgument
from airflow_amlpipe.workspace import WorkspaceStore, step_run
from airflow_amlpipe.workspace.layout import runs_folder
from airflow_amlpipe.workspace.telling_things import find_dataset
from tests.builders import OUT, a_pipeline, a_step, reading
from tests.pretend import pretend_run, write_source

CHAIN = a_pipeline(
    a_step("prepare", outputs=OUT),
    a_step("train", inputs=reading("prepare"), outputs=OUT),
    a_step("compare", inputs=reading("train"), outputs=OUT),
)


def plan(workspace: WorkspaceStore, spec: PipelineSpec, base: Path, **options: object) -> PipelinePlan:
    return plan_pipeline(spec, workspace=workspace.url, home=workspace.home, source_base=base, **options)  # type: ignore[arg-type]


def answers(found: PipelinePlan) -> dict[str, tuple[str, str]]:
    return {step.step_id: (step.answer, step.reason) for step in found.steps}


def test_a_pipeline_that_never_ran_runs_its_first_step_and_the_rest_depends(workspace: WorkspaceStore, tmp_path: Path) -> None:
    write_source(tmp_path)

    found = plan(workspace, CHAIN, tmp_path)

    assert answers(found) == {"prepare": ("run", "NO_RECORD"), "train": ("depends", "DEPENDS"), "compare": ("depends", "DEPENDS")}
    assert "what 'prepare' writes" in found.steps[1].explanation
    assert not found.is_all_reused


def test_an_unchanged_pipeline_is_reused_whole(workspace: WorkspaceStore, tmp_path: Path) -> None:
    write_source(tmp_path)
    pretend_run(workspace, CHAIN, tmp_path)

    found = plan(workspace, CHAIN, tmp_path)

    assert set(answers(found).values()) == {("reuse", "MATCH")}
    assert found.is_all_reused


def test_planning_leaves_no_run_behind(workspace: WorkspaceStore, tmp_path: Path) -> None:
    write_source(tmp_path)

    plan(workspace, CHAIN, tmp_path)

    assert workspace.runs.ids() == []


def test_an_edited_script_is_named_as_what_changed(workspace: WorkspaceStore, tmp_path: Path) -> None:
    write_source(tmp_path)
    pretend_run(workspace, CHAIN, tmp_path)
    write_source(tmp_path, text="print('trained better')\n")

    first = plan(workspace, CHAIN, tmp_path).steps[0]

    assert (first.answer, first.reason) == ("run", "NO_RECORD")
    assert [difference.sentence for difference in first.differences] == ["code: train.py changed"]


def test_a_pipeline_that_is_new_is_compared_with_another_that_has_the_same_step(workspace: WorkspaceStore, tmp_path: Path) -> None:
    write_source(tmp_path)
    pretend_run(workspace, CHAIN.model_copy(update={"name": "weekly"}), tmp_path)
    write_source(tmp_path, text="print('trained better')\n")
    workspace.store.put(f"{runs_folder()}/0000-half-written/note", b"")

    first = plan(workspace, CHAIN, tmp_path).steps[0]

    assert [difference.sentence for difference in first.differences] == ["code: train.py changed"]
    assert "compared with pipeline 'weekly'" in first.explanation


def test_a_step_that_only_runs_after_another_is_decided_although_that_one_runs(workspace: WorkspaceStore, tmp_path: Path) -> None:
    write_source(tmp_path)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "report.py").write_text("print('report')\n")
    report = a_step("report", command={"script": "report.py"}, source={"directory": "other"}, run_after=("train",))
    spec = a_pipeline(a_step("train", outputs=OUT), report)
    pretend_run(workspace, spec, tmp_path)
    write_source(tmp_path, text="print('changed')\n")

    assert answers(plan(workspace, spec, tmp_path)) == {"train": ("run", "NO_RECORD"), "report": ("reuse", "MATCH")}


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("refresh", {"prepare": "FORCED", "train": "FORCED", "compare": "FORCED"}),
        ("refresh-from:train", {"prepare": "MATCH", "train": "FORCED", "compare": "FORCED"}),
        ("require", {"prepare": "MATCH", "train": "MATCH", "compare": "MATCH"}),
    ],
)
def test_the_policy_is_part_of_the_answer(workspace: WorkspaceStore, tmp_path: Path, policy: str, expected: dict[str, str]) -> None:
    write_source(tmp_path)
    pretend_run(workspace, CHAIN, tmp_path)

    found = plan(workspace, CHAIN, tmp_path, policy=policy)

    assert {step.step_id: step.reason for step in found.steps} == expected


def test_a_result_older_than_the_run_or_the_step_accepts_is_computed_anew_and_then_stands_in(
    workspace: WorkspaceStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_source(tmp_path)
    limited = a_pipeline(CHAIN.steps[0], CHAIN.steps[1].model_copy(update={"reuse_max_age_seconds": 3600}), CHAIN.steps[2])
    with monkeypatch.context() as earlier:
        earlier.setattr(step_run, "now_text", lambda: f"{datetime.now(UTC) - timedelta(days=3)}")
        pretend_run(workspace, CHAIN, tmp_path)

    assert {step.reason for step in plan(workspace, CHAIN, tmp_path, policy="max-age:4d").steps} == {"MATCH"}
    assert [step.reason for step in plan(workspace, limited, tmp_path).steps] == ["MATCH", "TOO_OLD", "DEPENDS"]
    found = plan(workspace, CHAIN, tmp_path, policy="max-age:2d")
    assert [step.reason for step in found.steps] == ["TOO_OLD", "DEPENDS", "DEPENDS"]
    assert found.steps[0].explanation.endswith("older than max-age allows (it was computed 3d ago; this run accepts max-age:2d)")

    run_id = pretend_run(workspace, CHAIN, tmp_path, policy="max-age:2d")
    assert [workspace.runs.tries(run_id, step)[0].status for step in ("prepare", "train", "compare")] == ["Finished"] * 3
    assert {step.reason for step in plan(workspace, CHAIN, tmp_path, policy="require,max-age:2d").steps} == {"MATCH"}


def test_a_step_that_forbids_reuse_runs_and_says_so_although_its_input_is_not_written_yet(
    workspace: WorkspaceStore, tmp_path: Path
) -> None:
    write_source(tmp_path)
    spec = a_pipeline(a_step("prepare", outputs=OUT), a_step("train", inputs=reading("prepare"), allow_reuse=False))

    assert answers(plan(workspace, spec, tmp_path))["train"] == ("run", "NOT_ALLOWED")


def test_a_changed_parameter_is_named_with_both_values(workspace: WorkspaceStore, tmp_path: Path) -> None:
    write_source(tmp_path)
    step = a_step(arguments=(ParameterArgument(parameter="rate"),))
    spec = a_pipeline(step, parameters=(ParameterSpec(name="rate", type="number", default=0.5),))
    pretend_run(workspace, spec, tmp_path)

    found = plan(workspace, spec, tmp_path, parameters={"rate": 0.7})

    assert [difference.sentence for difference in found.steps[0].differences] == [
        "arguments: [0].value changed from 0.5 to 0.7",
        "parameters: rate.value changed from 0.5 to 0.7",
    ]


def test_a_policy_for_a_step_that_is_not_there_is_refused(workspace: WorkspaceStore, tmp_path: Path) -> None:
    write_source(tmp_path)

    with pytest.raises(UnknownNameError, match="'trian'"):
        plan(workspace, CHAIN, tmp_path, policy="refresh-from:trian")


def test_a_missing_source_folder_is_refused(workspace: WorkspaceStore, tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="does not exist"):
        plan(workspace, CHAIN, tmp_path)


def test_the_plan_as_data_has_an_answer_and_a_reason_for_every_step(workspace: WorkspaceStore, tmp_path: Path) -> None:
    write_source(tmp_path)

    document = plan(workspace, CHAIN, tmp_path).to_json()

    assert document["pipeline"] == "nightly"
    assert document["all_reused"] is False
    assert [(step["name"], step["answer"]) for step in document["steps"]] == [
        ("prepare", "run"),
        ("train", "depends"),
        ("compare", "depends"),
    ]


def test_planning_and_submitting_import_no_airflow() -> None:
    program = "import sys, airflow_amlpipe.services.plan, airflow_amlpipe.services.submit; sys.exit('airflow' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize("is_input", [True, False], ids=["as an input", "by asking for it"])
def test_a_step_that_reads_a_dataset_which_an_earlier_step_registers_depends_on_it(
    workspace: WorkspaceStore, tmp_path: Path, is_input: bool
) -> None:
    write_source(tmp_path)
    registering = OUT[0].model_copy(update={"register_as": RegistrationSpec(name="model")})
    latest = InputSpec(name="m", mode="mount", source=DatasetSource(name="model"))

    def pipeline(version: str) -> PipelineSpec:
        return a_pipeline(
            a_step("write", outputs=(registering,), version=version),
            a_step("read", inputs=(latest,) if is_input else (), run_after=("write",), outputs=OUT),
        )

    def write(step_id: str, output: str, version: str) -> bytes:
        return f"{step_id} {output} {version}".encode()

    def ask(workspace: WorkspaceStore) -> Told:
        return find_dataset(workspace, {"name": "model", "version": None, "id": None}).told

    # What a script will ask for is known once it has run.
    read = ("depends", "DEPENDS") if is_input else ("run", "NO_RECORD")
    assert answers(plan(workspace, pipeline("a"), tmp_path)) == {"write": ("run", "NO_RECORD"), "read": read}
    for version in ("a", "b"):
        asked = {} if is_input else {"read": ask}
        content = partial(write, version=version)
        pretend_run(workspace, pipeline(version), tmp_path, write=content, ask=asked)
    assert answers(plan(workspace, pipeline("b"), tmp_path)) == {"write": ("reuse", "MATCH"), "read": ("reuse", "MATCH")}
    # The result of "a" is there, but the latest version is still "b": what "read" gets is known once "write" has handed "a" on again.
    assert answers(plan(workspace, pipeline("a"), tmp_path)) == {"write": ("reuse", "MATCH"), "read": ("depends", "DEPENDS")}
