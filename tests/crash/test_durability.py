"""Is what was committed on the disk when somebody is told so? Asked of the system calls themselves, which no code of ours can pretend.

R32.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from airflow_amlpipe.fingerprint.scan import UNFINISHED
from tests.architecture.source_tree import REPOSITORY

_CALL = re.compile(r"^(?:\[pid +\d+\] |\d+ +)?(\w+)\((.*)\) += (-?\d+)")
_WORK = """\
import sys
from pathlib import Path
from tests.crash.graph import Versions, carry_out_run, write_sources
base = Path(sys.argv[1])
write_sources(base, Versions())
carry_out_run(base, "01900000-0000-7000-8000-000000000001")
"""


@dataclass(frozen=True)
class Call:
    """A system call: its name, and the paths it was about."""

    name: str
    paths: tuple[str, ...]


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> list[Call]:
    """What the steps of a run asked of the system, thread by thread, each in order, with descriptors shown as paths."""
    strace = shutil.which("strace")
    if strace is None:
        return _left_out("strace is not installed")
    folder = tmp_path_factory.mktemp("traced")
    calls = folder / "calls.txt"
    # One file a thread: in one for all, a call that another thread interrupts is written in two halves.
    command = [strace, "-ff", "-y", "-s", "4096", "-e", "trace=link,linkat,rename,renameat,renameat2,fsync,fdatasync", "-o", str(calls)]
    done = subprocess.run([*command, sys.executable, "-c", _WORK, str(folder)], cwd=REPOSITORY, capture_output=True, text=True, timeout=300)
    if "ptrace" in done.stderr:
        return _left_out(f"strace may not trace here: {done.stderr[-300:]}")
    assert done.returncode == 0, done.stderr[-3000:]
    found = [match for match in map(_CALL.match, _lines(calls)) if match and match[3] == "0"]
    return [Call(match[1], tuple(_paths(match[2]))) for match in found]


def _lines(calls: Path) -> list[str]:
    return [line for file in sorted(calls.parent.glob(f"{calls.name}.*")) for line in file.read_text().splitlines()]


def _paths(arguments: str) -> list[str]:
    return [path for pair in re.findall(r"\d+<(/[^>]*)>|\"(/[^\"]*)\"", arguments) for path in pair if path]


def _left_out(why: str) -> list[Call]:
    if os.environ.get("CI"):
        pytest.fail(f"in continuous integration nothing is left out: {why}")
    pytest.skip(why)


@pytest.mark.parametrize("kind", ["keys/", "manifests/", "snapshots/", "datasets/", "destinations/"])
def test_a_file_is_on_disk_before_its_name_and_the_name_before_the_next_step(traced: list[Call], kind: str) -> None:
    """R32."""
    named = [
        index
        for index, call in enumerate(traced)
        if call.name in {"link", "linkat", "rename", "renameat", "renameat2"} and f"/.amlpipe/v1/{kind}" in call.paths[-1]
    ]
    if kind == "keys/":
        named = [index for index in named if "/results/" in traced[index].paths[-1]]
    assert named
    for index in named:
        source, target = traced[index].paths[0], traced[index].paths[-1]
        assert Call("fsync", (source,)) in traced[:index], f"{target} was named before its bytes were forced down"
        later = next(number for number in range(index + 1, len(traced)) if traced[number].name == "fsync")
        assert traced[later].paths == (os.path.dirname(target),), f"the name {target} was not forced down next"


def test_records_are_linked_from_names_that_no_reader_takes_for_data(traced: list[Call]) -> None:
    """R32."""
    links = [call for call in traced if call.name in {"link", "linkat"}]
    assert links
    assert all(os.path.basename(call.paths[0]).startswith(UNFINISHED) for call in links)
