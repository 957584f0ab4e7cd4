"""May an earlier result stand in for this step?

This is where reuse is decided, and nowhere else. The one caller is ``workspace/assessment.py``, which the operator, ``plan`` and the
submission of a pipeline share, so that what is announced is what happens.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from airflow_amlpipe.reuse.policy import ReusePolicy
from airflow_amlpipe.reuse.result import StepResult
from airflow_amlpipe.spec.step import StepSpec

__all__ = ["Decision", "Reason", "Rejection", "ResultFinder", "decide_reuse", "rule_out_reuse"]


class Reason(Enum):
    """Why a step is reused or not. The values are the sentences that the log, the command line, the REST answer and the page show."""

    MATCH = "reused: nothing changed since an earlier run, and its outputs are intact"
    NO_RECORD = "ran: no earlier run had the same code, arguments, inputs and environment"
    OUTPUTS_GONE = "ran: an earlier run had the same key, but its outputs are missing or were altered since"
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


@dataclass(frozen=True, slots=True)
class Rejection:
    """A result that has the right key but cannot be trusted any more."""

    number: int
    problem: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer, with its reason, the result that stands in (if one does) and those that were found bad on the way.

    :ivar newest_seen: number of the newest result it was based on, 0 for none: what is stored under the key later came after the decision
    """

    reason: Reason
    result: StepResult | None = None
    rejected: tuple[Rejection, ...] = ()
    newest_seen: int = 0

    @property
    def is_reused(self) -> bool:
        return self.result is not None

    @property
    def sentence(self) -> str:
        """The reason as people read it, with the problem that was found, if any."""
        return f"{self.reason.value} ({self.rejected[0].problem})" if self.rejected and not self.is_reused else self.reason.value


def decide_reuse(step: StepSpec, key: str, results: ResultFinder, *, policy: ReusePolicy, ancestors: Collection[str]) -> Decision:
    """Answer for one step of one run.

    A result is believed only after its outputs were looked at: a hit that points to missing or altered data is not a hit.

    :param ancestors: ids of all steps this one follows from
    """
    ruled_out = rule_out_reuse(step, policy=policy, ancestors=ancestors)
    if ruled_out is not None:
        return Decision(ruled_out)
    rejected: list[Rejection] = []
    newest_seen = 0
    for number, result in results.candidates(key):
        newest_seen = max(newest_seen, number)
        problem = results.find_problem(result)
        if problem is None:
            return Decision(Reason.MATCH, result, tuple(rejected), newest_seen)
        rejected.append(Rejection(number, problem))
    return Decision(Reason.OUTPUTS_GONE if rejected else Reason.NO_RECORD, rejected=tuple(rejected), newest_seen=newest_seen)


def rule_out_reuse(step: StepSpec, *, policy: ReusePolicy, ancestors: Collection[str]) -> Reason | None:
    """Return why the step has to run whatever its key will be, ``None`` when that depends on its key.

    The first half of :func:`decide_reuse`; a plan asks for it alone where an earlier step has yet to write what this one reads.
    """
    if policy.forces(step.id, ancestors):
        return Reason.FORCED
    return None if step.allow_reuse else Reason.NOT_ALLOWED
