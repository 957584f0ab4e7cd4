"""What has to be in place before the job of a step can start? Its code, its data, its environment, and what it may ask about its run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from airflow_amlpipe.compute.backend import LaunchRequest
from airflow_amlpipe.compute.environments import prepare_environment
from airflow_amlpipe.compute.folder import StepFolder, create_step_folder
from airflow_amlpipe.compute.notebooks import NOTEBOOK_PACKAGES
from airflow_amlpipe.compute.old_tries import sweep_old_tries
from airflow_amlpipe.compute.staging import RunFacts, stage_step
from airflow_amlpipe.operators.handover import Handover
from airflow_amlpipe.spec.command import NotebookRun
from airflow_amlpipe.spec.step import StepSpec
from airflow_amlpipe.spec.workspace import WorkspaceNames
from airflow_amlpipe.workspace.assessment import Assessment
from airflow_amlpipe.workspace.sources import fetch_source
from airflow_amlpipe.workspace.step_run import StepRun
from airflow_amlpipe.workspace.try_files import logged_by_steps
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["git_state_of", "prepare_job", "run_facts", "workspace_names"]


def prepare_job(
    workspace: WorkspaceStore,
    assessment: Assessment,
    folder: StepFolder,
    *,
    facts: RunFacts,
    say: Callable[[str], None],
    conda_packages_from_pypi: bool,
    python_downloads: bool = False,
    handover: Handover,
) -> LaunchRequest:
    """Fill the private folder of a new try and return what a back end launches.

    What is put there is what was identified: data that changed in between is refused.

    :param handover: of the inputs, to ``folder``; whoever made it closes it
    :raises DefinitionError: it can never be put in place (an environment that cannot be installed, a path that leaves its folder)
    :raises SourceChangedError: data changed since it was identified; a retry decides anew
    :raises InfrastructureError: something could not be read or written
    """
    step = assessment.step
    # It has the notices, which tell of what comes next.
    create_step_folder(folder.root)
    sweep_old_tries(folder.root.parent)
    # The slowest first, and the one that fails for the author's reasons most often: nothing was copied then.
    interpreter = prepare_environment(
        step.environment,
        home=workspace.home,
        say=say,
        conda_packages_from_pypi=conda_packages_from_pypi,
        python_downloads=python_downloads,
        needs=NOTEBOOK_PACKAGES if isinstance(step.command, NotebookRun) else (),
    )
    fetch_source(workspace, assessment.snapshot, folder.code)
    handover.hand_over()
    request = stage_step(
        step,
        folder,
        parameters=assessment.parameters,
        inputs=handover.paths,
        datasets=handover.datasets,
        facts=facts,
        interpreter=interpreter,
    )
    return replace(request, views=tuple(handover.views), views_from=handover.views_from)


def run_facts(workspace: WorkspaceStore, run: StepRun, experiment: str, names: WorkspaceNames | None = None) -> RunFacts:
    """Return what the script of a try can ask about its run and the pipeline's.

    :param names: of the workspace, as its config.json has them; without them it is called like its folder
    """
    names = workspace_names(workspace, names)
    logged = logged_by_steps(workspace, run.run_id)
    return RunFacts(
        step_run_id=run.step_run_id,
        run_id=run.run_id,
        experiment=experiment,
        workspace=names.name,
        subscription_id=names.subscription_id,
        resource_group=names.resource_group,
        workspace_url=workspace.store.url,
        pipeline=run.pipeline,
        parent_tags=workspace.runs.tags(run.run_id),
        parent_properties=logged.properties,
        parent_events=logged.events,
    )


def git_state_of(step: StepSpec, source_base: Path) -> dict[str, dict[str, Any]]:
    """Return the git state of a step's source folder, by the folder as its author wrote it; nothing of one that is in no repository."""
    from airflow_amlpipe.workspace.git_state import git_state

    directory = step.source.directory
    state = git_state(source_base / directory)
    return {} if state is None else {directory: state}


def workspace_names(workspace: WorkspaceStore, names: WorkspaceNames | None) -> WorkspaceNames:
    """Return ``names``, or what a workspace is called without a config.json."""
    return names or WorkspaceNames(name=workspace.url.rstrip("/").rsplit("/", 1)[-1] or "workspace")
