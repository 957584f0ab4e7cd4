"""However claims are taken, kept alive, released and lost: is there ever more than one owner that nobody can tell apart?"""

from __future__ import annotations

import uuid

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from airflow_amlpipe.workspace.claims import ClaimLog, ClaimWatch
from tests.contract.claims_contract import KEY, claim_of
from tests.fakes import MemoryStore

ACTORS = range(4)
TTL = 10.0


class Claims(RuleBasedStateMachine):
    """Actors whose clocks run on their own, of which any may be frozen for any time, or die.

    :ivar owned: the claim that each actor believes to hold
    :ivar moves: when each claim's counter moved last, on every actor's clock
    """

    @initialize()
    def begin(self) -> None:
        self.log = ClaimLog(MemoryStore(uuid.uuid4().hex), KEY)
        self.clocks = dict.fromkeys(ACTORS, 0.0)
        self.watches: dict[int, ClaimWatch] = {}
        self.owned: dict[int, int] = {}
        self.beats: dict[int, int] = {}
        self.takers: dict[int, list[int]] = {}
        self.moves: dict[int, dict[int, float]] = {}

    @rule(actor=st.sampled_from(ACTORS))
    def come(self, actor: int) -> None:
        """Take the next number if the newest claim is free; else begin to wait."""
        if actor in self.owned:
            return
        state = self.log.newest()
        if state.is_free:
            self._take(actor, state.number + 1)
        elif actor not in self.watches:
            self.watches[actor] = ClaimWatch(
                self.log, has_result=lambda: False, ttl_seconds=TTL, clock=lambda actor=actor: self.clocks[actor]
            )

    @precondition(lambda self: self.watches)
    @rule(data=st.data())
    def look(self, data: st.DataObject) -> None:
        """A waiter looks, and takes over what it takes for dead."""
        actor = data.draw(st.sampled_from(sorted(self.watches)))
        end = self.watches[actor].look()
        if end is None:
            return
        del self.watches[actor]
        if end.why == "expired":
            # Nobody is taken for dead who moved within the time to live, by the clock of the one who judges.
            assert self.clocks[actor] - self.moves[end.claim][actor] >= TTL
        if data.draw(st.booleans()):  # else it comes too late, or dies before it takes the claim
            self._take(actor, end.claim + 1)

    @precondition(lambda self: self.owned)
    @rule(data=st.data())
    def beat(self, data: st.DataObject) -> None:
        actor = data.draw(st.sampled_from(sorted(self.owned)))
        number = self.owned[actor]
        self.beats[number] += 1
        self.log.beat(number, self.beats[number])
        self.moves[number] = dict(self.clocks)

    @precondition(lambda self: self.owned)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        self.log.release(self.owned.pop(data.draw(st.sampled_from(sorted(self.owned)))))

    @precondition(lambda self: self.owned)
    @rule(data=st.data())
    def die(self, data: st.DataObject) -> None:
        del self.owned[data.draw(st.sampled_from(sorted(self.owned)))]

    @rule(actor=st.sampled_from(ACTORS), seconds=st.floats(0.1, 3 * TTL))
    def pass_time(self, actor: int, seconds: float) -> None:
        self.clocks[actor] += seconds

    @invariant()
    def every_number_has_one_owner(self) -> None:
        if hasattr(self, "takers"):
            assert all(len(takers) == 1 for takers in self.takers.values())
            assert sorted(self.takers) == list(range(1, len(self.takers) + 1))

    @invariant()
    def whoever_believes_to_own_can_be_told_from_the_newest_owner(self) -> None:
        if hasattr(self, "owned"):
            numbers = list(self.owned.values())
            assert len(set(numbers)) == len(numbers)
            assert all(number <= self.log.newest().number for number in numbers)

    def _take(self, actor: int, number: int) -> None:
        if self.log.take(number, claim_of(f"run-{actor}")):
            self.takers.setdefault(number, []).append(actor)
            self.owned[actor] = number
            self.beats[number] = 0
            self.moves[number] = dict(self.clocks)


TestClaims = Claims.TestCase
TestClaims.settings = settings(max_examples=30, stateful_step_count=40)
