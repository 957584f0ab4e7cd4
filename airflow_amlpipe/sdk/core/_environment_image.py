"""Which Dockerfile is an environment built from, and how did preparing it go?"""

from __future__ import annotations

import re
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk._arguments import check_local_path
from airflow_amlpipe.sdk.core._element import ConfigElement
from airflow_amlpipe.sdk.exceptions import UserErrorException

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.core.workspace import Workspace

__all__ = ["DockerBuildContext", "ImageBuildDetails"]


class DockerBuildContext(ConfigElement):
    """A local folder with a Dockerfile."""

    _fields = ("dockerfile_path", "location", "location_type")

    class LocationType(Enum):
        """Where a build context is kept."""

        Git = "git"
        StorageAccount = "storageAccount"

    def __init__(self, location_type: Any = None, location: str | None = None, dockerfile_path: str = "Dockerfile") -> None:
        self.location_type = location_type
        self.location = location
        self.dockerfile_path = dockerfile_path

    @staticmethod
    def from_local_directory(workspace: Workspace, path: str, dockerfile_path: str = "Dockerfile") -> DockerBuildContext:
        """Return the build context of a local folder.

        :raises UserErrorException: there is no such folder
        """
        folder = check_local_path("DockerBuildContext.from_local_directory: path", path)
        if not folder.is_dir():
            raise UserErrorException(f"DockerBuildContext.from_local_directory: {shorten(repr(str(path)))} is no folder")
        return DockerBuildContext(None, str(folder), dockerfile_path)

    def read_dockerfile(self) -> str:
        if self.location is None or self.location_type is not None:
            raise UserErrorException("a build context has to be a local folder: DockerBuildContext.from_local_directory(ws, path)")
        file = Path(self.location, self.dockerfile_path)
        try:
            text = file.read_text()
        except OSError as error:
            raise UserErrorException(f"Dockerfile {shorten(str(file), 300)} cannot be read ({error.strerror})") from error
        for number, line in enumerate(text.splitlines(), 1):
            if re.match(r"\s*(COPY|ADD)\s(?!.*--from=)", line, re.IGNORECASE):
                raise UserErrorException(
                    f"Dockerfile {shorten(str(file), 300)}, line {number}: {shorten(repr(line.strip()))} copies a file of the folder, and those are "
                    "not kept with the environment; put the file into the step's source folder, or build the image yourself and use from_docker_image"
                )
        return text


class ImageBuildDetails:
    """How preparing an environment went; it is over when ``Environment.build`` returns."""

    def __init__(self, interpreter: str) -> None:
        self.interpreter = interpreter

    @property
    def status(self) -> str:
        return "Succeeded"

    @property
    def log(self) -> str:
        return f"prepared: {self.interpreter}\n"

    def wait_for_completion(self, show_output: bool = True) -> None:
        """Return at once."""
        if show_output:
            print(self.log, end="")
