"""Which values are given to a pipeline when it is submitted, and which of them are no reason to run a step again?"""

from __future__ import annotations

import math
import os
from typing import Any

from airflow_amlpipe.exceptions import DefinitionError, shorten
from airflow_amlpipe.sdk._lazy import lazy_names
from airflow_amlpipe.sdk.data.abstract_dataset import AbstractDataset
from airflow_amlpipe.sdk.data.datapath import DataPath
from airflow_amlpipe.sdk.exceptions import UserErrorException

__all__ = ["PipelineParameter", "Volatile"]


class PipelineParameter:
    """A value that a pipeline takes at submission, of the type of its default: str, int, float, bool, a dataset or a DataPath.

    Give the object itself to a step's ``arguments`` or ``params``; a dataset as ``DatasetConsumptionConfig("name", parameter)``, a DataPath
    as ``(parameter, DataPathComputeBinding())`` in ``inputs`` and ``arguments``. As text it is SDK v1's ``PipelineParameter_Name:..._Default:...``,
    which SDK v1 ran literally when it got into an f-string; such text is refused when the pipeline is built.

    :param volatile: scripts get the value, but another one is no reason to run a step again; say so of what does not influence any output,
        such as a build id. Not in SDK v1
    :raises ValueError: the default is of another type, or the name cannot be used
    """

    def __init__(self, name: str, default_value: Any, *, volatile: bool = False) -> None:
        _check_name(name)
        if not isinstance(default_value, (bool, int, float, str, DataPath, AbstractDataset)):
            raise UserErrorException(
                f"Default value is of unsupported type: {type(default_value).__name__}; PipelineParameter {name!r}: "
                f"use a str, int, float, bool, dataset or DataPath, not {shorten(repr(default_value))}"
            )
        if isinstance(default_value, float) and not math.isfinite(default_value):
            raise UserErrorException(f"PipelineParameter {name!r}: the default {default_value!r} is no number; use a finite one")
        if not isinstance(volatile, bool):
            raise UserErrorException(f"PipelineParameter {name!r}: volatile must be True or False, not {shorten(repr(volatile))}")
        if volatile and isinstance(default_value, (DataPath, AbstractDataset)):
            raise UserErrorException(f"PipelineParameter {name!r}: data cannot be volatile; what a step reads always counts")
        self.name = name
        self.default_value = default_value
        self.volatile = volatile

    def __str__(self) -> str:
        return f"PipelineParameter_Name:{self.name}_Default:{self.default_value}"

    def __repr__(self) -> str:
        volatile = ", volatile=True" if self.volatile else ""
        return f"PipelineParameter(name={self.name!r}, default_value={self.default_value!r}{volatile})"


class Volatile:
    """An argument, or an entry of ``params``, that the script gets but that is no reason to run it again: ``["--build", Volatile(build)]``.

    That it is there, and where, still counts for reuse; its value does not. So a reused result may have been computed with another value.
    Ours, not in SDK v1.

    :param value: text, a number or a PipelineParameter, which is volatile in this place then
    """

    def __init__(self, value: Any) -> None:
        value = os.fspath(value) if isinstance(value, os.PathLike) else value
        is_data = isinstance(value, PipelineParameter) and isinstance(value.default_value, (DataPath, AbstractDataset))
        if is_data or not isinstance(value, (bool, int, float, str, PipelineParameter)):
            raise UserErrorException(
                f"Volatile({shorten(repr(value))}): a {type(value).__name__} cannot be volatile; use text, a number or a PipelineParameter. "
                "What a step reads and writes always counts"
            )
        self.value = value

    def __str__(self) -> str:
        return str(self.value)

    def __repr__(self) -> str:
        return f"Volatile({self.value!r})"


def _check_name(name: Any) -> None:
    # Imported when there is a parameter: who imports the SDK alone does not load a specification.
    from airflow_amlpipe.spec.names import check_parameter_name

    try:
        check_parameter_name("PipelineParameter", name)
    except DefinitionError as error:
        raise UserErrorException(str(error)) from error


_ELSEWHERE = {
    **dict.fromkeys(("InputPortBinding", "OutputPortBinding", "TrainingOutput"), "pipeline.core._port_bindings"),
    **dict.fromkeys(
        ("DataSource", "DataSourceDef", "DataType", "InputPortDef", "ModuleDef", "OutputPortDef", "ParamDef"), "pipeline.core._port_defs"
    ),
    **dict.fromkeys(("DataSourceNode", "Edge", "Graph", "InputPort", "ModuleNode", "Node", "OutputPort"), "pipeline.core._graph_view"),
    **dict.fromkeys(("PipelineRun", "PortDataReference", "StepRun", "StepRunOutput"), "pipeline.core.run"),
    **dict.fromkeys(("StoredProcedureParameter", "StoredProcedureParameterType"), "pipeline.core.stored_procedures"),
    "PipelineDataset": "pipeline.core._pipeline_dataset",
    "PublishedPipeline": "pipeline.core.published_pipeline",
}

__getattr__, __dir__ = lazy_names(__name__, _ELSEWHERE)
