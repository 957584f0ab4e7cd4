"""What is done to a store in one case, and what must hold afterwards?

A case is drawn from a number, so that it can be drawn again: a scenario (what was there before), where the process is killed or frozen, and how
often. Then the run is tried again as Airflow would, until it has ended well. Then nothing may be lost, torn or doubled: every output has
the bytes that the same history without a crash has, so have the fixed destinations, datasets have as many versions, the store keeps its
invariants, and a fresh identical run succeeds.
"""

from __future__ import annotations

import functools
import os
import random
import shutil
import signal
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from airflow_amlpipe.compute.processes import job_processes
from airflow_amlpipe.services.fsck import check_workspace
from airflow_amlpipe.services.settle import settle_run
from airflow_amlpipe.workspace.workspace import WorkspaceStore
from tests.crash.children import Child, End, Plan
from tests.crash.graph import (
    DATASTORE,
    FOREIGN,
    STEPS,
    Versions,
    carry_out_run,
    clear_away,
    open_workspace,
    output_files,
    submit_run,
    write_sources,
)
from tests.faults import Faults

__all__ = ["Case", "Findings", "draw_case", "play"]

_MOST_TRIES = 6
_BAD_TRIES = 4
_FROZEN_SECONDS = 20.0
_NOT_SEEN = "has not ended well in run"
_RUN = "01900000-0000-7000-8000-000000000001"
_FRESH = "01900000-0000-7000-8000-000000000002"
_EARLIER = "01900000-0000-7000-8000-00000000000e"
_FIXED = ("reports/latest", "models/current", "shared/scores")
_DAMAGES = ("delete a file", "alter a file", "delete an output", "add a file")


_FIRST = Versions()


@dataclass(frozen=True)
class Scenario:
    """What was there before, and what is asked for."""

    earlier: Versions | None = None
    versions: Versions = _FIRST
    policy: str = "auto"
    is_damaged: bool = False


_SCENARIOS = {
    "nothing was there": Scenario(),
    "all can be reused": Scenario(earlier=Versions()),
    "the first step can be reused": Scenario(earlier=Versions(), versions=Versions(train=2)),
    "other code wrote before": Scenario(earlier=Versions(prepare=2)),
    "outputs were damaged": Scenario(earlier=Versions(), is_damaged=True),
    "computed anew": Scenario(earlier=Versions(), policy="refresh"),
}


@dataclass(frozen=True)
class Case:
    """One history.

    :ivar way: ``kill`` the process and try again; ``freeze`` it, try again elsewhere, let it go on; ``redeliver`` as freeze, but under the
        same try number; ``race`` two runs at once of which one may be killed; ``submit`` a pipeline whose every step is reused, and kill that;
        ``clear`` away all that may go, while it is killed; ``faults`` a store that refuses, loses answers, is behind, cuts and is full, and perhaps a kill too
    """

    number: str
    scenario: str
    way: str
    plans: tuple[Plan, ...]
    in_process: bool
    damage: str = ""


@dataclass
class Findings:
    """What a case showed."""

    breaches: list[str] = field(default_factory=list)
    passed: Counter[str] = field(default_factory=Counter)
    crashed: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class _Seen:
    """Everything of a workspace that a user can see, the same for every history that differs by crashes only."""

    outputs: Mapping[str, Any]
    fixed: Mapping[str, Any]
    versions: Mapping[str, tuple[str, ...]]
    passed: Mapping[str, int]


def draw_case(number: str) -> Case:
    """Return the case of this number."""
    chance = random.Random(number)
    scenario = chance.choice(sorted(_SCENARIOS))
    way = chance.choices(("kill", "freeze", "redeliver", "race", "submit", "faults", "clear"), (57, 8, 6, 6, 7, 10, 6))[0]
    if way == "submit":
        return Case(number, "all can be reused", way, (_draw_plan(chance, _passed_by(submit_run)),), in_process=True)
    if way == "clear":
        return Case(number, "all can be reused", way, (_draw_plan(chance, _passed_by(clear_away)),), in_process=True)
    in_process = chance.random() < 0.96
    clean = _clean(scenario, in_process=in_process)
    plans = [_draw_plan(chance, clean.passed)]
    if way == "faults" and chance.random() < 0.5:
        plans = []
    if way == "kill":
        while len(plans) < 3 and chance.random() < 0.3:
            plans.append(_draw_plan(chance, clean.passed))
    number_of = signal.SIGSTOP if way in {"freeze", "redeliver"} else signal.SIGKILL
    planned = tuple(Plan(plan.point, plan.times, plan.after_seconds, number_of) for plan in plans)
    return Case(number, scenario, way, planned, in_process, chance.choice(_DAMAGES))


