"""What do all steps of a pipeline have in common?"""

from __future__ import annotations

import numbers
import os
from collections.abc import Iterable
from typing import Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk._arguments import check_items
from airflow_amlpipe.sdk._lazy import lazy_names
from airflow_amlpipe.sdk.data.abstract_dataset import AbstractDataset
from airflow_amlpipe.sdk.data.datapath import DataPath
from airflow_amlpipe.sdk.data.dataset_consumption_config import DatasetConsumptionConfig
from airflow_amlpipe.sdk.data.output_dataset_config import OutputDatasetConfig
from airflow_amlpipe.sdk.exceptions import UserErrorException
from airflow_amlpipe.sdk.pipeline.core._items import NAMED_INPUT, OUTPUT_DATA, PORT_DATA, InputItem, OutputItem, how_to_read, is_data_path
from airflow_amlpipe.sdk.pipeline.core._port_bindings import OutputPortBinding
from airflow_amlpipe.sdk.pipeline.core._ports import Inputs, Outputs, listed, tell_callers
from airflow_amlpipe.sdk.pipeline.core.graph import PipelineParameter, Volatile

__all__ = ["PipelineStep", "StepSequence"]


class StepSequence(list[Any]):
    """Steps of which each waits for all of the one before it; an element may be a list of steps that run in parallel."""

    def __init__(self, steps: Iterable[Any] | None = None) -> None:
        super().__init__(check_items("StepSequence: steps", steps or ()))


class PipelineStep:
    """What all steps have in common.

    Inputs and outputs that stand in ``arguments`` only are added to ``inputs`` and ``outputs``. As in SDK v1, lists that are given are
    changed: what was added is appended, and data in ``arguments`` is replaced by text that names it.

    :param fix_port_name_collisions: rename an input that has the name of an output to ``INPUT_<name>``
    """

    def __init__(
        self,
        name: str,
        inputs: list[Any] | None,
        outputs: list[Any] | None,
        arguments: list[Any] | None = None,
        fix_port_name_collisions: bool = False,
        resource_inputs: list[Any] | None = None,
    ) -> None:
        if not isinstance(name, str) or not name.strip() or not name.isprintable() or len(name) > 255:
            raise UserErrorException(
                f"step: the name {shorten(repr(name))} cannot be used; use printable characters in one line, at most 255 of them"
            )
        self.name = name
        self._where = f"step {shorten(repr(name))}"
        self._run_after: list[PipelineStep] = []
        self._parameters: list[PipelineParameter] = []
        consumed = Inputs(
            self._where, [*listed(f"{self._where}: inputs", inputs), *listed(f"{self._where}: resource_inputs", resource_inputs)]
        )
        produced = Outputs(self._where, listed(f"{self._where}: outputs", outputs))
        given = listed(f"{self._where}: arguments", arguments)
        # Each argument as it is: a value, a PipelineParameter, or the input or output it stands for.
        self._arguments = [self._argument(index, value, consumed, produced) for index, value in enumerate(given, 1)]
        self._outputs = produced.named(self)
        self._inputs = consumed.named({binding.name for binding in self._outputs} if fix_port_name_collisions else set())
        tell_callers(arguments, self._arguments, inputs, consumed.items, outputs, produced.items)

    def run_after(self, step: PipelineStep) -> None:
        """Let this step wait for ``step``, although no data links them."""
        if not isinstance(step, PipelineStep):
            raise UserErrorException(
                f"{self._where}: run_after takes a step, not {shorten(repr(step))}; call it once for each step to wait for"
            )
        if step not in self._run_after:
            self._run_after.append(step)

    def _argument(self, index: int, value: Any, consumed: Inputs, produced: Outputs) -> Any:
        where = f"{self._where}: argument {index}"
        if isinstance(value, (str, bool, int, float)):
            return value
        if isinstance(value, PipelineParameter):
            return self._parameter(where, value)
        if isinstance(value, Volatile):
            return value
        if isinstance(value, DatasetConsumptionConfig):
            return consumed.add(value)
        if isinstance(value, OutputDatasetConfig):
            return consumed.find_output(value) or produced.add(value)
        if isinstance(value, PORT_DATA) or is_data_path(value):
            return self._port(where, value, consumed, produced)
        if isinstance(value, AbstractDataset):
            raise UserErrorException(f"{where}: a dataset cannot be an argument by itself; {NAMED_INPUT}")
        if isinstance(value, os.PathLike):
            return os.fspath(value)
        if isinstance(value, numbers.Number) and callable(getattr(value, "item", None)):
            return value.item()  # type: ignore[attr-defined]  # a number of NumPy
        raise UserErrorException(
            f"{where} is {shorten(repr(value))} of type {type(value).__name__}; "
            "use text, a number, a PipelineParameter, an input or an output"
        )

    @staticmethod
    def _parameter(where: str, value: PipelineParameter) -> PipelineParameter:
        if isinstance(value.default_value, (DataPath, AbstractDataset)):
            raise UserErrorException(f"{where}: {how_to_read(value)}")
        return value

    @staticmethod
    def _port(where: str, value: Any, consumed: Inputs, produced: Outputs) -> InputItem | OutputItem:
        """Return the input or output of this step that ``value`` is; SDK v1 added none of these by itself."""
        found: InputItem | OutputItem | None = None
        if isinstance(value, OUTPUT_DATA):
            found = produced.find(value)
        if found is None and not isinstance(value, OutputPortBinding):
            found = consumed.find(value)
        if found is None:
            places = "inputs=[...] or outputs=[...]" if isinstance(value, OUTPUT_DATA) else "inputs=[...]"
            raise UserErrorException(f"{where}: {shorten(repr(value))} must be in {places} of the step as well; add it there")
        return found

    def __repr__(self) -> str:
        return f"{type(self).__name__}(name={self.name!r})"


__getattr__, __dir__ = lazy_names(__name__, {"PipelineData": "pipeline.core._pipeline_data"})
