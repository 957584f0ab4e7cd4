"""When may an earlier result stand in?"""

from __future__ import annotations

import pytest

from airflow_amlpipe.exceptions import DatastoreUnavailableError, DefinitionError, UnknownNameError
from airflow_amlpipe.reuse.decision import Reason, decide_reuse
from airflow_amlpipe.reuse.policy import ReusePolicy
from airflow_amlpipe.reuse.result import StepResult
from tests.builders import a_step


def a_result(step_run_id: str) -> StepResult:
    return StepResult(
        key="k",
        key_manifest={},
        outputs={},
        pipeline="p",
        run_id="r",
        step_id="s",
        step_name="s",
        step_run_id=step_run_id,
        folder="f",
        created_at="now",
        duration_seconds=1.0,
    )


class Results:
    """Numbered results, newest last, and what is wrong with some of them."""

    def __init__(self, *step_run_ids: str, problems: dict[str, str] | None = None) -> None:
        self._results = [a_result(step_run_id) for step_run_id in step_run_ids]
        self._problems = problems or {}

    def candidates(self, key: str) -> list[tuple[int, StepResult]]:
        return [(number, result) for number, result in reversed(list(enumerate(self._results, 1)))]

    def find_problem(self, result: StepResult) -> str | None:
        return self._problems.get(result.step_run_id)


AUTO = ReusePolicy()


def test_the_newest_result_with_intact_outputs_is_reused() -> None:
    decision = decide_reuse(a_step(), "k", Results("old", "new"), policy=AUTO, ancestors=())
    assert (decision.reason, decision.result and decision.result.step_run_id) == (Reason.MATCH, "new")


def test_a_result_whose_outputs_are_gone_is_passed_over_for_an_older_one() -> None:
    decision = decide_reuse(a_step(), "k", Results("old", "new", problems={"new": "output 'o' is gone"}), policy=AUTO, ancestors=())
    assert (decision.reason, decision.result and decision.result.step_run_id) == (Reason.MATCH, "old")
    assert [(item.number, item.problem) for item in decision.rejected] == [(2, "output 'o' is gone")]


def test_a_step_runs_when_no_result_can_be_trusted_and_says_what_is_wrong() -> None:
    decision = decide_reuse(a_step(), "k", Results("only", problems={"only": "output 'o' is gone"}), policy=AUTO, ancestors=())
    assert (decision.reason, decision.is_reused) == (Reason.OUTPUTS_GONE, False)
    assert decision.sentence.endswith("(output 'o' is gone)")


def test_a_step_runs_when_nothing_has_its_key() -> None:
    assert decide_reuse(a_step(), "k", Results(), policy=AUTO, ancestors=()).reason is Reason.NO_RECORD


def test_a_step_that_does_not_allow_reuse_always_runs() -> None:
    assert decide_reuse(a_step(allow_reuse=False), "k", Results("r"), policy=AUTO, ancestors=()).reason is Reason.NOT_ALLOWED


@pytest.mark.parametrize(
    ("policy", "step_id", "ancestors", "forced"),
    [
        ("refresh", "train", (), True),
        ("refresh-from:train", "train", (), True),
        ("refresh-from:train", "compare", ("prepare", "train"), True),
        ("refresh-from:train", "prepare", (), False),
        ("require", "train", (), False),
        ("auto", "train", (), False),
    ],
)
def test_a_policy_forces_exactly_the_steps_it_names(policy: str, step_id: str, ancestors: tuple[str, ...], forced: bool) -> None:
    decision = decide_reuse(a_step(step_id), "k", Results("r"), policy=ReusePolicy.parse(policy), ancestors=ancestors)
    assert (decision.reason is Reason.FORCED) == forced


def test_trouble_in_reading_is_neither_a_hit_nor_a_miss() -> None:
    class Broken(Results):
        def find_problem(self, result: StepResult) -> str | None:
            raise DatastoreUnavailableError("datastore 'lake': HTTP 503")

    with pytest.raises(DatastoreUnavailableError):
        decide_reuse(a_step(), "k", Broken("r"), policy=AUTO, ancestors=())


@pytest.mark.parametrize("text", ["", "no", "refresh-from", "refresh-from:", "auto:x", "AUTO"])
def test_an_unknown_policy_is_refused_and_the_known_ones_are_listed(text: str) -> None:
    with pytest.raises(DefinitionError, match="use one of: auto, refresh, refresh-from:STEP, require"):
        ReusePolicy.parse(text)


def test_a_policy_that_names_an_unknown_step_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="'trian'; the pipeline's steps are: prepare, train"):
        ReusePolicy.parse("refresh-from:trian").check_step(["train", "prepare"])


@pytest.mark.parametrize("text", ["auto", "refresh", "refresh-from:a:b", "require"])
def test_a_policy_reads_as_it_was_written(text: str) -> None:
    assert str(ReusePolicy.parse(text)) == text
