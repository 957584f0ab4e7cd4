"""What can be done with the stable addresses behind which versions of pipelines change?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from airflow_amlpipe.exceptions import DefinitionError, shorten
from airflow_amlpipe.hooks.opening import open_workspace
from airflow_amlpipe.services.published import submit_published
from airflow_amlpipe.spec.names import check_display_name
from airflow_amlpipe.workspace.endpoints import EndpointRegistry, PipelineEndpoint
from airflow_amlpipe.workspace.ids import is_uuid
from airflow_amlpipe.workspace.published import PublishedStatus
from airflow_amlpipe.workspace.records import EndpointVersion

__all__ = [
    "add_endpoint_version",
    "archive_endpoint",
    "create_endpoint",
    "find_endpoint",
    "get_endpoint",
    "list_endpoints",
    "reactivate_endpoint",
    "rename_endpoint",
    "set_endpoint_default",
    "set_endpoint_status",
    "submit_endpoint",
]


def create_endpoint(workspace: str, name: str, pipeline_id: str, *, home: Path, description: str | None = None) -> PipelineEndpoint:
    """Create an endpoint whose first version, ``'0'``, and default is a published pipeline.

    :raises DefinitionError: there is an endpoint of this name
    :raises UnknownNameError: there is no such published pipeline
    """
    check_display_name("pipeline endpoint", name)
    opened = open_workspace(workspace, home=home)
    return opened.endpoints.create(name, opened.published.get(pipeline_id).id, description=description)


def list_endpoints(workspace: str, *, home: Path, active_only: bool = True) -> list[PipelineEndpoint]:
    """Return the endpoints, the newest first."""
    return [item for item in _endpoints(workspace, home).all() if item.status == "Active" or not active_only]


def get_endpoint(workspace: str, *, home: Path, endpoint_id: str | None = None, name: str | None = None) -> PipelineEndpoint:
    """Return an endpoint by its id, else by its name.

    :raises UnknownNameError: there is none
    """
    endpoints = _endpoints(workspace, home)
    return endpoints.get(endpoint_id) if endpoint_id is not None else endpoints.get_by_name(name or "")


def find_endpoint(workspace: str, text: str, *, home: Path) -> PipelineEndpoint:
    """Return the endpoint that ``text`` names by its id or its name.

    :raises UnknownNameError: there is none
    """
    return get_endpoint(workspace, home=home, endpoint_id=text if is_uuid(text) else None, name=text)


def add_endpoint_version(workspace: str, endpoint_id: str, pipeline_id: str, *, home: Path, is_default: bool = False) -> PipelineEndpoint:
    """Add a published pipeline as the next version.

    :raises DefinitionError: it is a version already
    """
    opened = open_workspace(workspace, home=home)
    return opened.endpoints.add_version(endpoint_id, opened.published.get(pipeline_id).id, is_default=is_default)


def set_endpoint_default(workspace: str, endpoint_id: str, version: str, *, home: Path) -> PipelineEndpoint:
    """Make a version the one that is run when none is named.

    :raises UnknownNameError: there is no such version
    """
    return _endpoints(workspace, home).set_default(endpoint_id, version)


def set_endpoint_status(workspace: str, endpoint_id: str, status: PublishedStatus, *, home: Path) -> PipelineEndpoint:
    """Enable or disable an endpoint."""
    return _endpoints(workspace, home).set_status(endpoint_id, status)


def rename_endpoint(workspace: str, endpoint_id: str, name: str, *, home: Path) -> PipelineEndpoint:
    """Give an endpoint another name.

    :raises DefinitionError: another has that name
    """
    return _endpoints(workspace, home).rename(endpoint_id, check_display_name("pipeline endpoint", name))


def archive_endpoint(workspace: str, endpoint_id: str, *, home: Path) -> PipelineEndpoint:
    """Disable an endpoint and give its name back."""
    return _endpoints(workspace, home).archive(endpoint_id)


def reactivate_endpoint(workspace: str, endpoint_id: str, name: str, *, home: Path) -> PipelineEndpoint:
    """Enable an endpoint, archived or not, under a name.

    :raises DefinitionError: another has that name
    """
    return _endpoints(workspace, home).reactivate(endpoint_id, check_display_name("pipeline endpoint", name))


def submit_endpoint(
    workspace: str,
    endpoint_id: str,
    experiment: str,
    *,
    home: Path,
    version: str | None = None,
    parameters: Mapping[str, object] | None = None,
    policy: str = "auto",
    tags: Mapping[str, str] | None = None,
    continue_on_step_failure: bool | None = None,
    parent_run_id: str | None = None,
) -> str:
    """Run a version of an endpoint, the default if none is named, and return the id of the run.

    The version is resolved once, here; the run records which one it was.

    :raises UnknownNameError: there is no such endpoint or version
    :raises DefinitionError: the endpoint or the published pipeline is disabled
    """
    endpoint = _endpoints(workspace, home).get(endpoint_id)
    if endpoint.status != "Active":
        raise DefinitionError(
            f"pipeline endpoint {shorten(repr(endpoint.name))} ({endpoint.id}) is {'archived' if endpoint.is_archived else 'disabled'} and "
            f"cannot be run; {'give it a name with reactivate(name)' if endpoint.is_archived else 'enable it first'}"
        )
    used, pipeline_id = endpoint.pipeline_of(version)
    return submit_published(
        workspace,
        pipeline_id,
        experiment,
        home=home,
        parameters=parameters,
        policy=policy,
        tags=tags,
        continue_on_step_failure=continue_on_step_failure,
        parent_run_id=parent_run_id,
        endpoint=EndpointVersion(id=endpoint.id, name=endpoint.name, version=used),
    )


def _endpoints(workspace: str, home: Path) -> EndpointRegistry:
    return open_workspace(workspace, home=home).endpoints
