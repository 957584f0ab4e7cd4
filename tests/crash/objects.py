"""What becomes of a run that is killed while its workspace is in an object store?

``python -m tests.crash.objects URL --runs 10``: as the cases of a local folder, but fewer, since every request takes its time. Whatever
touches the store is a process of its own: a client that has been used cannot be forked.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import random
import sys
import tempfile
from pathlib import Path

# Before the first import of ours: afterwards no point can be armed.
os.environ["AMLPIPE_TEST_CRASH"] = "ask"

from airflow_amlpipe.services.fsck import check_workspace
from tests.crash.children import Child, End, Plan
from tests.crash.graph import STEPS, Versions, carry_out_run, open_workspace, output_files, write_sources
from tests.faults import Faults

_RUN = "01900000-0000-7000-8000-000000000001"
_FRESH = "01900000-0000-7000-8000-000000000002"
_MOST_TRIES = 8


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.crash.objects")
    parser.add_argument("url")
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--seed", default="objects")
    arguments = parser.parse_args()
    found: list[str] = []
    crashes = 0
    with tempfile.TemporaryDirectory() as folder:
        tempfile.tempdir = folder
        clean, points = _clean(Path(folder) / "clean")
        for number in range(arguments.runs):
            base = Path(folder) / str(number)
            base.mkdir()
            (base / "url").write_text(f"{arguments.url.rstrip('/')}/{number}")
            chance = random.Random(f"{arguments.seed} {number}")
            point = chance.choice(sorted(points))
            plan = Plan(point, chance.randint(1, points[point]))
            faults = Faults(chance, likely=chance.choice((0.0, 0.03)))
            breaches, has_crashed = _play(base, plan, faults, clean)
            crashes += has_crashed
            found += [f"{number} {plan}: {breach}" for breach in breaches]
    print("\n".join(found))
    print(f"{arguments.runs} runs, {crashes} crashes, {len(found)} findings")
    return 1 if found else 0


def _clean(base: Path) -> tuple[str, dict[str, int]]:
    """What the steps write, and the points that they pass, in a folder of this machine; those of the object store are a part of them."""
    base.mkdir()
    write_sources(base, Versions())
    child = Child(functools.partial(carry_out_run, base, _RUN), None, base / "said.txt")
    end = child.watch()
    assert end.word == "ended", end.said
    _look(base, _RUN)
    only_local = ("object-", "data-", "replacement-", "overlay-", "copy-")
    return (base / f"{_RUN}.json").read_text(), {name: count for name, count in child.passed.items() if not name.startswith(only_local)}


def _play(base: Path, plan: Plan, faults: Faults, clean: str) -> tuple[list[str], bool]:
    _child(base, functools.partial(write_sources, base, Versions()), None)
    first = _child(base, functools.partial(carry_out_run, base, _RUN, faults=faults), plan)
    for run_id in (_RUN, _FRESH):
        for _ in range(_MOST_TRIES):
            end = _child(base, functools.partial(carry_out_run, base, run_id), None)
            if end.word == "ended":
                break
        else:
            return [f"run {run_id} did not end well: {end.said}"], first.word == "killed"
        look = _child(base, functools.partial(_look, base, run_id), None)
        if look.word != "ended":
            return [look.said], first.word == "killed"
        if (base / f"{run_id}.json").read_text() != clean:
            return [f"the outputs of run {run_id} are not those of a clean run"], first.word == "killed"
    broken = [f"it ended with an error that is none of a store in trouble: {first.said}"] if first.word in {"broken", "refused"} else []
    return broken, first.word == "killed"


def _child(base: Path, task: functools.partial[object], plan: Plan | None) -> End:
    report = base / "said.txt"
    report.unlink(missing_ok=True)
    return Child(task, plan, report).watch()


def _look(base: Path, run_id: str) -> None:
    """Write down every byte of a run's outputs, and fail where the store breaks its promise."""
    workspace = open_workspace(base)
    seen = {}
    for step in STEPS:
        finished = workspace.runs.output_of(run_id, step.id)
        assert finished is not None, f"step {step.id} has not ended well"
        files = output_files(workspace, finished, base / "seen" / run_id / step.id)
        # Empty folders are in a listing, and no object.
        seen[step.id] = {name: {path: body.hex() for path, body in found.items() if path != "empty"} for name, found in files.items()}
    found = check_workspace(workspace, depth="full")
    assert not (*found.breaches, *found.troubles), (*found.breaches, *found.troubles)
    (base / f"{run_id}.json").write_text(json.dumps(seen, sort_keys=True))


if __name__ == "__main__":
    sys.exit(main())
