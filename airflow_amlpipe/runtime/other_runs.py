"""What can a script learn of other runs of its workspace?

They are read, not changed: ``Run.get(ws, run_id)``, ``ws.get_run(run_id)``, ``run.parent.get_children()``.
"""

# SDK v1's signatures.
# ruff: noqa: ARG002

from __future__ import annotations

from airflow_amlpipe.runtime.asking import ask, is_inside_step
from airflow_amlpipe.runtime.elsewhere import CompletedBySdk, from_sdk
from airflow_amlpipe.runtime.values import from_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterator, List, Optional

__all__ = ["RUN_HISTORY_WORDS", "OtherRun", "PipelineRun", "StepRun", "find_run"]

# SDK v1 said Finished in get_status() of a pipeline's runs and Completed everywhere else (``Run.get_status``).
RUN_HISTORY_WORDS = {"Finished": "Completed"}


def find_run(workspace: Any, run_id: str) -> OtherRun:
    """Return a run of the workspace by its id.

    :raises UserErrorException: there is none
    """
    return _run_of(workspace, ask("run", {"id": run_id}))


def _run_of(workspace: Any, told: Dict[str, Any]) -> OtherRun:
    kind = PipelineRun if told["type"] == "azureml.PipelineRun" else StepRun
    found: OtherRun = object.__new__(kind)
    OtherRun.__init__(found, workspace, told)
    return found


class OtherRun(CompletedBySdk):
    """A run as it was when it was asked for."""

    _NAME = "Run"

    def __init__(self, workspace: Any, told: Dict[str, Any]) -> None:
        self._workspace = workspace
        self._told = told
        self.id: str = told["id"]
        self.name: str = told["name"]
        self.type: str = told["type"]
        self.number: int = told.get("number", 1)

    @property
    def experiment(self) -> Any:
        """The experiment it belongs to."""
        from airflow_amlpipe.runtime.surroundings import ExperimentOfRun

        name = self._asked()["experiment"]
        return ExperimentOfRun(name, name, lambda: self._workspace)

    @property
    def parent(self) -> Optional[OtherRun]:
        """The pipeline's run, of a step's."""
        parent = self._told.get("parent")
        return None if parent is None else find_run(self._workspace, parent)

    def get_status(self) -> str:
        """Return the word for how it is."""
        status: str = self._told["status"]
        return status

    @property
    def status(self) -> str:
        """Like :meth:`get_status`, but a run that ended well is ``Completed``."""
        return RUN_HISTORY_WORDS.get(self.get_status(), self.get_status())

    def get_metrics(
        self, name: Optional[str] = None, recursive: bool = False, run_type: Any = None, populate: bool = False
    ) -> Dict[str, Any]:
        """Return what it logged; with ``recursive``, what the runs below it logged, by their ids."""
        if recursive:
            return {child.id: child.get_metrics(name) for child in self.get_children()}
        metrics: Dict[str, Any] = from_json(self._asked()["metrics"])
        return metrics if name is None else {key: value for key, value in metrics.items() if key == name}

    def get_tags(self) -> Dict[str, str]:
        """Return its tags."""
        return dict(self._asked()["tags"])

    @property
    def tags(self) -> Dict[str, str]:
        """Its tags."""
        return self.get_tags()

    def get_properties(self) -> Dict[str, str]:
        """Return its properties."""
        return dict(self._asked()["properties"])

    @property
    def properties(self) -> Dict[str, str]:
        """Its properties."""
        return self.get_properties()

    def get_children(self, *_: Any, **__: Any) -> Iterator[OtherRun]:
        """Yield the runs of its steps that have started."""
        for told in self._asked()["steps"]:
            yield _run_of(self._workspace, told)

    def get_steps(self) -> Iterator[OtherRun]:
        """Yield the runs of its steps that have started."""
        return self.get_children()

    def find_step_run(self, name: str) -> List[OtherRun]:
        """Return the runs of its steps of this name that have started."""
        return [run for run in self.get_steps() if run.name == name]

    def get_details(self) -> Dict[str, Any]:
        """Return what is known of it, under SDK v1's keys; of a pipeline's run, no data."""
        told = self._asked()
        return {
            "runId": self.id,
            "status": self.status,
            "properties": self.get_properties(),
            "tags": self.get_tags(),
            "inputDatasets": list(told.get("inputDatasets", ())),
            "outputDatasets": list(told.get("outputDatasets", ())),
            "logFiles": dict(told.get("logFiles", {})),
        }

    def _asked(self) -> Dict[str, Any]:
        """Return everything; a step that its pipeline's run names is known by name and status alone."""
        if "metrics" not in self._told:
            self._told = ask("run", {"id": self.id})
        return self._told

    def _load_sdk(self, wanted: str) -> Any:
        return from_sdk("core", "Run", wanted).get(self._workspace, self.id)

    def __repr__(self) -> str:
        return "Run(Id: %s,\nType: %s,\nStatus: %s)" % (self.id, self.type, self.status)


class PipelineRun(OtherRun):
    """A pipeline's run, by its id: ``PipelineRun(run.experiment, run.parent.id)``."""

    def __new__(cls, experiment: Any, run_id: str, *args: Any, **kwargs: Any) -> Any:
        if not is_inside_step():
            return from_sdk("pipeline.core", "PipelineRun", "azureml.pipeline.core.PipelineRun")(experiment, run_id, *args, **kwargs)
        return object.__new__(cls)

    def __init__(self, experiment: Any, run_id: str, _service_endpoint: Any = None, **_: Any) -> None:
        super().__init__(experiment.workspace, ask("run", {"id": run_id}))

    @staticmethod
    def get(workspace: Any, run_id: str, _service_endpoint: Any = None) -> OtherRun:
        """Return a run of the workspace by its id.

        :raises UserErrorException: there is none
        """
        return find_run(workspace, run_id)


class StepRun(OtherRun):
    """The run of a step, by its id."""

    def __new__(cls, experiment: Any, step_run_id: str, *args: Any, **kwargs: Any) -> Any:
        if not is_inside_step():
            return from_sdk("pipeline.core", "StepRun", "azureml.pipeline.core.StepRun")(experiment, step_run_id, *args, **kwargs)
        return object.__new__(cls)

    def __init__(self, experiment: Any, step_run_id: str, *_: Any, **__: Any) -> None:
        super().__init__(experiment.workspace, ask("run", {"id": step_run_id}))

    @property
    def pipeline_run_id(self) -> Optional[str]:
        """The id of the pipeline's run."""
        return self._told.get("parent")
