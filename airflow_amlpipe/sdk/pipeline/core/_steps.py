"""Which steps make up a pipeline, and which of them wait for which other than through data?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk.data.output_dataset_config import OutputOrigin
from airflow_amlpipe.sdk.exceptions import UserErrorException
from airflow_amlpipe.sdk.pipeline.core.builder import PipelineStep, StepSequence

__all__ = ["StepTypeError", "collect_steps"]


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
        source = binding.item.source
        if isinstance(source, OutputOrigin) and source.producer is not None:
            yield source.producer
    yield from step._run_after
