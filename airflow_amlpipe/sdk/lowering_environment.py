"""In what does a step run: as which environment, compute target and settings is it written down?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import DefinitionError, UnsupportedFeatureError, shorten
from airflow_amlpipe.sdk.azureml_requirements import is_azureml, replace_azureml, tell_replaced
from airflow_amlpipe.sdk.lowering_values import plain_text
from airflow_amlpipe.spec.compute import ComputeTargetSpec, RunSettingsSpec
from airflow_amlpipe.spec.document import parse_model, validation_explained
from airflow_amlpipe.spec.environment import EnvironmentSpec
from airflow_amlpipe.spec.secret_urls import hide_secrets

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.core.conda_dependencies import CondaDependencies
    from airflow_amlpipe.sdk.core.environment import Environment

__all__ = ["lower_attached", "lower_compute", "lower_environment", "lower_run_settings", "lower_timeout", "parse_environment"]


def lower_environment(environment: Environment, where: str = "environment") -> EnvironmentSpec:
    """Return the definition of ``environment`` without SDK v1's own packages, which a step never needs installed, and without the logins in URLs.

    :raises DefinitionError: a value in it cannot be used
    """
    where = (
        f"{where}: environment {shorten(repr(environment.name))}"
        if where != "environment"
        else f"environment {shorten(repr(environment.name))}"
    )
    if environment._deferred:
        raise UnsupportedFeatureError(
            f"{where} is read from the workspace, which is not asked while Airflow parses a DAG file; "
            "define it in the file (Environment(...), from_pip_requirements, from_conda_specification)"
        )
    python, docker = environment.python, environment.docker
    dependencies = None if python.user_managed_dependencies else python.conda_dependencies
    if docker.build_context is not None:
        raise UnsupportedFeatureError(f"{where}: docker.build_context is not supported; use docker.base_image or docker.base_dockerfile")
    with validation_explained(where):
        return EnvironmentSpec(
            name=str(environment.name),
            version=None if environment.version is None else str(environment.version),
            python_version=None if dependencies is None else dependencies._python_version,
            pip_requirements=() if dependencies is None else _requirements(environment.name, dependencies),
            pip_options=() if dependencies is None else tuple(map(hide_secrets, dependencies._options)),
            conda_packages=() if dependencies is None else tuple(package for package in dependencies._conda if package != "pip"),
            conda_channels=tuple(map(hide_secrets, dependencies._channels)) if dependencies is not None and dependencies._conda else (),
            image=docker.base_image or None,
            dockerfile=docker.base_dockerfile or None,
            variables={
                str(key): plain_text(f"{where}: environment_variables: {key}", str(value))
                for key, value in environment.environment_variables.items()
            },
            user_managed=bool(python.user_managed_dependencies),
            interpreter=None if python.interpreter_path in {None, "", "python"} else str(python.interpreter_path),
        )


def parse_environment(text: str, where: str) -> EnvironmentSpec:
    """Return the environment that JSON text describes.

    :raises DefinitionError: it describes none
    """
    return parse_model(EnvironmentSpec, text, where)


def lower_compute(name: str, configuration: Any) -> ComputeTargetSpec:
    """Return what a compute target of that configuration is registered as."""
    with validation_explained(f"compute target {shorten(repr(name))}"):
        return ComputeTargetSpec(
            name=name,
            vm_size=str(configuration.vm_size or ""),
            vm_priority=str(configuration.vm_priority).lower(),
            min_nodes=configuration.min_nodes,
            max_nodes=configuration.max_nodes,
            idle_seconds_before_scaledown=configuration.idle_seconds_before_scaledown,
            description=configuration.description,
            tags={str(key): str(value) for key, value in (configuration.tags or {}).items()},
        )


def lower_attached(name: str, sdk_type: str, details: dict[str, Any]) -> ComputeTargetSpec:
    """Return what a compute target that exists elsewhere is registered as."""
    with validation_explained(f"compute target {shorten(repr(name))}"):
        return ComputeTargetSpec(name=name, sdk_type=sdk_type, details=details)


def lower_run_settings(where: str, runconfig: Any) -> RunSettingsSpec:
    if runconfig is None:
        return RunSettingsSpec()
    communicator = str(runconfig.communicator)
    processes = runconfig.mpi.process_count_per_node
    if communicator.lower() in {"nccl", "gloo"}:
        # PyTorch's is the number of all processes together.
        total, nodes = runconfig.pytorch.process_count, runconfig.node_count
        is_told = isinstance(total, int) and isinstance(nodes, int) and nodes > 0
        if is_told and total % nodes:
            raise DefinitionError(
                f"{where}: runconfig.pytorch.process_count is {total}, which {nodes} nodes cannot share evenly; write a multiple of node_count"
            )
        processes = total // nodes if is_told else 1
    for what, count in (("node_count", runconfig.node_count), ("mpi.process_count_per_node", processes)):
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise DefinitionError(f"{where}: runconfig.{what} must be a whole number from 1 up, not {shorten(repr(count))}")
    return RunSettingsSpec(
        node_count=runconfig.node_count, processes_per_node=processes, communicator=None if communicator == "None" else communicator
    )


def lower_timeout(where: str, runconfig: Any) -> float | None:
    seconds = None if runconfig is None else runconfig.max_run_duration_seconds
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds < float("inf"):
        raise DefinitionError(f"{where}: runconfig.max_run_duration_seconds must be a number above 0, not {shorten(repr(seconds))}")
    return float(seconds)


def _requirements(name: object, dependencies: CondaDependencies) -> tuple[str, ...]:
    left_out = tuple(line for line in dependencies._pip if is_azureml(line))
    instead = replace_azureml(left_out, dependencies._has)
    if left_out:
        tell_replaced(str(name), tuple(map(hide_secrets, left_out)), instead)
    kept: list[str] = []
    for line in dependencies._pip:
        # In their place, so that the order is as it always was.
        kept += replace_azureml([line], dependencies._has) if is_azureml(line) else [hide_secrets(line)]
    return tuple(dict.fromkeys(kept))
