"""How do SDK objects become a pipeline specification?

With the other ``lowering_*.py`` this is the SDK's only door to the models of ``spec/``: whatever is loosely typed ends here. Nothing is looked up or read; what the workspace has to know (that a compute target or datastore is registered) its
caller checks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import CycleError, DefinitionError, UnsupportedFeatureError, shorten
from airflow_amlpipe.sdk.core.compute.compute import compute_name
from airflow_amlpipe.sdk.lowering_commands import lower_command, lower_text
from airflow_amlpipe.sdk.lowering_data import DataLowering, name_in
from airflow_amlpipe.sdk.lowering_environment import lower_environment, lower_run_settings, lower_timeout
from airflow_amlpipe.sdk.lowering_parameters import ParameterLowering
from airflow_amlpipe.sdk.lowering_values import plain_text
from airflow_amlpipe.sdk.pipeline.core._items import InputItem, OutputItem
from airflow_amlpipe.sdk.pipeline.core.builder import PipelineStep
from airflow_amlpipe.sdk.pipeline.steps._runnable_step import RUNCONFIG_COUNTS
from airflow_amlpipe.spec.bulk import collector_paused
from airflow_amlpipe.spec.compute import RunSettingsSpec
from airflow_amlpipe.spec.document import validation_explained
from airflow_amlpipe.spec.environment import EnvironmentSpec
from airflow_amlpipe.spec.names import check_display_name, task_id_for
from airflow_amlpipe.spec.pipeline import PipelineSpec
from airflow_amlpipe.spec.places import share_places
from airflow_amlpipe.spec.step import InputArgument, OutputArgument, SourceSpec, StepSpec, StepVariable
from airflow_amlpipe.spec.workspace import WorkspaceNames

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.core.workspace import Workspace
    from airflow_amlpipe.sdk.pipeline.core.pipeline import Pipeline

__all__ = ["find_problems", "lower_pipeline"]


def lower_pipeline(pipeline: Pipeline, name: str) -> PipelineSpec:
    """Return the specification of ``pipeline``, checked as a whole.

    :param name: what the pipeline is called: its DAG's id, or the experiment it is submitted to
    :raises DefinitionError: something in it is wrong; the message says which step, what was given and what to do
    """
    with collector_paused():
        spec, problems = _lower(pipeline, name)
        if problems:
            raise problems[0]
        try:
            return spec.check()
        except CycleError as error:
            raise CycleError(_about_cycle(spec, error)) from error


def find_problems(pipeline: Pipeline, name: str, look_up: Callable[[PipelineSpec], Iterable[DefinitionError]]) -> list[str]:
    """Return what is wrong with ``pipeline``, one sentence for each problem; empty if it is sound.

    :param look_up: says what is wrong with the names in a sound specification
    """
    try:
        spec, problems = _lower(pipeline, name)
        if not problems:
            problems = list(look_up(spec.check()))
    except CycleError as error:
        return [_about_cycle(spec, error)]
    except DefinitionError as error:
        return [str(error)]
    return [str(problem) for problem in problems]


def _lower(pipeline: Pipeline, name: str) -> tuple[PipelineSpec, list[DefinitionError]]:
    lowering = _Lowering(pipeline)
    steps: list[StepSpec] = []
    problems = lowering.data.problems[:]
    for step in pipeline._steps:
        try:
            with validation_explained(step._where):
                steps.append(lowering.step(step))
        except DefinitionError as error:
            problems.append(error)
    if not problems:
        lowering.data.warn_of_dropped_registrations()
    with validation_explained(f"pipeline {shorten(repr(name))}"):
        spec = PipelineSpec(
            name=name,
            description=pipeline.description,
            parameters=tuple(lowering.parameters.declared.values()),
            steps=share_places(tuple(steps)),
            workspace=_workspace_names(pipeline.workspace),
        )
    return spec, problems


class _Lowering:
    """One pass over one pipeline."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._waits = pipeline._steps
        self._ids = _step_ids(pipeline._steps)
        self._environments: dict[int, EnvironmentSpec] = {}
        self.parameters = ParameterLowering()
        self.data = DataLowering(pipeline, self._ids, self.parameters)

    def step(self, step: Any) -> StepSpec:
        where = step._where
        if not hasattr(step, "_command_kind"):
            raise UnsupportedFeatureError(f"{where}: a {type(step).__name__} says not what to run; use PythonScriptStep")
        runconfig = step._runconfig
        command, arguments = lower_command(where, step, lambda index, value: self._argument(step, index, value))
        return StepSpec(
            id=self._ids[step],
            name=plain_text(f"{where}: name", step.name),
            command=command,
            source=SourceSpec(
                directory=self._pipeline._source_directory(step) if command.has_code else "", snapshot=getattr(step, "_snapshot", None)
            ),
            arguments=arguments,
            variables=tuple(
                StepVariable(name=name, value=self.parameters.value(f"{where}: params: {name!r}", value))
                for name, value in step._params.items()
            ),
            inputs=tuple(self.data.input(step, binding) for binding in step._inputs),
            outputs=tuple(self.data.output(where, binding) for binding in step._outputs),
            environment=self._environment(where, runconfig),
            compute=self._compute_name(where, step),
            run_settings=self._run_settings(where, step),
            allow_reuse=step._allow_reuse,
            reuse_max_age_seconds=step._reuse_max_age_seconds,
            version=step._version,
            timeout_seconds=lower_timeout(where, runconfig),
            run_after=self._run_after(step),
        )

    def _run_settings(self, where: str, step: Any) -> RunSettingsSpec:
        settings = lower_run_settings(where, step._runconfig)
        counts = {
            name: self.parameters.count(f"{where}: runconfig_pipeline_params", value)
            for name, value in getattr(step, "_counts", {}).items()
        }
        return (
            settings.model_copy(update={"parameters": {RUNCONFIG_COUNTS[name]: value for name, value in counts.items()}})
            if counts
            else settings
        )

    def _run_after(self, step: PipelineStep) -> tuple[str, ...]:
        for other in self._waits[step]:
            if other not in self._ids:
                raise DefinitionError(f"{step._where} runs after {other._where}, which is not in the pipeline; add it to steps=[...]")
        return tuple(dict.fromkeys(self._ids[other] for other in self._waits[step]))

    def _argument(self, step: PipelineStep, index: int, value: Any) -> Any:
        if isinstance(value, InputItem):
            return InputArgument(input=name_in(step._inputs, value))
        if isinstance(value, OutputItem):
            return OutputArgument(output=name_in(step._outputs, value))
        where = f"{step._where}: argument {index}"
        return lower_text(where, value, step) if isinstance(value, str) else self.parameters.value(where, value)

    def _compute_name(self, where: str, step: Any) -> str:
        target = step._compute_target
        if target is None:
            return "local" if step._runconfig is None else str(step._runconfig.target)
        name = compute_name(f"{where}: compute_target", target)
        self.data.check_workspace_of(f"{where}: compute target {shorten(repr(name))}", target)
        return name

    def _environment(self, where: str, runconfig: Any) -> EnvironmentSpec:
        if runconfig is None:
            return EnvironmentSpec()
        environment = self._pipeline._resolved_environment(where, runconfig.environment)
        if id(environment) not in self._environments:
            self._environments[id(environment)] = lower_environment(environment, where)
        return self._environments[id(environment)]


def _workspace_names(workspace: Workspace) -> WorkspaceNames:
    given = {name: str(getattr(workspace, name) or "") for name in ("name", "subscription_id", "resource_group")}
    return WorkspaceNames(**{name: value and check_display_name(f"workspace: {name}", value) for name, value in given.items()})


def _step_ids(steps: Iterable[PipelineStep]) -> dict[PipelineStep, str]:
    ids: dict[PipelineStep, str] = {}
    taken: dict[str, int] = {}
    for step in steps:
        wanted = chosen = task_id_for(step.name)
        while chosen in taken:
            taken[wanted] += 1
            chosen = f"{wanted}_{taken[wanted]}"
        taken[chosen] = 1
        ids[step] = chosen
    return ids


def _about_cycle(spec: PipelineSpec, error: CycleError) -> str:
    cycle = getattr(error.__cause__, "args", (None, [""]))[1]
    name = next((step.name for step in spec.steps if step.id == cycle[0]), cycle[0])
    return f"Cycle detected including node {name}({cycle[0]}): {error}"
