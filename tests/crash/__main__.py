"""How are many crashes tried, and where are they seen?

``python -m tests.crash --runs 2000`` plays that many cases on all processors and ends with 1 if one of them found something. Each case has a
number; ``AMLPIPE_CRASH_SEED=<number>`` plays that one again, and keeps what it left.
"""

from __future__ import annotations

import argparse
import gc
import os
import secrets
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing import get_context
from pathlib import Path

# Before the first import of ours: afterwards no point can be armed.
os.environ["AMLPIPE_TEST_CRASH"] = "ask"

from airflow_amlpipe.services.fsck import check_workspace
from tests.crash.cases import Findings, draw_case, play
from tests.crash.graph import Versions, carry_out_run, clear_away, open_workspace, submit_run, write_sources
from tests.crash.points import ELSEWHERE, POINTS

_SHOWN_EVERY_SECONDS = 15.0
_MOST_FINDINGS = 10


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description="Kill a pipeline at random points, and look at its store.")
    parser.add_argument("--runs", type=int, default=2000, help="how many cases; 0: until --minutes are over")
    parser.add_argument("--minutes", type=float, default=0.0, help="stop after this time")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    number = os.environ.get("AMLPIPE_CRASH_SEED")
    # What a killed process leaves in its folder for temporary files goes with this one.
    with tempfile.TemporaryDirectory(prefix="amlpipe-crash-", dir=_fast_folder()) as folder:
        tempfile.tempdir = folder
        return _again(number) if number else _many(arguments.runs, arguments.minutes, arguments.workers)


def _many(runs: int, minutes: float, workers: int) -> int:
    seed = secrets.token_hex(4)
    began = shown = time.monotonic()
    deadline = began + minutes * 60 if minutes else float("inf")
    passed, crashed = Counter[str](), Counter[str]()
    done, started = 0, 0
    found: list[str] = []
    print(f"crash harness: seed {seed}, {runs or 'as many as there is time for'} runs, {workers} workers", flush=True)
    with ProcessPoolExecutor(workers, mp_context=get_context("fork"), initializer=_warm) as pool:
        waiting: set[Future[tuple[str, Findings]]] = set()
        while waiting or started == 0:
            while (
                len(waiting) < 4 * workers and (started < runs or not runs) and time.monotonic() < deadline and len(found) < _MOST_FINDINGS
            ):
                waiting.add(pool.submit(_one, f"{seed}-{started}"))
                started += 1
            ended, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in ended:
                number, findings = future.result()
                done += 1
                passed += findings.passed
                crashed += findings.crashed
                for breach in findings.breaches:
                    found.append(number)
                    print(f"AMLPIPE_CRASH_SEED={number}: {draw_case(number)}\n  {breach}", flush=True)
            if time.monotonic() - shown > _SHOWN_EVERY_SECONDS:
                shown = time.monotonic()
                print(f"{done} runs in {shown - began:.0f} s, {crashed.total()} crashes, {len(found)} findings", flush=True)
    for name in (*POINTS, "at some time"):
        print(f"  {name:28} passed {passed[name]:8} times, crashed there {crashed[name]:5} times")
    unreached = [name for name in POINTS if not crashed[name] and name not in ELSEWHERE]
    if unreached and done >= 2000:
        print(f"no crash at: {', '.join(unreached)}")
        found += unreached
    print(f"{done} runs in {time.monotonic() - began:.0f} s, {crashed.total()} crashes, {len(found)} findings")
    return 1 if found else 0


def _warm() -> None:
    # What a task imports only when it needs it is imported once, not in every child.
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        write_sources(base, Versions())
        carry_out_run(base, "01900000-0000-7000-8000-000000000000")
        submit_run(base)
        check_workspace(open_workspace(base), depth="full")
        clear_away(base)
    # What is there now is shared with every child, and not looked through again.
    gc.collect()
    gc.freeze()


def _one(number: str) -> tuple[str, Findings]:
    folder = Path(tempfile.mkdtemp())
    try:
        return number, play(draw_case(number), folder)
    except Exception:  # noqa: BLE001  # looking at what was left failed, and so did the case
        return number, Findings([traceback.format_exc()])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _again(number: str) -> int:
    case = draw_case(number)
    folder = Path(tempfile.mkdtemp(prefix="amlpipe-kept-", dir=_fast_folder()))
    findings = play(case, folder)
    print(f"{case}\nkept in {folder}\ncrashed at {dict(findings.crashed)}")
    for breach in findings.breaches:
        print(breach)
    return 1 if findings.breaches else 0


def _fast_folder() -> Path:
    """Return where cases are played: in memory where there is room. A killed process leaves the same there as on a disk."""
    memory = Path("/dev/shm")
    if memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 256 * 1024 * 1024:
        return memory
    return Path(tempfile.gettempdir())


if __name__ == "__main__":
    sys.exit(main())
