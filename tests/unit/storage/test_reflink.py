"""Does a copy share its blocks with the original where the file system can, and nothing else?"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_amlpipe.storage import transfer
from airflow_amlpipe.storage.local import LocalStore

# Less than two files' worth of room: a copy that shares nothing does not fit.
IMAGE_MB = 400
FILE_MB = 220
MAKERS = {"xfs": ("mkfs.xfs", "-q", "-m", "reflink=1"), "btrfs": ("mkfs.btrfs", "-q")}


@pytest.fixture(params=MAKERS)
def disk(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A small disk of a file system that can share blocks."""
    program, *options = MAKERS[request.param]
    # Where the shell of a user without rights does not look.
    found = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if os.getuid() or found is None:
        pytest.skip(f"needs root, to mount a disk, and {program}")
    monkeypatch.setattr(transfer, "_CANNOT_CLONE", set())
    image, place = tmp_path / "image", tmp_path / "disk"
    place.mkdir()
    with image.open("wb") as file:
        file.truncate(IMAGE_MB << 20)
    subprocess.run([found, *options, str(image)], check=True, capture_output=True)
    mounted = subprocess.run(["mount", "-o", "loop", str(image), str(place)], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"this machine cannot mount {request.param}: {mounted.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_a_fetched_copy_shares_its_blocks_until_one_side_writes_and_is_no_second_name(disk: Path) -> None:
    """R55."""
    (disk / "lake").mkdir()
    original = disk / "lake/large"
    with original.open("wb") as file:
        for _ in range(FILE_MB):
            file.write(os.urandom(1 << 20))
    store = LocalStore(disk / "lake")
    identity = store.identify("large")
    copy = disk / "copy"
    store.fetch("large", copy, identity.manifest())
    assert (original.stat().st_nlink, copy.stat().st_nlink) == (1, 1)
    assert original.stat().st_ino != copy.stat().st_ino
    assert shutil.disk_usage(disk).used < 2 * FILE_MB << 20
    with copy.open("r+b") as file:
        file.write(b"overwritten")
    assert store.identify("large") == identity