def _draw_plan(chance: random.Random, passed: Mapping[str, int]) -> Plan:
    if chance.random() < 0.15:
        return Plan(after_seconds=chance.uniform(0, 0.12))
    # Every point is as likely as every other, however often it is passed.
    point = chance.choice(sorted(passed))
    return Plan(point, chance.randint(1, passed[point]))


def play(case: Case, folder: Path) -> Findings:
    """Play ``case`` in the empty ``folder``."""
    findings = Findings()
    _prepare(case.scenario, folder, damage=case.damage)
    before = _fixed(folder)
    clean = _clean(case.scenario, in_process=case.in_process)
    player = _Player(case, folder, findings, allowed={name: (before[name], clean.fixed[name]) for name in _FIXED})
    {
        "kill": player.kill,
        "freeze": player.freeze,
        "redeliver": player.redeliver,
        "race": player.race,
        "submit": player.submit,
        "faults": player.faults,
        "clear": player.clear,
    }[case.way]()
    if not findings.breaches:
        player.check_end(clean)
    return findings


class _Player:
    def __init__(self, case: Case, folder: Path, findings: Findings, *, allowed: Mapping[str, tuple[Any, Any]]) -> None:
        self._case = case
        self._folder = folder
        self._findings = findings
        self._allowed = allowed
        self._children = 0

    def kill(self) -> None:
        plans = list(self._case.plans)
        for _ in range(len(plans) + _MOST_TRIES):
            plan = plans.pop(0) if plans else None
            end = self._watch(self._start(plan), plan)
            self._check_fixed()
            if end.word == "killed" and not _SCENARIOS[self._case.scenario].is_damaged:
                self._check_store()
            if end.word == "ended":
                return
        self._say(f"the run did not end well in {_MOST_TRIES} tries: {end.said}")

    def freeze(self, *, again: bool = False) -> None:
        (plan,) = self._case.plans
        first = self._start(plan)
        end = self._watch(first, plan)
        if end.word == "stopped":
            # One that is frozen while it stores what the job left still lives, and is waited for: the other goes on when it does.
            second = self._start(None, again=again)
            waking = threading.Timer(_FROZEN_SECONDS, os.kill, (first.pid, signal.SIGCONT))
            waking.start()
            self._watch(second, None)
            waking.cancel()
            self._check_fixed()
            self._judge(first.go_on())
            self._findings.passed.update(first.passed)
        self.kill_nothing()

    def redeliver(self) -> None:
        self.freeze(again=True)

    def race(self) -> None:
        (plan,) = self._case.plans
        first, second = self._start(plan), self._start(None, run_id=_EARLIER[:-1] + "f")
        self._watch(second, None)
        self._watch(first, plan)
        self.kill_nothing()

    def faults(self) -> None:
        plans = list(self._case.plans)
        for number in range(_BAD_TRIES):
            plan = plans.pop(0) if plans else None
            faults = Faults(random.Random(f"{self._case.number} {number}"), likely=(0.2, 0.05, 0.02)[number % 3])
            end = self._watch(self._start(plan, faults=faults), plan)
            self._check_fixed()
            if end.word == "ended":
                break
        # A result may be stored that nobody was told of; a damaged one never is.
        if not _SCENARIOS[self._case.scenario].is_damaged and (marks := list(self._folder.glob("ws/.amlpipe/v1/keys/*/*/bad/*.json"))):
            self._say(f"results were marked as bad that are good: {marks}")
        self.kill_nothing()

    def clear(self) -> None:
        (plan,) = self._case.plans
        for number, armed in enumerate((plan, None)):
            end = self._watch(Child(functools.partial(clear_away, self._folder), armed, self._folder / f"clear-{number}.txt"), armed)
            self._check_store()
        if end.word != "ended":
            self._say(f"clearing away after a clearing that was killed did not end well: {end.said}")
        self.kill_nothing()

    def submit(self) -> None:
        (plan,) = self._case.plans
        workspace = open_workspace(self._folder)
        for number, armed in enumerate((plan, None, None)):
            task = functools.partial(submit_run, self._folder)
            end = self._watch(Child(task, armed, self._folder / f"submit-{number}.txt"), armed)
            for run_id in workspace.runs.ids():
                settle_run(workspace, run_id, workspace.home)
        if end.word != "ended":
            self._say(f"a submission after one that was killed did not end well: {end.said}")
        states = [workspace.runs.status(record.run_id) for record in workspace.runs.list() if record.run_id != _EARLIER]
        if not set(states) <= {"Finished", "Failed"} or states[0] != "Finished":
            self._say(f"the runs that were submitted are {states}")
        self.kill_nothing()

    def kill_nothing(self) -> None:
        """Try again until the run has ended well."""
        for _ in range(_MOST_TRIES):
            end = self._watch(self._start(None), None)
            if end.word == "ended":
                return
        self._say(f"the run did not end well in {_MOST_TRIES} tries: {end.said}")

    def check_end(self, clean: _Seen) -> None:
        workspace = open_workspace(self._folder)
        self._compare("after the run", clean, _seen(self._folder, _RUN, Counter()))
        end = self._watch(self._start(None, run_id=_FRESH, policy="auto"), None)
        if end.word != "ended":
            self._say(f"a fresh identical run did not end well: {end.said}")
            return
        self._compare("after a fresh run", clean, _seen(self._folder, _FRESH, Counter()))
        self._check_store()
        if self._case.in_process:
            return
        for run_id in workspace.runs.ids():
            for tries in workspace.runs.steps(run_id).values():
                for item in tries:
                    if running := job_processes(0, "0", item.started.step_run_id):
                        self._say(f"processes {running} of try {item.folder} still run")

    def _compare(self, when: str, clean: _Seen, seen: _Seen) -> None:
        if seen.outputs != clean.outputs:
            self._say(f"{when}: the outputs are {seen.outputs!r:.2000}, a clean run's are {clean.outputs!r:.2000}")
        if seen.fixed != clean.fixed:
            self._say(f"{when}: at the fixed destinations lies {seen.fixed!r:.2000}, after a clean run {clean.fixed!r:.2000}")
        # Two that ran at once may have stored two results of the same bytes, and each registered its own.
        exact = self._case.way == "kill"
        for name, versions in clean.versions.items():
            found = seen.versions.get(name, ())
            if (found != versions) if exact else (set(found) != set(versions) or len(found) > len(versions) + 2):
                self._say(f"{when}: dataset {name} has the versions {found}, after clean runs {versions}")

    def _check_store(self) -> None:
        found = check_workspace(open_workspace(self._folder), depth="full")
        for item in (*found.breaches, *found.troubles):
            self._say(f"fsck: {item.check.invariant} {item.check.name} {item.where}: {item.problem}")

    def _check_fixed(self) -> None:
        """Nothing half at a fixed destination, at any time: the old content or the new; where it is laid over, file by file."""
        for name, present in _fixed(self._folder).items():
            old, new = self._allowed[name]
            if name == "shared/scores":
                is_whole = all(present[path] in {old.get(path), new.get(path)} for path in present) and set(present) >= set(old)
            else:
                is_whole = present in (old, new)
            if not is_whole:
                self._say(f"at {name} lies {present!r:.1000}, which is neither the old content {old!r:.500} nor the new {new!r:.500}")

    def _start(
        self, plan: Plan | None, *, run_id: str = _RUN, policy: str | None = None, again: bool = False, faults: Faults | None = None
    ) -> Child:
        case, folder = self._case, self._folder
        self._children += 1
        options: dict[str, Any] = {"policy": policy or _SCENARIOS[case.scenario].policy, "in_process": case.in_process, "again": again}
        options["faults"] = faults
        return Child(functools.partial(carry_out_run, folder, run_id, **options), plan, folder / f"child-{self._children}.txt")

    def _watch(self, child: Child, plan: Plan | None) -> End:
        end = child.watch()
        if end.word != "stopped":
            self._findings.passed.update(child.passed)
        if end.word in {"killed", "stopped"} and plan is not None:
            self._findings.crashed.update([plan.point or "at some time"])
        self._judge(end)
        return end

    def _judge(self, end: End) -> None:
        if self._case.way == "faults" and end.word == "refused" and _NOT_SEEN in end.said:
            return  # a listing that was behind: refused in words, and nothing is guessed
        if end.word in {"broken", "refused"}:
            self._say(f"a task ended with an error that is none of a store in trouble: {end.said}")

    def _say(self, breach: str) -> None:
        self._findings.breaches.append(breach)


