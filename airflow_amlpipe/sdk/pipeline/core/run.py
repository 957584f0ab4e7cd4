"""How did a pipeline's run go, and what did its steps leave behind?"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk._absent import absent
from airflow_amlpipe.sdk._run_records import (
    StepRecords,
    find_step_run,
    folder_of,
    pipeline_logged,
    run_folder_of,
    run_record,
    run_status,
    step_logged,
    step_streams,
)
from airflow_amlpipe.sdk._workspace_store import home, open_workspace
from airflow_amlpipe.sdk.core.run import Run, matches_tags, tag_changes
from airflow_amlpipe.sdk.data.data_reference import DataReference
from airflow_amlpipe.sdk.exceptions import UserErrorException
from airflow_amlpipe.sdk.pipeline.core._waiting import wait_for_run, wait_for_step

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.core.experiment import Experiment
    from airflow_amlpipe.sdk.core.workspace import Workspace
    from airflow_amlpipe.workspace.records import StepTry

__all__ = ["PipelineRun", "PortDataReference", "StepRun", "StepRunOutput", "find_run"]


class PipelineRun(Run):
    """One execution of a pipeline.

    :raises UserErrorException: the workspace has no such run
    """

    type = "azureml.PipelineRun"

    def __init__(self, experiment: Experiment, run_id: str, _service_endpoint: Any = None, **_kwargs: Any) -> None:
        super().__init__(experiment, run_id)
        self._record = run_record(experiment.workspace, run_id)

    @staticmethod
    def get(workspace: Workspace, run_id: str, _service_endpoint: Any = None) -> PipelineRun:
        """Return a pipeline run by its id.

        :raises UserErrorException: the workspace has no such run
        """
        from airflow_amlpipe.sdk.core.experiment import Experiment

        return PipelineRun(Experiment(workspace, run_record(workspace, run_id).experiment, _skip_name_validation=True), run_id)

    @property
    def name(self) -> str:
        return self._record.pipeline

    @property
    def number(self) -> int:
        """Its place among the runs of its experiment, the oldest being 1."""
        ids = [record.run_id for record in open_workspace(self._workspace).runs.list(experiment=self._experiment.name)]
        return len(ids) - ids.index(self.id)

    @property
    def description(self) -> str | None:
        return self._record.description

    @property
    def parameters(self) -> dict[str, Any]:
        """The values of the pipeline's parameters in this run. Ours."""
        return dict(self._record.parameters)

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
        more = {"azureml.parameters": json.dumps(self.parameters), "amlpipe.reuse": self._record.policy}
        return {**noted, **fixed, **more}

    def get_details(self) -> dict[str, Any]:
        """Return id, status, times and properties of the run."""
        finished = open_workspace(self._workspace).runs.finished(self.id)
        return {
            "runId": self.id,
            "status": self.status,
            "startTimeUtc": self._record.created_at,
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

    get_graph = absent("PipelineRun.get_graph", "look at the DAG in Airflow, or at get_steps()")
    get_pipeline_output = absent("PipelineRun.get_pipeline_output", "use find_step_run(name)[0].get_output_data(output)")
    get_pipeline_runs = absent("PipelineRun.get_pipeline_runs", "use Experiment.get_runs()")
    publish_pipeline = absent("PipelineRun.publish_pipeline", "turn the pipeline into a DAG with Pipeline.to_dag")
    save = absent("PipelineRun.save", "build the pipeline in Python")

    def _folder(self) -> str:
        return run_folder_of(self.id)

    def _events(self) -> Iterable[dict[str, Any]]:
        events: Iterable[dict[str, Any]] = pipeline_logged(self._workspace, self.id).events
        return events


class StepRun(Run):
    """One try of one step of a pipeline's run."""

    type = "azureml.StepRun"

    def __init__(
        self,
        experiment: Experiment,
        step_run_id: str,
        pipeline_run_id: str,
        node_id: str,
        _service_endpoint: Any = None,
        _is_reused: bool = False,
        _current_node_id: str | None = None,
        _reused_run_id: str | None = None,
        _reused_node_id: str | None = None,
        _reused_pipeline_run_id: str | None = None,
        *,
        _try: StepTry | None = None,
        **_kwargs: Any,
    ) -> None:
        super().__init__(experiment, step_run_id)
        self._pipeline_run_id = pipeline_run_id
        self._node_id = node_id
        self._seen = _try

    @property
    def pipeline_run_id(self) -> str:
        return self._pipeline_run_id

    @property
    def name(self) -> str:
        return self._try().started.step_name

    @property
    def number(self) -> int:
        """Which try of the step this is, from 1."""
        return self._try().started.try_number

    @property
    def parent(self) -> PipelineRun:
        return PipelineRun(self._experiment, self._pipeline_run_id)

    @property
    def _is_reused(self) -> bool:
        finished = self._try().finished
        return finished is not None and finished.reused

    def get_status(self) -> str:
        """Return Running, Finished, Failed or Canceled."""
        return self._try().status

    def get_tags(self) -> dict[str, str]:
        tags: dict[str, str | None] = step_logged(self._workspace, self._try()).tags
        return {key: value for key, value in tags.items() if value is not None}

    def get_properties(self) -> dict[str, str]:
        """Return the step's id and pipeline, and of a reused step the run that produced its result, under SDK v1's keys."""
        item = self._try()
        noted: dict[str, str] = dict(step_logged(self._workspace, item).properties)
        noted |= {"azureml.runsource": "azureml.StepRun", "azureml.nodeid": self._node_id, "azureml.pipeline": self._pipeline_run_id}
        finished = item.finished
        if finished is not None and finished.reason is not None:
            noted["amlpipe.reason"] = finished.explanation
        origin = None if finished is None else finished.reused_from
        if origin is not None:
            noted |= {
                "azureml.isreused": "true",
                "azureml.reusedrunid": origin.step_run_id,
                "azureml.reusednodeid": origin.step_id,
                "azureml.reusedpipeline": origin.run_id,
                "azureml.reusedpipelinerunid": origin.run_id,
            }
        return noted

    def get_details(self) -> dict[str, Any]:
        """Return id, status, times, outputs and properties of the step run."""
        item = self._try()
        finished = item.finished
        outputs = [] if finished is None else list(finished.outputs.values())
        return {
            "runId": self.id,
            "status": self.status,
            "startTimeUtc": item.started.started_at,
            "endTimeUtc": None if finished is None else finished.finished_at,
            "services": {},
            "properties": self.get_properties(),
            "inputDatasets": [],
            "outputDatasets": [
                {
                    "identifier": {"savedId": None if output.dataset is None else output.dataset.id, "registeredId": None},
                    "outputType": "RunOutput",
                    "outputDetails": {"outputName": output.name},
                    "dataset": {"datastore": output.datastore, "path": output.published_to or output.path},
                }
                for output in outputs
            ],
            "logFiles": {name: name for name in self.get_file_names() if name.startswith("logs/")},
            **({} if finished is None or finished.error is None else {"error": {"error": {"message": finished.error}}}),
        }

    def get_details_with_logs(self) -> dict[str, Any]:
        """Return the details with the texts of the logs under STDOUT, STDERR and JOBLOG."""
        return {**self.get_details(), "STDOUT": self.get_stdout_log(), "STDERR": self.get_stderr_log(), "JOBLOG": self.get_job_log()}

    def get_stdout_log(self) -> str:
        """Return what the script wrote to standard output so far."""
        return step_streams(self._workspace, self._try())[0]

    def get_stderr_log(self) -> str:
        """Return what the script wrote to standard error so far."""
        return step_streams(self._workspace, self._try())[1]

    def get_job_log(self) -> str:
        """Return what airflow-amlpipe noted about the step: why it ran or was reused, and how it ended."""
        finished = self._try().finished
        return "" if finished is None else "\n".join(line for line in (finished.explanation, finished.error or "") if line)

    def get_outputs(self) -> dict[str, StepRunOutput]:
        """Return the outputs by name; empty until the step has ended well."""
        finished = self._try().finished
        outputs = {} if finished is None else finished.outputs
        return {name: StepRunOutput(self._workspace, self._pipeline_run_id, self, name, output) for name, output in outputs.items()}

    def get_output(self, name: str) -> StepRunOutput:
        """Return one output.

        :raises UserErrorException: the step has no such output; the message lists those it has
        """
        outputs = self.get_outputs()
        if name not in outputs:
            known = ", ".join(outputs) or "none, until it has ended well"
            raise UserErrorException(
                f"step {self.name!r} of run {self._pipeline_run_id} has no output {shorten(repr(name))}; its outputs are: {shorten(known, 600)}"
            )
        return outputs[name]

    def get_output_data(self, name: str) -> PortDataReference:
        """Return where an output lies.

        :raises UserErrorException: the step has no such output
        """
        return self.get_output(name).get_port_data_reference()

    def wait_for_completion(  # SDK v1's own order of arguments
        self, show_output: bool = True, timeout_seconds: float = sys.maxsize, raise_on_error: bool = True
    ) -> str:
        """Wait until the step has ended and return its status; see :meth:`PipelineRun.wait_for_completion`."""
        return wait_for_step(self, show_output=show_output, timeout_seconds=timeout_seconds, raise_on_error=raise_on_error)

    def cancel(self) -> None:
        """Ask for the step, and with it the whole run, to be stopped."""
        self.parent.cancel()

    tag = absent("StepRun.tag", "call it inside the step's script, on Run.get_context(), or tag the PipelineRun")
    set_tags = absent("StepRun.set_tags", "call it inside the step's script, on Run.get_context(), or tag the PipelineRun")
    remove_tags = absent("StepRun.remove_tags", "call it inside the step's script, on Run.get_context()")

    def _try(self) -> StepTry:
        """Return the records of this try; read again until it has ended."""
        if self._seen is None or self._seen.finished is None:
            tries = open_workspace(self._workspace).runs.tries(self._pipeline_run_id, self._node_id)
            found = next((item for item in tries if item.started.step_run_id == self.id), None)
            if found is None:
                raise UserErrorException(
                    f"run {self._pipeline_run_id} has no step run {shorten(repr(self.id))} of step {shorten(repr(self._node_id))}"
                )
            self._seen = found
        return self._seen

    def _folder(self) -> str:
        return folder_of(self._try())

    def _events(self) -> Iterable[dict[str, Any]]:
        events: Iterable[dict[str, Any]] = step_logged(self._workspace, self._try()).events
        return events


class StepRunOutput:
    """An output of a step run."""

    def __init__(self, context: Any, pipeline_run_id: str, step_run: StepRun, name: str, step_output: Any) -> None:
        self.context = context
        self.pipeline_run_id = pipeline_run_id
        self.step_run = step_run
        self.name = name
        self.step_output = step_output

    def get_port_data_reference(self) -> PortDataReference:
        """Return where it lies."""
        from airflow_amlpipe.sdk.core.datastore import Datastore

        datastore = Datastore.get(self.context, self.step_output.datastore)
        reference = DataReference(datastore, self.name, self.step_output.path)
        return PortDataReference(self.context, self.pipeline_run_id, reference, self.step_run)


class PortDataReference:
    """Where an output of a step run lies."""

    def __init__(self, context: Any, pipeline_run_id: str, data_reference: DataReference, step_run: StepRun | None = None) -> None:
        self._context = context
        self.pipeline_run_id = pipeline_run_id
        self._data_reference = data_reference
        self._step_run = step_run
        # Scripts of SDK v1 read this one of ``PortDataReference``, private as its name is.
        self._path_on_datastore = data_reference.path_on_datastore or ""

    @property
    def name(self) -> str:
        return self._data_reference.data_reference_name

    @property
    def datastore(self) -> Any:
        return self._data_reference.datastore

    @property
    def datastore_name(self) -> str:
        return self._data_reference.datastore.name

    @property
    def path_on_datastore(self) -> str:
        return self._path_on_datastore

    def download(self, local_path: str, overwrite: bool | None = None, show_progress: bool | None = None) -> int:
        """Copy the output to ``<local_path>/<path_on_datastore>`` and return how many files it has."""
        count: int = self.datastore.download(local_path, self._path_on_datastore, bool(overwrite), show_progress is not False)
        return count

    as_download = absent("PortDataReference.as_download", "register the output and read it with Dataset.get_by_name")
    as_input = absent("PortDataReference.as_input", "register the output and read it with Dataset.get_by_name")
    as_mount = absent("PortDataReference.as_mount", "register the output and read it with Dataset.get_by_name")
    create_input_binding = absent("PortDataReference.create_input_binding", "register the output and read it with Dataset.get_by_name")


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
    return PipelineRun.get(workspace, run_id)
