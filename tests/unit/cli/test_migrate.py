"""What does ``amlpipe migrate`` show, write and return?"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.conftest import Amlpipe

BEFORE = "import os\nimport azureml.core\n\nprint(azureml.core.VERSION)\n"
AFTER = BEFORE.replace("azureml", "airflow_amlpipe.sdk")


@pytest.fixture
def script(project: Path) -> Path:
    (project / "other.py").write_text("import os\n")
    (project / "build.py").write_text(BEFORE)
    return project / "build.py"


def test_without_an_option_the_difference_is_shown_and_nothing_is_written(amlpipe: Amlpipe, script: Path) -> None:
    answer = amlpipe("migrate", ".")
    assert (answer.code, answer.err) == (0, "2 files looked at, 1 to change\n")
    assert answer.out.splitlines()[:6] == [
        "--- build.py (before)",
        "+++ build.py (after)",
        "@@ -1,4 +1,4 @@",
        " import os",
        "-import azureml.core",
        "+import airflow_amlpipe.sdk.core",
    ]
    assert amlpipe("migrate", "--diff", ".").out == answer.out
    assert script.read_text() == BEFORE


def test_checking_names_the_files_and_ends_with_1_until_nothing_is_left_to_change(amlpipe: Amlpipe, script: Path) -> None:
    answer = amlpipe("migrate", "--check", ".")
    assert (answer.code, answer.out, script.read_text()) == (1, "would change build.py: 2 times\n", BEFORE)
    answer = amlpipe("migrate", "--write", ".")
    assert (answer.code, answer.out, answer.err) == (0, "changed build.py: 2 times\n", "2 files looked at, 1 changed\n")
    assert script.read_text() == AFTER
    answer = amlpipe("migrate", "--check", ".")
    assert (answer.code, answer.out, answer.err) == (0, "", "2 files looked at, 0 to change\n")


def test_what_cannot_be_changed_is_said_and_ends_with_1_and_the_rest_is_changed(amlpipe: Amlpipe, script: Path) -> None:
    (script.parent / "a.py").write_text("import azureml.core (\n")
    answer = amlpipe("migrate", "--write", ".")
    assert answer.code == 1
    assert answer.err.startswith("a.py: not changed: it is no Python: line 1: ")
    assert script.read_text() == AFTER


def test_a_file_that_cannot_be_written_is_said(amlpipe: Amlpipe, script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    answer = amlpipe("migrate", "--write", ".")
    assert (answer.code, answer.out) == (1, "")
    assert answer.err == "build.py: not changed: it cannot be written: Permission denied\n2 files looked at, 0 changed\n"


def test_a_script_of_a_step_is_left_alone_and_said(amlpipe: Amlpipe, project: Path) -> None:
    (project / "train.py").write_text("from azureml.core import Run\nRun.get_context()\n")
    answer = amlpipe("migrate", "--check", "train.py")
    assert answer.code == 0
    assert answer.err.startswith("train.py: left alone: it asks for the run that it is part of")
    assert amlpipe("migrate", "--check", "--steps", "train.py").code == 1
