"""What goes into a step, what comes out of it, and which steps make up a pipeline?"""

from __future__ import annotations

import numbers
import os
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk._arguments import check_items
from airflow_amlpipe.sdk._lazy import lazy_names
from airflow_amlpipe.sdk.data._config_helper import check_binding_name
from airflow_amlpipe.sdk.data.abstract_dataset import AbstractDataset
from airflow_amlpipe.sdk.data.data_reference import DataReference
from airflow_amlpipe.sdk.data.dataset_consumption_config import DatasetConsumptionConfig
from airflow_amlpipe.sdk.data.output_dataset_config import OutputDatasetConfig, OutputOrigin
from airflow_amlpipe.sdk.exceptions import UserErrorException
from airflow_amlpipe.sdk.pipeline.core.graph import PipelineParameter, Volatile

__all__ = ["PipelineStep", "StepSequence", "Binding", "collect_steps"]

_NAMED_INPUT = "use dataset.as_named_input('name'), with .as_mount() or .as_download() for a local path"


class Binding(NamedTuple):
    """An input or output of a step with the name that it has there."""

    name: str
    item: Any


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
        consumed = _Inputs(
            self._where, [*_listed(f"{self._where}: inputs", inputs), *_listed(f"{self._where}: resource_inputs", resource_inputs)]
        )
        produced = _Outputs(self._where, _listed(f"{self._where}: outputs", outputs))
        given = _listed(f"{self._where}: arguments", arguments)
        # Each argument as it is: a value, a PipelineParameter, or the input or output it stands for.
        self._arguments = [self._argument(index, value, consumed, produced) for index, value in enumerate(given, 1)]
        self._outputs = produced.named(self)
        self._inputs = consumed.named({binding.name for binding in self._outputs} if fix_port_name_collisions else set())
        _tell_callers(arguments, self._arguments, inputs, consumed.items, outputs, produced.items)

    def run_after(self, step: PipelineStep) -> None:
        """Let this step wait for ``step``, although no data links them."""
        if not isinstance(step, PipelineStep):
            raise UserErrorException(
                f"{self._where}: run_after takes a step, not {shorten(repr(step))}; call it once for each step to wait for"
            )
        if step not in self._run_after:
            self._run_after.append(step)

    def _argument(self, index: int, value: Any, consumed: _Inputs, produced: _Outputs) -> Any:
        where = f"{self._where}: argument {index}"
        if isinstance(value, (str, bool, int, float)):
            return value
        if isinstance(value, (PipelineParameter, Volatile)):
            return value
        if isinstance(value, DatasetConsumptionConfig):
            return consumed.add(value)
        if isinstance(value, OutputDatasetConfig):
            return consumed.find_output(value) or produced.add(value)
        if isinstance(value, DataReference):
            if not consumed.has(value):
                raise UserErrorException(f"{where}: {value!r} must be in inputs=[...] of the step as well; add it there")
            return value
        if isinstance(value, AbstractDataset):
            raise UserErrorException(f"{where}: a dataset cannot be an argument by itself; {_NAMED_INPUT}")
        if isinstance(value, os.PathLike):
            return os.fspath(value)
        if isinstance(value, numbers.Number) and callable(getattr(value, "item", None)):
            return value.item()  # type: ignore[attr-defined]  # a number of NumPy
        raise UserErrorException(
            f"{where} is {shorten(repr(value))} of type {type(value).__name__}; "
            "use text, a number, a PipelineParameter, an input or an output"
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}(name={self.name!r})"


class _Inputs:
    """The inputs of one step, while its constructor gathers them."""

    def __init__(self, where: str, given: list[Any]) -> None:
        self._where = where
        self.items: list[Any] = []
        # Outputs of other steps that were given bare, by what their copies share.
        self._bare: dict[OutputOrigin, DatasetConsumptionConfig] = {}
        for item in given:
            if isinstance(item, OutputDatasetConfig):
                self._bare[item._origin] = self.add(item.as_input())
            elif isinstance(item, (DatasetConsumptionConfig, DataReference)):
                self.add(item)
            elif isinstance(item, AbstractDataset):
                raise UserErrorException(f"{where}: inputs: a dataset cannot be an input by itself; {_NAMED_INPUT}")
            else:
                raise UserErrorException(
                    f"{where}: inputs: {shorten(repr(item))} of type {type(item).__name__} is no input; "
                    "use dataset.as_named_input(...), output.as_input() or a DataReference"
                )

    def add(self, item: Any) -> Any:
        """Return the input that ``item`` is: itself, or the same one that is there already."""
        for known in self.items:
            if known is item or _is_same_input(known, item):
                return known
        self.items.append(item)
        return item

    def has(self, item: Any) -> bool:
        return any(known is item or _is_same_input(known, item) for known in self.items)

    def find_output(self, output: OutputDatasetConfig) -> DatasetConsumptionConfig | None:
        return self._bare.get(output._origin)

    def named(self, taken_by_outputs: set[str]) -> list[Binding]:
        explicit = [_explicit_name(item) for item in self.items]
        names = _names("input", self._where, explicit)
        bindings = []
        for item, name in zip(self.items, names, strict=True):
            chosen = f"INPUT_{name}" if name in taken_by_outputs else name
            if isinstance(item, DatasetConsumptionConfig) and item._name is None:
                item._given_name = chosen
            bindings.append(Binding(chosen, item))
        return bindings


