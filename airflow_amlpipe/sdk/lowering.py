"""How do SDK objects become a pipeline specification?

With ``lowering_environment.py`` and ``lowering_values.py`` this is the SDK's only door to the models of ``spec/``: whatever is loosely
typed ends here. Nothing is looked up or read; what the workspace has to know (that a compute target or datastore is registered) its
caller checks.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import CycleError, DefinitionError, UnsupportedFeatureError, shorten
from airflow_amlpipe.sdk._workspace_store import check_workspace
from airflow_amlpipe.sdk.data.abstract_dataset import AbstractDataset
from airflow_amlpipe.sdk.data.data_reference import DataReference
from airflow_amlpipe.sdk.data.dataset_consumption_config import DatasetConsumptionConfig
from airflow_amlpipe.sdk.data.output_dataset_config import OutputDatasetConfig, OutputOrigin
from airflow_amlpipe.sdk.lowering_environment import lower_environment, lower_run_settings, lower_timeout
from airflow_amlpipe.sdk.lowering_values import lower_paths, plain_text, plain_value
from airflow_amlpipe.sdk.pipeline.core.builder import Binding, PipelineStep
from airflow_amlpipe.sdk.pipeline.core.graph import PipelineParameter, Volatile
from airflow_amlpipe.spec.bulk import collector_paused
from airflow_amlpipe.spec.data import DatasetSource, InputSpec, OutputSpec, RegistrationSpec, StepOutputSource
from airflow_amlpipe.spec.document import validation_explained
from airflow_amlpipe.spec.environment import EnvironmentSpec
from airflow_amlpipe.spec.names import check_display_name, check_relative_path, task_id_for
from airflow_amlpipe.spec.parameter import ParameterSpec, parameter_type_of
from airflow_amlpipe.spec.pipeline import PipelineSpec
from airflow_amlpipe.spec.step import (
    InputArgument,
    LiteralArgument,
    OutputArgument,
    ParameterArgument,
    PythonScript,
    SourceSpec,
    StepSpec,
    StepVariable,
)
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


def find_problems(pipeline: Pipeline, name: str) -> list[str]:
    """Return what is wrong with ``pipeline``, one sentence for each problem; empty if it is sound."""
    try:
        spec, problems = _lower(pipeline, name)
        if not problems:
            spec.check()
    except CycleError as error:
        return [_about_cycle(spec, error)]
    except DefinitionError as error:
        return [str(error)]
    return [str(problem) for problem in problems]


def _lower(pipeline: Pipeline, name: str) -> tuple[PipelineSpec, list[DefinitionError]]:
    lowering = _Lowering(pipeline)
    steps: list[StepSpec] = []
    problems = list(lowering.problems)
    for step in pipeline._steps:
        try:
            with validation_explained(step._where):
                steps.append(lowering.step(step))
        except DefinitionError as error:
            problems.append(error)
    if not problems:
        lowering.warn_of_dropped_registrations()
    with validation_explained(f"pipeline {shorten(repr(name))}"):
        spec = PipelineSpec(
            name=name,
            description=pipeline.description,
            parameters=tuple(lowering.parameters.values()),
            steps=tuple(steps),
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
        self._writers: dict[OutputOrigin, tuple[PipelineStep, str]] = {}
        self.parameters: dict[str, ParameterSpec] = {}
        self.problems: list[DefinitionError] = []
        for step in pipeline._steps:
            for binding in step._outputs:
                other, other_name = self._writers.setdefault(binding.item._origin, (step, binding.name))
                if other is not step:
                    self.problems.append(
                        DefinitionError(
                            f"{step._where}: output {binding.name!r} is output {other_name!r} of {other._where} as well; "
                            "an output has one producer, make one OutputFileDatasetConfig for each step"
                        )
                    )

    def step(self, step: Any) -> StepSpec:
        where = step._where
        if not hasattr(step, "_script_name"):
            raise UnsupportedFeatureError(f"{where}: a {type(step).__name__} says not what to run; use PythonScriptStep")
        runconfig = step._runconfig
        return StepSpec(
            id=self._ids[step],
            name=step.name,
            command=PythonScript(
                script=check_relative_path(f"{where}: script_name", plain_text(f"{where}: script_name", step._script_name))
            ),
            source=SourceSpec(directory=self._pipeline._source_directory(step)),
            arguments=tuple(self._argument(step, index, value) for index, value in enumerate(step._arguments, 1)),
            variables=tuple(
                StepVariable(name=name, value=self._value(f"{where}: params: {name!r}", value)) for name, value in step._params.items()
            ),
            inputs=tuple(self._input(step, binding) for binding in step._inputs),
            outputs=tuple(self._output(where, binding) for binding in step._outputs),
            environment=self._environment(where, runconfig),
            compute=self._compute_name(where, step),
            run_settings=lower_run_settings(where, runconfig),
            allow_reuse=step._allow_reuse,
            reuse_max_age_seconds=step._reuse_max_age_seconds,
            version=step._version,
            timeout_seconds=lower_timeout(where, runconfig),
            run_after=self._run_after(step),
        )

    def warn_of_dropped_registrations(self) -> None:
        for step in self._waits:
            for binding in step._outputs:
                registrations = binding.item._origin.registrations
                if registrations and binding.item._registration is None:
                    warnings.warn(
                        f"{step._where}: output {binding.name!r} is not registered: register_on_complete({registrations[-1]!r}) returns a copy and "
                        "leaves the original as it was; give the step what it returned",
                        UserWarning,
                        stacklevel=6,
                    )

    def _run_after(self, step: PipelineStep) -> tuple[str, ...]:
        for other in self._waits[step]:
            if other not in self._ids:
                raise DefinitionError(f"{step._where} runs after {other._where}, which is not in the pipeline; add it to steps=[...]")
        return tuple(dict.fromkeys(self._ids[other] for other in self._waits[step]))

    def _argument(self, step: PipelineStep, index: int, value: Any) -> Any:
        if isinstance(value, (DatasetConsumptionConfig, DataReference)):
            return InputArgument(input=_name_in(step._inputs, value))
        if isinstance(value, OutputDatasetConfig):
            return OutputArgument(output=_name_in(step._outputs, value))
        return self._value(f"{step._where}: argument {index}", value)

    def _value(self, where: str, value: Any) -> Any:
        is_volatile = isinstance(value, Volatile)
        value = value.value if is_volatile else value
        if not isinstance(value, PipelineParameter):
            return LiteralArgument(value=plain_value(where, value), volatile=is_volatile)
        default = plain_value(f"{where}: PipelineParameter {value.name!r}: the default", value.default_value)
        given = ParameterSpec(name=value.name, type=parameter_type_of(default), default=default, volatile=value.volatile)
        known = self.parameters.setdefault(value.name, given)
        if known != given:
            differs = (
                f"has the default {shorten(repr(default))}, but {shorten(repr(known.default))} elsewhere in the pipeline"
                if (known.type, known.default) != (given.type, given.default)
                else f"is {'volatile here, but not' if given.volatile else 'not volatile here, but is'} elsewhere in the pipeline"
            )
            raise DefinitionError(
                f"{where}: PipelineParameter {value.name!r} {differs}; make one PipelineParameter and use it in both places, or give them different names"
            )
        return ParameterArgument(parameter=value.name, volatile=is_volatile or value.volatile)

    def _input(self, step: PipelineStep, binding: Binding) -> InputSpec:
        where = f"{step._where}: input {binding.name!r}"
        item = binding.item
        if item.mode == "upload":
            raise DefinitionError(
                f"{where}: a DataReference in mode 'upload' is no input; write to a datastore with OutputFileDatasetConfig(destination=(datastore, path))"
            )
        source = self._source(where, item.dataset) if isinstance(item, DatasetConsumptionConfig) else self._reference(where, item)
        return InputSpec(name=binding.name, mode=item.mode, source=source, path_on_compute=item.path_on_compute)

    def _reference(self, where: str, item: DataReference) -> DatasetSource:
        self._check_workspace(f"{where}: datastore {item.datastore.name!r}", item.datastore)
        return DatasetSource(paths=lower_paths(where, [(item.datastore.name, item.path_on_datastore or "")]))

    def _source(self, where: str, dataset: Any) -> DatasetSource | StepOutputSource:
        if isinstance(dataset, OutputDatasetConfig):
            if dataset._origin not in self._writers:
                raise DefinitionError(
                    f"{where} is an output ({dataset.name or 'without a name'}) that no step of the pipeline writes; add the step that does to steps=[...]"
                )
            writer, output = self._writers[dataset._origin]
            return StepOutputSource(step=self._ids[writer], output=output)
        if isinstance(dataset, tuple):
            check_workspace(f"{where}: dataset {shorten(repr(dataset[1]))}", dataset[0], self._pipeline.workspace)
            version = dataset[2] if len(dataset) > 2 and dataset[2] != "latest" else None
            if version is not None and (isinstance(version, bool) or not str(version).isdecimal()):
                raise DefinitionError(f"{where}: dataset version {shorten(repr(version))} is not known; give a whole number, or 'latest'")
            return DatasetSource(name=dataset[1], version=None if version is None else int(version))
        check_workspace(f"{where}: {dataset!r}", dataset._workspace, self._pipeline.workspace)
        return _dataset_source(where, dataset)

    def _output(self, where: str, binding: Binding) -> OutputSpec:
        item = binding.item
        where = f"{where}: output {binding.name!r}"
        datastore, destination = self._destination(where, item.destination)
        upload, registration = item._upload_options, item._registration
        return OutputSpec(
            name=binding.name,
            mode=item.mode,
            datastore=datastore,
            destination=destination,
            source=None if item.source is None else str(item.source),
            overwrite=upload is not None and bool(upload.overwrite),
            globs=() if upload is None else tuple(upload.source_globs or ()),
            register_as=None
            if registration is None
            else RegistrationSpec(
                name=plain_text(where, registration.name),
                description=registration.description,
                tags={str(key): str(value) for key, value in (registration.tags or {}).items()},
            ),
        )

    def _destination(self, where: str, destination: Any) -> tuple[str, str | None]:
        if destination is None:
            self._check_workspace(f"{where}: default_datastore of the pipeline", self._pipeline._default_datastore)
            return self._pipeline._default_datastore_name(), None
        store, path = (
            (destination if len(destination) > 1 else (*destination, None)) if isinstance(destination, tuple) else (destination, None)
        )
        self._check_workspace(f"{where}: the datastore of its destination", store)
        return str(getattr(store, "name", store)), None if path is None else plain_text(f"{where}: destination", path)

    def _compute_name(self, where: str, step: Any) -> str:
        target = step._compute_target
        if target is None:
            return "local" if step._runconfig is None else str(step._runconfig.target)
        name = target[0] if isinstance(target, (tuple, list)) and target else getattr(target, "name", target)
        if not isinstance(name, str) or not name:
            raise DefinitionError(f"{where}: compute_target {shorten(repr(target))} is no compute target; give one, its name, or 'local'")
        self._check_workspace(f"{where}: compute target {shorten(repr(name))}", target)
        return name

    def _check_workspace(self, what: str, thing: Any) -> None:
        """Refuse a datastore or compute target of another workspace; one that is given as a name is always the pipeline's own."""
        check_workspace(what, getattr(thing, "workspace", None), self._pipeline.workspace)

    def _environment(self, where: str, runconfig: Any) -> EnvironmentSpec:
        if runconfig is None:
            return EnvironmentSpec()
        environment = self._pipeline._resolved_environment(where, runconfig.environment)
        if id(environment) not in self._environments:
            self._environments[id(environment)] = lower_environment(environment, where)
        return self._environments[id(environment)]


def _dataset_source(where: str, dataset: AbstractDataset) -> DatasetSource:
    if dataset._deferred is not None:
        return DatasetSource(name=dataset._deferred[0], version=dataset._deferred[1])
    return DatasetSource(paths=lower_paths(where, dataset._paths()), name=dataset.name, version=dataset.version)


def _workspace_names(workspace: Workspace) -> WorkspaceNames:
    given = {name: str(getattr(workspace, name) or "") for name in ("name", "subscription_id", "resource_group")}
    return WorkspaceNames(**{name: value and check_display_name(f"workspace: {name}", value) for name, value in given.items()})


def _name_in(bindings: list[Binding], item: Any) -> str:
    for binding in bindings:
        if binding.item is item or (
            isinstance(item, DataReference) and isinstance(binding.item, DataReference) and vars(binding.item) == vars(item)
        ):
            return binding.name
    raise DefinitionError(f"an argument names {shorten(str(item))}, which the step does not have")


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