def _prepare(scenario: str, folder: Path, *, damage: str = "") -> None:
    asked = _SCENARIOS[scenario]
    shared = folder / "ws" / DATASTORE / "shared" / "scores"
    shared.mkdir(parents=True)
    for name, body in FOREIGN.items():
        (shared / name).write_bytes(body)
    if asked.earlier is not None:
        shutil.copytree(_earlier(asked.earlier), folder, dirs_exist_ok=True, symlinks=True)
        if asked.is_damaged and damage:
            _damage(open_workspace(folder), damage)
    write_sources(folder, asked.versions)


@functools.cache
def _earlier(versions: Versions) -> Path:
    """Return a folder in which one run has ended well, to be copied."""
    folder = Path(tempfile.mkdtemp(prefix="amlpipe-earlier-"))
    _prepare("nothing was there", folder)
    write_sources(folder, versions)
    end = Child(functools.partial(carry_out_run, folder, _EARLIER), None, folder / "earlier.txt").watch()
    if end.word != "ended":
        raise AssertionError(end.said)
    return folder


def _damage(workspace: WorkspaceStore, damage: str) -> None:
    store = workspace.datastores.open(DATASTORE)
    for step in STEPS[:2]:
        finished = workspace.runs.output_of(_EARLIER, step.id)
        if finished is None:
            raise AssertionError(step.id)
        name = "data" if step.id == "prepare" else "model"
        path = finished.outputs[name].path
        if damage == "alter a file":
            store.put(f"{path}/first.txt", b"F" * len(store.read(f"{path}/first.txt")))
        elif damage == "add a file":
            store.put(f"{path}/unknown.txt", b"")
        else:
            store.remove_tree(path if damage == "delete an output" else f"{path}/first.txt")


