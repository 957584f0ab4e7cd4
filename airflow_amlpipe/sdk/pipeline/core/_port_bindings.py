"""Through which port does a step read or write data, and how?"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk._arguments import check_text
from airflow_amlpipe.sdk.data._config_helper import check_binding_name
from airflow_amlpipe.sdk.data.output_dataset_config import OutputOrigin
from airflow_amlpipe.sdk.exceptions import UserErrorException

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.data.output_dataset_config import RegistrationConfiguration

__all__ = ["BindsAsInput", "InputPortBinding", "OutputPortBinding", "TrainingOutput"]

_INPUT_MODES = ("mount", "download", "direct")
_OUTPUT_MODES = ("mount", "upload")
_TRAINING_TYPES = ("Model", "Metrics")


class TrainingOutput:
    """Which model or metrics an output of an AutoMLStep or HyperDriveStep holds: kept with the output, and of use to those steps only."""

    def __init__(self, type: str, iteration: int | None = None, metric: str | None = None, model_file: str | None = None) -> None:
        if type not in _TRAINING_TYPES:
            raise UserErrorException(f"TrainingOutput: type {shorten(repr(type))} is not known; use one of: {', '.join(_TRAINING_TYPES)}")
        if iteration is not None and metric is not None:
            raise UserErrorException("TrainingOutput: iteration and metric both choose a model; give one of them")
        if type == "Metrics" and (iteration is not None or metric is not None or model_file is not None):
            raise UserErrorException("TrainingOutput: iteration, metric and model_file choose a model; leave them out with type 'Metrics'")
        self.type = type
        self.iteration = iteration
        self.metric = metric
        self.model_file = model_file


class OutputPortBinding:
    """An output of a step, with everything that is said about it; PipelineData makes one.

    :param output_name: what the step calls the output; without it, ``name``
    :param bind_mode: ``mount`` or ``upload``; in both what the script wrote is kept when it has ended well
    :param path_on_compute: the path that the script writes to; without it, a private one
    :param pipeline_output_name: under which ``PipelineRun.get_pipeline_output`` finds the output
    """

    def __init__(
        self,
        name: str,
        datastore: Any = None,
        output_name: str | None = None,
        bind_mode: str = "mount",
        path_on_compute: str | None = None,
        is_directory: bool | None = None,
        overwrite: bool | None = None,
        data_type: str | None = None,
        pipeline_output_name: str | None = None,
        training_output: TrainingOutput | None = None,
        dataset_registration: RegistrationConfiguration | None = None,
        dataset_output: Any = None,
    ) -> None:
        what = f"output {shorten(repr(name))}"
        if bind_mode not in _OUTPUT_MODES:
            raise UserErrorException(f"{what}: mode {shorten(repr(bind_mode))} is not known; use one of: {', '.join(_OUTPUT_MODES)}")
        if datastore is not None and not hasattr(datastore, "datastore_type"):
            raise UserErrorException(f"{what}: datastore {shorten(repr(datastore))} is no Datastore; use Datastore.get(ws, name)")
        if dataset_output is not None:
            raise UserErrorException(f"{what}: dataset_output is not for scripts; give the OutputFileDatasetConfig itself to the step")
        self.name = check_binding_name("output", name)
        self.output_name = self.name if output_name is None else check_binding_name(f"{what}: output_name", output_name)
        self.datastore = datastore
        self.bind_mode: Any = bind_mode
        self.path_on_compute = None if path_on_compute is None else check_text(f"{what}: path_on_compute", path_on_compute)
        self.is_directory = is_directory
        self.overwrite = overwrite
        self.data_type = data_type
        self.pipeline_output_name = (
            None if pipeline_output_name is None else check_text(f"{what}: pipeline_output_name", pipeline_output_name)
        )
        # Set where something else than a script writes the output, to a place that is known before: a DataTransferStep.
        self.destination: str | None = None
        self.training_output = training_output
        self.dataset_registration = dataset_registration
        self._origin = OutputOrigin()

    def __repr__(self) -> str:
        return f"OutputPortBinding({self.name!r}, output_name={self.output_name!r})"


class BindsAsInput:
    """What is an input under a name that it is given, and in a way that it is told."""

    @property
    def name(self) -> str:
        raise NotImplementedError

    def as_input(self, input_name: str) -> InputPortBinding:
        """Return it as an input that the reading step calls ``input_name``."""
        return self.create_input_binding(input_name)

    def as_download(
        self, input_name: str | None = None, path_on_compute: str | None = None, overwrite: bool | None = None
    ) -> InputPortBinding:
        """Return it as an input that is copied to a local path."""
        return self.create_input_binding(input_name, "download", path_on_compute, overwrite)

    def as_mount(self, input_name: str | None = None) -> InputPortBinding:
        """Return it as an input that the script sees as a local path."""
        return self.create_input_binding(input_name, "mount")

    def create_input_binding(
        self, input_name: str | None = None, mode: str | None = None, path_on_compute: str | None = None, overwrite: bool | None = None
    ) -> InputPortBinding:
        """Return it as an input."""
        return InputPortBinding(input_name or self.name, self, mode or "mount", path_on_compute, overwrite)


class InputPortBinding:
    """An input of a step, with everything that is said about it.

    :param bind_object: what the step reads: PipelineData, an output of a step, a DataReference, a PipelineDataset or a PortDataReference
    :param bind_mode: ``mount`` or ``download`` (a local path), or ``direct`` (the id of a dataset)
    :param path_on_compute: where the data is put, for scripts that expect it there
    :param is_resource: put the data into the script's working folder, under the name of the input
    """

    def __init__(
        self,
        name: str,
        bind_object: Any = None,
        bind_mode: str = "mount",
        path_on_compute: str | None = None,
        overwrite: bool | None = None,
        is_resource: bool = False,
        additional_transformations: Any = None,
        **kwargs: Any,
    ) -> None:
        if kwargs:
            raise UserErrorException(
                f"InputPortBinding: arguments {shorten(', '.join(sorted(kwargs)))} are not known; check their spelling"
            )
        if bind_object is None:
            raise UserErrorException(f"input {shorten(repr(name))}: bind_object is missing; give the data that the step reads")
        self._bind_mode = _checked_mode(name, bind_mode)
        self._name = check_binding_name("input", name)
        self.bind_object = bind_object
        self._path_on_compute = None if path_on_compute is None else check_text(f"input {name!r}: path_on_compute", path_on_compute)
        self.overwrite = overwrite
        self.is_resource = is_resource
        # How a table is read from what an earlier step wrote (spec.dataset.DatasetDefinition), where it is read as one.
        self.additional_transformations = additional_transformations

    @property
    def name(self) -> str:
        return self._name

    @name.setter
    def name(self, name: str) -> None:
        self._name = check_binding_name("input", name)

    @property
    def bind_mode(self) -> str:
        return self._bind_mode

    @bind_mode.setter
    def bind_mode(self, mode: str) -> None:
        self._bind_mode = _checked_mode(self._name, mode)

    @property
    def path_on_compute(self) -> str | None:
        return self._path_on_compute

    @path_on_compute.setter
    def path_on_compute(self, path: str | None) -> None:
        self._path_on_compute = None if path is None else check_text(f"input {self._name!r}: path_on_compute", path)

    @property
    def data_reference_name(self) -> str | None:
        """The name of the data that is read."""
        return self.get_bind_object_name()

    @property
    def data_type(self) -> str | None:
        return self.get_bind_object_data_type()

    def get_bind_object_name(self) -> str | None:
        """Return the name of what is read."""
        item = self.bind_object
        name: str | None = getattr(item, "data_reference_name", None) or getattr(item, "name", None)
        return name

    def get_bind_object_data_type(self) -> str | None:
        """Return the data type of what is read, if it has one."""
        kind: str | None = getattr(self.bind_object, "data_type", None)
        return kind

    def as_resource(self) -> InputPortBinding:
        """Return a copy whose data is put into the script's working folder."""
        copied = copy.copy(self)
        copied.is_resource = True
        return copied

    def __repr__(self) -> str:
        return f"InputPortBinding({self._name!r}, {self.bind_object!r}, bind_mode={self._bind_mode!r})"


def _checked_mode(name: str, mode: str) -> str:
    if mode not in _INPUT_MODES:
        raise UserErrorException(
            f"input {shorten(repr(name))}: mode {shorten(repr(mode))} is not known; use one of: {', '.join(_INPUT_MODES)}"
        )
    return mode
