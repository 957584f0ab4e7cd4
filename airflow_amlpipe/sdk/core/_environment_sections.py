"""Which packages does an environment ask for, and which image?"""

from __future__ import annotations

from typing import Any

from airflow_amlpipe.sdk.core._element import ConfigElement
from airflow_amlpipe.sdk.core.conda_dependencies import CondaDependencies

__all__ = ["DEFAULT_CPU_IMAGE", "DEFAULT_GPU_IMAGE", "DockerSection", "PythonSection"]

# Names that scripts import; an image is used only where an author sets one.
DEFAULT_CPU_IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu20.04"
DEFAULT_GPU_IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-cuda11.8-cudnn8-ubuntu22.04"


class PythonSection(ConfigElement):
    """The Python part of an environment.

    :ivar user_managed_dependencies: install nothing; the interpreter has what the step needs
    """

    _fields = ("base_conda_environment", "conda_dependencies", "interpreter_path", "user_managed_dependencies")

    def __init__(self, **kwargs: Any) -> None:
        self.interpreter_path = "python"
        self.user_managed_dependencies = False
        self.conda_dependencies: CondaDependencies | None = CondaDependencies()
        self.base_conda_environment: str | None = None
        self._conda_dependencies_file: str | None = None
        for name, value in kwargs.items():
            setattr(self, name, value)

    @property
    def conda_dependencies_file(self) -> str | None:
        """A conda specification that is read when it is set."""
        return self._conda_dependencies_file

    @conda_dependencies_file.setter
    def conda_dependencies_file(self, path: str | None) -> None:
        self._conda_dependencies_file = path
        if path is not None:
            self.conda_dependencies = CondaDependencies(str(path))


class DockerSection(ConfigElement):
    """The image of an environment. ``base_image`` is ``None`` unless an author sets one: SDK v1 always had one."""

    _fields = (
        "arguments",
        "base_dockerfile",
        "base_image",
        "base_image_registry",
        "build_context",
        "enabled",
        "gpu_support",
        "platform",
        "shared_volumes",
        "shm_size",
    )

    def __init__(self, **kwargs: Any) -> None:
        self.enabled = False
        self.base_image: str | None = None
        self.base_dockerfile: str | None = None
        self.base_image_registry: Any = None
        self.build_context: Any = None
        self.platform: Any = None
        self.arguments: list[str] = []
        self.shared_volumes = True
        self.gpu_support = False
        self.shm_size: str | None = None
        for name, value in kwargs.items():
            setattr(self, name, value)
