"""What of a try is kept when its job has ended, well or badly? Everything but the outputs, which only a good end commits."""

from __future__ import annotations

from collections.abc import Callable

from airflow_amlpipe.compute.collection import ChildOutcome, CollectedStep, RunOutcome, collect_step
from airflow_amlpipe.compute.folder import StepFolder
from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.operators.answering import asked_so_far
from airflow_amlpipe.storage.crash_points import crash_point
from airflow_amlpipe.workspace.asked import keep_asked
from airflow_amlpipe.workspace.layout import run_folder
from airflow_amlpipe.workspace.step_run import StepRun
from airflow_amlpipe.workspace.try_files import Logged, LoggedChild, keep_artifacts, keep_logged, keep_logs
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["keep_files"]


def keep_files(workspace: WorkspaceStore, run: StepRun, folder: StepFolder, *, say: Callable[[str], None]) -> CollectedStep:
    """Move logs and artifacts to the records of the try and of the pipeline's run, store what the script logged, and return what it left.

    The logs go first: where they lie tells a later try that the files of this one are not whole any more.

    :param say: takes sentences for the task's log
    :raises DefinitionError: an output holds what cannot be data
    :raises InfrastructureError: something could not be read or stored
    """
    collected = collect_step(run.step, folder)
    for notice in collected.notices:
        say(notice)
    keep_logs(workspace, run.folder, folder.logs)
    own, parent = collected.run, collected.parent
    for place, outcome in ((run.folder, own), (run_folder(run.run_id), parent)):
        for name in keep_artifacts(workspace, place, {item.name: item.path for item in outcome.artifacts}):
            say(f"a file called {shorten(repr(name))} had been uploaded to the same run before; the first one is kept")
    crash_point("artifacts-kept")
    keep_asked(workspace, run.folder, asked_so_far(folder))
    keep_logged(workspace, run.run_id, run.folder, run.step_run_id, own=_logged(own), parent=_logged(parent))
    if parent.tags:
        workspace.runs.change_tags(run.run_id, parent.tags)
    if parent.cancel_requested:
        workspace.runs.request_cancel(run.run_id, f"asked for by the script of step {shorten(repr(run.step.name))}")
    return collected


def _logged(outcome: RunOutcome) -> Logged:
    children = tuple(map(_logged_child, outcome.children))
    return Logged(events=outcome.events, tags=outcome.tags, properties=outcome.properties, children=children)


def _logged_child(outcome: ChildOutcome) -> LoggedChild:
    return LoggedChild(
        id=outcome.id,
        name=outcome.name,
        status=outcome.status,
        error=outcome.error,
        events=outcome.events,
        tags=outcome.tags,
        properties=outcome.properties,
        children=tuple(map(_logged_child, outcome.children)),
    )
