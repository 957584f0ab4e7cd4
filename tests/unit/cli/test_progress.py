"""What does a person see of a run while it works?"""

from __future__ import annotations

import io

import pytest

from airflow_amlpipe.cli.progress import ProgressLines
from airflow_amlpipe.services.follow import RunEvent
from airflow_amlpipe.workspace.records import StepStarted

STARTED = StepStarted(run_id="r", step_id="train", step_name="train", step_run_id="s", try_number=1, started_at="2026-01-01T00:00:00+00:00")


@pytest.mark.parametrize("show_logs", [True, False])
def test_an_environment_that_is_being_built_is_shown_also_where_the_scripts_words_are_not(show_logs: bool) -> None:
    screen = io.StringIO()
    show = ProgressLines(screen, show_logs=show_logs)

    show(RunEvent("step_started", "r", STARTED))
    show(RunEvent("notice", "r", STARTED, line="environment 'x': building\x1b[31m it"))
    show(RunEvent("log_line", "r", STARTED, line="epoch\x1b 1"))

    script = ["    train | epoch  1"] if show_logs else []
    assert screen.getvalue().splitlines() == ["> train", "    train: environment 'x': building [31m it", *script]
