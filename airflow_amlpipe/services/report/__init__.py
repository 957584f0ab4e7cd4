"""How well does reuse work here, what did it save, and what stands in its way?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from airflow_amlpipe.hooks.opening import open_workspace
from airflow_amlpipe.services.report.figures import Report, figures_of
from airflow_amlpipe.services.report.reading import read_runs

__all__ = ["Report", "report_on"]


def report_on(
    workspace: str,
    *,
    home: Path,
    last_seconds: int | None = None,
    most_runs: int | None = None,
    experiment: str | None = None,
    pipeline: str | None = None,
    on_progress: Callable[[int, int], None] = lambda *_: None,
) -> Report:
    """Return the figures of the runs that are asked for; nothing is written.

    :param last_seconds: only runs that were created so long ago or less
    :param most_runs: only so many, the newest of those that fit
    :param on_progress: told how many of how many runs are read
    :raises DatastoreUnavailableError: the workspace could not be read
    """
    opened = open_workspace(workspace, home=home)
    now = datetime.now(UTC)
    since = None if last_seconds is None else now - timedelta(seconds=last_seconds)
    read = read_runs(opened, since=since, most_runs=most_runs, experiment=experiment, pipeline=pipeline, on_progress=on_progress)
    return figures_of(read, workspace=opened.url, since=since, until=now, listing=opened.find_listing)
