"""What does a script or DAG file define, when it is run for a command instead of for itself?

While a :class:`Collector` is installed, ``Pipeline.to_dag`` is collected instead of built (no Airflow is imported for it), and submissions are
changed as the command line asks, or only noted where nothing is to run. One process runs one file, so there is one collector.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import DefinitionError, UnknownNameError, shorten
from airflow_amlpipe.reuse.policy import ReusePolicy
from airflow_amlpipe.spec.json_text import read_json
from airflow_amlpipe.spec.parameter import ParameterSpec
from airflow_amlpipe.spec.parameter_value import ParameterValue, shown
from airflow_amlpipe.spec.pipeline import PipelineSpec

if TYPE_CHECKING:
    from airflow_amlpipe.workspace.published import PublishedPipeline

__all__ = [
    "CollectedPipeline",
    "Collector",
    "OnlyPlannedError",
    "OptionRefusedError",
    "active_collector",
    "collecting",
    "parameters_from_text",
]

_BOOLEANS = {"true": True, "false": False}


class OnlyPlannedError(BaseException):
    """Ends a script at its first submission when nothing is to run. No error of ours to catch, like ``KeyboardInterrupt``."""


class OptionRefusedError(BaseException):
    """Ends a script because an option of the command does not fit the pipeline it defines: not the script's mistake, so not its to catch."""

    def __init__(self, error: DefinitionError) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(frozen=True, slots=True)
class CollectedPipeline:
    """A pipeline as a file defines it, ready to be planned or submitted.

    :ivar source_base: what relative source folders are relative to; ``None`` if the steps' sources were frozen and stored before
    :ivar dag_id: of the DAG the file makes of it; ``None`` if the file submits it
    """

    spec: PipelineSpec
    workspace: str
    experiment: str
    source_base: Path | None
    dag_id: str | None = None
    parameters: Mapping[str, object] = field(default_factory=dict)
    policy: str = "auto"


@dataclass
class Collector:
    """What the command line asks of whatever the file defines.

    :ivar parameter_texts: values that go before those the file gives
    :ivar policy: goes before the one the file gives, if it is not ``None``
    :ivar workspace: goes before the one that a DAG file names, if it is not ``None``
    :ivar only_plan: note the first submission and end the file there
    :ivar published: what the file has published, as it was then
    """

    parameter_texts: Mapping[str, str] = field(default_factory=dict)
    policy: str | None = None
    workspace: str | None = None
    only_plan: bool = False
    pipelines: list[CollectedPipeline] = field(default_factory=list)
    published: list[PublishedPipeline] = field(default_factory=list)

    def changed(self, pipeline: CollectedPipeline) -> CollectedPipeline:
        """Return ``pipeline`` as the command line wants it.

        :raises OptionRefusedError: it has no such parameter, a text is no value of it, or the policy is none or names no step of it
        """
        try:
            texts = parameters_from_text(pipeline.spec, self.parameter_texts)
            if self.policy is not None:
                ReusePolicy.parse(self.policy).check_step([step.id for step in pipeline.spec.steps])
        except DefinitionError as error:
            raise OptionRefusedError(error) from error
        return replace(pipeline, parameters={**pipeline.parameters, **texts}, policy=self.policy or pipeline.policy)

    def collect(self, pipeline: CollectedPipeline) -> None:
        """Note a pipeline that the file makes a DAG of."""
        changed = self.changed(pipeline)
        self.pipelines.append(replace(changed, workspace=self.workspace or changed.workspace))

    def submitting(self, pipeline: CollectedPipeline) -> CollectedPipeline:
        """Return the submission as it is to be made.

        :raises OnlyPlannedError: none is to be made
        """
        changed = self.changed(pipeline)
        if self.only_plan:
            self.pipelines.append(changed)
            raise OnlyPlannedError
        return changed


_active: Collector | None = None


def active_collector() -> Collector | None:
    """Return the collector that is installed, if one is."""
    return _active


@contextmanager
def collecting(collector: Collector) -> Iterator[Collector]:
    """Install ``collector`` for the block."""
    global _active  # noqa: PLW0603  # the file that is run reaches it through the SDK, which knows nothing of commands
    before, _active = _active, collector
    try:
        yield collector
    finally:
        _active = before


def parameters_from_text(spec: PipelineSpec, texts: Mapping[str, str]) -> dict[str, ParameterValue]:
    """Return values typed on a command line as values of the pipeline's parameters.

    :raises UnknownNameError: a name that the pipeline does not declare
    :raises DefinitionError: a text that is no value of the parameter's type
    """
    declared = {parameter.name: parameter for parameter in spec.parameters}
    for name in texts:
        if name not in declared:
            known = ", ".join(sorted(declared)) or "none"
            raise UnknownNameError(
                f"pipeline {spec.name!r} has no parameter {shorten(repr(name))}; its parameters are: {shorten(known, 600)}"
            )
    return {name: _typed(declared[name], text) for name, text in texts.items()}


def _typed(parameter: ParameterSpec, text: str) -> ParameterValue:
    if parameter.is_data:
        return parameter.bind(_named(parameter, text))
    readers: dict[str, Any] = {"boolean": lambda given: _BOOLEANS[given.lower()], "integer": int, "number": float, "string": str}
    try:
        value: ParameterValue = readers[parameter.type](text)
    except (ValueError, KeyError) as error:
        raise DefinitionError(
            f"parameter {parameter.name!r} takes a value of type {parameter.type} (its default is {shown(parameter.default)}), "
            f"but was given {shorten(repr(text))}"
        ) from error
    return parameter.bind(value)


def _named(parameter: ParameterSpec, text: str) -> object:
    """Return the data that a text names: ``datastore/path``, ``dataset`` or ``dataset:version``, or the JSON object itself."""
    if text.lstrip().startswith("{"):
        return read_json(text, f"parameter {parameter.name!r}")
    if parameter.type == "data_path":
        datastore, _, path = text.partition("/")
        return {"datastore": datastore, "path": path}
    name, _, version = text.partition(":")
    if not version or version == "latest":
        return {"name": name}
    return {"name": name, "version": int(version) if version.isdecimal() else version}
