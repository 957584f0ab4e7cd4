"""Do host and script read what the other wrote, whatever happens in between?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from airflow_amlpipe.runtime import protocol
from airflow_amlpipe.runtime.protocol import ContextError

if TYPE_CHECKING:
    from airflow_amlpipe.runtime.protocol import RunContext


def test_a_context_survives_being_written(run_folder: Path, context: RunContext) -> None:
    protocol.write_context(str(run_folder), context)
    assert protocol.read_context(str(run_folder)) == context
    assert os.listdir(run_folder) == [protocol.CONTEXT_FILE]


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"format": "amlpipe/run-context/v9"}', "[" * 100_000])
def test_a_context_that_cannot_be_read_is_refused(run_folder: Path, text: str) -> None:
    (run_folder / protocol.CONTEXT_FILE).write_text(text)
    with pytest.raises(ContextError, match="the context of this run"):
        protocol.read_context(str(run_folder))


def test_a_context_that_is_not_there_is_refused(run_folder: Path) -> None:
    with pytest.raises(ContextError, match="could not be read"):
        protocol.read_context(str(run_folder))


def test_events_come_back_in_order(run_folder: Path) -> None:
    events = [{"kind": "tag", "key": str(i), "value": "é\n"} for i in range(3)]
    for event in events:
        protocol.append_event(str(run_folder), event)
    assert list(protocol.read_events(str(run_folder))) == events


def test_without_events_there_are_none(run_folder: Path) -> None:
    assert list(protocol.read_events(str(run_folder))) == []


def test_a_line_that_is_still_being_written_is_not_read_yet(run_folder: Path) -> None:
    protocol.append_event(str(run_folder), {"kind": "tag"})
    with (run_folder / protocol.EVENTS_FILE).open("ab") as file:
        file.write(b'{"kind": "ta')
    assert list(protocol.read_events(str(run_folder))) == [{"kind": "tag"}]


def test_lines_of_several_processes_never_mix(run_folder: Path, repository: Path) -> None:
    writer = (
        "import sys\nfrom airflow_amlpipe.runtime.protocol import append_event\n"
        "for i in range(200): append_event(sys.argv[1], {'kind': 'tag', 'who': sys.argv[2], 'i': i, 'value': sys.argv[2] * 5000})"
    )
    processes = [subprocess.Popen([sys.executable, "-c", writer, str(run_folder), who], cwd=repository) for who in "abcd"]
    assert [process.wait() for process in processes] == [0] * 4
    lines = (run_folder / protocol.EVENTS_FILE).read_text().splitlines()
    events = [json.loads(line) for line in lines]
    assert len(events) == 800
    for who in "abcd":
        assert [event["i"] for event in events if event["who"] == who] == list(range(200))


def test_a_write_cut_short_loses_only_its_own_event(run_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    protocol.append_event(str(run_folder), {"kind": "tag", "key": "before"})
    monkeypatch.setattr(protocol.os, "write", lambda descriptor, line: write(descriptor, line[:10]))
    with pytest.raises(OSError, match=r"only 10 of .* is the disk full"):
        protocol.append_event(str(run_folder), {"kind": "tag", "key": "torn"})
    monkeypatch.undo()
    protocol.append_event(str(run_folder), {"kind": "tag", "key": "after"})
    assert [event["key"] for event in protocol.read_events(str(run_folder))] == ["before", "after"]


def test_the_shim_is_where_it_is_said_to_be() -> None:
    assert (Path(protocol.shim_folder()) / "azureml" / "core" / "__init__.py").is_file()
