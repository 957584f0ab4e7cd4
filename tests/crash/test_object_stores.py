"""Does a run that is killed while its workspace is in an object store end well when it is tried again?"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.servers import azure_url, s3_url


@pytest.mark.parametrize("place", [s3_url, azure_url], ids=["s3", "azure"])
def test_killed_runs_in_an_object_store_end_with_the_bytes_of_a_clean_run(
    place: Callable[[], tuple[str, dict[str, str]]], repository: Path
) -> None:
    """R05 to R10, R20, R21."""
    url, login = place()
    command = [sys.executable, "-m", "tests.crash.objects", url, "--runs", "8"]
    done = subprocess.run(command, cwd=repository, env={**os.environ, **login}, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-8000:]
    summary = re.fullmatch(r"8 runs, (\d+) crashes, 0 findings", done.stdout.splitlines()[-1])
    assert summary is not None
    assert int(summary[1]) >= 4
