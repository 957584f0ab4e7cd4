"""Which pipeline does a YAML file of SDK v1 describe?"""

from __future__ import annotations

import shlex
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk._yaml import read_yaml
from airflow_amlpipe.sdk.exceptions import UserErrorException

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.core.workspace import Workspace
    from airflow_amlpipe.sdk.pipeline.core.builder import PipelineStep

__all__ = ["read_pipeline_yaml"]

_TYPES: Mapping[str, tuple[type, ...]] = {"string": (str,), "int": (int,), "float": (float, int), "bool": (bool,)}
# What an old file wrote instead of a ``type``.
_OLD_KEYS = {"python_script_step": "PythonScriptStep", "data_transfer_step": "DataTransferStep", "module_step": "ModuleStep"}
_ABSENT = (
    "AdlaStep",
    "AutoMLStep",
    "AzureBatchStep",
    "DatabricksStep",
    "HyperDriveStep",
    "KustoStep",
    "ParallelRunStep",
    "SynapseSparkStep",
)


def read_pipeline_yaml(workspace: Workspace, file: Path) -> tuple[list[PipelineStep], str | None]:
    """Return the steps that a file describes, and the pipeline's description.

    :raises UserErrorException: a section is missing, or says what cannot be used; the message says where
    """
    document = read_yaml(file, "pipeline YAML")
    return _Reading(workspace, file, _section(document, "pipeline", f"pipeline YAML {shorten(repr(str(file)), 300)}")).pipeline()


