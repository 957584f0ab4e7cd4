"""What goes into a step and what comes out of it, under which names?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk.data._config_helper import check_binding_name
from airflow_amlpipe.sdk.data.dataset_consumption_config import DatasetConsumptionConfig
from airflow_amlpipe.sdk.data.output_dataset_config import OutputDatasetConfig, OutputOrigin
from airflow_amlpipe.sdk.exceptions import UserErrorException
from airflow_amlpipe.sdk.pipeline.core._items import InputItem, OutputItem, is_data_path, read_input, read_output

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.pipeline.core.builder import PipelineStep

__all__ = ["Binding", "Inputs", "Outputs", "listed", "tell_callers"]


class Binding(NamedTuple):
    """An input or output of a step with the name that it has there."""

    name: str
    item: Any


class Inputs:
    """The inputs of one step, while its constructor gathers them."""

    def __init__(self, where: str, given: list[Any]) -> None:
        self._where = where
        self.items: list[InputItem] = []
        # Outputs of other steps that were given bare, by what their copies share.
        self._bare: dict[OutputOrigin, InputItem] = {}
        for item in given:
            added = self.add(item)
            if isinstance(item, OutputDatasetConfig):
                self._bare[item._origin] = added

    def add(self, given: Any) -> InputItem:
        """Return the input that ``given`` is: the same one that is there already, or a new one."""
        item = read_input(self._where, given)
        for known in self.items:
            if known.is_same(item):
                return known
        self.items.append(item)
        return item

    def find(self, given: Any) -> InputItem | None:
        """Return the input that ``given``, which has to be there already, is: itself, or else one that reads the same data."""
        if isinstance(given, tuple):
            return next((known for known in self.items if is_data_path(known.given) and _is_same_place(known.given, given)), None)
        item = read_input(self._where, given)
        same = next((known for known in self.items if known.is_same(item)), None)
        return same or next((known for known in self.items if known.has_source(item.source)), None)

    def find_output(self, output: OutputDatasetConfig) -> InputItem | None:
        return self._bare.get(output._origin)

    def named(self, taken_by_outputs: set[str]) -> list[Binding]:
        names = _names("input", self._where, [item.name for item in self.items])
        bindings = []
        for item, name in zip(self.items, names, strict=True):
            chosen = f"INPUT_{name}" if name in taken_by_outputs else name
            if isinstance(item.given, DatasetConsumptionConfig) and item.name is None:
                item.given._given_name = chosen
            bindings.append(Binding(chosen, item))
        return bindings


class Outputs:
    """The outputs of one step, while its constructor gathers them."""

    def __init__(self, where: str, given: list[Any]) -> None:
        self._where = where
        self.items: list[OutputItem] = []
        for item in given:
            self.add(item)

    def add(self, given: Any) -> OutputItem:
        """Return the output that ``given`` is: the copy of it that is there already, or a new one."""
        item = read_output(self._where, given)
        for known in self.items:
            if known.origin is item.origin:
                if known.settings != item.settings:
                    raise UserErrorException(
                        f"{self._where}: output {item.name or 'without a name'!r} is there twice, with different settings; "
                        "use the object that register_on_complete(), as_upload() or as_mount() returned in both places"
                    )
                return known
        self.items.append(item)
        return item

    def find(self, given: Any) -> OutputItem | None:
        """Return the output that ``given``, which has to be there already, is."""
        origin = read_output(self._where, given).origin
        return next((known for known in self.items if known.origin is origin), None)

    def named(self, step: PipelineStep) -> list[Binding]:
        names = _names("output", self._where, [item.name for item in self.items])
        for item, name in zip(self.items, names, strict=True):
            item.origin.producer = step
            item.origin.given_name = name if item.name is None else None
        return [Binding(name, item) for name, item in zip(names, self.items, strict=True)]


def listed(what: str, value: Any) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, (list, tuple)):
        return list(value)
    raise UserErrorException(f"{what} must be a list, not {shorten(repr(value))} of type {type(value).__name__}; write [...]")


def tell_callers(
    arguments: Any, resolved: list[Any], inputs: Any, consumed: list[InputItem], outputs: Any, produced: list[OutputItem]
) -> None:
    """Change the lists that were given, as SDK v1 did: what was added is there, and datasets in ``arguments`` are text that names them."""
    if isinstance(arguments, list):
        arguments[:] = [_told(item) for item in resolved]
    if isinstance(inputs, list):
        inputs[:] = [item.given for item in consumed]
    if isinstance(outputs, list):
        outputs[:] = [item.given for item in produced]


def _told(item: Any) -> Any:
    given = item.given if isinstance(item, (InputItem, OutputItem)) else item
    return str(given) if isinstance(given, (DatasetConsumptionConfig, OutputDatasetConfig)) else given


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


def _is_same_place(one: tuple[Any, Any], other: tuple[Any, Any]) -> bool:
    return one[0] is other[0] and vars(one[1]) == vars(other[1])
