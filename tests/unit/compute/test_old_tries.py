"""Which private folders of tries are deleted, and which are left?"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from airflow_amlpipe.compute.folder import create_step_folder
from airflow_amlpipe.compute.old_tries import KEPT_SECONDS, sweep_old_tries
from airflow_amlpipe.runtime.protocol import ENV_JOB


def a_try(tries: Path, name: str, *, age_seconds: float) -> Path:
    folder = create_step_folder(tries / name)
    (folder.inputs / "half.bin").write_text("half staged")
    then = time.time() - age_seconds
    for path in (*folder.root.rglob("*"), folder.root):
        os.utime(path, (then, then))
    return folder.root


def test_a_folder_that_nobody_came_back_for_is_deleted_after_a_week(tmp_path: Path) -> None:
    """R03."""
    old = a_try(tmp_path, "old", age_seconds=KEPT_SECONDS + 60)
    young = a_try(tmp_path, "young", age_seconds=KEPT_SECONDS - 60)
    sweep_old_tries(tmp_path)
    assert (old.exists(), young.exists()) == (False, True)


@pytest.mark.parametrize("place", ["logs/stdout.txt", "outputs/model.bin", "inputs/more.bin", "tmp/x"])
def test_a_folder_in_which_something_happened_is_left(tmp_path: Path, place: str) -> None:
    busy = a_try(tmp_path, "busy", age_seconds=KEPT_SECONDS + 60)
    (busy / place).write_text("now")
    sweep_old_tries(tmp_path)
    assert busy.exists()


def test_a_folder_whose_job_still_runs_is_left_however_long_it_was_silent(tmp_path: Path) -> None:
    """R04."""
    silent = a_try(tmp_path, "silent", age_seconds=KEPT_SECONDS + 60)
    job = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env={**os.environ, ENV_JOB: "silent"})
    try:
        sweep_old_tries(tmp_path)
        assert silent.exists()
    finally:
        job.communicate(b"\n")


def test_it_looks_once_a_day(tmp_path: Path) -> None:
    sweep_old_tries(tmp_path)
    old = a_try(tmp_path, "old", age_seconds=KEPT_SECONDS + 60)
    sweep_old_tries(tmp_path)
    assert old.exists()


def test_what_an_input_leads_to_is_not_deleted(tmp_path: Path) -> None:
    """S34."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data/kept").write_text("data")
    old = a_try(tmp_path / "tries", "old", age_seconds=KEPT_SECONDS + 60)
    (old / "inputs/link").symlink_to(tmp_path / "data")
    os.utime(old / "inputs/link", (0, 0), follow_symlinks=False)
    os.utime(old / "inputs", (0, 0))
    sweep_old_tries(tmp_path / "tries")
    assert (tmp_path / "data/kept").read_text() == "data"
    assert not old.exists()
