"""What is a pipeline, and when is its description sound?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from graphlib import CycleError as GraphCycleError
from graphlib import TopologicalSorter
from typing import Final, Literal

from airflow_amlpipe.exceptions import CycleError, DefinitionError, UnknownNameError, shorten
from airflow_amlpipe.spec.command import check_command
from airflow_amlpipe.spec.data import DatasetSource, ParameterSource, StepOutputSource
from airflow_amlpipe.spec.model import SpecModel
from airflow_amlpipe.spec.names import (
    check_binding_name,
    check_display_name,
    check_place_on_compute,
    check_record_name,
    check_relative_path,
    check_step_id,
    check_variable_name,
    parameter_variable,
)
from airflow_amlpipe.spec.parameter import ParameterSpec
from airflow_amlpipe.spec.parameter_value import ParameterValue
from airflow_amlpipe.spec.places import check_places
from airflow_amlpipe.spec.step import InputArgument, OutputArgument, StepSpec
from airflow_amlpipe.spec.template import check_destination
from airflow_amlpipe.spec.workspace import WorkspaceNames

__all__ = ["PIPELINE_FORMAT", "PipelineSpec"]

PIPELINE_FORMAT: Final = "amlpipe/pipeline/v1"


class PipelineSpec(SpecModel):
    """A whole pipeline. Build it with :func:`airflow_amlpipe.spec.document.load_pipeline` or ``sdk.lowering``; both call :meth:`check`."""

    format: Literal["amlpipe/pipeline/v1"] = PIPELINE_FORMAT
    name: str
    description: str | None = None
    parameters: tuple[ParameterSpec, ...] = ()
    steps: tuple[StepSpec, ...]
    workspace: WorkspaceNames | None = None

    def step(self, step_id: str) -> StepSpec:
        """:raises UnknownNameError: no step has that id."""
        for step in self.steps:
            if step.id == step_id:
                return step
        known = ", ".join(step.id for step in self.steps)
        raise UnknownNameError(f"pipeline {self.name!r} has no step {shorten(repr(step_id))}; its steps are: {shorten(known, 600)}")

    def in_order(self) -> tuple[StepSpec, ...]:
        """Return the steps so that each comes after those it waits for; among equals the author's order holds.

        :raises CycleError: some steps wait for each other
        """
        position = {step.id: index for index, step in enumerate(self.steps)}
        sorter = self._sorter()
        ordered: list[StepSpec] = []
        while sorter.is_active():
            ready = sorted(sorter.get_ready(), key=position.__getitem__)
            ordered += [self.steps[position[step_id]] for step_id in ready]
            sorter.done(*ready)
        return tuple(ordered)

    def bind_parameters(self, given: dict[str, object]) -> dict[str, ParameterValue]:
        """Return the value of every parameter: the given one, else the default, each as the parameter takes it.

        :raises UnknownNameError: a name that the pipeline does not declare
        :raises DefinitionError: a value of the wrong type
        """
        declared = {parameter.name: parameter for parameter in self.parameters}
        for name in given:
            if name not in declared:
                known = ", ".join(sorted(declared)) or "none"
                raise UnknownNameError(
                    f"pipeline {self.name!r} has no parameter {shorten(repr(name))}; its parameters are: {shorten(known, 600)}"
                )
        return {name: parameter.bind(given.get(name, parameter.default)) for name, parameter in declared.items()}

    def check(self) -> PipelineSpec:
        """Return this pipeline if every name, path and reference in it is sound.

        :raises DefinitionError: something is not; the message says what and where
        """
        check_display_name("pipeline", self.name)
        if not self.steps:
            raise DefinitionError(f"pipeline {self.name!r} has no steps; add at least one")
        self._check_unique("step", [step.id for step in self.steps])
        self._check_unique("parameter", [parameter.name for parameter in self.parameters])
        for parameter in self.parameters:
            parameter.check()
        # Gathered once, so that checking a pipeline of thousands of steps stays linear.
        outputs = {step.id: frozenset(output.name for output in step.outputs) for step in self.steps}
        parameters = {parameter.name: parameter for parameter in self.parameters}
        for step in self.steps:
            self._check_step(step, outputs, parameters)
        check_places(self.steps)
        self._sorter()
        return self

    def _sorter(self) -> TopologicalSorter[str]:
        sorter = TopologicalSorter({step.id: step.upstream for step in self.steps})
        try:
            sorter.prepare()
        except GraphCycleError as error:
            cycle = " -> ".join(error.args[1])
            raise CycleError(f"pipeline {self.name!r}: cycle detected: {shorten(cycle, 600)}; remove one of these dependencies") from error
        return sorter

    def _check_unique(self, what: str, names: list[str]) -> None:
        for name, count in Counter(names).items():
            if count > 1:
                raise DefinitionError(f"pipeline {self.name!r}: {count} {what}s are called {shorten(repr(name))}; give each its own name")

    def _check_step(self, step: StepSpec, outputs: Mapping[str, frozenset[str]], parameters: Mapping[str, ParameterSpec]) -> None:
        where = f"step {shorten(repr(step.name))}"
        check_display_name("step", step.name)
        check_step_id(where, step.id)
        check_command(where, step.command, {item.name for item in step.inputs}, {item.name for item in step.outputs})
        for kind, names in (("input", [item.name for item in step.inputs]), ("output", [item.name for item in step.outputs])):
            for name, count in Counter(names).items():
                check_binding_name(f"{where}: {kind}", name)
                if count > 1:
                    raise DefinitionError(f"{where}: {count} {kind}s are called {name!r}; give each its own name")
        self._check_sources(step, where, outputs)
        self._check_references(step, where, parameters)
        self._check_variables(step, where)
        for output in step.outputs:
            check_destination(f"{where}: output {output.name!r}", output.destination)
            check_place_on_compute(f"{where}: output {output.name!r}: source", output.source)
            if output.register_as is not None:
                check_record_name(f"{where}: output {output.name!r}: dataset", output.register_as.name)

    def _check_sources(self, step: StepSpec, where: str, outputs: Mapping[str, frozenset[str]]) -> None:
        for step_id in step.run_after:
            if step_id not in outputs:
                raise UnknownNameError(
                    f"{where} runs after step {shorten(repr(step_id))}, which is not in pipeline {self.name!r}; add it to steps=[...]"
                )
        for item in step.inputs:
            source = item.source
            if isinstance(source, DatasetSource):
                for path in source.paths:
                    check_relative_path(f"{where}: input {item.name!r}", path.path)
            elif isinstance(source, StepOutputSource) and source.output not in outputs.get(source.step, ()):
                raise UnknownNameError(
                    f"{where}: input {item.name!r} is output {source.output!r} of step {source.step!r}, "
                    f"which pipeline {self.name!r} does not have; add that step to steps=[...] and the output to its outputs"
                )

    def _check_references(self, step: StepSpec, where: str, parameters: Mapping[str, ParameterSpec]) -> None:
        uses = step.parameter_uses
        read = sorted({use.parameter for use in uses})
        for name in read:
            if name not in parameters:
                raise UnknownNameError(f"{where} reads parameter {shorten(repr(name))}, which pipeline {self.name!r} does not declare")
        self._check_data_parameters(step, where, read, parameters)
        for use in uses:
            if parameters[use.parameter].volatile and not use.volatile:
                raise DefinitionError(
                    f"{where} reads the volatile parameter {use.parameter!r} as one that is not; mark what reads it as volatile"
                )
        inputs, outputs = {item.name for item in step.inputs}, {item.name for item in step.outputs}
        for argument in (part for whole in step.arguments for part in getattr(whole, "parts", (whole,))):
            if isinstance(argument, InputArgument) and argument.input not in inputs:
                raise UnknownNameError(f"{where}: an argument names input {argument.input!r}, which the step does not have")
            if isinstance(argument, OutputArgument) and argument.output not in outputs:
                raise UnknownNameError(f"{where}: an argument names output {argument.output!r}, which the step does not have")

    def _check_data_parameters(self, step: StepSpec, where: str, read: Iterable[str], parameters: Mapping[str, ParameterSpec]) -> None:
        for name in read:
            if parameters[name].is_data:
                raise DefinitionError(
                    f"{where} gives parameter {name!r} to its script as text, but it is data; read it as an input, and give the script that input"
                )
        for count, name in step.run_settings.parameters.items():
            if name not in parameters or parameters[name].type != "integer":
                raise UnknownNameError(
                    f"{where}: {count} is parameter {shorten(repr(name))}, which pipeline {self.name!r} does not declare as a whole number"
                )
        for item in step.inputs:
            for name in item.source.parameters if isinstance(item.source, DatasetSource) else ():
                if name not in parameters or parameters[name].is_data:
                    raise UnknownNameError(
                        f"{where}: input {item.name!r}: its query is asked with parameter {shorten(repr(name))}, which pipeline {self.name!r} does not "
                        "declare as a text, number or truth value"
                    )
            if isinstance(item.source, ParameterSource):
                known = parameters.get(item.source.parameter)
                if known is None or known.type != item.source.holds:
                    raise UnknownNameError(
                        f"{where}: input {item.name!r} is parameter {shorten(repr(item.source.parameter))} of type {item.source.holds}, "
                        f"which pipeline {self.name!r} does not declare"
                    )

    def _check_variables(self, step: StepSpec, where: str) -> None:
        for name, count in Counter(variable.name for variable in step.variables).items():
            check_variable_name(f"{where}: params", name)
            if count > 1:
                raise DefinitionError(f"{where}: {count} params are called {name!r}; give each its own name")
        names: dict[str, str] = {}
        values = step.named_values
        for name, value in values.items():
            other = names.setdefault(parameter_variable(name), name)
            # As text, because 1 equals True. Two names for one value do no harm.
            if other != name and values[other].model_dump_json() != value.model_dump_json():
                raise DefinitionError(
                    f"{where}: parameters {other!r} and {name!r} would both be {parameter_variable(name)} in the script's environment; rename one"
                )
