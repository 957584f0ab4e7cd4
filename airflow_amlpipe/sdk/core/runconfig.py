"""How does a step run: where, in which environment, on how many nodes?"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk._absent import absent_class, refuse
from airflow_amlpipe.sdk._workspace_store import keep_package_logins
from airflow_amlpipe.sdk._yaml import dump_yaml, read_yaml
from airflow_amlpipe.sdk.core._element import ConfigElement
from airflow_amlpipe.sdk.core._run_sections import (
    Data,
    DataReferenceConfiguration,
    DockerConfiguration,
    HistoryConfiguration,
    MpiConfiguration,
    OutputData,
    ParallelTaskConfiguration,
    PyTorchConfiguration,
    SparkConfiguration,
    TensorflowConfiguration,
)
from airflow_amlpipe.sdk.core.compute.compute import compute_name
from airflow_amlpipe.sdk.core.conda_dependencies import CondaDependencies
from airflow_amlpipe.sdk.core.environment import DEFAULT_CPU_IMAGE, DEFAULT_GPU_IMAGE, Environment
from airflow_amlpipe.sdk.exceptions import RunConfigurationException, UserErrorException

__all__ = [
    "DEFAULT_CPU_IMAGE",
    "DEFAULT_GPU_IMAGE",
    "ContainerRegistry",
    "Data",
    "DataReferenceConfiguration",
    "DockerConfiguration",
    "EnvironmentDefinition",
    "HistoryConfiguration",
    "MpiConfiguration",
    "OutputData",
    "ParallelTaskConfiguration",
    "PyTorchConfiguration",
    "RunConfiguration",
    "SparkConfiguration",
    "TensorflowConfiguration",
    "read_run_configuration",
]

# In the file as in SDK v1's: camel case for a section and for what is in it.
_SECTIONS = ("docker", "history", "mpi", "parallel_task", "pytorch", "spark", "tensorflow")
ContainerRegistry = absent_class("ContainerRegistry", "log the compute's Docker in to the registry", __name__)
EnvironmentDefinition = absent_class("EnvironmentDefinition", "use azureml.core.Environment, which has its attributes", __name__)

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}")


class RunConfiguration(ConfigElement):
    """Where and in what a script runs. Setting an attribute that does not exist raises an AttributeError.

    :ivar target: a compute target or its name
    :ivar environment: the software
    :ivar node_count: how many nodes work together
    """

    _fields = (
        "arguments",
        "command",
        "communicator",
        "data",
        "data_references",
        "docker",
        "environment",
        "framework",
        "history",
        "max_run_duration_seconds",
        "mpi",
        "node_count",
        "output_data",
        "parallel_task",
        "pytorch",
        "script",
        "source_directory_data_store",
        "spark",
        "tensorflow",
    )

    def __init__(
        self,
        script: str | None = None,
        arguments: list[Any] | None = None,
        framework: str | None = None,
        communicator: str | None = None,
        conda_dependencies: CondaDependencies | None = None,
        _history_enabled: bool | None = None,
        _path: str | None = None,
        _name: str | None = None,
        command: Any = None,
    ) -> None:
        self.script = script
        self.arguments = arguments or []
        self.command = command
        self._target: Any = "local"
        self.framework = framework or "Python"
        self.communicator = communicator or "None"
        self.environment = Environment("default-environment")
        if conda_dependencies is not None:
            self.environment.python.conda_dependencies = conda_dependencies
        self.docker = DockerConfiguration()
        self.mpi = MpiConfiguration()
        self.pytorch = PyTorchConfiguration()
        self.tensorflow = TensorflowConfiguration()
        self.parallel_task = ParallelTaskConfiguration()
        self.spark = SparkConfiguration()
        self.node_count = 1
        self.max_run_duration_seconds: float | None = None
        self.data: dict[str, Any] = {}
        self.data_references: dict[str, Any] = {}
        self.output_data: dict[str, Any] = {}
        self.history = HistoryConfiguration()
        self.source_directory_data_store: str | None = None
        self._auto_prepare_environment = True

    @property
    def target(self) -> Any:
        """Name of the compute target; an object or ``(name, type)`` may be set."""
        return self._target

    @target.setter
    def target(self, target: Any) -> None:
        self._target = compute_name("RunConfiguration: target", target)

    @property
    def environment_variables(self) -> dict[str, str]:
        """Variables of the step's processes: those of its environment."""
        return self.environment.environment_variables

    @environment_variables.setter
    def environment_variables(self, variables: dict[str, str] | None) -> None:
        self.environment.environment_variables = variables or {}

    @property
    def auto_prepare_environment(self) -> bool:
        """Without effect: an environment is always prepared."""
        return self._auto_prepare_environment

    @auto_prepare_environment.setter
    def auto_prepare_environment(self, value: bool) -> None:
        self._auto_prepare_environment = value

    def save(self, path: str | None = None, name: str | None = None, separate_environment_yaml: bool = False) -> None:
        """Write this configuration to ``<path>/.azureml/<name>.runconfig``."""
        if separate_environment_yaml:
            refuse("RunConfiguration.save(separate_environment_yaml=True)", "leave it out: the environment is written into the same file")
        for what in ("data", "data_references", "output_data"):
            if getattr(self, what):
                refuse(f"RunConfiguration.save with {what}", "give data to the step, or to the ScriptRunConfig, as arguments")
        from airflow_amlpipe.sdk.lowering_environment import lower_environment

        spec = lower_environment(self.environment)
        keep_package_logins(spec)
        environment = spec.model_dump(mode="json", exclude_defaults=True)
        file = _file(path, name or "default")
        file.parent.mkdir(parents=True, exist_ok=True)
        fields = {"script": self.script, "arguments": [str(argument) for argument in self.arguments], "target": self.target}
        settings = {"framework": self.framework, "communicator": self.communicator, "nodeCount": self.node_count, "command": self.command}
        settings |= {_key(name): _section(getattr(self, name)) for name in _SECTIONS}
        file.write_text(
            dump_yaml({**fields, **settings, "maxRunDurationSeconds": self.max_run_duration_seconds, "amlpipeEnvironment": environment})
        )

    @staticmethod
    def load(path: str, name: str | None = None) -> RunConfiguration:
        """Return the configuration that :meth:`save`, or SDK v1, wrote.

        :raises RunConfigurationException: there is none, or it says what cannot be used
        """
        return read_run_configuration(_file(path, name or "default"))

    @staticmethod
    def delete(path: str, name: str) -> None:
        """Delete a saved configuration."""
        try:
            _file(path, name).unlink()
        except OSError as error:
            raise RunConfigurationException(f"run configuration {shorten(repr(name))} cannot be deleted ({shorten(str(error))})") from error


