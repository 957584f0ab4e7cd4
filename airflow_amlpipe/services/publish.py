"""How does a pipeline, or the run of one, become a published pipeline?

Its sources are frozen, its specification is stored, and one entry makes it a published pipeline: a crash before that leaves files that nothing
refers to, and no published pipeline.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airflow_amlpipe.exceptions import DefinitionError, shorten
from airflow_amlpipe.hooks.opening import open_workspace
from airflow_amlpipe.services.collect import CollectedPipeline, active_collector
from airflow_amlpipe.services.sources import FrozenSources, freeze_sources, stored_sources
from airflow_amlpipe.services.submit import git_states
from airflow_amlpipe.settings import Settings
from airflow_amlpipe.spec.names import check_display_name
from airflow_amlpipe.spec.pipeline import PipelineSpec
from airflow_amlpipe.workspace.package_logins import PackageLogins
from airflow_amlpipe.workspace.published import PublishedPipeline
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["keep_frozen", "keep_spec", "publish_pipeline", "publish_run"]


def publish_pipeline(
    spec: PipelineSpec,
    *,
    workspace: str,
    source_base: Path,
    home: Path,
    description: str | None = None,
    version: str | None = None,
    continue_on_step_failure: bool | None = None,
) -> PublishedPipeline:
    """Publish ``spec`` under its name. Publishing it again makes another published pipeline, with an id of its own.

    :param source_base: what relative source folders are relative to
    :raises DefinitionError: a source folder or script is missing
    """
    check_display_name("published pipeline", spec.name)
    collector = active_collector()
    if collector is not None and collector.only_plan:
        # `amlpipe plan` changes nothing: it says what a run of this would do, and ends the script here.
        collector.submitting(CollectedPipeline(spec, workspace, spec.name, source_base))
    opened = open_workspace(workspace, home=home)
    digest, source = keep_spec(opened, spec, source_base=source_base)
    published = opened.published.add(
        spec.name,
        spec=digest,
        step_names={step.id: step.name for step in spec.in_order()},
        description=description,
        version=version,
        continue_on_step_failure=continue_on_step_failure,
        source=source,
    )
    if collector is not None:
        collector.published.append(published)
    return published


def publish_run(
    workspace: str,
    run_id: str,
    name: str,
    *,
    home: Path,
    description: str | None = None,
    version: str | None = None,
    continue_on_step_failure: bool | None = None,
) -> PublishedPipeline:
    """Publish what a run ran: the same frozen sources, and the defaults of the parameters, not the run's values.

    :raises UnknownNameError: the workspace has no such run, or does not keep its sources any more
    :raises DefinitionError: the run is one of a DAG file, whose definition Airflow keeps
    """
    check_display_name("published pipeline", name)
    opened = open_workspace(workspace, home=home)
    record = opened.runs.get(run_id)
    if record.spec is None:
        raise DefinitionError(
            f"run {shorten(run_id)} is one of the DAG {shorten(repr((record.airflow or {}).get('dag_id')))}, whose definition is in its DAG file; "
            "publish the pipeline that the file makes the DAG of: Pipeline.publish(name)"
        )
    spec = opened.get_spec(record.spec).model_copy(update={"name": name})
    digest = keep_frozen(opened, spec)
    return opened.published.add(
        name,
        spec=digest,
        step_names={step.id: step.name for step in spec.in_order()},
        description=description,
        version=version,
        continue_on_step_failure=record.continue_on_step_failure if continue_on_step_failure is None else continue_on_step_failure,
        run_id=run_id,
        source=record.source,
    )


def keep_spec(workspace: WorkspaceStore, spec: PipelineSpec, *, source_base: Path) -> tuple[str, Mapping[str, dict[str, Any]]]:
    """Freeze and store the sources of ``spec``, then ``spec`` itself; return its digest, and the git state by source folder."""
    settings = Settings.load()
    frozen = freeze_sources(workspace, spec, source_base, limit_bytes=settings.source_limit_bytes, limit_files=settings.source_limit_files)
    return _keep(workspace, frozen), git_states(frozen)


def keep_frozen(workspace: WorkspaceStore, spec: PipelineSpec) -> str:
    """Store a specification whose sources were frozen and stored before, and return its digest.

    :raises UnknownNameError: the workspace does not keep the sources any more
    """
    return _keep(workspace, stored_sources(spec))


def _keep(workspace: WorkspaceStore, frozen: FrozenSources) -> str:
    PackageLogins(workspace.home).keep(step.environment for step in frozen.spec.steps)
    frozen.store(workspace)
    return workspace.put_spec(frozen.spec)
