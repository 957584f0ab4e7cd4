"""What does the record of a failed run say?"""

from __future__ import annotations

import pytest

from airflow_amlpipe.services.engine_run import _reason_of
from airflow_amlpipe.workspace.records import StepFinished


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("step 'train' failed with exit code 1; it wrote nothing", "step 'train' failed with exit code 1; it wrote nothing"),
        ("step 'train': output 'out' is a symbolic link now", "step 'train': output 'out' is a symbolic link now"),
        ("environment 'x' cannot be installed", "step 'train' failed: environment 'x' cannot be installed"),
        ("step 'trainer' is away", "step 'train' failed: step 'trainer' is away"),
        (None, "step 'train' failed: no reason was recorded"),
    ],
)
def test_the_step_that_failed_is_named_once(error: str | None, reason: str) -> None:
    finished = StepFinished(
        run_id="r",
        step_id="train",
        step_name="train",
        step_run_id="s",
        try_number=1,
        status="Failed",
        started_at="2026-01-01T00:00:00+00:00",
        finished_at="2026-01-01T00:00:01+00:00",
        error=error,
    )

    assert _reason_of(finished) == reason
