"""When may an earlier result stand in?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_amlpipe.exceptions import DatastoreUnavailableError, DefinitionError, UnknownNameError
from airflow_amlpipe.reuse.decision import Decision, Reason, decide_reuse
from airflow_amlpipe.reuse.policy import ReusePolicy
from airflow_amlpipe.reuse.result import StepResult
from airflow_amlpipe.reuse.told import Change
from airflow_amlpipe.spec.step import StepSpec
from tests.builders import a_step


def a_result(step_run_id: str, created_at: str = "now") -> StepResult:
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
        created_at=created_at,
        duration_seconds=1.0,
    )


class Results:
    """Numbered results, newest last, what is wrong with some of them, and what their scripts would be told otherwise now."""

    def __init__(
        self,
        *step_run_ids: str,
        problems: dict[str, str] | None = None,
        ages: dict[str, timedelta] | None = None,
        changes: dict[str, Change] | None = None,
        is_ended: bool = True,
    ) -> None:
        ages = ages or {}
        self.changes = changes or {}
        self.asked_of: list[str] = []
        self._is_ended = is_ended
        self._results = [a_result(name, (NOW - ages.get(name, timedelta())).isoformat()) for name in step_run_ids]
        self._problems = problems or {}

    def candidates(self, key: str) -> list[tuple[int, StepResult]]:
        return [(number, result) for number, result in reversed(list(enumerate(self._results, 1)))]

    def find_problem(self, result: StepResult) -> str | None:
        return self._problems.get(result.step_run_id)

    def find_change(self, result: StepResult) -> Change | None:
        self.asked_of.append(result.step_run_id)
        return self.changes.get(result.step_run_id)

    def has_ended(self, result: StepResult) -> bool:
        return self._is_ended


def decide(step: StepSpec, key: str, results: Results, **given: Any) -> Decision:
    return decide_reuse(step, key, results, results, **given)


AUTO = ReusePolicy()
NOW = datetime(2026, 7, 10, 12, tzinfo=UTC)


def test_the_newest_result_with_intact_outputs_is_reused() -> None:
    decision = decide(a_step(), "k", Results("old", "new"), policy=AUTO, ancestors=(), now=NOW)
    assert (decision.reason, decision.result and decision.result.step_run_id) == (Reason.MATCH, "new")


def test_a_result_whose_outputs_are_gone_is_passed_over_for_an_older_one() -> None:
    decision = decide(a_step(), "k", Results("old", "new", problems={"new": "output 'o' is gone"}), policy=AUTO, ancestors=(), now=NOW)
    assert (decision.reason, decision.result and decision.result.step_run_id) == (Reason.MATCH, "old")
    assert [(item.number, item.problem) for item in decision.rejected] == [(2, "output 'o' is gone")]


def test_a_step_runs_when_no_result_can_be_trusted_and_says_what_is_wrong() -> None:
    decision = decide(a_step(), "k", Results("only", problems={"only": "output 'o' is gone"}), policy=AUTO, ancestors=(), now=NOW)
    assert (decision.reason, decision.is_reused) == (Reason.OUTPUTS_GONE, False)
    assert decision.sentence.endswith("(output 'o' is gone)")


def test_a_step_runs_when_nothing_has_its_key() -> None:
    assert decide(a_step(), "k", Results(), policy=AUTO, ancestors=(), now=NOW).reason is Reason.NO_RECORD


def test_a_step_that_does_not_allow_reuse_always_runs() -> None:
    assert decide(a_step(allow_reuse=False), "k", Results("r"), policy=AUTO, ancestors=(), now=NOW).reason is Reason.NOT_ALLOWED


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
    decision = decide(a_step(step_id), "k", Results("r"), policy=ReusePolicy.parse(policy), ancestors=ancestors, now=NOW)
    assert (decision.reason is Reason.FORCED) == forced


def test_trouble_in_reading_is_neither_a_hit_nor_a_miss() -> None:
    class Broken(Results):
        def find_problem(self, result: StepResult) -> str | None:
            raise DatastoreUnavailableError("datastore 'lake': HTTP 503")

    with pytest.raises(DatastoreUnavailableError):
        decide(a_step(), "k", Broken("r"), policy=AUTO, ancestors=(), now=NOW)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no",
        "refresh-from",
        "refresh-from:",
        "auto:x",
        "AUTO",
        "refresh,max-age:7d",
        ",max-age:7d",
        "max-age",
        "auto,",
        "max-age:7d,auto",
    ],
)
def test_an_unknown_policy_is_refused_and_the_known_ones_are_listed(text: str) -> None:
    with pytest.raises(DefinitionError, match="use one of: auto, refresh, refresh-from:STEP, require"):
        ReusePolicy.parse(text)


def test_a_policy_that_names_an_unknown_step_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="'trian'; the pipeline's steps are: prepare, train"):
        ReusePolicy.parse("refresh-from:trian").check_step(["train", "prepare"])


@pytest.mark.parametrize(
    "text", ["auto", "refresh", "refresh-from:a:b", "require", "max-age:7d", "require,max-age:12h", "refresh-from:train,max-age:90m"]
)
def test_a_policy_reads_as_it_was_written(text: str) -> None:
    assert str(ReusePolicy.parse(text)) == text


@pytest.mark.parametrize(
    ("text", "short"), [("auto,max-age:1w", "max-age:7d"), ("max-age:24h", "max-age:1d"), ("require,max-age:60s", "require,max-age:1m")]
)
def test_a_limit_of_age_is_written_down_in_one_form(text: str, short: str) -> None:
    assert str(ReusePolicy.parse(text)) == short
    assert ReusePolicy.parse(short) == ReusePolicy.parse(text)


@pytest.mark.parametrize("age", ["", "7", "0d", "-1d", "1.5h", "7 d", "7D", "1y", "99999w", "\u0667d"])
def test_an_age_that_is_none_is_refused_with_the_forms_that_are(age: str) -> None:
    with pytest.raises(DefinitionError, match="write a whole number with its unit, such as 90s, 30m, 12h, 7d or 2w"):
        ReusePolicy.parse(f"max-age:{age}")


@pytest.mark.parametrize(
    ("policy", "step_limit", "age", "reason", "detail"),
    [
        ("max-age:7d", None, timedelta(days=7), Reason.MATCH, ""),
        ("max-age:7d", None, timedelta(days=7, seconds=1), Reason.TOO_OLD, "it was computed 7d ago; this run accepts max-age:7d"),
        ("auto", 3600, timedelta(hours=2), Reason.TOO_OLD, "it was computed 2h ago; this step accepts max-age:1h"),
        ("max-age:7d", 3600, timedelta(hours=2), Reason.TOO_OLD, "it was computed 2h ago; this step accepts max-age:1h"),
        ("max-age:1h", 7 * 86400, timedelta(hours=2), Reason.TOO_OLD, "it was computed 2h ago; this run accepts max-age:1h"),
        ("require,max-age:7d", None, timedelta(days=9, hours=3), Reason.TOO_OLD, "it was computed 9d 3h ago; this run accepts max-age:7d"),
        ("auto", None, timedelta(days=900), Reason.MATCH, ""),
    ],
)
def test_a_result_is_reused_up_to_the_stricter_limit_of_its_age(
    policy: str, step_limit: int | None, age: timedelta, reason: Reason, detail: str
) -> None:
    step = a_step(reuse_max_age_seconds=step_limit)
    decision = decide(step, "k", Results("r", ages={"r": age}), policy=ReusePolicy.parse(policy), ancestors=(), now=NOW)
    assert (decision.reason, decision.detail) == (reason, detail)


def test_a_result_that_is_only_too_old_is_not_called_bad_and_its_outputs_are_not_even_looked_at() -> None:
    results = Results("old", ages={"old": timedelta(days=30)}, problems={"old": "output 'o' is gone"})
    decision = decide(a_step(), "k", results, policy=ReusePolicy.parse("max-age:7d"), ancestors=(), now=NOW)
    assert (decision.reason, decision.rejected) == (Reason.TOO_OLD, ())


def test_a_result_from_the_future_is_new() -> None:
    """R17."""
    results = Results("r", ages={"r": timedelta(hours=-2)})
    assert decide(a_step(), "k", results, policy=ReusePolicy.parse("max-age:1s"), ancestors=(), now=NOW).reason is Reason.MATCH


def test_the_newest_result_says_why_none_stands_in() -> None:
    old = {"old": timedelta(days=30)}
    results = Results("old", "new", ages=old, problems={"new": "output 'o' is gone"})
    decision = decide(a_step(), "k", results, policy=ReusePolicy.parse("max-age:7d"), ancestors=(), now=NOW)
    assert (decision.reason, decision.detail) == (Reason.OUTPUTS_GONE, "output 'o' is gone")
    assert [item.number for item in decision.rejected] == [2]


@pytest.mark.parametrize("written", ["", "yesterday"])
def test_a_result_whose_time_cannot_be_read_is_reused_only_where_no_age_is_asked_for(written: str) -> None:
    class Undated(Results):
        def candidates(self, key: str) -> Any:
            return [(1, a_result("r", written))]

    assert decide(a_step(), "k", Undated(), policy=AUTO, ancestors=(), now=NOW).reason is Reason.MATCH
    limited = decide(a_step(), "k", Undated(), policy=ReusePolicy.parse("max-age:7d"), ancestors=(), now=NOW)
    assert (limited.reason, limited.detail) == (Reason.TOO_OLD, "nobody can say when its result was computed; this run accepts max-age:7d")


@pytest.mark.parametrize("policy", ["max-age:7d", "refresh", "refresh-from:s"])
def test_what_the_run_has_computed_itself_is_as_new_as_it_asked_for(policy: str) -> None:
    """R08."""
    results, chosen = Results("own", ages={"own": timedelta(days=30)}), ReusePolicy.parse(policy)
    step = a_step("s")
    assert decide(step, "k", results, policy=chosen, ancestors=(), now=NOW, run_id="r").reason is Reason.MATCH
    assert not decide(step, "k", results, policy=chosen, ancestors=(), now=NOW, run_id="another").is_reused
    damaged = Results("own", problems={"own": "output 'o' is gone"})
    assert not decide(step, "k", damaged, policy=chosen, ancestors=(), now=NOW, run_id="r").is_reused


CHANGED = Change("dataset", "the latest version of dataset 'irises'", "version 1", "version 2")


def test_a_result_whose_script_would_be_told_something_else_does_not_stand_in_and_is_not_marked_bad() -> None:
    results = Results("only", problems={"only": "its outputs are not even looked at"}, changes={"only": CHANGED})
    decision = decide(a_step(), "k", results, policy=AUTO, ancestors=(), now=NOW)
    assert (decision.reason, decision.rejected, decision.newest_seen) == (Reason.ANSWERS_CHANGED, (), 1)
    assert decision.changed == "the latest version of dataset 'irises'"
    assert decision.sentence == (
        "ran: an earlier run had the same key, but what its script asked for has changed since "
        "(the latest version of dataset 'irises': version 1 -> version 2)"
    )


def test_an_older_result_whose_script_would_be_told_the_same_again_stands_in() -> None:
    decision = decide(a_step(), "k", Results("old", "new", changes={"new": CHANGED}), policy=AUTO, ancestors=(), now=NOW)
    assert (decision.reason, decision.result and decision.result.step_run_id, decision.newest_seen) == (Reason.MATCH, "old", 2)


def test_trouble_in_asking_again_is_neither_a_hit_nor_a_miss() -> None:
    class Broken(Results):
        def find_change(self, result: StepResult) -> Change | None:
            raise DatastoreUnavailableError("datastore 'lake': HTTP 503")

    with pytest.raises(DatastoreUnavailableError):
        decide(a_step(), "k", Broken("r"), policy=AUTO, ancestors=(), now=NOW)


def test_nothing_is_asked_again_for_a_result_that_is_too_old_or_a_step_that_runs_anyway() -> None:
    results = Results("r", ages={"r": timedelta(days=9)})
    decide(a_step(), "k", results, policy=ReusePolicy.parse("max-age:7d"), ancestors=(), now=NOW)
    decide(a_step(allow_reuse=False), "k", results, policy=AUTO, ancestors=(), now=NOW)
    decide(a_step(), "k", results, policy=ReusePolicy.parse("refresh"), ancestors=(), now=NOW)
    assert results.asked_of == []


def test_of_a_step_that_is_told_something_else_in_every_run_only_the_latest_results_are_looked_at() -> None:
    names = [f"r{number}" for number in range(100)]
    results = Results(*names, changes=dict.fromkeys(names, CHANGED))
    decision = decide(a_step(), "k", results, policy=AUTO, ancestors=(), now=NOW)
    assert (decision.reason, decision.newest_seen, len(results.asked_of)) == (Reason.ANSWERS_CHANGED, 100, 32)


@pytest.mark.parametrize(("is_ended", "run_id", "is_reused"), [(False, "r", True), (True, "r", False), (False, "another", False)])
def test_a_try_that_was_lost_after_its_commit_is_completed_although_it_changed_what_it_had_asked_for(
    is_ended: bool, run_id: str, is_reused: bool
) -> None:
    """R08."""
    results = Results("lost", changes={"lost": CHANGED}, is_ended=is_ended)
    assert decide(a_step("s"), "k", results, policy=AUTO, ancestors=(), now=NOW, run_id=run_id).is_reused is is_reused


def test_words_that_do_not_tell_two_answers_apart_are_followed_by_what_does() -> None:
    assert Change("dataset", "dataset 'irises' version 1", "version 1", "version 1").sentence == (
        "dataset 'irises' version 1: version 1, but its description or its tags are others"
    )
