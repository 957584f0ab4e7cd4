"""How does a run inside a step record what the script says?"""

# The signatures are SDK v1's, whether or not there is a use for an argument here.
# ruff: noqa: ARG002, A002

from __future__ import annotations

import os

from airflow_amlpipe.runtime.artifacts import ArtifactFolder
from airflow_amlpipe.runtime.errors import RunEnvironmentException, UserErrorException
from airflow_amlpipe.runtime.protocol import PARENT, SELF, ContextError, append_event, read_context, read_events, uploads_folder
from airflow_amlpipe.runtime.run import Run
from airflow_amlpipe.runtime.surroundings import ExperimentOfRun, InputDatasets, output_datasets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, Iterator, List, Optional, Sequence

    from airflow_amlpipe.runtime.protocol import Event, RunContext, RunPart

__all__ = ["ParentRun", "RecordedRun", "SubmittedRun", "open_submitted_run"]


def open_submitted_run(run_folder: str) -> SubmittedRun:
    """Return the run whose context lies in ``run_folder``.

    :raises RunEnvironmentException: it cannot be read
    """
    try:
        context = read_context(run_folder)
    except ContextError as error:
        raise RunEnvironmentException(
            "%s; the step's environment was made by another version, or changed by the script" % error, error
        ) from error
    return SubmittedRun(run_folder, context)


class RecordedRun(Run):
    """A run of the host's, known from the context; what is said of it is appended to the step's events."""

    _TARGET = SELF

    def __init__(self, run_folder: str, context: RunContext, part: RunPart, experiment: ExperimentOfRun) -> None:
        self._folder = run_folder
        self._context = context
        self._part = part
        self._artifacts = ArtifactFolder(
            uploads_folder(run_folder, self._TARGET), context["working_folder"] if self._TARGET == SELF else ""
        )
        self.id = part["id"]
        self.name = part["name"]
        self.number = part["number"]
        self.experiment = experiment
        self.parent: Optional[Run] = None
        self.input_datasets: Dict[str, Any] = {}
        self.output_datasets: Dict[str, Any] = {}

    def _target(self) -> str:
        return self._TARGET

    def _record(self, event: Event) -> None:
        append_event(self._folder, {**event, "target": self._TARGET})

    def _events(self) -> Iterator[Event]:
        for event in self._part["events"]:
            yield {**event, "target": self._TARGET}
        yield from read_events(self._folder)

    def _base_tags(self) -> Dict[str, str]:
        return self._part["tags"]

    def _base_properties(self) -> Dict[str, str]:
        return self._part["properties"]

    def upload_file(self, name: str, path_or_stream: Any, datastore_name: Optional[str] = None) -> None:
        self._artifacts.add_file(name, path_or_stream)

    def get_file_names(self) -> List[str]:
        return list(self._artifacts.paths())

    def download_file(self, name: str, output_file_path: Any = None, _validate_checksum: bool = False) -> None:
        self._artifacts.fetch(name, output_file_path)

    def register_model(
        self,
        model_name: str,
        model_path: Optional[str] = None,
        tags: Optional[Dict[str, Any]] = None,
        properties: Optional[Dict[str, Any]] = None,
        model_framework: Optional[str] = None,
        model_framework_version: Optional[str] = None,
        description: Optional[str] = None,
        datasets: Optional[Iterable[Any]] = None,
        sample_input_dataset: Any = None,
        sample_output_dataset: Any = None,
        resource_configuration: Any = None,
        **kwargs: Any,
    ) -> Any:
        from airflow_amlpipe.runtime.models import register_files

        files, top = self._artifacts.below(model_name if model_path is None else model_path)
        said = {"tags": tags, "properties": properties, "description": description, "datasets": datasets}
        return register_files(self.experiment.workspace, model_name, files, top, said, model_framework, model_framework_version)

    def child_run(self, name: Optional[str] = None, run_id: Optional[str] = None, outputs: Any = None) -> Run:
        """Return a new run below this one: for one of several things that the script tries.

        :raises UserErrorException: the id cannot be used, or is taken
        """
        from airflow_amlpipe.runtime.children import make_child

        return make_child(self, name, run_id)

    def create_children(
        self, count: Optional[int] = None, tag_key: Optional[str] = None, tag_values: Optional[Sequence[Any]] = None
    ) -> List[Run]:
        """Return ``count`` new runs below this one, or one for each of ``tag_values`` with that tag.

        :raises UserErrorException: neither or both are given, or more than 100
        """
        from airflow_amlpipe.runtime.children import make_children

        return list(make_children(self, count, tag_key, tag_values))

    def get_children(
        self, recursive: bool = False, tags: Any = None, properties: Any = None, type: Any = None, status: Any = None, **_: Any
    ) -> Iterator[Run]:
        """Yield the runs below this one that this step has made."""
        from airflow_amlpipe.runtime.children import children_of
        from airflow_amlpipe.runtime.model_methods import has_all

        for child in children_of(self):
            if has_all(child.get_tags(), tags) and has_all(child.get_properties(), properties) and status in (None, child.status):
                yield child
            if recursive:
                for below in child.get_children(True, tags, properties, type, status):
                    yield below

    def get_metrics(
        self, name: Optional[str] = None, recursive: bool = False, run_type: Any = None, populate: bool = False
    ) -> Dict[str, Any]:
        found = super().get_metrics(name, recursive, run_type, populate)
        if recursive:
            for child in self.get_children(recursive=True):
                found.update({child.id: child.get_metrics(name)})
        return found

    def get_portal_url(self) -> str:
        return self._part["url"]


