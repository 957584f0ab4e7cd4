"""What goes into a step and what comes out of it, under which names?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk.data._config_helper import check_binding_name
from airflow_amlpipe.sdk.data.abstract_dataset import AbstractDataset
from airflow_amlpipe.sdk.data.data_reference import DataReference
from airflow_amlpipe.sdk.data.dataset_consumption_config import DatasetConsumptionConfig
from airflow_amlpipe.sdk.data.output_dataset_config import OutputDatasetConfig, OutputOrigin
from airflow_amlpipe.sdk.exceptions import UserErrorException

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.pipeline.core.builder import PipelineStep

__all__ = ["NAMED_INPUT", "Binding", "Inputs", "Outputs", "listed", "tell_callers"]

NAMED_INPUT = "use dataset.as_named_input('name'), with .as_mount() or .as_download() for a local path"


class Binding(NamedTuple):
    """An input or output of a step with the name that it has there."""

    name: str
    item: Any


class Inputs:
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
                raise UserErrorException(f"{where}: inputs: a dataset cannot be an input by itself; {NAMED_INPUT}")
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


class Outputs:
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


def listed(what: str, value: Any) -> list[Any]:
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


def tell_callers(arguments: Any, resolved: list[Any], inputs: Any, consumed: list[Any], outputs: Any, produced: list[Any]) -> None:
    if isinstance(arguments, list):
        arguments[:] = [str(item) if isinstance(item, (DatasetConsumptionConfig, OutputDatasetConfig)) else item for item in resolved]
    if isinstance(inputs, list):
        inputs[:] = consumed
    if isinstance(outputs, list):
        outputs[:] = produced
