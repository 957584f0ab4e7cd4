"""Does this try compute its step, or does somebody else do that already?

The rules, for a step that may be reused and has no result yet: whoever claims it computes it; the others wait, and decide anew when the wait is
over. A run that asked to compute again waits for nobody, and neither does a try that finds its own job running; both claim what is free, so
that others wait for them. How claims are kept: ``workspace/claims.py``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from airflow_amlpipe.compute.processes import ProcessMark, has_died
from airflow_amlpipe.exceptions import ProtocolError
from airflow_amlpipe.settings import Settings
from airflow_amlpipe.workspace.claims import ClaimLog, ClaimRecord, HeldClaim, WaitEnd
from airflow_amlpipe.workspace.ids import now_text
from airflow_amlpipe.workspace.step_run import StepRun
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["SingleFlight", "Waited", "claim_of", "take_up_wait"]

_UNKNOWN = "waiting for a run that computes the same step, started by another version of airflow-amlpipe"


@dataclass(frozen=True, slots=True)
class Waited:
    """What a task knows that comes back from waiting.

    :ivar seconds: how long it has waited in all
    """

    end: WaitEnd
    seconds: float

    @classmethod
    def heard(cls, event: Mapping[str, object] | None) -> Waited:
        """Read what the trigger said; if it never did, because it failed or nobody ran it, the task has waited long enough."""
        said = dict(event or {"why": "gave-up"})
        seconds = float(str(said.pop("waited_seconds", 0.0)))
        return cls(WaitEnd(**said), seconds)  # type: ignore[arg-type]  # our own trigger wrote it


@dataclass
class SingleFlight:
    """The claim of one try, or who is in its way.

    :ivar waited: set for a task that comes back from waiting
    :ivar ended: ids of step runs that are known to have ended, so that their claims are no obstacle
    """

    workspace: WorkspaceStore
    settings: Settings
    waited: Waited | None = None
    ended: set[str] = field(default_factory=set)
    _held: HeldClaim | None = field(default=None, init=False)

    @property
    def seconds_left(self) -> float:
        """How long the try may still wait."""
        return self.settings.claim_max_wait_seconds - (self.waited.seconds if self.waited else 0.0)

    def enter(self, key: str, claim: ClaimRecord, *, may_wait: bool) -> str | None:
        """Claim the step, and return ``None``; or return for whom the try has to wait. A claim that is held already stays it.

        :param may_wait: whether it is to wait at all; if not, it goes on without a claim where somebody else has one
        :raises InfrastructureError: the claims could not be read or written
        """
        log = ClaimLog(self.workspace.store, key)
        while self._held is None:
            state = log.newest()
            if not state.is_free:
                sentence = self._obstacle(log, state.number, claim)
                if sentence is not None:
                    return sentence if may_wait and not self._has_given_up else None
            # Lost to somebody faster: look again, and wait for that one.
            self._held = HeldClaim.take(
                log,
                state.number + 1,
                claim,
                beat_seconds=self.settings.claim_beat_seconds,
                ttl_seconds=self.settings.claim_ttl_seconds,
            )
        return None

    def has_news(self, key: str, *, newest_seen: int) -> bool:
        """Whether a result may have been stored between the decision and the claim, by who had claimed the step before."""
        before = self._held is not None and self._held.number > 1
        return before and self.workspace.results.find_newer(key, after=newest_seen) is not None

    def leave(self) -> None:
        """Let the others go on: this try has ended, however."""
        if self._held is not None:
            self._held.release()

    def leave_to_next_try(self) -> None:
        """Let nobody go on yet: the step's job goes on, and the next try takes it up; if none does soon, the claim dies."""
        if self._held is not None:
            self._held.abandon()

    def _obstacle(self, log: ClaimLog, number: int, claim: ClaimRecord) -> str | None:
        """Return for whom the owner of claim ``number`` makes others wait, ``None`` if that one is to be succeeded."""
        end = self.waited.end if self.waited else None
        if end is not None and (end.why, end.claim) == ("expired", number) and log.beat_of(number) == end.beat:
            return None
        try:
            owner = log.owner(number)
        except ProtocolError:
            return _UNKNOWN
        # This very try, if an earlier process of it launched the job that was found again.
        is_over = owner.step_run_id in {claim.step_run_id, *self.ended} or has_died(owner)
        return None if is_over else owner.sentence

    @property
    def _has_given_up(self) -> bool:
        return self.seconds_left <= 0 or (self.waited is not None and self.waited.end.why == "gave-up")


def claim_of(run: StepRun) -> ClaimRecord:
    """Return what ``run`` tells those who wait for it."""
    return ClaimRecord(
        run_id=run.run_id,
        step_id=run.step.id,
        step_name=run.step.name,
        step_run_id=run.step_run_id,
        pipeline=run.pipeline,
        airflow=run.airflow,
        since=now_text(),
        **asdict(ProcessMark.of(os.getpid())),
    )


def take_up_wait(run: StepRun, *, came_back: bool) -> bool:
    """Let ``run`` go on as the try that waited, and return whether there is one; close those that waited for earlier tries, which nobody goes on with.

    :param came_back: whether the task comes back from waiting
    """
    runs = run.workspace.runs
    for item in runs.tries(run.run_id, run.step.id):
        if not item.waiting:
            continue
        if item.started.try_number < run.try_number:
            runs.end_try(item, "Canceled", "the task was cleared or marked by hand while this try waited for another run")
        elif came_back and runs.resume_step(item.folder):
            run.step_run_id, run.started_at = item.started.step_run_id, item.started.started_at
            return True
    return False
