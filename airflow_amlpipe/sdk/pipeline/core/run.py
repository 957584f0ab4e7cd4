"""How did a pipeline's run go? Also SDK v1's place for what its steps and their outputs are."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk._absent import absent
from airflow_amlpipe.sdk._arguments import check_text
from airflow_amlpipe.sdk._run_records import StepRecords, find_step_run, note_of_run, pipeline_logged, run_folder_of, run_record, run_status
from airflow_amlpipe.sdk._workspace_store import as_user_error, home, open_workspace, workspace_url
from airflow_amlpipe.sdk.core._tags import matches_tags, tag_changes
from airflow_amlpipe.sdk.core.run import Run
from airflow_amlpipe.sdk.exceptions import UserErrorException
from airflow_amlpipe.sdk.pipeline.core._waiting import wait_for_run
from airflow_amlpipe.sdk.pipeline.core.port_data import PortDataReference, StepRunOutput
from airflow_amlpipe.sdk.pipeline.core.step_run import StepRun

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.core.experiment import Experiment
    from airflow_amlpipe.sdk.core.workspace import Workspace
    from airflow_amlpipe.sdk.pipeline.core._graph_view import Graph
    from airflow_amlpipe.sdk.pipeline.core.published_pipeline import PublishedPipeline

__all__ = ["PipelineRun", "PortDataReference", "StepRun", "StepRunOutput", "class_of_run", "find_run"]


class PipelineRun(Run):
    """One execution of a pipeline.

    :raises UserErrorException: the workspace has no such run
    """

    type = "azureml.PipelineRun"

    def __init__(self, experiment: Experiment, run_id: str, _service_endpoint: Any = None, **_kwargs: Any) -> None:
        super().__init__(experiment, run_id)
        self._run_record = run_record(experiment.workspace, run_id)

    @staticmethod
    def get(workspace: Workspace, run_id: str, _service_endpoint: Any = None) -> PipelineRun:
        """Return a pipeline run by its id.

        :raises UserErrorException: the workspace has no such run
        """
        return PipelineRun(_experiment_of(workspace, run_id), run_id)

    @property
    def name(self) -> str:
        return self._run_record.pipeline

    @property
    def number(self) -> int:
        """Its place among the runs of its experiment, the oldest being 1."""
        ids = [record.run_id for record in open_workspace(self._workspace).runs.list(experiment=self._experiment.name)]
        return len(ids) - ids.index(self.id)

    def _described(self) -> str | None:
        return self._run_record.description

    @property
    def parameters(self) -> dict[str, Any]:
        """The values of the pipeline's parameters in this run; data as the JSON object that names it. Ours."""
        from airflow_amlpipe.spec.parameter_value import as_json

        return {name: as_json(value) for name, value in self._run_record.parameters.items()}

    def get_status(self) -> str:
        """Return NotStarted, Running, Finished, Failed or Canceled."""
        return run_status(self._workspace, self.id)

    def get_steps(self) -> Iterator[StepRun]:
        """Yield the steps that have started, in the pipeline's order."""
        for step_id, item in StepRecords(self._workspace, self.id):
            yield StepRun(self._experiment, item.started.step_run_id, self.id, step_id, _try=item)

    def get_children(
        self,
        recursive: bool = False,
        tags: Any = None,
        properties: Any = None,
        type: str | None = None,
        status: str | None = None,
        _rehydrate_runs: bool = True,
    ) -> Iterator[StepRun]:
        """Yield the steps that have started and are as wanted."""
        for step in self.get_steps():
            is_wanted = status in {None, step.status, step.get_status()} and type in {None, step.type}
            if is_wanted and matches_tags(step.get_tags(), tags) and matches_tags(step.get_properties(), properties):
                yield step

    def find_step_run(self, name: str) -> list[StepRun]:
        """Return the runs of the steps called ``name``, as far as they have started; several if steps share the name."""
        return [step for step in self.get_steps() if step.name == name]

    def get_pipeline_output(self, pipeline_output_name: str) -> PortDataReference:
        """Return where an output lies that was given a name among those of the pipeline (``PipelineData(pipeline_output_name=...)``).

        :raises UserErrorException: no step that ended well has such an output; the message lists those there are
        """
        known: dict[str, StepRunOutput] = {}
        for step in self.get_steps():
            outputs = step.get_outputs().values()
            known |= {item.step_output.pipeline_output: item for item in outputs if item.step_output.pipeline_output is not None}
        if pipeline_output_name not in known:
            names = shorten(", ".join(known) or "none, until the steps that write them have ended well", 600)
            raise UserErrorException(
                f"run {self.id} has no pipeline output {shorten(repr(pipeline_output_name))}; its pipeline outputs are: {names}"
            )
        return known[pipeline_output_name].get_port_data_reference()

    def get_graph(self) -> Graph:
        """Return the pipeline's graph.

        :raises UserErrorException: it is a run of a DAG file, of which Airflow keeps the graph
        """
        from airflow_amlpipe.sdk.pipeline.core._graph_view import graph_of

        if self._run_record.spec is None:
            raise UserErrorException(
                f"run {self.id} is one of a DAG file, whose graph Airflow keeps; build the pipeline again and look at Pipeline.graph"
            )
        return graph_of(open_workspace(self._workspace).get_spec(self._run_record.spec), self._workspace)

    def get_tags(self) -> dict[str, str]:
        tags = open_workspace(self._workspace).runs.tags(self.id)
        for key, value in pipeline_logged(self._workspace, self.id).tags.items():
            tags.setdefault(key, value) if value is not None else tags.pop(key, None)
        return tags

    def tag(self, key: str, value: Any = None) -> None:
        """Set a tag."""
        self.set_tags({key: "" if value is None else value})

    def set_tags(self, tags: dict[str, Any]) -> None:
        """Set tags; others stay."""
        open_workspace(self._workspace, "PipelineRun.set_tags").runs.change_tags(self.id, tag_changes(tags))

    def remove_tags(self, tags: Iterable[str]) -> None:
        """Remove tags by name."""
        names = [tags] if isinstance(tags, str) else list(tags)
        open_workspace(self._workspace, "PipelineRun.remove_tags").runs.change_tags(self.id, dict.fromkeys(names))

    def get_properties(self) -> dict[str, str]:
        """Return what does not change about the run."""
        noted: dict[str, str] = pipeline_logged(self._workspace, self.id).properties
        fixed = {"azureml.runsource": "azureml.PipelineRun", "runSource": "SDK", "runType": "SDK"}
        more = {"azureml.parameters": json.dumps(self.parameters), "amlpipe.reuse": self._run_record.policy}
        return {**noted, **fixed, **more, **_published_properties(self._run_record)}

    def add_properties(self, properties: dict[str, Any]) -> None:
        """Set properties; each only once.

        :raises UserErrorException: one has another value already
        """
        from airflow_amlpipe.workspace.try_files import Logged

        present, given = self.get_properties(), {str(key): str(value) for key, value in dict(properties).items()}
        for key, value in given.items():
            if present.get(key, value) != value:
                raise UserErrorException(
                    f"run {self.id}: property {shorten(repr(key))} is {shorten(repr(present[key]))} already; properties are set once, "
                    "use a tag for what changes"
                )
        note_of_run(self._workspace, self.id, Logged(properties=given))

    def get_details(self) -> dict[str, Any]:
        """Return id, status, times and properties of the run."""
        finished = open_workspace(self._workspace).runs.finished(self.id)
        return {
            "runId": self.id,
            "status": self.status,
            "startTimeUtc": self._run_record.created_at,
            "endTimeUtc": None if finished is None else finished.finished_at,
            "services": {},
            "properties": self.get_properties(),
            "inputDatasets": [],
            "outputDatasets": [],
            "logFiles": {},
            **({} if finished is None or finished.error is None else {"error": {"error": {"message": finished.error}}}),
        }

    def get_details_with_logs(self) -> dict[str, Any]:
        """Like :meth:`get_details`: a pipeline's run has no log of its own."""
        return self.get_details()

    def wait_for_completion(  # SDK v1's own order of arguments
        self, show_output: bool = True, timeout_seconds: float = sys.maxsize, raise_on_error: bool = True
    ) -> str:
        """Wait until the run has ended and return its status.

        :param show_output: print its progress and the logs of its steps, one step after another
        :param timeout_seconds: stop waiting after that long; the run goes on
        :raises ActivityFailedException: the run failed, and ``raise_on_error`` is ``True``
        :raises ExperimentExecutionException: waiting was interrupted by Ctrl-C; the run goes on
        """
        return wait_for_run(self, show_output=show_output, timeout_seconds=timeout_seconds, raise_on_error=raise_on_error)

    def cancel(self) -> None:
        """Ask for the run to be stopped, and return at once."""
        from airflow_amlpipe.services.cancel import cancel_run

        cancel_run(self._workspace._url, self.id, home=home())

    def publish_pipeline(
        self, name: str, description: str, version: str, continue_on_step_failure: bool | None = None, **_kwargs: Any
    ) -> PublishedPipeline:
        """Publish what this run runs, with the sources it has and the defaults of the pipeline's parameters, and return it.

        :param continue_on_step_failure: ``None`` as this run
        :raises UserErrorException: the workspace does not keep the run's sources any more
        :raises DefinitionError: the run is one of a DAG file
        """
        from airflow_amlpipe.sdk.pipeline.core.published_pipeline import published_as
        from airflow_amlpipe.services.publish import publish_run

        check_text("PipelineRun.publish_pipeline: name", name)
        more: dict[str, Any] = {"description": description, "version": version}
        for what, text in more.items():
            if text is not None:
                check_text(f"PipelineRun.publish_pipeline: {what}", text)
        url = workspace_url("PipelineRun.publish_pipeline", self._workspace)
        with as_user_error():
            record = publish_run(
                url,
                self.id,
                name,
                home=home(),
                continue_on_step_failure=continue_on_step_failure,
                **more,
            )
        return published_as(self._workspace, record)

    @staticmethod
    def get_pipeline_runs(workspace: Workspace, pipeline_id: str, _service_endpoint: Any = None) -> list[PipelineRun]:
        """Return the runs of a published pipeline, the newest first; reads the record of every run.

        :raises UserErrorException: there is no such published pipeline
        """
        from airflow_amlpipe.sdk.core.experiment import Experiment

        store = open_workspace(workspace, "PipelineRun.get_pipeline_runs")
        with as_user_error():
            store.published.get(check_text("PipelineRun.get_pipeline_runs: pipeline_id", pipeline_id))
        return [
            PipelineRun(Experiment(workspace, record.experiment, _skip_name_validation=True), record.run_id)
            for record in store.runs.list()
            if record.published == pipeline_id
        ]

    save = absent("PipelineRun.save", "build the pipeline in Python")

    def _folder(self) -> str:
        return run_folder_of(self.id)

    def _events(self) -> Iterable[dict[str, Any]]:
        events: Iterable[dict[str, Any]] = pipeline_logged(self._workspace, self.id).events
        return events


