"""What does ``amlpipe fsck`` say, and how does it end?"""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from airflow_amlpipe.cli.counting import ProgressLine
from airflow_amlpipe.exceptions import DatastoreUnavailableError
from airflow_amlpipe.storage.local import LocalStore
from airflow_amlpipe.workspace import WorkspaceStore
from tests.builders import OUT, a_pipeline, a_step
from tests.pretend import pretend_run, write_source
from tests.unit.cli.conftest import Amlpipe


@pytest.fixture
def output(workspace: WorkspaceStore, project: Path) -> Path:
    """The only file that a step wrote."""
    write_source(project)
    run_id = pretend_run(workspace, a_pipeline(a_step("train", outputs=OUT)), project)
    finished = workspace.runs.output_of(run_id, "train")
    assert finished is not None
    path = workspace.datastores.open("workspaceblobstore").local_path(finished.outputs["out"].path)
    assert path is not None
    return path / "data.txt"


def test_a_whole_workspace_is_clean(amlpipe: Amlpipe, output: Path) -> None:
    answer = amlpipe("fsck")
    assert answer.code == 0
    assert answer.out.startswith("clean: 0 breaches, 0 troubles, 0 notes\nlooked at ")
    assert "1 results" in answer.out


def test_a_name_of_no_workspace_is_not_called_clean(amlpipe: Amlpipe, tmp_path: Path) -> None:
    answer = amlpipe("fsck", "--workspace", str(tmp_path / "mistyped"))
    assert answer.code == 2
    assert "there is no workspace at " in answer.err
    assert "mistyped: nothing was ever stored in it; correct the name" in answer.err
    assert not (tmp_path / "mistyped").exists()


def test_damage_is_named_with_what_it_means_and_what_to_do(amlpipe: Amlpipe, output: Path) -> None:
    output.write_text("altered by hand")

    answer = amlpipe("fsck")

    assert answer.code == 1
    assert "breach of I4: .amlpipe/v1/keys/" in answer.out
    assert "was altered" in answer.out
    assert "  means: the step is not reused any more" in answer.out
    assert "damaged: 1 breaches, 0 troubles, 0 notes; --repair mends 1 of them" in answer.out


def test_repairing_says_what_was_done_and_leaves_a_clean_workspace(amlpipe: Amlpipe, output: Path) -> None:
    output.unlink()

    answer = amlpipe("fsck", "--repair", "--json")

    assert answer.code == 1
    assert [item["done"] for item in answer.document["repaired"]] == ["result 1 was set aside; its step runs again"]
    assert amlpipe("fsck", "--full").code == 0


def test_what_cannot_be_read_ends_with_3(amlpipe: Amlpipe, output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """R23."""

    def refused(self: LocalStore, path: str) -> bytes:
        raise DatastoreUnavailableError("403: the credentials have expired")

    monkeypatch.setattr(LocalStore, "read", refused)
    answer = amlpipe("fsck", "--quick", "--json")
    assert (answer.code, answer.document["clean"]) == (3, False)
    assert {item["check"] for item in answer.document["findings"]} == {"UNAVAILABLE"}


def test_a_planted_text_is_found(amlpipe: Amlpipe, output: Path) -> None:
    """S11."""
    assert amlpipe("fsck", "--canary", "tweety-4711").code == 0
    output.write_text("tweety-4711")
    answer = amlpipe("fsck", "--canary", "tweety-4711", "--json")
    assert [item["where"].rpartition("/")[2] for item in answer.document["findings"] if item["check"] == "CANARY"] == ["data.txt"]
    assert "tweety-4711" not in answer.out


def test_progress_is_one_line_on_a_terminal_and_nothing_elsewhere() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for stream, shown in ((Terminal(), "\r\x1b[K3 looked at, now: runs\r\x1b[K"), (io.StringIO(), "")):
        with ProgressLine(stream) as line:
            line.show(3, "runs")
        assert stream.getvalue() == shown
