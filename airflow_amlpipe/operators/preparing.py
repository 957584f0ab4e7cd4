"""What has to be in place before the job of a step can start? Its code, its data, its environment, and what it may ask about its run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from airflow_amlpipe.compute.backend import LaunchRequest
from airflow_amlpipe.compute.environments import prepare_environment
from airflow_amlpipe.compute.folder import StepFolder, create_step_folder
from airflow_amlpipe.compute.staging import RunFacts, stage_step
from airflow_amlpipe.exceptions import UnsupportedFeatureError, shorten
from airflow_amlpipe.spec.data import DatasetSource, InputSpec
from airflow_amlpipe.spec.workspace import WorkspaceNames
from airflow_amlpipe.storage.view import View
from airflow_amlpipe.workspace.assessment import Assessment
from airflow_amlpipe.workspace.showing import show_input, views_of
from airflow_amlpipe.workspace.sources import fetch_source
from airflow_amlpipe.workspace.staging import fetch_input
from airflow_amlpipe.workspace.step_run import StepRun
from airflow_amlpipe.workspace.try_files import logged_by_steps
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["copy_instead", "prepare_job", "run_facts"]


def prepare_job(
    workspace: WorkspaceStore,
    assessment: Assessment,
    folder: StepFolder,
    *,
    facts: RunFacts,
    say: Callable[[str], None],
    conda_packages_from_pypi: bool,
    python_downloads: bool = False,
    shows_data: bool = False,
) -> LaunchRequest:
    """Fill the private folder of a new try and return what a back end launches.

    What is put there is what was identified: data that changed in between is refused.

    :param shows_data: whether inputs of mode ``mount`` may be shown where their data lies, instead of being copied
    :raises DefinitionError: it can never be put in place (an environment that cannot be installed, a path that leaves its folder)
    :raises SourceChangedError: data changed since it was identified; a retry decides anew
    :raises InfrastructureError: something could not be read or written
    """
    step = assessment.step
    # It has the notices, which tell of what comes next.
    create_step_folder(folder.root)
    # The slowest first, and the one that fails for the author's reasons most often: nothing was copied then.
    interpreter = prepare_environment(
        step.environment,
        home=workspace.home,
        say=say,
        conda_packages_from_pypi=conda_packages_from_pypi,
        python_downloads=python_downloads,
    )
    fetch_source(workspace, assessment.snapshot, folder.code)
    views: list[View] = []
    inputs: dict[str, Path | str] = {}
    for item in step.inputs:
        inputs[item.name], shown = _hand_over(workspace, assessment, item, folder, say, shows_data=shows_data)
        views += shown
    request = stage_step(step, folder, parameters=assessment.parameters, inputs=inputs, facts=facts, interpreter=interpreter)
    return replace(request, views=tuple(views))


def copy_instead(
    workspace: WorkspaceStore, assessment: Assessment, folder: StepFolder, request: LaunchRequest, *, say: Callable[[str], None]
) -> LaunchRequest:
    """Put copies where ``request`` wanted to show data: same paths, so that nothing else of it changes.

    :raises SourceChangedError: data changed since it was identified
    :raises InfrastructureError: something could not be read or written
    """
    for view in request.views:
        view.remove_target()
    for name in dict.fromkeys(view.name for view in request.views):
        fetch_input(workspace, assessment.inputs[name], folder.inputs / name, say=say)
    return replace(request, views=())


def run_facts(workspace: WorkspaceStore, run: StepRun, experiment: str, names: WorkspaceNames | None = None) -> RunFacts:
    """Return what the script of a try can ask about its run and the pipeline's.

    :param names: of the workspace, as its config.json has them; without them it is called like its folder
    """
    names = names or WorkspaceNames(name=workspace.url.rstrip("/").rsplit("/", 1)[-1] or "workspace")
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


def _hand_over(
    workspace: WorkspaceStore,
    assessment: Assessment,
    item: InputSpec,
    folder: StepFolder,
    say: Callable[[str], None],
    *,
    shows_data: bool,
) -> tuple[Path | str, tuple[View, ...]]:
    """Return the local path of an input, or in direct mode the id of the dataset, which the script opens itself; and what to show there."""
    if item.mode == "direct":
        return _dataset_id(workspace, assessment, item), ()
    resolved, target = assessment.inputs[item.name], folder.inputs / item.name
    if item.mode == "mount" and shows_data:
        views = views_of(workspace, resolved, target)
        if not isinstance(views, str):
            return show_input(resolved, views, target), views
        say(f"input {item.name!r} is copied instead of mounted: {views}")
    return fetch_input(workspace, resolved, target, say=say), ()


def _dataset_id(workspace: WorkspaceStore, assessment: Assessment, item: InputSpec) -> str:
    if isinstance(item.source, DatasetSource) and item.source.name is not None:
        return workspace.datasets.get(item.source.name, item.source.version).id
    raise UnsupportedFeatureError(
        f"step {shorten(repr(assessment.step.name))}: input {item.name!r} is given to the script as a dataset, but is not registered, "
        "so it has no id; register the dataset, or hand over its files with as_mount() or as_download()"
    )
