"""How did SDK v1 describe a training script before ScriptRunConfig? The same script, under the names that it had then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk._absent import refuse
from airflow_amlpipe.sdk.core.runconfig import MpiConfiguration, PyTorchConfiguration, RunConfiguration, TensorflowConfiguration
from airflow_amlpipe.sdk.core.script_run_config import ScriptRunConfig
from airflow_amlpipe.sdk.data.data_reference import DataReference
from airflow_amlpipe.sdk.exceptions import UserErrorException
from airflow_amlpipe.sdk.train._packages import run_config_of

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.core.workspace import Workspace
    from airflow_amlpipe.sdk.pipeline.core.pipeline import Pipeline

__all__ = ["Estimator", "Gloo", "Mpi", "Nccl", "ParameterServer"]


class Mpi(MpiConfiguration):
    """``distributed_training=Mpi(process_count_per_node=2)``."""


class ParameterServer(TensorflowConfiguration):
    """``distributed_training=ParameterServer(worker_count=2)``."""


class Nccl(PyTorchConfiguration):
    """``distributed_training=Nccl()``."""

    def __init__(self) -> None:
        super().__init__("Nccl")


class Gloo(PyTorchConfiguration):
    """``distributed_training=Gloo()``."""

    def __init__(self) -> None:
        super().__init__("Gloo")


class Estimator:
    """A training script and its software; deprecated by SDK v1 in favour of ScriptRunConfig.

    :param entry_script: the script, relative to ``source_directory``
    :param script_params: its arguments by name; ``""`` for one that has no value
    :param kwargs: further software: ``conda_dependencies_file``, ``pip_requirements_file``, ``environment_variables``, ``use_docker`` and what else
        SDK v1 took
    :raises UserErrorException: an argument is not known, or of the wrong type
    """

    _packages: tuple[str, ...] = ()

    def __init__(
        self,
        source_directory: str,
        *,
        compute_target: Any = None,
        vm_size: str | None = None,
        vm_priority: str | None = None,
        entry_script: str | None = None,
        script_params: dict[str, Any] | None = None,
        node_count: int = 1,
        process_count_per_node: int = 1,
        distributed_backend: str | None = None,
        distributed_training: Any = None,
        conda_packages: list[str] | None = None,
        pip_packages: list[str] | None = None,
        custom_docker_base_image: str | None = None,
        custom_docker_image: str | None = None,
        image_registry_details: Any = None,
        conda_dependencies_file_path: str | None = None,
        pip_requirements_file_path: str | None = None,
        inputs: list[Any] | None = None,
        source_directory_data_store: Any = None,
        resume_from: Any = None,
        max_run_duration_seconds: float | None = None,
        framework_version: str | None = None,
        **kwargs: Any,
    ) -> None:
        where = type(self).__name__
        if resume_from is not None:
            refuse(f"{where}(resume_from=...)", "give the script the earlier run's outputs as an input")
        for what, value in (("vm_size", vm_size), ("image_registry_details", image_registry_details)):
            if value is not None:
                refuse(f"{where}({what}=...)", "give a compute_target, or leave it out")
        if script_params is not None and not isinstance(script_params, dict):
            raise UserErrorException(f"{where}: script_params must be a dictionary, not {shorten(repr(script_params))}")
        for name in list(kwargs):
            if name.startswith("_"):
                del kwargs[name]
        self.source_directory = source_directory
        self.entry_script = entry_script
        self.script_params = dict(script_params or {})
        self.inputs = list(inputs or ())
        self.run_config: RunConfiguration = run_config_of(
            where,
            conda_packages=conda_packages,
            pip_packages=[*self._framework(framework_version), *(pip_packages or ())],
            conda_dependencies_file=kwargs.pop("conda_dependencies_file", None) or conda_dependencies_file_path,
            pip_requirements_file=kwargs.pop("pip_requirements_file", None) or pip_requirements_file_path,
            custom_docker_image=custom_docker_image or custom_docker_base_image,
            **kwargs,
        )
        config = self.run_config
        config.node_count = node_count
        if compute_target is not None:
            config.target = compute_target
        if max_run_duration_seconds is not None:
            config.max_run_duration_seconds = max_run_duration_seconds
        if distributed_training is None and distributed_backend is not None:
            distributed_training = _backend(where, distributed_backend, process_count_per_node)
        if distributed_training is not None:
            from airflow_amlpipe.sdk.core._run_sections import distribute

            distribute(config, distributed_training)
            config.node_count = node_count

    @classmethod
    def _framework(cls, version: str | None) -> tuple[str, ...]:
        return tuple(f"{package}=={version}" if version else package for package in cls._packages[:1]) + cls._packages[1:]

    def _arguments(self) -> list[Any]:
        return [part for name, value in self.script_params.items() for part in (name, value) if not (isinstance(part, str) and part == "")]

    def _pipeline(self, workspace: Workspace) -> Pipeline:
        """Return the pipeline of one step that this is."""
        config = ScriptRunConfig(
            self.source_directory, self.entry_script, self._arguments(), self.run_config, max_run_duration_seconds=None
        )
        references = [value for value in self.script_params.values() if isinstance(value, DataReference)]
        return config._pipeline(workspace, [*self.inputs, *(item for item in references if item not in self.inputs)])


def _backend(where: str, backend: str, processes: int) -> Any:
    if backend == "mpi":
        return Mpi(processes)
    if backend == "ps":
        return ParameterServer()
    raise UserErrorException(f"{where}: distributed_backend {shorten(repr(backend))} is not known; use 'mpi' or 'ps'")
