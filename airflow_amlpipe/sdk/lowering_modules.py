"""As what is a version of a module written down, and what of it does a step that uses it start from?"""

from __future__ import annotations

from typing import Any

from airflow_amlpipe.exceptions import DefinitionError, shorten
from airflow_amlpipe.sdk.lowering_environment import lower_environment, lower_run_settings
from airflow_amlpipe.sdk.lowering_values import plain_text, plain_value
from airflow_amlpipe.sdk.pipeline.core._port_defs import InputPortDef, OutputPortDef
from airflow_amlpipe.spec.command import PythonScript, check_command
from airflow_amlpipe.spec.document import validation_explained
from airflow_amlpipe.spec.names import check_relative_path
from airflow_amlpipe.spec.step import InputArgument, LiteralArgument, OutputArgument, SourceSpec
from airflow_amlpipe.workspace.modules import ModuleDefinition, ModulePort

__all__ = ["lower_module"]


def lower_module(
    where: str,
    *,
    script_name: str,
    source_directory: str,
    arguments: Any,
    inputs: Any,
    outputs: Any,
    params: Any,
    runconfig: Any,
) -> ModuleDefinition:
    """Return the definition of a version.

    :raises DefinitionError: something in it cannot be used
    """
    with validation_explained(where):
        command = PythonScript(script=check_relative_path(f"{where}: script_name", plain_text(f"{where}: script_name", script_name)))
        check_command(where, command, (), ())
        made = ModuleDefinition(
            command=command,
            source=SourceSpec(directory=source_directory),
            arguments=tuple(_argument(f"{where}: argument {place}", value) for place, value in enumerate(arguments or (), 1)),
            inputs=tuple(_input(where, port) for port in inputs or ()),
            outputs=tuple(_output(where, port) for port in outputs or ()),
            params={
                str(name): None if value is None else plain_value(f"{where}: params: {name}", value)
                for name, value in (params or {}).items()
            },
            environment=None if runconfig is None else lower_environment(runconfig.environment, where),
            run_settings=None if runconfig is None else lower_run_settings(where, runconfig),
        )
    ports = [port.name for port in (*made.inputs, *made.outputs)]
    for name in ports:
        if ports.count(name) > 1:
            raise DefinitionError(f"{where}: {ports.count(name)} ports are called {name!r}; give each its own name")
    for argument in made.arguments:
        if isinstance(argument, (InputArgument, OutputArgument)):
            name = argument.input if isinstance(argument, InputArgument) else argument.output
            if name not in ports:
                raise DefinitionError(f"{where}: an argument names port {name!r}, which is in neither inputs nor outputs; add it there")
    return made


def _argument(where: str, value: Any) -> LiteralArgument | InputArgument | OutputArgument:
    if isinstance(value, InputPortDef):
        return InputArgument(input=value.name)
    if isinstance(value, OutputPortDef):
        return OutputArgument(output=value.name)
    if not isinstance(value, (str, bool, int, float)):
        raise DefinitionError(
            f"{where} is {shorten(repr(value))} of type {type(value).__name__}; use text, a number, or a port of the module"
        )
    return LiteralArgument(value=plain_value(where, value))


def _input(where: str, port: Any) -> ModulePort:
    if not isinstance(port, InputPortDef):
        raise DefinitionError(f"{where}: inputs: {shorten(repr(port))} is no input of a module; use InputPortDef(name)")
    return ModulePort(
        name=port.name,
        mode=port.default_datastore_mode,
        path_on_compute=port.default_path_on_compute,
        is_optional=bool(port.is_optional),
        label=port.label,
    )


def _output(where: str, port: Any) -> ModulePort:
    if not isinstance(port, OutputPortDef):
        raise DefinitionError(f"{where}: outputs: {shorten(repr(port))} is no output of a module; use OutputPortDef(name)")
    return ModulePort(
        name=port.name,
        mode=port.default_datastore_mode,
        path_on_compute=port.default_path_on_compute,
        is_directory=bool(port.is_directory),
        datastore=port.default_datastore_name,
        label=port.label,
    )
