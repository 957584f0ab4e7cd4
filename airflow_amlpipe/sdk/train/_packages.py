"""Which software do the arguments of an Estimator, or of an MpiStep, put around a script?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk.core.conda_dependencies import CondaDependencies
from airflow_amlpipe.sdk.core.environment import Environment
from airflow_amlpipe.sdk.core.runconfig import RunConfiguration
from airflow_amlpipe.sdk.exceptions import UserErrorException

__all__ = ["run_config_of"]


def run_config_of(
    where: str,
    *,
    conda_packages: list[str] | None = None,
    pip_packages: list[str] | None = None,
    conda_dependencies_file: str | None = None,
    pip_requirements_file: str | None = None,
    environment_definition: Environment | None = None,
    environment_variables: dict[str, str] | None = None,
    user_managed: bool = False,
    custom_docker_image: str | None = None,
    use_docker: bool = True,
    use_gpu: bool = False,
    shm_size: str | None = None,
    **unknown: Any,
) -> RunConfiguration:
    """Return a run configuration with that software.

    :param where: what was made with these arguments, as messages name it
    :raises UserErrorException: an argument is not known, or an environment is given and packages too
    :raises FileNotFoundError: a file with dependencies is not there
    """
    if unknown:
        raise UserErrorException(f"{where}: unknown arguments {shorten(', '.join(sorted(unknown)))}; check their spelling")
    config = RunConfiguration()
    packages = (conda_packages, pip_packages, conda_dependencies_file, pip_requirements_file)
    if environment_definition is not None:
        if any(packages):
            raise UserErrorException(f"{where}: give environment_definition or packages, not both")
        if not isinstance(environment_definition, Environment):
            raise UserErrorException(f"{where}: environment_definition must be an Environment, not {shorten(repr(environment_definition))}")
        config.environment = environment_definition
    elif user_managed:
        config.environment.python.user_managed_dependencies = True
    elif any(packages):
        config.environment.python.conda_dependencies = _dependencies(where, *packages)
    if custom_docker_image is not None:
        config.environment.docker.base_image = custom_docker_image
    if environment_variables:
        config.environment.environment_variables = {**config.environment.environment_variables, **environment_variables}
    config.docker.use_docker = bool(use_docker)
    if shm_size is not None:
        config.docker.shm_size = shm_size
    return config


def _dependencies(
    where: str, conda_packages: list[str] | None, pip_packages: list[str] | None, conda_file: str | None, pip_file: str | None
) -> CondaDependencies:
    if conda_file is not None:
        made = CondaDependencies(conda_dependencies_file_path=conda_file)
    else:
        made = CondaDependencies.create(conda_packages=[], pip_packages=[])
    for package in conda_packages or ():
        made.add_conda_package(package)
    lines = list(pip_packages or ())
    if pip_file is not None:
        file = Path(pip_file)
        if not file.is_file():
            raise UserErrorException(f"{where}: pip_requirements_file {shorten(repr(str(pip_file)))} does not exist")
        lines += [
            line.strip() for line in file.read_text(encoding="utf-8").splitlines() if line.strip() and not line.lstrip().startswith("#")
        ]
    for line in lines:
        made.add_pip_package(line)
    return made