def _published_properties(record: Any) -> dict[str, str]:
    if record.published is None:
        return {}
    found = {"azureml.pipelineid": record.published}
    if record.endpoint is not None:
        found |= {"azureml.pipelineEndpointId": record.endpoint.id, "amlpipe.endpoint": f"{record.endpoint.name}:{record.endpoint.version}"}
    return found


def find_run(workspace: Workspace, run_id: str) -> Run:
    """Return a pipeline run, or a step run, by its id.

    :raises UserErrorException: the workspace has neither
    """
    from airflow_amlpipe.sdk.core.experiment import Experiment

    try:
        run_record(workspace, run_id)
    except UserErrorException:
        found = find_step_run(workspace, run_id)
        if found is None:
            raise
        record, item = found
        experiment = Experiment(workspace, record.experiment, _skip_name_validation=True)
        return StepRun(experiment, run_id, record.run_id, item.started.step_id, _try=item)
    return class_of_run(experiment := _experiment_of(workspace, run_id), run_id)(experiment, run_id)


def class_of_run(experiment: Any, run_id: Any) -> type[Run]:
    """Return ScriptRun for a script that was submitted by itself, InteractiveRun for work that a script records itself, else PipelineRun, which also says what is wrong with a wrong id."""
    from airflow_amlpipe.sdk.core.interactive_run import InteractiveRun
    from airflow_amlpipe.sdk.core.script_run import ScriptRun

    classes: dict[str, type[Run]] = {"script": ScriptRun, "interactive": InteractiveRun}
    try:
        return classes.get(run_record(experiment.workspace, run_id).kind, PipelineRun)
    except (AttributeError, UserErrorException):
        return PipelineRun


def _experiment_of(workspace: Workspace, run_id: str) -> Experiment:
    from airflow_amlpipe.sdk.core.experiment import Experiment

    return Experiment(workspace, run_record(workspace, run_id).experiment, _skip_name_validation=True)