def read_run_configuration(file: Path) -> RunConfiguration:
    """Return the configuration that a file holds, whether it was written here or by SDK v1.

    :raises RunConfigurationException: it cannot be read, or says what cannot be used
    """
    where = f"run configuration {shorten(repr(str(file)), 300)}"
    try:
        document = read_yaml(file, "run configuration")
        made = RunConfiguration(document.get("script"), document.get("arguments"), document.get("framework"), document.get("communicator"))
        made.target = document.get("target") or "local"
        made.node_count = document.get("nodeCount") or 1
        made.max_run_duration_seconds = document.get("maxRunDurationSeconds")
        made.command = document.get("command") or None
        for what in _SECTIONS:
            for field, value in (document.get(_key(what)) or {}).items():
                setattr(getattr(made, what), _field(field), value)
        made.environment = _environment_in(document, file, where)
    except (UserErrorException, AttributeError, TypeError) as error:
        raise RunConfigurationException(str(error) if str(error).startswith("run configuration") else f"{where}: {error}") from error
    return made


def _environment_in(document: dict[str, Any], file: Path, where: str) -> Environment:
    if "amlpipeEnvironment" in document:
        from airflow_amlpipe.sdk.core.environment import environment_of_spec
        from airflow_amlpipe.sdk.lowering_environment import parse_environment

        spec = parse_environment(_json(document["amlpipeEnvironment"]), where)
        return environment_of_spec(spec, spec.version)
    given = document.get("environment") or {}
    made = Environment(given.get("name") or "default-environment")
    made.version = given.get("version")
    made.environment_variables = {str(key): str(value) for key, value in (given.get("environmentVariables") or {}).items()}
    python, docker = given.get("python") or {}, given.get("docker") or {}
    made.python.user_managed_dependencies = bool(python.get("userManagedDependencies"))
    made.python.interpreter_path = python.get("interpreterPath") or "python"
    dependencies, listed = python.get("condaDependencies"), python.get("condaDependenciesFile")
    if dependencies:
        made.python.conda_dependencies = CondaDependencies(_underlying_structure=dependencies)
    elif listed:
        # SDK v1's own files name it relative to the project, which is the folder above .azureml.
        tried = [Path(listed), file.parent / listed, file.parent.parent / listed]
        found = next((path for path in tried if path.is_file()), tried[0])
        made.python.conda_dependencies = CondaDependencies(conda_dependencies_file_path=str(found))
    made.docker.base_image = docker.get("baseImage") or None
    made.docker.base_dockerfile = docker.get("baseDockerfile") or None
    return made


def _file(path: str | None, name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise RunConfigurationException(
            f"run configuration: the name {shorten(repr(name))} cannot be used; use letters, digits, '_', '-' and '.'"
        )
    folder = Path(path) if path is not None else Path.cwd()
    return (folder if folder.name == ".azureml" else folder / ".azureml") / f"{name}.runconfig"


def _section(section: ConfigElement) -> dict[str, Any]:
    return {_key(name): getattr(section, name) for name in section._fields}


def _key(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def _field(key: str) -> str:
    return re.sub(r"([A-Z])", lambda found: f"_{found.group(1).lower()}", key)


def _json(value: Any) -> str:
    import json

    return json.dumps(value)
