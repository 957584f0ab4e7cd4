"""How did one step of a pipeline's run go, and what did it leave behind?"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk._absent import absent
from airflow_amlpipe.sdk._run_records import folder_of, step_logged, step_streams
from airflow_amlpipe.sdk._workspace_store import open_workspace
from airflow_amlpipe.sdk.core._environment_of_run import environment_of_step
from airflow_amlpipe.sdk.core.run import Run
from airflow_amlpipe.sdk.exceptions import UserErrorException
from airflow_amlpipe.sdk.pipeline.core._child_run import children_of
from airflow_amlpipe.sdk.pipeline.core._run_data import input_datasets
from airflow_amlpipe.sdk.pipeline.core._waiting import wait_for_step
from airflow_amlpipe.sdk.pipeline.core.port_data import PortDataReference, StepRunOutput

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.core.environment import Environment
    from airflow_amlpipe.sdk.core.experiment import Experiment
    from airflow_amlpipe.sdk.pipeline.core.run import PipelineRun
    from airflow_amlpipe.workspace.records import StepTry

__all__ = ["StepRun"]


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
        from airflow_amlpipe.sdk.pipeline.core.run import PipelineRun

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
        """Return id, status, times, properties, and what data the step run read and wrote."""
        from airflow_amlpipe.workspace.run_data import described_outputs

        item = self._try()
        finished = item.finished
        return {
            "runId": self.id,
            "status": self.status,
            "startTimeUtc": item.started.started_at,
            "endTimeUtc": None if finished is None else finished.finished_at,
            "services": {},
            "properties": self.get_properties(),
            "inputDatasets": input_datasets(self._workspace, item),
            "outputDatasets": [] if finished is None else described_outputs(finished.outputs),
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

    def get_children(
        self,
        recursive: bool = False,
        tags: Any = None,
        properties: Any = None,
        type: str | None = None,
        status: str | None = None,
        _rehydrate_runs: bool = True,
    ) -> Iterator[Run]:
        """Yield the runs that the step's script made below its own (``child_run``, ``create_children``), the first one first."""
        logged = step_logged(self._workspace, self._try())
        return children_of(self, logged, self._folder(), recursive, tags, properties, status)

    def get_metrics(
        self, name: str | None = None, recursive: bool = False, run_type: str | None = None, populate: bool = False
    ) -> dict[str, Any]:
        """Return what the step logged, by name.

        :param recursive: ``{run id: metrics}`` of the step and the runs that its script made
        """
        if not recursive:
            return super().get_metrics(name, recursive, run_type, populate)
        runs = [self, *self.get_children(recursive=True)]
        return {run.id: Run.get_metrics(run, name) for run in runs}

    def get_environment(self) -> Environment:
        """Return the environment that the step's pipeline was submitted with.

        :raises UserErrorException: the run is one of a DAG file, which says it itself
        """
        return environment_of_step(self._workspace, self._pipeline_run_id, self._node_id)

    def get_snapshot_id(self) -> str | None:
        """Return the digest of the source snapshot that the step ran, or was reused with; ``None`` before that is known."""
        finished = self._try().finished
        manifest = (finished.key_manifest or {}) if finished is not None else {}
        code = manifest.get("components", {}).get("code")
        return None if code is None else str(code["readable"])

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
