"""Which software does a step run in?"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk._absent import absent, refuse
from airflow_amlpipe.sdk._arguments import check_local_path, check_tags, check_text, check_workspace_given
from airflow_amlpipe.sdk._parsing import is_airflow_parsing, refuse_while_parsing
from airflow_amlpipe.sdk._workspace_store import home, keep_package_logins, open_workspace
from airflow_amlpipe.sdk.core._curated import CURATED_NAMES, curated_requirements
from airflow_amlpipe.sdk.core._element import ConfigElement
from airflow_amlpipe.sdk.core._environment_image import DockerBuildContext, ImageBuildDetails
from airflow_amlpipe.sdk.core._environment_sections import DEFAULT_CPU_IMAGE, DEFAULT_GPU_IMAGE, DockerSection, PythonSection
from airflow_amlpipe.sdk.core._environment_sources import export_conda_environment, requirement_lines
from airflow_amlpipe.sdk.core._registered_environments import find_registered, label_version
from airflow_amlpipe.sdk.core.conda_dependencies import CondaDependencies
from airflow_amlpipe.sdk.exceptions import UserErrorException

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.core.workspace import Workspace

__all__ = [
    "DEFAULT_CPU_IMAGE",
    "DEFAULT_GPU_IMAGE",
    "DockerBuildContext",
    "DockerSection",
    "Environment",
    "ImageBuildDetails",
    "PythonSection",
    "environment_of_spec",
    "is_reference",
]


class Environment(ConfigElement):
    """A definition of software: packages, image, variables. Registered, it has versions.

    A new environment asks for nothing: its steps run in the interpreter that runs the worker.
    """

    _fields = ("docker", "inferencing_stack_version", "name", "python", "r", "spark", "version")

    def __init__(self, name: str, **kwargs: Any) -> None:
        if not isinstance(name, str) or not name.strip():
            raise UserErrorException(f"Environment: the name {shorten(repr(name))} cannot be used; give the environment a name")
        if kwargs:
            raise UserErrorException(
                f"Environment: arguments {', '.join(sorted(kwargs))} are not known; set attributes, such as env.python"
            )
        self.name = name
        self.version: str | None = None
        self.python = PythonSection()
        self.docker = DockerSection()
        self.spark: Any = None
        self.r: Any = None
        self.inferencing_stack_version: str | None = None
        self._environment_variables: dict[str, str] = {}
        # Environment.get while Airflow is parsing: its definition cannot be known then.
        self._deferred = False

    @property
    def environment_variables(self) -> dict[str, str]:
        """Variables of the step's processes."""
        return self._environment_variables

    @environment_variables.setter
    def environment_variables(self, variables: dict[str, str] | None) -> None:
        self._environment_variables = dict(check_tags("Environment: environment_variables", variables))

    @staticmethod
    def from_conda_specification(name: str, file_path: str) -> Environment:
        """Return an environment of the packages that a conda specification file names.

        :raises UserErrorException: the file cannot be read
        """
        environment = Environment(name)
        environment.python.conda_dependencies = CondaDependencies(str(file_path))
        return environment

    @staticmethod
    def from_pip_requirements(name: str, file_path: str, pip_version: str | None = None) -> Environment:
        """Return an environment of the packages that a pip requirements file names. ``pip_version`` has no effect: uv installs.

        :raises UserErrorException: the file cannot be read, or refers to other files
        """
        environment = Environment(name)
        environment.python.conda_dependencies = CondaDependencies.create(pip_packages=[])
        environment.python.conda_dependencies.set_pip_requirements(
            requirement_lines(check_local_path("Environment.from_pip_requirements: file_path", file_path))
        )
        return environment

    @staticmethod
    def from_docker_image(
        name: str, image: str, container_registry: Any = None, conda_specification: str | None = None, pip_requirements: str | None = None
    ) -> Environment:
        """Return an environment in a container image, with the packages of a specification or requirements file on top if given."""
        if conda_specification and pip_requirements:
            raise UserErrorException("Environment.from_docker_image: give conda_specification or pip_requirements, not both")
        if container_registry is not None:
            refuse("Environment.from_docker_image(container_registry=...)", "log the compute's Docker in to the registry")
        environment = Environment(name)
        if conda_specification:
            environment = Environment.from_conda_specification(name, conda_specification)
        elif pip_requirements:
            environment = Environment.from_pip_requirements(name, pip_requirements)
        else:
            environment.python.user_managed_dependencies = True
        environment.docker.base_image = image
        return environment

    @staticmethod
    def from_dockerfile(
        name: str, dockerfile: str, conda_specification: str | None = None, pip_requirements: str | None = None
    ) -> Environment:
        """Return an environment in an image that is built from a Dockerfile (its text, or its path)."""
        path = check_local_path("Environment.from_dockerfile: dockerfile", dockerfile)
        is_path = "\n" not in dockerfile and len(dockerfile) < 4096 and path.is_file()
        environment = Environment.from_docker_image(name, "", None, conda_specification, pip_requirements)
        environment.docker.base_image = None
        environment.docker.base_dockerfile = path.read_text() if is_path else dockerfile
        return environment

    @staticmethod
    def from_existing_conda_environment(name: str, conda_environment_name: str) -> Environment:
        """Return an environment of the packages that a conda environment of this machine has.

        :raises UserErrorException: there is no conda here, or it has no such environment
        """
        environment = Environment(name)
        environment.python.conda_dependencies = CondaDependencies(_underlying_structure=export_conda_environment(conda_environment_name))
        return environment

    @staticmethod
    def get(workspace: Workspace, name: str, version: str | None = None, label: str | None = None) -> Environment:
        """Return a registered environment: the latest version unless ``version`` or ``label`` says which.

        One of Azure ML's curated names (``AzureML-...``) that nobody has registered stands for a set of packages.

        :raises UserErrorException: it is not registered; the message lists those that are
        """
        curated = curated_requirements(check_text("Environment.get: name", name))
        if is_airflow_parsing():
            environment = Environment(name) if curated is None else _curated_environment(name, curated)
            environment.version, environment._deferred = version, curated is None
            return environment
        store = open_workspace(workspace)
        if curated is not None and not store.environments.versions(name):
            return _curated_environment(name, curated)
        return environment_of_spec(*find_registered(store, name, None if version is None else str(version), label))

    @staticmethod
    def list(workspace: Workspace) -> dict[str, Environment]:
        """Return the latest version of every registered environment, and the curated ones, by name."""
        check_workspace_given("Environment.list", workspace)
        curated = {name: _curated_environment(name, curated_requirements(name) or ()) for name in CURATED_NAMES}
        return {**curated, **workspace.environments}

    @staticmethod
    def label(workspace: Workspace, name: str, version: str, labels: Iterable[str]) -> None:
        """Give a version labels, which :meth:`get` finds it by; a label that another version had moves to this one.

        :raises UserErrorException: there is no such version
        """
        environment = Environment.get(workspace, name, version)
        label_version(open_workspace(workspace, "Environment.label"), name, str(environment.version), labels)

    def build(self, workspace: Workspace, image_build_compute: Any = None) -> ImageBuildDetails:
        """Prepare the environment on this machine now, instead of when a step first needs it, and return how that went.

        :raises EnvironmentBuildError: it cannot be installed as it is written
        """
        return ImageBuildDetails(self._prepare("Environment.build"))

    def build_local(self, workspace: Workspace, platform: Any = None, **kwargs: Any) -> str:
        """Prepare the environment on this machine now and return the path of its interpreter.

        :raises EnvironmentBuildError: it cannot be installed as it is written
        """
        return self._prepare("Environment.build_local")

    def _prepare(self, what: str) -> str:
        from airflow_amlpipe.sdk.lowering_environment import lower_environment
        from airflow_amlpipe.services.environments import prepare_now

        refuse_while_parsing(what)
        spec = lower_environment(self)
        keep_package_logins(spec)
        return prepare_now(spec, home=home(), say=print)

    @staticmethod
    def from_docker_build_context(name: str, docker_build_context: DockerBuildContext) -> Environment:
        """Return an environment in an image that is built from the Dockerfile of a local folder.

        :raises UserErrorException: the folder has no such file, or the Dockerfile copies files of the folder, which are not kept
        """
        if not isinstance(docker_build_context, DockerBuildContext):
            raise UserErrorException("Environment.from_docker_build_context: give DockerBuildContext.from_local_directory(ws, path)")
        return Environment.from_dockerfile(name, docker_build_context.read_dockerfile())

    def register(self, workspace: Workspace) -> Environment:
        """Register this definition under its name and return it with its version: the next whole number, or the text that its author set.

        The same definition again is the same version.
        """
        from airflow_amlpipe.sdk.lowering_environment import lower_environment

        registry = open_workspace(workspace, "Environment.register").environments
        # A number is the registry's to give; it would make an environment that was fetched and registered again another one.
        version = None if self.version is None or self.version.isdecimal() else self.version
        spec = lower_environment(self).model_copy(update={"version": version})
        keep_package_logins(spec)
        number = registry.register(self.name, spec)
        registered = copy.deepcopy(self)
        registered.version = version or str(number)
        return registered

    def clone(self, new_name: str) -> Environment:
        """Return an unregistered copy under another name."""
        copied = copy.deepcopy(self)
        copied.name, copied.version = new_name, None
        return copied

    def save_to_directory(self, path: str, overwrite: bool = False) -> None:
        """Write the definition to a folder that :meth:`load_from_directory` reads."""
        from airflow_amlpipe.sdk.lowering_environment import lower_environment

        folder = check_local_path("Environment.save_to_directory: path", path)
        if folder.exists() and any(folder.iterdir()) and not overwrite:
            raise UserErrorException(
                f"Environment.save_to_directory: {shorten(repr(path))} is not empty; use overwrite=True, or an empty folder"
            )
        folder.mkdir(parents=True, exist_ok=True)
        spec = lower_environment(self)
        keep_package_logins(spec)
        text = json.dumps(spec.model_dump(mode="json"), indent=2)
        (folder / "azureml_environment.json").write_text(text + "\n")

    @staticmethod
    def load_from_directory(path: str) -> Environment:
        """Return the environment that :meth:`save_to_directory` wrote."""
        from airflow_amlpipe.sdk.lowering_environment import parse_environment

        file = check_local_path("Environment.load_from_directory: path", path) / "azureml_environment.json"
        try:
            text = file.read_text()
        except OSError as error:
            raise UserErrorException(f"Environment.load_from_directory: {shorten(str(error))}") from error
        spec = parse_environment(text, f"environment {shorten(str(file), 300)}")
        return environment_of_spec(spec, spec.version)

    add_private_pip_wheel = absent("Environment.add_private_pip_wheel", "put the wheel into the source folder, or on an index of your own")
    get_image_details = absent("Environment.get_image_details", "leave it out: images are not kept in a registry of the workspace")


