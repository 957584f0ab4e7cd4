"""What is a pipeline that was published, and how is it run?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_amlpipe.sdk._absent import absent
from airflow_amlpipe.sdk._arguments import check_text
from airflow_amlpipe.sdk._rest_urls import pipeline_url
from airflow_amlpipe.sdk._workspace_store import as_user_error, home, open_workspace, workspace_url

if TYPE_CHECKING:
    import builtins

    from airflow_amlpipe.sdk.core.workspace import Workspace
    from airflow_amlpipe.sdk.pipeline.core._graph_view import Graph
    from airflow_amlpipe.sdk.pipeline.core.run import PipelineRun
    from airflow_amlpipe.workspace.published import PublishedPipeline as Record

__all__ = ["PublishedPipeline", "published_as"]


class PublishedPipeline:
    """A pipeline with an id, frozen as it was: its sources, its definition, the defaults of its parameters.

    ``Pipeline.publish`` and ``PipelineRun.publish_pipeline`` make one, :meth:`get` finds one.
    """

    def __init__(
        self,
        name: str,
        graph_id: str,
        description: str | None,
        version: str | None,
        published_pipeline_id: str,
        status: str,
        endpoint: str,
        total_run_steps: int,
        workspace: Workspace,
        continue_on_step_failure: bool | None = None,
        _pipeline_provider: Any = None,
        **_kwargs: Any,
    ) -> None:
        self._name = name
        self._graph_id = graph_id
        self._description = description
        self._version = version
        self._id = published_pipeline_id
        self._status = status
        self._endpoint = endpoint
        self._total_run_steps = total_run_steps
        self._workspace = workspace
        self._continue_on_step_failure = continue_on_step_failure

    @staticmethod
    def get(workspace: Workspace, id: str, _workflow_provider: Any = None, _service_endpoint: Any = None) -> PublishedPipeline:
        """Return a published pipeline by its id.

        :raises UserErrorException: there is none; the message names those there are
        """
        from airflow_amlpipe.services.published import get_published

        url = workspace_url("PublishedPipeline.get", workspace)
        with as_user_error():
            return published_as(workspace, get_published(url, check_text("PublishedPipeline.get: id", id), home=home()))

    @staticmethod
    def list(workspace: Workspace, active_only: bool = True, _service_endpoint: Any = None) -> builtins.list[PublishedPipeline]:
        """Return the published pipelines, the newest first.

        :param active_only: without those that are disabled
        """
        from airflow_amlpipe.services.published import list_published

        url = workspace_url("PublishedPipeline.list", workspace)
        return [published_as(workspace, record) for record in list_published(url, home=home(), active_only=active_only)]

    @staticmethod
    def get_all(workspace: Workspace, active_only: bool = True, _service_endpoint: Any = None) -> builtins.list[PublishedPipeline]:
        """The old name of :meth:`list`."""
        return PublishedPipeline.list(workspace, active_only)

    @property
    def name(self) -> str:
        return self._name

    @property
    def id(self) -> str:
        return self._id

    @property
    def description(self) -> str | None:
        return self._description

    @property
    def version(self) -> str | None:
        """The text that was given when it was published."""
        return self._version

    @property
    def status(self) -> str:
        """``Active`` or ``Disabled``, as it was when this was looked up."""
        return self._status

    @property
    def endpoint(self) -> str:
        """The URL that a run of it is submitted to."""
        return self._endpoint

    @property
    def graph_id(self) -> str:
        """Digest of its specification."""
        return self._graph_id

    @property
    def total_run_steps(self) -> int:
        return self._total_run_steps

    @property
    def continue_on_step_failure(self) -> bool | None:
        """What its runs do unless they are told otherwise."""
        return self._continue_on_step_failure

    def submit(
        self,
        workspace: Workspace,
        experiment_name: str,
        pipeline_parameters: dict[str, Any] | None = None,
        _workflow_provider: Any = None,
        _service_endpoint: Any = None,
        parent_run_id: str | None = None,
        continue_on_step_failure: bool | None = None,
    ) -> PipelineRun:
        """Run it and return at once.

        :param pipeline_parameters: values for some of the parameters; ``str(value)`` is what is sent, as in SDK v1
        :param continue_on_step_failure: ``None`` as it was published
        :raises DefinitionError: it is disabled, or a parameter is not known or cannot have the value
        """
        from airflow_amlpipe.sdk.core.experiment import Experiment

        run: PipelineRun = Experiment(workspace, experiment_name).submit(
            self,
            pipeline_parameters=pipeline_parameters,
            parent_run_id=parent_run_id,
            continue_on_step_failure=continue_on_step_failure,
        )
        return run

    def enable(self) -> None:
        """Let it be listed and run again."""
        self._set_status("Active")

    def disable(self) -> None:
        """Keep it from being listed and run. What runs goes on, and it is kept."""
        self._set_status("Disabled")

    def get_step_names(self, _workflow_provider: Any = None) -> builtins.list[str]:
        """Return the names of its steps, in order of execution."""
        from airflow_amlpipe.services.published import get_published

        return [*get_published(workspace_url("get_step_names", self._workspace), self._id, home=home()).step_names.values()]

    def get_portal_url(self) -> str:
        """Return the root of the workspace that keeps it: there is no Azure portal."""
        return self._workspace._url

    def get_graph(self) -> Graph:
        """Return the graph of the pipeline, to look at."""
        from airflow_amlpipe.sdk.pipeline.core._graph_view import graph_of

        return graph_of(open_workspace(self._workspace).get_spec(self._graph_id), self._workspace)

    save = absent("PublishedPipeline.save", "it is kept in the workspace; `amlpipe pipelines show --json` prints its specification")

    def _set_status(self, status: Any) -> None:
        from airflow_amlpipe.services.published import set_published_status

        self._status = set_published_status(workspace_url("PublishedPipeline", self._workspace), self._id, status, home=home()).status

    def __str__(self) -> str:
        return f"Pipeline(Name: {self._name},\nId: {self._id},\nStatus: {self._status},\nEndpoint: {self._endpoint})"

    def __repr__(self) -> str:
        return self.__str__()


def published_as(workspace: Workspace, record: Record) -> PublishedPipeline:
    """Return what SDK v1 shows of a record."""
    return PublishedPipeline(
        record.name,
        record.spec,
        record.description,
        record.version,
        record.id,
        record.status,
        pipeline_url(workspace, record.id),
        len(record.step_names),
        workspace,
        record.continue_on_step_failure,
    )
