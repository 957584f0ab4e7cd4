"""What becomes of a run whose disk is full, really full, at whatever byte that happens?

A file system of a few hundred kilobytes in memory, with less and less room on it. The process that writes is a run of the crash harness.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source_tree import REPOSITORY

_WORK = """\
import sys
from pathlib import Path
from airflow_amlpipe.exceptions import AmlPipeError
from airflow_amlpipe.services.fsck import check_workspace
from tests.crash.graph import Versions, carry_out_run, open_workspace, output_files, write_sources

base, run_id = Path(sys.argv[1]), "01900000-0000-7000-8000-000000000001"
write_sources(base, Versions())
ballast = base / "ws" / "ballast"
ballast.parent.mkdir(exist_ok=True)
said = []
free_blocks = [int(text) for text in sys.argv[2].split(",")]
for blocks in free_blocks:
    # As full as can be, but for some blocks.
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            pass
        file.truncate(max(0, file.tell() - blocks * 4096))
    try:
        carry_out_run(base, run_id)
    except AmlPipeError as error:
        said.append(f"{type(error).__name__}: {error}")
    ballast.unlink()
    found = check_workspace(open_workspace(base), depth="full")
    assert not found.breaches, found.breaches
for error in said:
    print(error)
print(f"stopped {len(said)} times")
finished = carry_out_run(base, run_id) or {}
workspace = open_workspace(base)
for step_id in ("prepare", "train", "score"):
    kept = workspace.runs.output_of(run_id, step_id)
    print(step_id, sorted(output_files(workspace, kept, base / "seen" / step_id)))
found = check_workspace(workspace, depth="full")
assert not found.breaches, found.breaches
torn = [path for path in (base / "ws" / ".amlpipe").rglob("*.json") if not path.read_text().rstrip().endswith("}")]
assert not torn, torn
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "ws"
    place.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "amlpipe-test", str(place)], capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"no small file system can be mounted here: {mounted.stderr.strip()}")
    yield tmp_path
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_is_named_tears_nothing_and_is_over_when_there_is_room(small_disk: Path) -> None:
    """R24."""
    room = "0,1,2,3,5,8,12,18,26"
    done = subprocess.run([sys.executable, "-c", _WORK, str(small_disk), room], cwd=REPOSITORY, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    *errors, count, prepare, train, score = done.stdout.splitlines()
    assert int(count.split()[1]) >= 3
    assert [prepare, train, score] == ["prepare ['chosen', 'data', 'report']", "train ['model']", "score ['scores']"]
    assert errors
    for error in errors:
        assert error.startswith(("DatastoreUnavailableError: ", "CommitUnknownError: "))
        assert "No space left on device" in error
        assert "free some space there and run again" in error or "nothing was deleted" in error
