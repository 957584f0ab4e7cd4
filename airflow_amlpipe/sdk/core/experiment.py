"""Under which name are runs kept together, and which runs are there?"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import DefinitionError, shorten
from airflow_amlpipe.sdk._absent import absent, refuse
from airflow_amlpipe.sdk._arguments import check_text, check_workspace_given
from airflow_amlpipe.sdk._parsing import refuse_while_parsing
from airflow_amlpipe.sdk._workspace_store import open_workspace
from airflow_amlpipe.sdk.core._submission import run_pipeline, run_published, run_script
from airflow_amlpipe.sdk.core._tags import matches_tags, tag_changes
from airflow_amlpipe.sdk.exceptions import UserErrorException
from airflow_amlpipe.spec.names import check_experiment_name

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.core.interactive_run import InteractiveRun
    from airflow_amlpipe.sdk.core.run import Run
    from airflow_amlpipe.sdk.core.workspace import Workspace

__all__ = ["Experiment"]

_VIEWS = ("ActiveOnly", "All", "ArchivedOnly")
_OPTIONS = (
    "continue_on_step_failure",
    "credential_passthrough",
    "parent_run_id",
    "pipeline_parameters",
    "regenerate_outputs",
    "reuse_policy",
)


class Experiment:
    """A name under which runs are kept together. It exists as soon as it has a run."""

    def __init__(
        self,
        workspace: Workspace,
        name: str,
        _skip_name_validation: bool = False,
        _id: str | None = None,
        _archived_time: Any = None,
        _create_in_cloud: bool = True,
        _experiment_dto: Any = None,
        **_kwargs: Any,
    ) -> None:
        check_workspace_given("Experiment", workspace)
        if not _skip_name_validation:
            try:
                check_experiment_name("Experiment", name)
            except DefinitionError as error:
                raise UserErrorException(str(error)) from error
        self._workspace = workspace
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    @property
    def workspace(self) -> Workspace:
        return self._workspace

    @property
    def workspace_object(self) -> Workspace:
        return self._workspace

    @property
    def id(self) -> str:
        """Text that is the same for the same name in the same workspace."""
        import uuid

        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self._workspace._url}#{self._name}"))

    @property
    def archived_time(self) -> str | None:
        """When it was put away; ``None`` if it is not."""
        archived: str | None = self._state().archived_at
        return archived

    def submit(self, config: Any, tags: dict[str, Any] | None = None, **kwargs: Any) -> Any:
        """Run a pipeline, or a script by itself, and return its run at once.

        :param config: a Pipeline, a PublishedPipeline, a PipelineEndpoint or a ScriptRunConfig (an Estimator, too)
        :param tags: kept with the run
        :param kwargs: ``pipeline_parameters`` (values for some of the parameters), ``regenerate_outputs`` (run every step, whatever could
            be reused), ``continue_on_step_failure`` (let steps that do not depend on a failed one go on), ``parent_run_id``, and, ours,
            ``reuse_policy`` (``auto``, ``refresh``, ``refresh-from:STEP``, ``require``, ``max-age:7d``); for an endpoint ``pipeline_version``
        :raises DefinitionError: the pipeline is not sound or disabled, or a parameter is not known or of another type
        """
        from airflow_amlpipe.sdk.pipeline.core.pipeline import Pipeline
        from airflow_amlpipe.sdk.pipeline.core.pipeline_endpoint import PipelineEndpoint
        from airflow_amlpipe.sdk.pipeline.core.published_pipeline import PublishedPipeline

        pipeline_of = getattr(config, "_pipeline", None)
        if callable(pipeline_of):
            return run_script(self, config, pipeline_of(self._workspace), tags, **kwargs)
        is_published = isinstance(config, PublishedPipeline | PipelineEndpoint)
        if not is_published and not isinstance(config, Pipeline):
            refuse(f"Experiment.submit of a {type(config).__name__}", "make the work a step of a Pipeline and submit that")
        if "pipeline_params" in kwargs:
            kwargs.setdefault("pipeline_parameters", kwargs.pop("pipeline_params"))
        known = (*_OPTIONS, "pipeline_version") if isinstance(config, PipelineEndpoint) else _OPTIONS
        options = {name: kwargs.pop(name) for name in known if name in kwargs}
        options.pop("credential_passthrough", None)
        if kwargs:
            # SDK v1 took them without a word, so that a misspelt regenerate_outputs went unnoticed.
            warnings.warn(
                f"Experiment.submit: {', '.join(sorted(kwargs))} is not known and has no effect; known are: {', '.join(known)}",
                UserWarning,
                stacklevel=2,
            )
        for what in ("reuse_policy", "parent_run_id"):
            if options.get(what) is not None:
                check_text(f"submitting to experiment {self._name!r}: {what}", options[what])
        return (run_published if is_published else run_pipeline)(self, config, tags=tags, **options)

    def start_logging(self, *args: Any, **kwargs: Any) -> InteractiveRun:
        """Record that a run has begun whose work this script does itself, and return it: for ``log``, ``upload_file`` and ``complete``.

        :param kwargs: ``display_name`` and ``tags``; ``outputs``: the folder, ``outputs`` if none is named, whose new files are kept when the run ends,
            and ``False`` for no folder; ``snapshot_directory`` is taken and ignored, because no source is frozen
        :raises UserErrorException: another keyword
        """
        from airflow_amlpipe.sdk.core.interactive_run import start_run

        refuse_while_parsing("Experiment.start_logging")
        name, tags = kwargs.pop("display_name", None), kwargs.pop("tags", None)
        outputs = kwargs.pop("outputs", None)
        ignored = ("snapshot_directory", "_service_endpoint")
        unknown = sorted(set(kwargs) - set(ignored))
        if unknown:
            raise UserErrorException(
                f"Experiment.start_logging: unknown keyword arguments {shorten(', '.join(unknown))}; known are: display_name, outputs, tags"
            )
        return start_run(self, name=name, tags=tags, outputs=None if outputs is False else outputs or "outputs")

    def get_runs(self, type: str | None = None, tags: Any = None, properties: Any = None, include_children: bool = False) -> Iterator[Run]:
        """Yield the pipeline runs, newest first.

        :param tags: only runs with this tag, or with these ``{tag: value}``
        :param include_children: also the runs of their steps, after each
        """
        from airflow_amlpipe.sdk.pipeline.core.run import class_of_run

        for record in open_workspace(self._workspace, "Experiment.get_runs").runs.list(experiment=self._name):
            run = class_of_run(self, record.run_id)(self, record.run_id)
            if matches_tags(run.get_tags(), tags) and (properties is None or matches_tags(run.get_properties(), properties)):
                if type in {None, run.type}:
                    yield run
                if include_children:
                    yield from run.get_children(type=type)

    @staticmethod
    def list(workspace: Workspace, experiment_name: str | None = None, view_type: str = "ActiveOnly", tags: Any = None) -> Any:
        """Return the experiments that have runs, by name.

        :param view_type: ``ActiveOnly``, ``ArchivedOnly`` or ``All``
        :param tags: only experiments with this tag, or with these ``{tag: value}``
        """
        check_workspace_given("Experiment.list", workspace)
        if experiment_name is not None:
            check_text("Experiment.list: experiment_name", experiment_name)
        if view_type not in _VIEWS:
            raise UserErrorException(f"Experiment.list: view_type {shorten(repr(view_type))} is not known; use one of: {', '.join(_VIEWS)}")
        found = []
        for name, experiment in workspace.experiments.items():
            if experiment_name in {None, name}:
                is_archived = experiment.archived_time is not None
                if view_type == "All" or is_archived == (view_type == "ArchivedOnly"):
                    found.append(experiment)
        return [experiment for experiment in found if tags is None or matches_tags(experiment.tags, tags)]

    def refresh(self) -> None:
        """Nothing is kept that could be out of date."""

    @property
    def tags(self) -> dict[str, str]:
        return dict(self._state().tags)

    def tag(self, key: str, value: Any = None) -> None:
        """Set a tag."""
        self.set_tags({key: "" if value is None else value})

    def set_tags(self, tags: dict[str, Any]) -> None:
        """Set tags; others stay."""
        open_workspace(self._workspace, "Experiment.set_tags").experiments.change_tags(self._name, tag_changes(tags))

    def remove_tags(self, tags: Any) -> None:
        """Remove tags by name."""
        names = [tags] if isinstance(tags, str) else list(tags)
        open_workspace(self._workspace, "Experiment.remove_tags").experiments.change_tags(self._name, dict.fromkeys(names))

    def archive(self) -> None:
        """Put it away: it is not listed any more unless asked for. Its runs stay, and new ones can be submitted."""
        open_workspace(self._workspace, "Experiment.archive").experiments.set_archived(self._name, True)

    def reactivate(self, new_name: str | None = None) -> None:
        """Let it be listed again.

        :raises UserErrorException: ``new_name`` is given, which SDK v1 did not support either
        """
        if new_name is not None:
            raise UserErrorException(
                f"Experiment.reactivate: an experiment cannot be renamed ({shorten(repr(new_name))}); leave new_name out"
            )
        open_workspace(self._workspace, "Experiment.reactivate").experiments.set_archived(self._name, False)

    def _state(self) -> Any:
        return open_workspace(self._workspace, "looking at an experiment").experiments.state(self._name)

    delete = absent("Experiment.delete", "hide it with archive(); `amlpipe gc` deletes its runs by rule")
    from_directory = absent("Experiment.from_directory", "use Experiment(workspace, name)")

    @classmethod
    def get_docs_url(cls) -> str:
        """Return where this class is described."""
        return "docs/reference/coverage.md"

    def get_portal_url(self) -> str:
        """Return the root of the workspace: there is no Azure portal."""
        return self._workspace._url

    def __repr__(self) -> str:
        return f"Experiment(Name: {self._name},\nWorkspace: {self._workspace.name})"
