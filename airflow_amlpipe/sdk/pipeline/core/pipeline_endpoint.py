"""How do callers reach the current version of a pipeline by a name that stays?"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk._arguments import check_text
from airflow_amlpipe.sdk._rest_urls import endpoint_url
from airflow_amlpipe.sdk._workspace_store import as_user_error, check_workspace, home, workspace_url
from airflow_amlpipe.sdk.exceptions import UserErrorException
from airflow_amlpipe.sdk.pipeline.core.published_pipeline import PublishedPipeline

if TYPE_CHECKING:
    import builtins

    from airflow_amlpipe.sdk.core.workspace import Workspace
    from airflow_amlpipe.sdk.pipeline.core.run import PipelineRun
    from airflow_amlpipe.workspace.endpoints import PipelineEndpoint as Record

__all__ = ["PipelineEndpoint", "PipelineVersion"]


class PipelineVersion:
    """One version behind an endpoint.

    :ivar version: ``'0'``, ``'1'``, ...
    """

    def __init__(self, version: str, pipeline: PublishedPipeline | str, *, _workspace: Any = None) -> None:
        self.version = version
        self._pipeline = pipeline
        self._workspace = _workspace

    @property
    def pipeline(self) -> PublishedPipeline:
        """The published pipeline, looked up when it is first asked for: an endpoint may have hundreds."""
        if not isinstance(self._pipeline, PublishedPipeline):
            self._pipeline = PublishedPipeline.get(self._workspace, self._pipeline)
        return self._pipeline

    @property
    def _pipeline_id(self) -> str:
        return self._pipeline.id if isinstance(self._pipeline, PublishedPipeline) else self._pipeline

    def __repr__(self) -> str:
        return f"PipelineVersion(Version: {self.version},\nPipeline Id: {self._pipeline_id})"


class PipelineEndpoint:
    """A name and an URL that stay while the published pipelines behind them change. One version is the default.

    :meth:`publish` makes one, :meth:`get` finds one.
    """

    def __init__(
        self,
        workspace: Workspace,
        id: str,
        name: str,
        description: str | None,
        status: str,
        default_version: str,
        endpoint: str,
        pipeline_version_list: list[PipelineVersion],
        _pipeline_endpoint_provider: Any = None,
        _published_pipeline_provider: Any = None,
        _swaggerurl: str | None = None,
    ) -> None:
        self._workspace = workspace
        self._id = id
        self._name = name
        self._description = description
        self._status = status
        self._default_version = default_version
        self._endpoint = endpoint
        self._pipeline_version_list = pipeline_version_list

    @staticmethod
    def publish(
        workspace: Workspace,
        name: str,
        description: str,
        pipeline: Any,
        _workflow_provider: Any = None,
        _service_endpoint: Any = None,
    ) -> PipelineEndpoint:
        """Make an endpoint whose first version, ``'0'``, and default is ``pipeline``.

        :param pipeline: a PublishedPipeline, or a Pipeline, which is published first
        :raises UserErrorException: it is neither, or an endpoint has this name
        """
        from airflow_amlpipe.sdk.pipeline.core.pipeline import Pipeline
        from airflow_amlpipe.services.endpoints import create_endpoint, list_endpoints

        url = workspace_url("PipelineEndpoint.publish", workspace)
        check_text("PipelineEndpoint.publish: name", name)
        if type(pipeline) not in (Pipeline, PublishedPipeline):
            found = " (an endpoint is no pipeline: give endpoint.get_pipeline())" if isinstance(pipeline, PipelineEndpoint) else ""
            raise UserErrorException(
                f"PipelineEndpoint.publish: pipeline must be a Pipeline or a PublishedPipeline, not {shorten(repr(pipeline))}{found}"
            )
        if any(item.name == name for item in list_endpoints(url, home=home(), active_only=False)):
            raise UserErrorException(
                f"PipelineEndpoint.publish: an endpoint is called {shorten(repr(name))} already; "
                "add a version to it: PipelineEndpoint.get(workspace, name=...).add_default(pipeline)"
            )
        check_workspace(f"the pipeline of endpoint {shorten(repr(name))}", _workspace_of(pipeline), workspace)
        if isinstance(pipeline, Pipeline):
            pipeline = pipeline.publish(f"{name}-{datetime.now():%m-%d-%Y-%H-%M}-Pipeline", description)  # noqa: DTZ005  # for people
        with as_user_error():
            return _of(workspace, create_endpoint(url, name, pipeline.id, home=home(), description=description))

    @staticmethod
    def get(
        workspace: Workspace,
        id: str | None = None,
        name: str | None = None,
        _workflow_provider: Any = None,
        _service_endpoint: Any = None,
    ) -> PipelineEndpoint:
        """Return an endpoint by its id, else by its name.

        :raises UserErrorException: there is none, or neither was given
        """
        from airflow_amlpipe.services.endpoints import get_endpoint
        from airflow_amlpipe.services.published import list_published

        url = workspace_url("PipelineEndpoint.get", workspace)
        if id is None and name is None:
            raise UserErrorException("PipelineEndpoint.get: give the id or the name of an endpoint")
        check_text(f"PipelineEndpoint.get: {'name' if id is None else 'id'}", name if id is None else id)
        try:
            with as_user_error():
                return _of(workspace, get_endpoint(url, home=home(), endpoint_id=id, name=name))
        except UserErrorException as error:
            called = [item.id for item in list_published(url, home=home()) if id is None and item.name == name]
            if not called:
                raise
            raise UserErrorException(
                f"{error}. A published pipeline has that name, and is no endpoint: PublishedPipeline.get(workspace, id={called[0]!r})"
            ) from error

    @staticmethod
    def list(
        workspace: Workspace,
        active_only: bool = True,
        max_results: int = 100,
        _workflow_provider: Any = None,
        _service_endpoint: Any = None,
    ) -> builtins.list[PipelineEndpoint]:
        """Return the endpoints, the newest first, at most ``max_results``.

        :param active_only: without those that are disabled or archived
        """
        from airflow_amlpipe.services.endpoints import list_endpoints

        found = list_endpoints(workspace_url("PipelineEndpoint.list", workspace), home=home(), active_only=active_only)
        return [_of(workspace, record) for record in found[: max(max_results, 0)]]

    @staticmethod
    def get_all(
        workspace: Workspace, active_only: bool = True, _workflow_provider: Any = None, _service_endpoint: Any = None
    ) -> builtins.list[PipelineEndpoint]:
        """The old name of :meth:`list`, without a limit."""
        import sys

        return PipelineEndpoint.list(workspace, active_only, sys.maxsize)

    @property
    def id(self) -> str:
        return self._id

    @property
    def name(self) -> str:
        return self._name

    @property
    def description(self) -> str | None:
        return self._description

    @property
    def status(self) -> str:
        """``Active`` or ``Disabled``, as it was when this was last looked up or changed."""
        return self._status

    @property
    def default_version(self) -> str:
        return self._default_version

    @property
    def endpoint(self) -> str:
        """The URL that a run of the default version is submitted to; ``/<version>`` behind it names another version."""
        return self._endpoint

    @property
    def swaggerurl(self) -> str:
        """Where the REST API is described."""
        from airflow_amlpipe.sdk._rest_urls import rest_root

        return f"{rest_root()}/openapi.json"

    @property
    def pipeline_version_list(self) -> builtins.list[PipelineVersion]:
        return self._pipeline_version_list

    def get_default_version(self) -> str:
        """Return the default version."""
        return self._default_version

    def add(self, pipeline: PublishedPipeline) -> None:
        """Add a published pipeline as the next version.

        :raises UserErrorException: it is none, or is a version already
        """
        self._add(pipeline, is_default=False)

    def add_default(self, pipeline: PublishedPipeline) -> None:
        """Add a published pipeline as the next version and make that the default.

        :raises UserErrorException: it is none, or is a version already
        """
        self._add(pipeline, is_default=True)

    def set_default_version(self, version: str) -> None:
        """Make a version, such as ``'1'``, the default.

        :raises UserErrorException: there is no such version, or it is no text
        """
        from airflow_amlpipe.services.endpoints import set_endpoint_default

        self._take(set_endpoint_default, version)

    def set_default(self, pipeline: PublishedPipeline) -> None:
        """Make the version of a published pipeline the default.

        :raises UserErrorException: it is no version of this endpoint
        """
        wanted = _published("set_default", pipeline).id
        for item in self.list_versions():
            if item._pipeline_id == wanted:
                self.set_default_version(item.version)
                return
        raise UserErrorException(
            f"PipelineEndpoint.set_default: published pipeline {wanted} is no version of endpoint {shorten(repr(self._name))}; "
            "add it first: add_default(pipeline)"
        )

    def get_pipeline(self, version: str | None = None) -> PublishedPipeline:
        """Return the published pipeline of a version, the default if none is named.

        :raises UserErrorException: there is no such version
        """
        with as_user_error():
            return PublishedPipeline.get(self._workspace, self._record().pipeline_of(version)[1])

    def list_versions(self, _workflow_provider: Any = None, _service_endpoint: Any = None) -> builtins.list[PipelineVersion]:
        """Return every version, the oldest first."""
        self._show(self._record())
        return list(self._pipeline_version_list)

    def get_all_versions(self, _workflow_provider: Any = None, _service_endpoint: Any = None) -> builtins.list[PipelineVersion]:
        """The old name of :meth:`list_versions`."""
        return self.list_versions()

    def list_pipelines(
        self, active_only: bool = True, _workflow_provider: Any = None, _service_endpoint: Any = None
    ) -> builtins.list[PublishedPipeline]:
        """Return the published pipelines behind the versions, the oldest version first.

        :param active_only: without those that are disabled
        """
        return [item.pipeline for item in self.list_versions() if item.pipeline.status == "Active" or not active_only]

    def get_all_pipelines(
        self, active_only: bool = True, _workflow_provider: Any = None, _service_endpoint: Any = None
    ) -> builtins.list[PublishedPipeline]:
        """The old name of :meth:`list_pipelines`."""
        return self.list_pipelines(active_only)

    def submit(
        self,
        experiment_name: str,
        pipeline_parameters: dict[str, Any] | None = None,
        parent_run_id: str | None = None,
        pipeline_version: str | None = None,
    ) -> PipelineRun:
        """Run a version, the default if none is named, and return at once. The run records which version it was.

        :raises UserErrorException: the endpoint is disabled, there is no such version, or a parameter is not known or cannot have the value
        """
        from airflow_amlpipe.sdk.core.experiment import Experiment

        run: PipelineRun = Experiment(self._workspace, experiment_name).submit(
            self, pipeline_parameters=pipeline_parameters, parent_run_id=parent_run_id, pipeline_version=pipeline_version
        )
        return run

    def enable(self) -> None:
        """Let it be listed and run again.

        :raises UserErrorException: it is archived
        """
        self._set_status("Active")

    def disable(self) -> None:
        """Keep it from being listed and run."""
        self._set_status("Disabled")

    def archive(self) -> None:
        """Disable it and give its name back: it is called by a UUID from then on."""
        from airflow_amlpipe.services.endpoints import archive_endpoint

        self._take(archive_endpoint)

    def reactivate(self, name: str) -> PipelineEndpoint:
        """Enable it, archived or not, under ``name``.

        :raises UserErrorException: another endpoint has that name
        """
        from airflow_amlpipe.services.endpoints import reactivate_endpoint

        self._take(reactivate_endpoint, check_text("PipelineEndpoint.reactivate: name", name))
        return self

    def set_name(self, name: str) -> None:
        """Give it another name.

        :raises UserErrorException: another endpoint has that name
        """
        from airflow_amlpipe.services.endpoints import rename_endpoint

        self._take(rename_endpoint, check_text("PipelineEndpoint.set_name: name", name))

    def _add(self, pipeline: Any, *, is_default: bool) -> None:
        from airflow_amlpipe.services.endpoints import add_endpoint_version

        what = "add_default" if is_default else "add"
        check_workspace(
            f"the pipeline added to endpoint {shorten(repr(self._name))}", _workspace_of(_published(what, pipeline)), self._workspace
        )
        self._take(add_endpoint_version, pipeline.id, is_default=is_default)

    def _set_status(self, status: str) -> None:
        from airflow_amlpipe.services.endpoints import set_endpoint_status

        self._take(set_endpoint_status, status)

    def _record(self) -> Record:
        from airflow_amlpipe.services.endpoints import get_endpoint

        return get_endpoint(workspace_url("PipelineEndpoint", self._workspace), home=home(), endpoint_id=self._id)

    def _take(self, verb: Any, *arguments: Any, **named: Any) -> None:
        """Let a service change the endpoint, and show what it is then."""
        url = workspace_url("PipelineEndpoint", self._workspace)
        with as_user_error():
            self._show(verb(url, self._id, *arguments, home=home(), **named))

    def _show(self, record: Record) -> None:
        shown = _of(self._workspace, record)
        self._name, self._status, self._default_version = shown._name, shown._status, shown._default_version
        self._pipeline_version_list = shown._pipeline_version_list

    def __str__(self) -> str:
        return f"PipelineEndpoint(Name: {self._name},\nId: {self._id},\nStatus: {self._status},\nEndpoint: {self._endpoint})"

    def __repr__(self) -> str:
        return self.__str__()


def _of(workspace: Workspace, record: Record) -> PipelineEndpoint:
    versions = [PipelineVersion(version, known, _workspace=workspace) for version, known in record.versions.items()]
    url = endpoint_url(workspace, record.id)
    return PipelineEndpoint(workspace, record.id, record.name, record.description, record.status, record.default_version, url, versions)


def _published(what: str, pipeline: Any) -> PublishedPipeline:
    if not isinstance(pipeline, PublishedPipeline):
        raise UserErrorException(
            f"PipelineEndpoint.{what}: pipeline must be a PublishedPipeline, not {shorten(repr(pipeline))}; publish it first: Pipeline.publish(name)"
        )
    return pipeline


def _workspace_of(pipeline: Any) -> Any:
    return pipeline._workspace if isinstance(pipeline, PublishedPipeline) else pipeline.workspace
