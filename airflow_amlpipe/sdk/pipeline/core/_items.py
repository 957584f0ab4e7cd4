"""What did an author give as an input or output of a step, whichever of SDK v1's classes it is of?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk.data.abstract_dataset import AbstractDataset
from airflow_amlpipe.sdk.data.data_reference import DataReference
from airflow_amlpipe.sdk.data.datapath import DataPath, DataPathComputeBinding
from airflow_amlpipe.sdk.data.dataset_consumption_config import DatasetConsumptionConfig
from airflow_amlpipe.sdk.data.output_dataset_config import OutputDatasetConfig, OutputOrigin
from airflow_amlpipe.sdk.exceptions import UserErrorException
from airflow_amlpipe.sdk.pipeline.core._pipeline_data import PipelineData
from airflow_amlpipe.sdk.pipeline.core._pipeline_dataset import PipelineDataset
from airflow_amlpipe.sdk.pipeline.core._port_bindings import InputPortBinding, OutputPortBinding
from airflow_amlpipe.sdk.pipeline.core.graph import PipelineParameter
from airflow_amlpipe.sdk.pipeline.core.pipeline_output_dataset import PipelineOutputAbstractDataset
from airflow_amlpipe.sdk.pipeline.core.port_data import PortDataReference

__all__ = ["NAMED_INPUT", "OUTPUT_DATA", "PORT_DATA", "InputItem", "OutputItem", "how_to_read", "is_data_path", "read_input", "read_output"]

NAMED_INPUT = "use dataset.as_named_input('name'), with .as_mount() or .as_download() for a local path"
# What SDK v1 wanted in inputs or outputs wherever it stood in arguments.
OUTPUT_DATA = (PipelineData, PipelineOutputAbstractDataset, OutputPortBinding)
PORT_DATA = (*OUTPUT_DATA, InputPortBinding, DataReference, PipelineDataset, PortDataReference)


@dataclass(frozen=True, eq=False)
class InputItem:
    """An input, before it has its name in the step.

    :ivar name: the one its author gave it; ``None`` for one that is named by its place
    :ivar source: a dataset, ``(workspace, name[, version])``, a DataReference, a PipelineParameter, or the origin of a step's output
    :ivar definition: how a table is read from it, where it is read as one
    :ivar given: the object in the author's list
    """

    name: str | None
    mode: Any
    path_on_compute: str | None
    source: Any
    given: Any
    definition: Any = None

    def is_same(self, other: InputItem) -> bool:
        """Whether both are one input of a step: the same object, or the same data under the same name."""
        if self.given is other.given:
            return True
        mine, its = (self.name, self.mode, self.path_on_compute), (other.name, other.mode, other.path_on_compute)
        return self.name is not None and mine == its and self.definition == other.definition and self.has_source(other.source)

    def has_source(self, source: Any) -> bool:
        """Whether it reads ``source``."""
        if isinstance(source, DataReference) and isinstance(self.source, DataReference):
            return vars(source) == vars(self.source)
        return self.source is source


@dataclass(frozen=True, eq=False)
class OutputItem:
    """An output, before it has its name in the step.

    :ivar content: what says how it is kept: an OutputDatasetConfig or an OutputPortBinding
    :ivar given: the object in the author's list
    """

    content: Any
    given: Any

    @property
    def name(self) -> str | None:
        if isinstance(self.content, OutputPortBinding):
            return self.content.output_name
        name: str | None = self.content._name
        return name

    @property
    def origin(self) -> OutputOrigin:
        origin: OutputOrigin = self.content._origin
        return origin

    @property
    def settings(self) -> tuple[Any, ...]:
        """Everything that is said about it; of two copies with other settings nobody can say which is meant."""
        if isinstance(self.content, OutputPortBinding):
            return ()
        registration, upload = self.content._registration, getattr(self.content, "_upload_options", None)
        return (
            self.content._name,
            self.content.mode,
            getattr(self.content, "destination", None),
            getattr(self.content, "source", None),
            None if registration is None else registration.name,
            None if upload is None else (upload.overwrite, upload.source_globs),
        )


def is_data_path(item: Any) -> bool:
    """Whether ``item`` is SDK v1's tuple ``(PipelineParameter(DataPath), DataPathComputeBinding)``."""
    return (
        isinstance(item, tuple)
        and len(item) == 2
        and isinstance(item[0], PipelineParameter)
        and isinstance(item[1], DataPathComputeBinding)
    )


