"""Does a workspace keep its promise in whatever order things are done to it? A few sequences; ``make soak`` plays more."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def test_submissions_crashes_retries_registrations_pins_clearings_and_damage_in_any_order(repository: Path) -> None:
    """R08, R13, R28, R29, R31, R58, R60."""
    command = [sys.executable, "-m", "tests.crash.machine", "--examples", "12"]
    done = subprocess.run(command, cwd=repository, env=dict(os.environ), capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-8000:]
    assert done.stdout.splitlines()[-1] == "12 sequences of 12 steps, nothing found"