def _curated_environment(name: str, packages: tuple[str, ...]) -> Environment:
    environment = Environment(name)
    environment.python.conda_dependencies = CondaDependencies.create(pip_packages=packages)
    return environment


def environment_of_spec(spec: Any, version: str | None) -> Environment:
    """Return the environment that a registered ``EnvironmentSpec`` describes."""
    environment = Environment(spec.name)
    environment.version = version
    dependencies = CondaDependencies.create(conda_packages=spec.conda_packages)
    dependencies.set_pip_requirements([*spec.pip_options, *spec.pip_requirements])
    dependencies._channels = list(spec.conda_channels)
    dependencies._python_version = spec.python_version
    environment.python.conda_dependencies = dependencies
    environment.python.user_managed_dependencies = spec.user_managed
    environment.python.interpreter_path = spec.interpreter or "python"
    environment.docker.base_image, environment.docker.base_dockerfile = spec.image, spec.dockerfile
    environment.environment_variables = spec.variables
    return environment


def is_reference(environment: Environment) -> bool:
    """Whether an author set nothing but a name and a version: then the environment registered under them is meant."""
    if environment.version is None or environment._deferred:
        return False
    untouched = Environment(environment.name)
    untouched.version = environment.version
    return environment.environment_variables == {} and _content(environment) == _content(untouched)


def _content(environment: Environment) -> tuple[Any, ...]:
    python, docker = environment.python, environment.docker
    dependencies = None if python.conda_dependencies is None else python.conda_dependencies.as_dict()
    return (dependencies, python.user_managed_dependencies, python.interpreter_path, docker.base_image, docker.base_dockerfile)