def read_input(where: str, item: Any) -> InputItem:
    """Return what ``item``, given to ``inputs`` of a step, is.

    :raises UserErrorException: it is no input
    """
    if isinstance(item, OutputDatasetConfig):
        item = item.as_input()
    if isinstance(item, DatasetConsumptionConfig):
        if isinstance(item.dataset, OutputDatasetConfig):
            return InputItem(item._name, item.mode, item.path_on_compute, item.dataset._origin, item, item.dataset._definition)
        return InputItem(item._name, item.mode, item.path_on_compute, item.dataset, item)
    if isinstance(item, DataReference):
        return InputItem(item.data_reference_name, item.mode, item.path_on_compute, item, item)
    if isinstance(item, (PipelineData, PipelineOutputAbstractDataset)):
        return _from_binding(where, item.create_input_binding(), item)
    if isinstance(item, InputPortBinding):
        return _from_binding(where, item, item)
    if isinstance(item, PipelineDataset):
        return InputItem(item.name, item.bind_mode, item.path_on_compute, item._as_input_source(), item)
    if isinstance(item, PortDataReference):
        return _from_binding(where, item.create_input_binding(), item)
    if is_data_path(item):
        return _data_path(where, item)
    if isinstance(item, AbstractDataset):
        raise UserErrorException(f"{where}: inputs: a dataset cannot be an input by itself; {NAMED_INPUT}")
    if isinstance(item, PipelineParameter) and isinstance(item.default_value, (DataPath, AbstractDataset)):
        raise UserErrorException(f"{where}: inputs: {how_to_read(item)}")
    raise UserErrorException(
        f"{where}: inputs: {shorten(repr(item))} of type {type(item).__name__} is no input; "
        "use dataset.as_named_input(...), output.as_input(), PipelineData or a DataReference"
    )


def read_output(where: str, item: Any) -> OutputItem:
    """Return what ``item``, given to ``outputs`` of a step, is.

    :raises UserErrorException: it is no output
    """
    if isinstance(item, (OutputDatasetConfig, OutputPortBinding)):
        return OutputItem(item, item)
    if isinstance(item, PipelineData):
        return OutputItem(item._binding, item)
    if isinstance(item, PipelineOutputAbstractDataset):
        return OutputItem(item._pipeline_data._binding, item)
    raise UserErrorException(
        f"{where}: outputs: {shorten(repr(item))} of type {type(item).__name__} is no output; use OutputFileDatasetConfig or PipelineData"
    )


def _from_binding(where: str, binding: InputPortBinding, given: Any) -> InputItem:
    source, mode, path = binding.bind_object, binding.bind_mode, binding.path_on_compute
    if isinstance(source, PipelineOutputAbstractDataset):
        source = source._pipeline_data
    if isinstance(source, PipelineData):
        source = source._binding
    if isinstance(source, (OutputPortBinding, OutputDatasetConfig)):
        source = source._origin
    elif isinstance(source, (PipelineDataset, PortDataReference)):
        source = source._as_input_source()
    elif isinstance(source, AbstractDataset) or not isinstance(source, DataReference):
        raise UserErrorException(
            f"{where}: input {binding.name!r}: bind_object {shorten(repr(source))} of type {type(source).__name__} is nothing a port can read; "
            "use PipelineData, an output of a step, a DataReference, a PipelineDataset or a PortDataReference"
        )
    if binding.is_resource:
        mode, path = "download", path or binding.name
    return InputItem(binding.name, mode, path, source, given, binding.additional_transformations)


def _data_path(where: str, item: tuple[PipelineParameter, DataPathComputeBinding]) -> InputItem:
    parameter, binding = item
    if not isinstance(parameter.default_value, DataPath):
        raise UserErrorException(
            f"{where}: inputs: ({parameter!r}, DataPathComputeBinding) is no DataPath, but a {type(parameter.default_value).__name__}; "
            f"{how_to_read(parameter) if isinstance(parameter.default_value, AbstractDataset) else 'give the PipelineParameter itself to arguments'}"
        )
    name = re.sub(r"\W", "_", parameter.name, flags=re.ASCII)
    return InputItem(f"_{name}" if name[0].isdigit() else name, binding.mode, binding.path_on_compute, parameter, item)


def how_to_read(parameter: PipelineParameter) -> str:
    """Return how a step reads the data that ``parameter`` names."""
    if isinstance(parameter.default_value, DataPath):
        return f"PipelineParameter {parameter.name!r} is a DataPath; give the tuple (parameter, DataPathComputeBinding()) to inputs and arguments"
    return f"PipelineParameter {parameter.name!r} is a dataset; give DatasetConsumptionConfig('name', parameter), with .as_mount() for a local path"