@functools.cache
def _clean(scenario: str, *, in_process: bool) -> _Seen:
    """What the same history without a crash leaves, and which points it passes."""
    folder = Path(tempfile.mkdtemp(prefix="amlpipe-clean-"))
    try:
        _prepare(scenario, folder, damage=_DAMAGES[0])
        options: dict[str, Any] = {"policy": _SCENARIOS[scenario].policy, "in_process": in_process}
        child = Child(functools.partial(carry_out_run, folder, _RUN, **options), None, folder / "clean.txt")
        end = child.watch()
        if end.word != "ended":
            raise AssertionError(end.said)
        return _seen(folder, _RUN, child.passed)
    finally:
        shutil.rmtree(folder)


@functools.cache
def _passed_by(task: Callable[[Path], object]) -> dict[str, int]:
    """The points that ``task`` passes where a run has ended well before."""
    folder = Path(tempfile.mkdtemp(prefix="amlpipe-clean-"))
    try:
        _prepare("all can be reused", folder)
        child = Child(functools.partial(task, folder), None, folder / "clean.txt")
        end = child.watch()
        if end.word != "ended":
            raise AssertionError(end.said)
        return child.passed
    finally:
        shutil.rmtree(folder)


def _seen(folder: Path, run_id: str, passed: Mapping[str, int]) -> _Seen:
    workspace = open_workspace(folder)
    outputs: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(dir=folder) as target:
        for step in STEPS:
            finished = workspace.runs.output_of(run_id, step.id)
            outputs[step.id] = None if finished is None else output_files(workspace, finished, Path(target) / step.id)
    versions = {
        name: tuple(str(workspace.datasets.get(name, version).digest) for version in workspace.datasets.versions(name))
        for name in workspace.datasets.names()
    }
    return _Seen(outputs, _fixed(folder), versions, dict(passed))


def _fixed(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in _FIXED:
        place = folder / "ws" / DATASTORE / name
        if place.is_dir():
            found[name] = {
                path.relative_to(place).as_posix(): path.read_bytes()
                for path in place.rglob("*")
                if path.is_file() and not path.name.startswith(".amlpipe-tmp-")
            }
        else:
            found[name] = place.read_bytes() if place.exists() else None
    return found
