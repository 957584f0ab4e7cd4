"""How is a pipeline kept while it is worked on?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk._absent import absent
from airflow_amlpipe.sdk._arguments import check_tags, check_text
from airflow_amlpipe.sdk._workspace_store import as_user_error, check_workspace, home, open_workspace, workspace_url
from airflow_amlpipe.sdk.core._tags import matches_tags, tag_changes
from airflow_amlpipe.sdk.exceptions import UserErrorException

if TYPE_CHECKING:
    import builtins

    from airflow_amlpipe.sdk.core.workspace import Workspace
    from airflow_amlpipe.sdk.pipeline.core._graph_view import Graph
    from airflow_amlpipe.sdk.pipeline.core.published_pipeline import PublishedPipeline
    from airflow_amlpipe.sdk.pipeline.core.run import PipelineRun
    from airflow_amlpipe.workspace.drafts import DraftRecord

__all__ = ["PipelineDraft"]

_UNNAMED = "Pipeline draft"


class PipelineDraft:
    """A pipeline that can be changed and run until it is published or deleted. :meth:`create` makes one, :meth:`get` finds one."""

    def __init__(
        self,
        workspace: Workspace,
        id: str,
        name: str | None = None,
        description: str | None = None,
        experiment_name: str | None = None,
        tags: dict[str, str] | None = None,
        properties: dict[str, str] | None = None,
        graph_draft_id: str | None = None,
        parent_pipeline_id: str | None = None,
        parent_pipeline_run_id: str | None = None,
        parent_step_run_ids: list[str] | None = None,
        parent_pipeline_draft_id: str | None = None,
        last_submitted_pipeline_run_id: str | None = None,
        _pipeline_draft_provider: Any = None,
    ) -> None:
        self._workspace = workspace
        self._id = id
        self._name = name
        self._description = description
        self._experiment_name = experiment_name
        self._tags = dict(tags or {})
        self._properties = dict(properties or {})
        self._graph_draft_id = graph_draft_id
        self._parent_pipeline_id = parent_pipeline_id
        self._parent_pipeline_run_id = parent_pipeline_run_id
        self._parent_step_run_ids = list(parent_step_run_ids or [])
        self._parent_pipeline_draft_id = parent_pipeline_draft_id
        self._last_submitted_pipeline_run_id = last_submitted_pipeline_run_id

    @staticmethod
    def create(
        workspace: Workspace,
        pipeline: Any,
        name: str | None = None,
        description: str | None = None,
        experiment_name: str | None = None,
        pipeline_parameters: dict[str, Any] | None = None,
        continue_on_step_failure: bool | None = None,
        tags: dict[str, str] | None = None,
        properties: dict[str, str] | None = None,
        _workflow_provider: Any = None,
        _service_endpoint: Any = None,
    ) -> PipelineDraft:
        """Write down a draft and return it.

        :param pipeline: a Pipeline, a PublishedPipeline or a PipelineRun
        :param pipeline_parameters: values for some of the parameters in the next run
        :raises UserErrorException: ``pipeline`` is none of them, or a parameter is not known or cannot have the value
        """
        from airflow_amlpipe.services.drafts import create_draft

        url = workspace_url("PipelineDraft.create", workspace)
        name = _UNNAMED if name is None else check_text("PipelineDraft.create: name", name)
        with as_user_error():
            record = create_draft(
                url,
                name,
                home=home(),
                **_source("PipelineDraft.create", workspace, pipeline, name),
                parameters=_values(workspace, pipeline_parameters),
                description=description,
                experiment=_experiment(workspace, experiment_name),
                continue_on_step_failure=continue_on_step_failure,
                tags=_texts("PipelineDraft.create: tags", tags),
                properties=_texts("PipelineDraft.create: properties", properties),
            )
        return _of(workspace, record)

    @staticmethod
    def get(workspace: Workspace, id: str, _workflow_provider: Any = None, _service_endpoint: Any = None) -> PipelineDraft:
        """Return a draft by its id.

        :raises UserErrorException: there is none, or it was deleted
        """
        from airflow_amlpipe.services.drafts import get_draft

        url = workspace_url("PipelineDraft.get", workspace)
        with as_user_error():
            return _of(workspace, get_draft(url, check_text("PipelineDraft.get: id", id), home=home()))

    @staticmethod
    def list(workspace: Workspace, tags: Any = None, _workflow_provider: Any = None) -> builtins.list[PipelineDraft]:
        """Return the drafts, the newest first.

        :param tags: only those with these ``{tag: value}``
        """
        from airflow_amlpipe.services.drafts import list_drafts

        found = list_drafts(workspace_url("PipelineDraft.list", workspace), home=home())
        return [_of(workspace, record) for record in found if matches_tags(record.tags, tags)]

    @property
    def id(self) -> str:
        return self._id

    @property
    def name(self) -> str | None:
        return self._name

    @property
    def description(self) -> str | None:
        return self._description

    @property
    def tags(self) -> dict[str, str]:
        return dict(self._tags)

    @property
    def properties(self) -> dict[str, str]:
        return dict(self._properties)

    @property
    def parent_pipeline_id(self) -> str | None:
        """Id of the published pipeline that it was made from."""
        return self._parent_pipeline_id

    @property
    def parent_pipeline_run_id(self) -> str | None:
        """Id of the run that it was made from."""
        return self._parent_pipeline_run_id

    @property
    def parent_pipeline_draft_id(self) -> str | None:
        """``None``: drafts are not made from drafts."""
        return self._parent_pipeline_draft_id

    @property
    def parent_step_run_ids(self) -> builtins.list[str]:
        """Empty: drafts are not made from steps."""
        return list(self._parent_step_run_ids)

    @property
    def last_submitted_pipeline_run_id(self) -> str | None:
        return self._last_submitted_pipeline_run_id

    def update(
        self,
        pipeline: Any = None,
        name: str | None = None,
        description: str | None = None,
        experiment_name: str | None = None,
        tags: dict[str, str] | None = None,
        pipeline_parameters: dict[str, Any] | None = None,
        continue_on_step_failure: bool | None = None,
        _workflow_provider: Any = None,
    ) -> None:
        """Change what is given; ``None`` leaves it as it is.

        :raises UserErrorException: as :meth:`create`, or the draft was deleted
        """
        from airflow_amlpipe.services.drafts import change_draft

        given = {"name": name, "description": description, "continue_on_step_failure": continue_on_step_failure}
        fields: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
        if experiment_name is not None:
            fields["experiment"] = _experiment(self._workspace, experiment_name)
        if tags is not None:
            fields["tags"] = _texts("PipelineDraft.update: tags", tags)
        if pipeline is not None:
            fields |= _source("PipelineDraft.update", self._workspace, pipeline, name or self._name or _UNNAMED)
        self._take(change_draft, parameters=_values(self._workspace, pipeline_parameters), **fields)

    def submit_run(self, _workflow_provider: Any = None) -> PipelineRun:
        """Run it in its experiment and return at once.

        :raises UserErrorException: it names no experiment, or was deleted
        """
        from airflow_amlpipe.sdk.pipeline.core._printed import print_submitted
        from airflow_amlpipe.sdk.pipeline.core.run import PipelineRun
        from airflow_amlpipe.services.drafts import submit_draft

        with as_user_error():
            run = PipelineRun.get(self._workspace, submit_draft(workspace_url("submit_run", self._workspace), self._id, home=home()))
        self._last_submitted_pipeline_run_id = run.id
        print_submitted(run)
        return run

    def publish(self, _workflow_provider: Any = None) -> PublishedPipeline:
        """Publish it under its name; its values become the defaults of the parameters.

        :raises UserErrorException: it was deleted
        """
        from airflow_amlpipe.sdk.pipeline.core.published_pipeline import published_as
        from airflow_amlpipe.services.drafts import publish_draft

        with as_user_error():
            return published_as(self._workspace, publish_draft(workspace_url("publish", self._workspace), self._id, home=home()))

    def delete(self, _workflow_provider: Any = None) -> None:
        """Delete it. Runs and published pipelines made of it stay.

        :raises UserErrorException: it was deleted before
        """
        from airflow_amlpipe.services.drafts import delete_draft

        with as_user_error():
            delete_draft(workspace_url("delete", self._workspace), self._id, home=home())

    def get_graph(self) -> Graph:
        """Return the graph of the pipeline, to look at."""
        from airflow_amlpipe.sdk.pipeline.core._graph_view import graph_of

        return graph_of(open_workspace(self._workspace).get_spec(self._graph_draft_id or ""), self._workspace)

    save = absent("PipelineDraft.save", "it is kept in the workspace; PipelineDraft.get(workspace, id) finds it")

    def _take(self, verb: Any, **named: Any) -> None:
        with as_user_error():
            record = verb(workspace_url("PipelineDraft", self._workspace), self._id, home=home(), **named)
        self.__dict__.update(_of(self._workspace, record).__dict__)

    def __repr__(self) -> str:
        return f"PipelineDraft(Name: {self._name},\nId: {self._id})"


def _of(workspace: Workspace, record: DraftRecord) -> PipelineDraft:
    return PipelineDraft(
        workspace,
        record.id,
        record.name,
        record.description,
        record.experiment,
        record.tags,
        record.properties,
        graph_draft_id=record.spec,
        parent_pipeline_id=record.parent_pipeline_id,
        parent_pipeline_run_id=record.parent_run_id,
        last_submitted_pipeline_run_id=record.last_run_id,
    )


def _source(what: str, workspace: Workspace, pipeline: Any, name: str) -> dict[str, Any]:
    """Return which pipeline a draft is to hold, as the services take it."""
    from airflow_amlpipe.sdk.pipeline.core.pipeline import Pipeline
    from airflow_amlpipe.sdk.pipeline.core.published_pipeline import PublishedPipeline
    from airflow_amlpipe.sdk.pipeline.core.run import PipelineRun

    if isinstance(pipeline, Pipeline):
        check_workspace("the pipeline of a draft", pipeline.workspace, workspace)
        return {"spec": pipeline._to_spec(name, Path.cwd()), "source_base": Path.cwd()}
    if isinstance(pipeline, PublishedPipeline):
        check_workspace("the pipeline of a draft", pipeline._workspace, workspace)
        return {"published": pipeline.id}
    if isinstance(pipeline, PipelineRun):
        check_workspace("the run of a draft", pipeline.experiment.workspace, workspace)
        return {"run_id": pipeline.id}
    raise UserErrorException(f"{what}: pipeline must be a Pipeline, a PublishedPipeline or a PipelineRun, not {shorten(repr(pipeline))}")


def _experiment(workspace: Workspace, name: str | None) -> str | None:
    from airflow_amlpipe.sdk.core.experiment import Experiment

    return None if name is None else Experiment(workspace, name).name


def _values(workspace: Workspace, given: Any) -> dict[str, Any] | None:
    from airflow_amlpipe.sdk.lowering_parameters import lower_values

    return None if given is None else lower_values(workspace, given)


def _texts(what: str, value: Any) -> dict[str, str]:
    return {key: text or "" for key, text in tag_changes(dict(check_tags(what, value))).items()}
