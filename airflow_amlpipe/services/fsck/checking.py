"""In which order is a workspace looked over?

Results before what they name: whatever a record names was written before it, so a workspace in use shows no false damage.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from airflow_amlpipe.services.fsck.canaries import check_canaries
from airflow_amlpipe.services.fsck.contents import check_contents
from airflow_amlpipe.services.fsck.findings import Findings
from airflow_amlpipe.services.fsck.leftovers import check_leftovers
from airflow_amlpipe.services.fsck.registered import check_registered
from airflow_amlpipe.services.fsck.results import check_results
from airflow_amlpipe.services.fsck.runs import check_runs
from airflow_amlpipe.services.fsck.survey import Progress, Survey
from airflow_amlpipe.workspace.results import ResultLog
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["Depth", "check_workspace"]

Depth = Literal["quick", "usual", "full"]


def check_workspace(
    workspace: WorkspaceStore,
    *,
    depth: Depth = "usual",
    canaries: Collection[str] = (),
    on_progress: Progress | None = None,
) -> Findings:
    """Look over a whole workspace, and change nothing.

    :param depth: ``quick`` compares sizes and versions; ``usual`` compares content, of local files only where they were written to since it
        was last compared; ``full`` reads every byte
    :param canaries: texts that must be nowhere below the workspace's root
    :param on_progress: is told how many things have been looked at, and what kind is being looked at
    """
    survey = Survey(workspace, on_progress)
    results = ResultLog(workspace.store, workspace.datastores, None if depth == "full" else workspace.memo, workspace.get_manifest)
    check_results(survey, results, quick=depth == "quick")
    check_runs(survey)
    check_registered(survey)
    check_contents(survey, quick=depth == "quick")
    if depth != "quick":
        survey.guarded("unfinished writes", lambda: check_leftovers(survey))
    if canaries:
        survey.guarded("canaries", lambda: check_canaries(survey, canaries))
    order = {"breach": 0, "trouble": 1, "note": 2}
    unique = sorted(set(survey.found), key=lambda item: (order[item.check.severity], item.check.invariant, item.where, item.problem))
    return Findings(tuple(unique), dict(sorted(survey.looked_at.items())))
