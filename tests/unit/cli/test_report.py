"""What does a person see of a report?"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from airflow_amlpipe.spec.step import LiteralArgument
from airflow_amlpipe.workspace import WorkspaceStore
from tests.builders import OUT, a_pipeline, a_step
from tests.pretend import pretend_run, write_source
from tests.unit.cli.conftest import Amlpipe

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def runs(workspace: WorkspaceStore, project: Path) -> WorkspaceStore:
    """Two runs that computed, one that reused, one that failed with words that a browser must not take for its own."""
    write_source(project)
    for build in (1, 2, 2):
        marked = (LiteralArgument(value="--build"), LiteralArgument(value=build))
        pretend_run(workspace, a_pipeline(a_step(name=HOSTILE, arguments=marked, outputs=OUT)), project)
    failing = a_pipeline(a_step("train", name=HOSTILE, version="2", outputs=OUT), name=f"weekly {HOSTILE}")
    pretend_run(workspace, failing, project, fail="train", error=ValueError(HOSTILE))
    return workspace


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]


def test_the_tables_tell_what_was_reused_what_made_steps_run_and_what_failed(runs: WorkspaceStore, amlpipe: Amlpipe) -> None:
    answer = amlpipe("report")

    assert answer.code == 0
    assert "4 steps: 1 reused, 3 ran, 1 failed; hit rate 25 %" in answer.out
    assert re.search(r"^1 +1 +arguments +argument 2 \('--build'\) +nightly: ", answer.out, re.MULTILINE)
    assert "ValueError: <script>" in answer.out


def test_the_page_needs_no_other_file_and_runs_nothing_that_somebody_typed(runs: WorkspaceStore, amlpipe: Amlpipe, project: Path) -> None:
    """S21."""
    answer = amlpipe("report", "--html", "report.html")

    page = (project / "report.html").read_text(encoding="utf-8")
    found = Tags()
    found.feed(page)
    assert (answer.code, answer.out) == (0, "wrote report.html\n")
    assert {"svg", "rect", "table"} <= set(found.tags)
    assert not {"script", "link", "img", "iframe", "object"} & set(found.tags)
    assert not [name for name in found.attributes if name in {"src", "href"} or name.startswith("on")]
    assert "default-src 'none'" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_the_answer_as_json_has_every_figure(runs: WorkspaceStore, amlpipe: Amlpipe) -> None:
    document = amlpipe("report", "--json", "--last", "1d").document

    assert document["runs"] == {"total": 4, "by_status": {"Finished": 3, "Failed": 1}}
    assert (document["steps"]["reused"], document["steps"]["ran"], document["steps"]["hit_rate"]) == (1, 3, 0.25)
    assert document["misses_by_component"] == {"arguments": 1}
    assert [failure["error"] for failure in document["failures"]] == [f"ValueError: {HOSTILE}"]


def test_a_workspace_without_runs_says_so(workspace: WorkspaceStore, project: Path, amlpipe: Amlpipe) -> None:
    answer = amlpipe("report")
    assert (answer.code, "0 runs of all time" in answer.out, "no step has been decided" in answer.out) == (0, True, True)
    assert amlpipe("report", "--html", "empty.html").code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--last", "soon"), "--last: 'soon' is no length of time; write a whole number with its unit"),
        (("--runs", "0"), "0 is no number of runs; give 1 or more"),
        (("--html", "nowhere/report.html"), "the page cannot be written"),
    ],
)
def test_what_cannot_be_used_is_refused(
    workspace: WorkspaceStore, project: Path, amlpipe: Amlpipe, arguments: tuple[str, str], words: str
) -> None:
    answer = amlpipe("report", *arguments)
    assert (answer.code, words in answer.err) == (2, True)