class _Reading:
    """One file, while its steps are made."""

    def __init__(self, workspace: Workspace, file: Path, document: dict[str, Any]) -> None:
        self._workspace = workspace
        self._file = file
        self._document = document
        self._parameters: dict[str, Any] = {}
        self._references: dict[str, Callable[[str, str], Any]] = {}
        self._written: dict[str, Any] = {}

    def pipeline(self) -> tuple[list[PipelineStep], str | None]:
        for name, given in (self._document.get("parameters") or {}).items():
            self._parameters[name] = self._parameter(f"parameters: {name}", name, given)
        for name, given in (self._document.get("data_references") or {}).items():
            self._references[name] = self._reference(f"data_references: {name}", given)
        steps = _section(self._document, "steps", "pipeline")
        # Before the steps: any of them may read what any other writes.
        for title, given in steps.items():
            self._announce(f"steps: {title}", given)
        made = [self._step(f"steps: {title}", title, given) for title, given in steps.items()]
        description = self._document.get("description") or self._document.get("name")
        return made, None if description is None else str(description)

    def _parameter(self, where: str, name: str, given: Any) -> Any:
        from airflow_amlpipe.sdk.pipeline.core.graph import PipelineParameter

        kind, default = _needed(given, "type", where), _needed(given, "default", where)
        if kind == "datapath":
            return PipelineParameter(name, self._data_path(where, default))
        if kind not in _TYPES:
            raise UserErrorException(f"{where}: type {shorten(repr(kind))} is not known; use one of: {', '.join([*_TYPES, 'datapath'])}")
        if not isinstance(default, _TYPES[kind]) or (kind != "bool" and isinstance(default, bool)):
            raise UserErrorException(f"{where}: default {shorten(repr(default))} is no {kind}; correct one of the two")
        return PipelineParameter(name, float(str(default)) if kind == "float" else default)

    def _data_path(self, where: str, given: Any) -> Any:
        from airflow_amlpipe.sdk.data.datapath import DataPath

        return DataPath(self._datastore(_needed(given, "datastore", where)), _needed(given, "path_on_datastore", where))

    def _datastore(self, name: Any) -> Any:
        from airflow_amlpipe.sdk.core.datastore import Datastore

        return Datastore.get(self._workspace, str(name))

    def _reference(self, where: str, given: Any) -> Callable[[str, str], Any]:
        """Return what makes an input, of a name and a mode, of what a data reference says."""
        if not isinstance(given, dict):
            raise UserErrorException(f"{where} must say where the data is (datastore and path_on_datastore), not {shorten(repr(given))}")
        if any(key.startswith("sql_") for key in given):
            raise UserErrorException(
                f"{where}: rows of a database are read through Dataset.Tabular.from_sql_query; build that step in Python"
            )
        if "dataset_name" in given or "dataset_id" in given:
            return lambda name, mode: _consumed(self._dataset(given), name, mode)
        from airflow_amlpipe.sdk.data.data_reference import DataReference

        store, path = self._datastore(_needed(given, "datastore", where)), given.get("path_on_datastore")
        return lambda name, mode: DataReference(store, name, path, mode=mode)

    def _dataset(self, given: dict[str, Any]) -> Any:
        from airflow_amlpipe.sdk.core.dataset import Dataset

        if "dataset_id" in given:
            return Dataset.get_by_id(self._workspace, str(given["dataset_id"]))
        return Dataset.get_by_name(self._workspace, str(given["dataset_name"]), given.get("dataset_version", "latest"))

    def _announce(self, where: str, given: Any) -> None:
        from airflow_amlpipe.sdk.pipeline.core._pipeline_data import PipelineData

        step = _of_type(where, given)[1]
        for name, output in _mapping(step, "outputs", where).items():
            told = output if isinstance(output, dict) else {"destination": output}
            store = told.get("datastore")
            data = PipelineData(
                str(told.get("destination") or name),
                datastore=None if store is None else self._datastore(store),
                output_name=name,
                output_mode=str(told.get("bind_mode") or "mount"),
            )
            if data.name in self._written:
                raise UserErrorException(
                    f"{where}: outputs: {name}: another step writes {data.name!r} already; give it another destination"
                )
            self._written[data.name] = data

    def _step(self, where: str, title: str, given: Any) -> PipelineStep:
        kind, step = _of_type(where, given)
        makers = {"PythonScriptStep": self._python, "DataTransferStep": self._transfer, "ModuleStep": self._module}
        if kind not in makers:
            if kind in _ABSENT:
                from airflow_amlpipe.sdk.pipeline.steps import _elsewhere

                getattr(_elsewhere, kind)()
            raise UserErrorException(f"{where}: type {shorten(repr(kind))} is not known; use one of: {', '.join(sorted(makers))}")
        return makers[kind](where, title, dict(step))

    def _python(self, where: str, title: str, step: dict[str, Any]) -> PipelineStep:
        from airflow_amlpipe.sdk.pipeline.steps.python_script_step import PythonScriptStep

        inputs, outputs = self._inputs(where, step), self._outputs(where, step)
        made = PythonScriptStep(
            _needed(step, "script_name", where, take=True),
            name=step.pop("name", title),
            arguments=self._arguments(where, step, inputs, outputs),
            inputs=list(inputs.values()),
            outputs=list(outputs.values()),
            **self._around(where, step),
            source_directory=step.pop("source_directory", None),
            allow_reuse=step.pop("allow_reuse", True),
            version=step.pop("version", None),
            hash_paths=step.pop("hash_paths", None),
        )
        _warn_of(where, step)
        return made

    def _module(self, where: str, title: str, step: dict[str, Any]) -> PipelineStep:
        from airflow_amlpipe.sdk.pipeline.core.module import Module
        from airflow_amlpipe.sdk.pipeline.steps.module_step import ModuleStep

        given = _needed(step, "module", where, take=True)
        named = {"module_id": given.get("id"), "name": given.get("name")} if isinstance(given, dict) else {"name": str(given)}
        inputs, outputs = self._inputs(where, step), self._outputs(where, step)
        arguments = self._arguments(where, step, inputs, outputs) if "arguments" in step else None
        version = step.pop("version", None)
        made = ModuleStep(
            Module.get(self._workspace, **named),
            None if version is None else str(version),
            inputs_map=inputs,
            outputs_map=outputs,
            arguments=arguments,
            name=step.pop("name", title),
            **self._around(where, step),
        )
        _warn_of(where, step)
        return made

    def _transfer(self, where: str, title: str, step: dict[str, Any]) -> PipelineStep:
        from airflow_amlpipe.sdk.pipeline.steps.data_transfer_step import DataTransferStep

        made = DataTransferStep(
            step.pop("name", title),
            self._end(where, step, "source_data_reference"),
            self._end(where, step, "destination_data_reference"),
            step.pop("compute", self._document.get("default_compute")),
            step.pop("source_reference_type", None),
            step.pop("destination_reference_type", None),
            step.pop("allow_reuse", True),
        )
        _warn_of(where, step)
        return made

    def _end(self, where: str, step: dict[str, Any], key: str) -> Any:
        given = _needed(step, key, where, take=True)
        if isinstance(given, dict) and len(given) == 1 and "source" not in given:
            ((name, given),) = given.items()
        else:
            name = given.get("source") if isinstance(given, dict) else given
        return self._input(f"{where}: {key}", str(name), given)

    def _around(self, where: str, step: dict[str, Any]) -> dict[str, Any]:
        """Return where and in what a step runs, and the values it gets."""
        runconfig = step.pop("runconfig", None)
        counts = {
            name: self._of_pipeline(f"{where}: runconfig_parameters", value)
            for name, value in _mapping(step, "runconfig_parameters", where).items()
        }
        step.pop("runconfig_parameters", None)
        params = {
            name: self._of_pipeline(f"{where}: parameters: {name}", value) for name, value in _mapping(step, "parameters", where).items()
        }
        step.pop("parameters", None)
        return {
            "compute_target": step.pop("compute", self._document.get("default_compute")),
            "runconfig": None if runconfig is None else self._runconfig(where, str(runconfig)),
            "runconfig_pipeline_params": counts or None,
            "params": params or None,
        }

    def _runconfig(self, where: str, path: str) -> Any:
        from airflow_amlpipe.sdk.core.runconfig import read_run_configuration

        beside = self._file.parent / path
        file = Path(path) if Path(path).is_file() or not beside.is_file() else beside
        if not file.is_file():
            raise UserErrorException(f"{where}: runconfig {shorten(repr(path))} does not exist; correct the path")
        return read_run_configuration(file)

    def _of_pipeline(self, where: str, value: Any) -> Any:
        """Return a value as it is, or the parameter of the pipeline that ``source`` names."""
        if not isinstance(value, dict):
            return value
        name = _needed(value, "source", where)
        return self._known_parameter(where, name)

    def _known_parameter(self, where: str, name: str) -> Any:
        if name not in self._parameters:
            known = ", ".join(self._parameters) or "none"
            raise UserErrorException(f"{where}: the pipeline has no parameter {shorten(repr(name))}; its parameters are: {known}")
        return self._parameters[name]

    def _inputs(self, where: str, step: dict[str, Any]) -> dict[str, Any]:
        given = _mapping(step, "inputs", where) | _mapping(step, "side_inputs", where)
        step.pop("inputs", None)
        step.pop("side_inputs", None)
        return {name: self._input(f"{where}: inputs: {name}", name, told) for name, told in given.items()}

    def _input(self, where: str, name: str, given: Any) -> Any:
        from airflow_amlpipe.sdk.data.datapath import DataPathComputeBinding

        source = _needed(given, "source", where) if isinstance(given, dict) else str(given)
        mode = str((given.get("bind_mode") if isinstance(given, dict) else None) or "mount")
        if source in self._written:
            return self._written[source].create_input_binding(name, mode)
        if source in self._references:
            return self._references[source](name, mode)
        if source in self._parameters:
            return (self._parameters[source], DataPathComputeBinding(mode=mode))
        known = ", ".join([*self._written, *self._references, *self._parameters]) or "none"
        raise UserErrorException(f"{where}: source {shorten(repr(source))} is not known; what there is: {shorten(known, 600)}")

    def _outputs(self, where: str, step: dict[str, Any]) -> dict[str, Any]:
        given = _mapping(step, "outputs", where)
        step.pop("outputs", None)
        return {
            name: self._written[str((told.get("destination") if isinstance(told, dict) else told) or name)] for name, told in given.items()
        }

    def _arguments(self, where: str, step: dict[str, Any], inputs: dict[str, Any], outputs: dict[str, Any]) -> list[Any]:
        given = step.pop("arguments", None) or []
        words = shlex.split(given) if isinstance(given, str) else given
        if not isinstance(words, list):
            raise UserErrorException(f"{where}: arguments must be a list, not {shorten(repr(given))}")
        places = {"input": inputs, "side_input": inputs, "output": outputs, "parameter": self._parameters}
        found = []
        for word in words:
            kind, colon, name = word.partition(":") if isinstance(word, str) else ("", "", "")
            if not colon or kind not in places:
                found.append(word)
            elif name not in places[kind]:
                known = ", ".join(places[kind]) or "none"
                raise UserErrorException(f"{where}: arguments: {shorten(repr(word))} names no {kind} of the step; it has: {known}")
            else:
                found.append(places[kind][name])
        return found