class SubmittedRun(RecordedRun):
    """The run of the step that this script is."""

    def __init__(self, run_folder: str, context: RunContext) -> None:
        def workspace() -> Any:
            from airflow_amlpipe.runtime.workspace import Workspace

            return Workspace.of(context["workspace"])

        experiment = ExperimentOfRun(context["experiment"], context["experiment_id"], workspace)
        super().__init__(run_folder, context, context["run"], experiment)
        parent = context["parent"]
        self.parent = None if parent is None else ParentRun(run_folder, context, parent, experiment)
        self.input_datasets = InputDatasets(context["inputs"], lambda: experiment.workspace)
        self.output_datasets = dict(output_datasets(context["outputs"]))

    def get_snapshot_id(self) -> str:
        """Return the digest of the snapshot that the script was copied from."""
        return self._context["snapshot"]

    def get_environment(self, *_: Any, **__: Any) -> Any:
        """Return the environment that the script runs in."""
        from airflow_amlpipe.runtime.environments import environment_of_run

        return environment_of_run(self._context["environment"])

    def get_details(self) -> Dict[str, Any]:
        context = self._context
        return {
            **super().get_details(),
            "target": context["target"],
            "startTimeUtc": context["started_at"],
            "runDefinition": {"script": context["script"], "arguments": list(context["arguments"])},
            "inputDatasets": [dict(part) for part in context["inputs"]],
            "outputDatasets": [dict(part) for part in context["outputs"]],
            "submittedBy": os.environ.get("USER", ""),
        }


class ParentRun(RecordedRun):
    """The pipeline's run, as one of its steps sees it: what earlier steps recorded, and what this one adds."""

    _TARGET = PARENT
    type = "azureml.PipelineRun"

    def get_children(
        self, recursive: bool = False, tags: Any = None, properties: Any = None, type: Any = None, status: Any = None, **_: Any
    ) -> Iterator[Run]:
        """Yield the runs of the pipeline's steps that have started, as they are now, to be read."""
        from airflow_amlpipe.runtime.model_methods import has_all
        from airflow_amlpipe.runtime.other_runs import find_run

        for step in find_run(self.experiment.workspace, self.id).get_children():
            if (tags is None or has_all(step.get_tags(), tags)) and status in (None, step.status):
                yield step  # type: ignore[misc]  # a run that is read, not written to

    def get_steps(self) -> Iterator[Run]:
        """Like :meth:`get_children`."""
        return self.get_children()

    def find_step_run(self, name: str) -> List[Run]:
        """Return the runs of the steps of this name that have started."""
        return [run for run in self.get_steps() if run.name == name]

    def child_run(self, name: Optional[str] = None, run_id: Optional[str] = None, outputs: Any = None) -> Run:
        """:raises UserErrorException: what a step tries is below the step's run, not the pipeline's."""
        raise UserErrorException("run.parent.child_run(): make the run below the step's own: Run.get_context().child_run()")

    def create_children(
        self, count: Optional[int] = None, tag_key: Optional[str] = None, tag_values: Optional[Sequence[Any]] = None
    ) -> List[Run]:
        """:raises UserErrorException: what a step tries is below the step's run, not the pipeline's."""
        raise UserErrorException("run.parent.create_children(): make the runs below the step's own: Run.get_context().create_children()")

    def get_metrics(
        self, name: Optional[str] = None, recursive: bool = False, run_type: Any = None, populate: bool = False
    ) -> Dict[str, Any]:
        """Return what was logged to the pipeline's run; with ``recursive``, what its steps logged by the ids of their runs."""
        if not recursive:
            return super().get_metrics(name)
        return {step.id: step.get_metrics(name) for step in self.get_children()}

    def cancel(self) -> None:
        """Ask for the whole pipeline to be stopped; the script goes on until it is."""
        self._record({"kind": "cancel"})
