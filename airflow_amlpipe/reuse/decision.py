"""May an earlier result stand in for this step?

This is where reuse is decided, and nowhere else. The one caller is ``workspace/assessment.py``, which the operator, ``plan`` and the
submission of a pipeline share, so that what is announced is what happens.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final, Protocol

from airflow_amlpipe.reuse.age import age_limit
from airflow_amlpipe.reuse.policy import ReusePolicy
from airflow_amlpipe.reuse.result import StepResult
from airflow_amlpipe.reuse.told import Change
from airflow_amlpipe.spec.step import StepSpec

__all__ = ["AnswerFinder", "Decision", "Reason", "Rejection", "ResultFinder", "decide_reuse", "rule_out_reuse"]

# A step whose answers change between any two runs leaves a result each time; one of a world so long gone is not worth the reading.
_MOST_TOLD_OTHERWISE: Final = 32


class Reason(Enum):
    """Why a step is reused or not. The values are the sentences that the log, the command line, the REST answer and the page show."""

    MATCH = "reused: nothing changed since an earlier run, and its outputs are intact"
    NO_RECORD = "ran: no earlier run had the same code, arguments, inputs and environment"
    OUTPUTS_GONE = "ran: an earlier run had the same key, but its outputs are missing or were altered since"
    TOO_OLD = "ran: an earlier run had the same key, but its result is older than max-age allows"
    ANSWERS_CHANGED = "ran: an earlier run had the same key, but what its script asked for has changed since"
    NOT_ALLOWED = "ran: the step does not allow reuse (allow_reuse=False)"
    FORCED = "ran: this run asked to compute it again"


class ResultFinder(Protocol):
    """What the decision has to know of the store. Trouble in reading it is raised, never answered: it is neither a miss nor a bad result."""

    def candidates(self, key: str) -> Iterable[tuple[int, StepResult]]:
        """Yield the numbered results under ``key`` that nobody has found bad, newest first."""
        ...

    def find_problem(self, result: StepResult) -> str | None:
        """Return what is definitely wrong with the result's outputs, or ``None`` when every one is there as it was written."""
        ...


class AnswerFinder(Protocol):
    """What the decision has to know of what scripts asked for by themselves. Trouble in reading it is raised, too."""

    def find_change(self, result: StepResult) -> Change | None:
        """Return the first thing that the script of ``result`` was told and would not be told now, ``None`` when there is none."""
        ...

    def has_ended(self, result: StepResult) -> bool:
        """Whether the try that computed ``result`` has written down that it ended."""
        ...


@dataclass(frozen=True, slots=True)
class Rejection:
    """A result that has the right key but cannot be trusted any more."""

    number: int
    problem: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer, with its reason, the result that stands in (if one does) and those that were found bad on the way.

    :ivar newest_seen: number of the newest result it was based on, 0 for none: what is stored under the key later came after the decision
    :ivar detail: what was found that is the reason, ``""`` where the reason says it all
    :ivar changed: the thing that the script asked for and that changed, if that is the reason
    """

    reason: Reason
    result: StepResult | None = None
    rejected: tuple[Rejection, ...] = ()
    newest_seen: int = 0
    detail: str = ""
    changed: str = ""

    @property
    def is_reused(self) -> bool:
        return self.result is not None

    @property
    def sentence(self) -> str:
        """The reason as people read it, with what was found, if anything."""
        return f"{self.reason.value} ({self.detail})" if self.detail else self.reason.value


def decide_reuse(
    step: StepSpec,
    key: str,
    results: ResultFinder,
    answers: AnswerFinder,
    *,
    policy: ReusePolicy,
    ancestors: Collection[str],
    now: datetime,
    run_id: str | None = None,
) -> Decision:
    """Answer for one step of one run.

    A result is believed only after its outputs were looked at: a hit that points to missing or altered data is not a hit. One that is only
    too old is left as it is, for runs that are content with it; so is one whose script would be told something else now, for the day on which
    it would be told the same again.

    :param ancestors: ids of all steps this one follows from
    :param now: with a time zone; what the age of a result is measured by
    :param run_id: the run. What it has computed itself is as new as it asked for: a try that was lost after it had stored its result is not
        computed again
    """
    ruled_out = rule_out_reuse(step, policy=policy, ancestors=ancestors)
    if ruled_out is not None:
        own = _own_result(step, key, results, run_id) if ruled_out is Reason.FORCED and run_id is not None else None
        return Decision(ruled_out) if own is None else Decision(Reason.MATCH, own)
    limit = age_limit(step, policy)
    rejected: list[Rejection] = []
    newest_seen = 0
    obstacles: list[tuple[Reason, str, str]] = []
    told_otherwise = 0
    for number, result in results.candidates(key):
        newest_seen = max(newest_seen, number)
        too_old = limit.problem_of(result.created_at, now) if limit and not _is_own(result, step, run_id) else None
        if too_old is not None:
            obstacles.append((Reason.TOO_OLD, too_old, ""))
            continue
        change = answers.find_change(result)
        # A try that was lost after it had stored its result is completed, even if it has itself changed what it asked for before.
        if change is not None and not (_is_own(result, step, run_id) and not answers.has_ended(result)):
            obstacles.append((Reason.ANSWERS_CHANGED, change.sentence, change.what))
            told_otherwise += 1
            if told_otherwise == _MOST_TOLD_OTHERWISE:
                break
            continue
        problem = results.find_problem(result)
        if problem is None:
            return Decision(Reason.MATCH, result, tuple(rejected), newest_seen)
        rejected.append(Rejection(number, problem))
        obstacles.append((Reason.OUTPUTS_GONE, problem, ""))
    # The newest result is the one that would have stood in.
    reason, detail, changed = obstacles[0] if obstacles else (Reason.NO_RECORD, "", "")
    return Decision(reason, rejected=tuple(rejected), newest_seen=newest_seen, detail=detail, changed=changed)


def rule_out_reuse(step: StepSpec, *, policy: ReusePolicy, ancestors: Collection[str]) -> Reason | None:
    """Return why the step has to run whatever its key will be, ``None`` when that depends on its key.

    The first half of :func:`decide_reuse`; a plan asks for it alone where an earlier step has yet to write what this one reads.
    """
    if policy.forces(step.id, ancestors):
        return Reason.FORCED
    return None if step.allow_reuse else Reason.NOT_ALLOWED


def _own_result(step: StepSpec, key: str, results: ResultFinder, run_id: str | None) -> StepResult | None:
    own = (result for _, result in results.candidates(key) if _is_own(result, step, run_id))
    return next((result for result in own if results.find_problem(result) is None), None)


def _is_own(result: StepResult, step: StepSpec, run_id: str | None) -> bool:
    return (result.run_id, result.step_id) == (run_id, step.id)
