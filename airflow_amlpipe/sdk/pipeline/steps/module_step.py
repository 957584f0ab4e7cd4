"""How does a version of a published module become a step?"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk.core.runconfig import RunConfiguration
from airflow_amlpipe.sdk.exceptions import UserErrorException
from airflow_amlpipe.sdk.pipeline.core._pipeline_data import PipelineData
from airflow_amlpipe.sdk.pipeline.core.graph import PipelineParameter
from airflow_amlpipe.sdk.pipeline.core.module import Module, ModuleVersion
from airflow_amlpipe.sdk.pipeline.steps._runnable_step import RunnableStep, inner_value

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["ModuleStep"]


class ModuleStep(RunnableStep):
    """Runs a version of a module: the script as it was when it was published.

    :param version: which version of ``module``; without it, the one that :meth:`Module.resolve` finds
    :param module_version: a version itself; goes before ``module`` and ``version``
    :param inputs_map: data by the name of the input
    :param outputs_map: PipelineData, or another output, by the name of the output; one that is not mapped is kept as PipelineData of its name
    :param runconfig: instead of the one the version was published with
    :param arguments: instead of those the version was published with
    :param params: values by name, instead of those the version was published with
    :raises UserErrorException: there is no such version, it is disabled, or a port or parameter is missing or not known
    """

    _command_kind = "python_script"

    def __init__(
        self,
        module: Module | None = None,
        version: str | None = None,
        module_version: ModuleVersion | None = None,
        inputs_map: dict[str, Any] | None = None,
        outputs_map: dict[str, Any] | None = None,
        compute_target: Any = None,
        runconfig: RunConfiguration | None = None,
        runconfig_pipeline_params: dict[str, PipelineParameter] | None = None,
        arguments: list[Any] | None = None,
        params: dict[str, Any] | None = None,
        name: str | None = None,
        _workflow_provider: Any = None,
    ) -> None:
        chosen = _chosen(module, version, module_version)
        title = (module or chosen.module()).name
        where = f"ModuleStep {shorten(repr(name or title))}"
        if chosen.status == "Disabled":
            raise UserErrorException(
                f"{where}: version {chosen.version!r} of module {title!r} is disabled; enable it, or use another version"
            )
        if chosen.status == "Deprecated":
            warnings.warn(f"{where}: version {chosen.version!r} of module {title!r} is deprecated", UserWarning, stacklevel=2)
        made = chosen._record.definition
        inputs = _mapped(where, "inputs_map", inputs_map, [port.name for port in made.inputs])
        outputs = _mapped(where, "outputs_map", outputs_map, [port.name for port in made.outputs])
        missing = [port.name for port in made.inputs if port.name not in inputs and not port.is_optional]
        if missing:
            raise UserErrorException(f"{where}: inputs_map: {', '.join(missing)} is missing; map every input of the module to data")
        for port in made.outputs:
            outputs.setdefault(port.name, PipelineData(port.name))
        # What the script finds them as is the port's name, whatever the data is called.
        for port_name, item in outputs.items():
            if isinstance(item, PipelineData):
                item._binding.output_name = port_name
        bound = {
            port.name: inputs[port.name].create_input_binding(port.name, port.mode, port.path_on_compute)
            if isinstance(inputs[port.name], PipelineData)
            else inputs[port.name]
            for port in made.inputs
            if port.name in inputs
        }
        # Read twice below; it may be something that can be read once.
        given = list(_arguments(made.arguments, bound, outputs) if arguments is None else arguments)
        super().__init__(
            name or title,
            inputs=list(bound.values()),
            outputs=list(outputs.values()),
            arguments=given,
            compute_target=compute_target,
            runconfig=_runconfig(made) if runconfig is None else runconfig,
            runconfig_pipeline_params=runconfig_pipeline_params,
            params=_params(where, made.params, params, given),
            source_directory=made.source.directory,
        )
        self._script_name = made.command.script
        self._snapshot = made.source.snapshot


def _chosen(module: Module | None, version: str | None, module_version: ModuleVersion | None) -> ModuleVersion:
    if module_version is not None:
        if not isinstance(module_version, ModuleVersion):
            raise UserErrorException(f"ModuleStep: module_version must be a ModuleVersion, not {shorten(repr(module_version))}")
        return module_version
    if not isinstance(module, Module):
        raise UserErrorException(f"ModuleStep: give module or module_version; module must be a Module, not {shorten(repr(module))}")
    if module.status == "Disabled":
        raise UserErrorException(f"ModuleStep: module {module.name!r} is disabled; enable it, or use another one")
    found = module.resolve(version)
    if found is None:
        known = ", ".join(item.version for item in module.module_version_list()) or "none"
        raise UserErrorException(f"ModuleStep: module {module.name!r} has no version {version or 'at all'!r}; its versions are: {known}")
    return found


def _mapped(where: str, what: str, given: Any, known: list[str]) -> dict[str, Any]:
    if given is not None and not isinstance(given, dict):
        raise UserErrorException(f"{where}: {what} must be a dictionary of port names and data, not {shorten(repr(given))}")
    for name in given or {}:
        if name not in known:
            raise UserErrorException(f"{where}: {what}: the module has no {shorten(repr(name))}; it has: {', '.join(known) or 'none'}")
    return dict(given or {})


def _arguments(arguments: Iterable[Any], inputs: dict[str, Any], outputs: dict[str, Any]) -> Iterable[Any]:
    for argument in arguments:
        if argument.kind == "input":
            if argument.input in inputs:  # an optional one may not be there
                yield inputs[argument.input]
        else:
            yield outputs[argument.output] if argument.kind == "output" else argument.value


def _params(where: str, published: dict[str, Any], given: dict[str, Any] | None, arguments: Iterable[Any]) -> dict[str, Any]:
    for name in given or {}:
        if name not in published:
            raise UserErrorException(f"{where}: params: the module has no {shorten(repr(name))}; it has: {', '.join(published) or 'none'}")
    # A pipeline parameter among the arguments is the value of its name, in place of the one the version was published with.
    read = {inner.name: item for item in arguments if isinstance(inner := inner_value(item), PipelineParameter) and inner.name in published}
    values = {**published, **read, **(given or {})}
    missing = [name for name, value in values.items() if value is None]
    if missing:
        raise UserErrorException(f"{where}: params: {', '.join(missing)} has no value; give one")
    return values


def _runconfig(made: Any) -> RunConfiguration | None:
    if made.environment is None:
        return None
    from airflow_amlpipe.sdk.core.environment import environment_of_spec

    config = RunConfiguration()
    config.environment = environment_of_spec(made.environment, made.environment.version)
    settings = made.run_settings
    if settings is not None:
        config.node_count, config.communicator = settings.node_count, settings.communicator or "None"
        config.mpi.process_count_per_node = settings.processes_per_node
    return config