def _consumed(dataset: Any, name: str, mode: str) -> Any:
    from airflow_amlpipe.sdk.data.file_dataset import FileDataset

    item = dataset.as_named_input(name)
    if not isinstance(dataset, FileDataset):
        return item
    return item.as_download() if mode == "download" else item.as_mount()


def _of_type(where: str, given: Any) -> tuple[str, dict[str, Any]]:
    if not isinstance(given, dict):
        raise UserErrorException(f"{where} must say what the step is, not {shorten(repr(given))}")
    for key, kind in _OLD_KEYS.items():
        if isinstance(given.get(key), dict):
            rest = {name: value for name, value in given.items() if name != key}
            return kind, {**given[key], **rest}
    return str(_needed(given, "type", where)), {name: value for name, value in given.items() if name != "type"}


def _section(document: dict[str, Any], name: str, where: str) -> dict[str, Any]:
    found = document.get(name)
    if not isinstance(found, dict) or not found:
        raise UserErrorException(f"{where}: the section '{name}:' is missing; add it")
    return found


def _mapping(step: dict[str, Any], name: str, where: str) -> dict[str, Any]:
    found = step.get(name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise UserErrorException(f"{where}: {name} must be a mapping of names, not {shorten(repr(found))}")
    return found


def _needed(given: Any, key: str, where: str, *, take: bool = False) -> Any:
    if not isinstance(given, dict) or given.get(key) is None:
        raise UserErrorException(f"{where}: '{key}:' is missing; add it")
    return given.pop(key) if take else given[key]


def _warn_of(where: str, rest: dict[str, Any]) -> None:
    if rest:
        warnings.warn(f"pipeline YAML: {where}: {', '.join(sorted(rest))} is not known and has no effect", UserWarning, stacklevel=2)
