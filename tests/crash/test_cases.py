"""Does a pipeline that is killed at any point end well when it is tried again, with nothing lost, torn or doubled?

A few cases; ``make crash`` plays two thousand. They are played in a process of their own, whose crash points can be armed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path


def test_killed_frozen_and_doubled_runs_end_with_the_bytes_of_a_clean_run(repository: Path) -> None:
    """R01 to R10, R12, R13, R14."""
    environment = {name: value for name, value in os.environ.items() if name != "AMLPIPE_CRASH_SEED"}
    command = [sys.executable, "-m", "tests.crash", "--runs", "60"]
    done = subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-8000:]
    summary = re.search(r"^60 runs in \d+ s, (\d+) crashes, 0 findings$", done.stdout, re.MULTILINE)
    assert summary is not None
    assert int(summary[1]) >= 40, "most cases have to crash"
