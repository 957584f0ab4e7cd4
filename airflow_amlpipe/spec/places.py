"""Which outputs of a pipeline are put at one place, or into each other's?

SDK v1 let them: two steps may write to one folder of a datastore, and find their files side by side there. Each output is kept at a place of
its own all the same (``OutputSpec.kept_at``), so that reuse and later steps see what that one step wrote.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from airflow_amlpipe.exceptions import DefinitionError, shorten
from airflow_amlpipe.spec.data import OutputSpec
from airflow_amlpipe.spec.step import StepSpec
from airflow_amlpipe.spec.template import DEFAULT_DESTINATION, resolve_destination

__all__ = ["check_places", "share_places"]


@dataclass(frozen=True, slots=True)
class _Place:
    step: StepSpec
    output: OutputSpec
    path: str

    @property
    def where(self) -> str:
        return f"step {shorten(repr(self.step.name))}: output {self.output.name!r}"

    @property
    def is_ours(self) -> bool:
        """Whether it is where outputs are kept, rather than a place that an author named."""
        return (self.output.destination or DEFAULT_DESTINATION).lstrip("/") == DEFAULT_DESTINATION


def share_places(steps: tuple[StepSpec, ...]) -> tuple[StepSpec, ...]:
    """Return the steps with every output marked that is put where another is put, too."""
    shared = {(place.step.id, place.output.name) for group in _meeting(steps) for place in group if not place.is_ours}
    if not shared:
        return steps
    return tuple(
        step.model_copy(
            update={
                "outputs": tuple(
                    output.model_copy(update={"shares_place": True}) if (step.id, output.name) in shared else output
                    for output in step.outputs
                )
            }
        )
        for step in steps
    )


def check_places(steps: tuple[StepSpec, ...]) -> None:
    """Refuse what would be put among the outputs that are kept, and places that meet without saying so.

    :raises DefinitionError: two outputs are such
    """
    for group in _meeting(steps):
        first = group[0]
        other = next((place for place in group[1:] if place.is_ours is not first.is_ours), group[1])
        if first.is_ours or other.is_ours or not all(place.output.shares_place for place in group):
            raise DefinitionError(
                f"{other.where} writes to {shorten(repr(other.path))} on datastore {other.output.datastore!r}, and {first.where} to "
                f"{shorten(repr(first.path))}; every output has a place of its own: name another destination, or add {{run-id}} and {{output-name}} to it"
            )


def _meeting(steps: tuple[StepSpec, ...]) -> Iterator[list[_Place]]:
    """Yield the outputs of which each lies at, or in, the place of the first."""
    if all(output.destination is None for step in steps for output in step.outputs):
        return
    places: list[tuple[str, list[str], str, str, _Place]] = []
    for step in steps:
        for output in step.outputs:
            # Each step has a run id of its own, so its id stands for it here.
            where = f"step {shorten(repr(step.name))}: output {output.name!r}"
            path = resolve_destination(where, output.destination, run_id=f"<{step.id}>", output_name=output.name)
            places.append((output.datastore, path.split("/"), step.id, output.name, _Place(step, output, path)))
    # Sorted by their parts, a place stands right before those that lie in it.
    places.sort(key=lambda item: item[:4])
    group: list[_Place] = []
    above: tuple[str, list[str]] = ("", [])
    for store, parts, _, _, place in places:
        if group and (store, parts[: len(above[1])]) == above:
            group.append(place)
            continue
        if len(group) > 1:
            yield group
        group, above = [place], (store, parts)
    if len(group) > 1:
        yield group
