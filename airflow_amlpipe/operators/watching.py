"""Is one thing alone making this step run, again and again?"""

from __future__ import annotations

from contextlib import suppress

from airflow_amlpipe.exceptions import AmlPipeError
from airflow_amlpipe.workspace.assessment import Assessment
from airflow_amlpipe.workspace.step_run import StepRun

__all__ = ["watch_streak"]


def watch_streak(run: StepRun, assessment: Assessment, at_least: int) -> str | None:
    """Count, for the record of ``run``, how long it has been so, and return what there is to say of it.

    :param at_least: how many runs in a row are worth a word; 0: none are, and nothing is counted
    """
    if not at_least:
        return None
    from airflow_amlpipe.workspace.streak import count_streak

    # A hint: trouble in finding it must not fail the step.
    with suppress(AmlPipeError):
        run.streak = count_streak(run.workspace, assessment, pipeline=run.pipeline, run_id=run.run_id)
    return run.streak.sentence(at_least) if run.streak else None
