"""Is an earlier result young enough to stand in?

The clock that wrote the result's time and the clock that reads it may be those of two machines, and either may be wrong. So an age is a
matter of policy alone: whether a result is the right one, whole and unaltered, is never decided by it. A result from the future has the age 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from airflow_amlpipe.reuse.policy import ReusePolicy
from airflow_amlpipe.spec.duration import duration_text, rough_duration
from airflow_amlpipe.spec.step import StepSpec

__all__ = ["AgeLimit", "age_limit"]


@dataclass(frozen=True, slots=True)
class AgeLimit:
    """The age from which on results are not reused.

    :ivar whose: who set it, as the sentence names it
    """

    seconds: int
    whose: str

    def problem_of(self, created_at: str, now: datetime) -> str | None:
        """Return what makes a result of that time too old, ``None`` when it is young enough."""
        try:
            created = datetime.fromisoformat(created_at)
        except ValueError:
            return f"nobody can say when its result was computed; {self._accepts}"
        age = (now - (created if created.tzinfo else created.replace(tzinfo=UTC))).total_seconds()
        return None if age <= self.seconds else f"it was computed {rough_duration(age)} ago; {self._accepts}"

    @property
    def _accepts(self) -> str:
        return f"{self.whose} accepts max-age:{duration_text(self.seconds)}"


def age_limit(step: StepSpec, policy: ReusePolicy) -> AgeLimit | None:
    """Return the stricter of the run's limit and the step's, ``None`` when neither has one."""
    limits = [(policy.max_age_seconds, "this run"), (step.reuse_max_age_seconds, "this step")]
    given = [AgeLimit(seconds, whose) for seconds, whose in limits if seconds is not None]
    return min(given, key=lambda limit: limit.seconds, default=None)
