"""Does a clearing-up ever take what is needed, whatever has happened before?

A model beside the workspace remembers, of every output that was ever written, who needs it; the workspace is what is true.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from airflow_amlpipe.services.clearing import RetentionPolicy, apply_plan, plan_clearing
from airflow_amlpipe.spec.data import OutputSpec, RegistrationSpec
from airflow_amlpipe.workspace.ids import now_text
from airflow_amlpipe.workspace.pins import PinRecord
from airflow_amlpipe.workspace.records import StepFinished
from airflow_amlpipe.workspace.workspace import WorkspaceStore
from tests.builders import OUT, a_pipeline, a_step, reading
from tests.invariants import assert_store_ok
from tests.pretend import pretend_run, write_source

STORE = "workspaceblobstore"
STEPS = ("prepare", "train")
REGISTERED = (OutputSpec(name="out", datastore=STORE, register_as=RegistrationSpec(name="model")),)

ACTIONS = st.one_of(
    st.tuples(st.just("run"), st.integers(0, 2), st.sampled_from(["a", "b"])),
    st.tuples(st.just("refresh"), st.integers(0, 2), st.sampled_from(["a", "b"])),
    st.tuples(st.just("register"), st.integers(0, 1), st.just("a")),
    st.tuples(st.just("pin"), st.integers(0, 9), st.sampled_from(["run", "step"])),
    st.tuples(st.just("unpin"), st.integers(0, 9), st.just("")),
    st.tuples(st.just("clear"), st.integers(0, 3), st.just("")),
    st.tuples(st.just("limit"), st.integers(0, 40), st.just("")),
)


@dataclass
class World:
    """The workspace, and what the model knows: of each run, the places of its steps' outputs; who is pinned; what is registered."""

    base: Path
    workspace: WorkspaceStore
    runs: dict[str, dict[str, str]] = field(default_factory=dict)
    experiments: dict[str, str] = field(default_factory=dict)
    pinned: dict[str, set[str]] = field(default_factory=dict)
    registered: set[str] = field(default_factory=set)

    def run(self, variant: int, experiment: str, policy: str = "auto", outputs: tuple[OutputSpec, ...] = OUT) -> None:
        first = a_step("prepare", outputs=OUT, version=str(variant))
        second = a_step("train", inputs=reading("prepare"), outputs=outputs, version=str(variant))
        run_id = pretend_run(self.workspace, a_pipeline(first, second), self.base, experiment=experiment, policy=policy)
        self.runs[run_id] = {step: self.finished(run_id, step).outputs["out"].path for step in STEPS}
        self.experiments[run_id] = experiment
        if outputs is REGISTERED:
            self.registered.add(self.runs[run_id]["train"])

    def finished(self, run_id: str, step: str) -> StepFinished:
        found = self.workspace.runs.output_of(run_id, step)
        assert found is not None
        return found

    def pin(self, number: int, kind: str) -> None:
        known = sorted(set(self.runs) & set(self.workspace.runs.ids()))
        if known:
            run_id = known[number % len(known)]
            target = run_id if kind == "run" else f"{run_id}/train"
            pin = PinRecord(kind=kind, target=target, pinned_at=now_text())  # type: ignore[arg-type]
            self.workspace.pins.register(pin.name, pin)
            self.pinned[pin.name] = set(self.runs[run_id].values()) if kind == "run" else {self.runs[run_id]["train"]}

    def unpin(self, number: int) -> None:
        if self.pinned:
            name = sorted(self.pinned)[number % len(self.pinned)]
            self.workspace.pins.remove(name)
            del self.pinned[name]

    def there(self) -> set[str]:
        store = self.workspace.datastores.open(STORE)
        return {path for places in self.runs.values() for path in places.values() if store.exists(path)}

    def protected(self) -> set[str]:
        return set(self.registered).union(*self.pinned.values())

    def newest(self, keep_last: int) -> set[str]:
        """The outputs of the runs that the rule keeps: the newest of each experiment, of those that there are."""
        kept: set[str] = set()
        for experiment in ("a", "b"):
            runs = [run_id for run_id in self.workspace.runs.ids() if self.experiments.get(run_id) == experiment]
            kept |= {path for run_id in sorted(runs, reverse=True)[:keep_last] for path in self.runs[run_id].values()}
        return kept

    def clear(self, policy: RetentionPolicy, must_stay: set[str]) -> None:
        before = self.there()
        now = datetime.now(UTC) + timedelta(days=8)
        plan = plan_clearing(self.workspace, policy, now=now)
        swept = apply_plan(self.workspace, plan, now=now)
        assert (swept.done, swept.left) == (list(plan.items), [])
        gone = before - self.there()
        assert gone == {item.path for item in plan.items if item.kind == "output"}
        assert gone & must_stay == set()
        assert_store_ok(self.workspace)
        self._nothing_dangles()

    def _nothing_dangles(self) -> None:
        for run_id in self.workspace.runs.ids():
            record = self.workspace.runs.get(run_id)
            assert record.spec is not None
            assert self.workspace.get_spec(record.spec).steps
        for version in self.workspace.datasets.versions("model"):
            for path in self.workspace.datasets.get("model", version).paths:
                assert self.workspace.datastores.open(path.datastore).exists(path.path)


def do(world: World, name: str, number: int, word: str) -> None:
    verbs: dict[str, Callable[[], None]] = {
        "run": lambda: world.run(number, word),
        "refresh": lambda: world.run(number, word, policy="refresh"),
        "register": lambda: world.run(number, word, outputs=REGISTERED),
        "pin": lambda: world.pin(number, word),
        "unpin": lambda: world.unpin(number),
        "clear": lambda: world.clear(RetentionPolicy(keep_last=number), world.protected() | world.newest(number)),
        "limit": lambda: world.clear(RetentionPolicy(max_bytes={STORE: number}), world.protected()),
    }
    verbs[name]()


@settings(max_examples=25)
@example([("register", 0, "a"), ("clear", 0, "")])
@example([("register", 0, "a"), ("run", 1, "b"), ("limit", 0, "")])
@example([("run", 0, "a"), ("pin", 0, "step"), ("limit", 0, ""), ("unpin", 0, ""), ("clear", 0, "")])
@example([("run", 0, "a"), ("run", 0, "b"), ("run", 1, "a"), ("clear", 1, "")])
@given(st.lists(ACTIONS, min_size=3, max_size=12))
def test_what_is_needed_is_never_cleared_away(actions: list[tuple[str, int, str]]) -> None:
    """R58."""
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        write_source(base)
        world = World(base, WorkspaceStore.open(str(base / "ws"), home=base / "home"))
        for name, number, word in actions:
            do(world, name, number, word)
        # Nothing that was needed came back as something else: a fresh run is right, by reuse or by computing.
        world.run(0, "a")
        for step in STEPS:
            place = world.workspace.datastores.open(STORE).local_path(world.runs[max(world.runs)][step])
            assert place is not None
            assert (place / "data.txt").read_bytes() == f"{step} out".encode()
        assert_store_ok(world.workspace)