class _Outputs:
    """The outputs of one step, while its constructor gathers them."""

    def __init__(self, where: str, given: list[Any]) -> None:
        self._where = where
        self.items: list[OutputDatasetConfig] = []
        for item in given:
            if not isinstance(item, OutputDatasetConfig):
                raise UserErrorException(
                    f"{where}: outputs: {shorten(repr(item))} of type {type(item).__name__} is no output; use OutputFileDatasetConfig"
                )
            self.add(item)

    def add(self, item: OutputDatasetConfig) -> OutputDatasetConfig:
        """Return the output that ``item`` is: itself, or the copy of it that is there already."""
        for known in self.items:
            if known._origin is item._origin:
                if _settings(known) != _settings(item):
                    raise UserErrorException(
                        f"{self._where}: output {item.name or 'without a name'!r} is there twice, with different settings; "
                        "use the object that register_on_complete(), as_upload() or as_mount() returned in both places"
                    )
                return known
        self.items.append(item)
        return item

    def named(self, step: PipelineStep) -> list[Binding]:
        names = _names("output", self._where, [item._name for item in self.items])
        for item, name in zip(self.items, names, strict=True):
            item._origin.producer = step
            item._origin.given_name = name if item._name is None else None
        return [Binding(name, item) for name, item in zip(names, self.items, strict=True)]


def _listed(what: str, value: Any) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, (list, tuple)):
        return list(value)
    raise UserErrorException(f"{what} must be a list, not {shorten(repr(value))} of type {type(value).__name__}; write [...]")


def _names(what: str, where: str, explicit: list[str | None]) -> list[str]:
    """Give every unnamed one a name from its place (``output_2`` for the second), never a random one: names are part of a step's key."""
    taken = {name for name in explicit if name is not None}
    names = []
    for place, name in enumerate(explicit, 1):
        chosen = name
        if chosen is None:
            chosen = f"{what}_{place}"
            while chosen in taken:
                chosen += "_"
            taken.add(chosen)
        elif explicit.count(chosen) > 1:
            raise UserErrorException(f"{where}: {explicit.count(chosen)} {what}s are called {chosen!r}; give each its own name")
        names.append(check_binding_name(f"{where}: {what}", chosen))
    return names


def _explicit_name(item: Any) -> str | None:
    return item.data_reference_name if isinstance(item, DataReference) else item._name


def _is_same_input(one: Any, other: Any) -> bool:
    if isinstance(one, DatasetConsumptionConfig) and isinstance(other, DatasetConsumptionConfig):
        return (
            one._name is not None
            and (one._name, one.mode, one.path_on_compute) == (other._name, other.mode, other.path_on_compute)
            and (one.dataset is other.dataset or getattr(one.dataset, "_origin", one) is getattr(other.dataset, "_origin", other))
        )
    return isinstance(one, DataReference) and isinstance(other, DataReference) and vars(one) == vars(other)


def _settings(output: Any) -> tuple[Any, ...]:
    registration, upload = output._registration, getattr(output, "_upload_options", None)
    return (
        output._name,
        output.mode,
        getattr(output, "destination", None),
        getattr(output, "source", None),
        None if registration is None else registration.name,
        None if upload is None else (upload.overwrite, upload.source_globs),
    )


def _tell_callers(arguments: Any, resolved: list[Any], inputs: Any, consumed: list[Any], outputs: Any, produced: list[Any]) -> None:
    if isinstance(arguments, list):
        arguments[:] = [str(item) if isinstance(item, (DatasetConsumptionConfig, OutputDatasetConfig)) else item for item in resolved]
    if isinstance(inputs, list):
        inputs[:] = consumed
    if isinstance(outputs, list):
        outputs[:] = produced


def collect_steps(steps: Any, *, resolve_closure: bool = True) -> dict[PipelineStep, list[PipelineStep]]:
    """Return the steps of a pipeline in the author's order, each with those it waits for other than through data.

    :param steps: a step, a list, a StepSequence, or these nested
    :param resolve_closure: pull in the steps that write what these read, and those they run after
    """
    waits: dict[PipelineStep, list[PipelineStep]] = {}
    _gather(steps, [], waits)
    if resolve_closure:
        found = list(waits)
        for step in found:  # grows while it is walked
            for other in _upstream(step):
                if other not in waits:
                    waits[other] = []
                    found.append(other)
    for step, others in waits.items():
        others += [other for other in step._run_after if other not in others]
    return waits


def _gather(item: Any, before: list[PipelineStep], waits: dict[PipelineStep, list[PipelineStep]]) -> list[PipelineStep]:
    """Add the steps of ``item``, which wait for ``before``, and return them."""
    if isinstance(item, PipelineStep):
        known = waits.setdefault(item, [])
        known += [step for step in before if step not in known]
        return [item]
    if isinstance(item, StepSequence):
        found: list[PipelineStep] = []
        for element in item:
            gathered = _gather(element, before, waits)
            found += gathered
            before = gathered or before
        return found
    if isinstance(item, list):
        return [step for element in item for step in _gather(element, before, waits)]
    raise StepTypeError(
        f"Can not add object of type {type(item).__name__} to Pipeline. Give a step, a list of steps or a StepSequence, not {shorten(repr(item))}"
    )


class StepTypeError(UserErrorException, NotImplementedError):
    """Something that is no step was given as one; a NotImplementedError too, because that is what SDK v1 raised."""


def _upstream(step: PipelineStep) -> Iterator[PipelineStep]:
    for binding in step._inputs:
        origin = getattr(getattr(binding.item, "dataset", None), "_origin", None)
        if origin is not None and origin.producer is not None:
            yield origin.producer
    yield from step._run_after


__getattr__, __dir__ = lazy_names(__name__, {}, {"PipelineData": "use OutputFileDatasetConfig"})
