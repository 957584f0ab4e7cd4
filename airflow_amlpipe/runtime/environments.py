"""What can a script learn of an environment that the workspace has registered?"""

# SDK v1's signatures.

from __future__ import annotations

from airflow_amlpipe.runtime.asking import ask, is_inside_step
from airflow_amlpipe.runtime.elsewhere import CompletedBySdk, from_sdk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Mapping, Optional

__all__ = ["Environment", "environment_of_run"]


class Environment(CompletedBySdk):
    """A registered environment, to be read."""

    _NAME = "Environment"

    def __new__(cls, name: str, **kwargs: Any) -> Any:
        return from_sdk("core", "Environment", "azureml.core.Environment")(name, **kwargs)

    @staticmethod
    def get(workspace: Any, name: str, version: Optional[str] = None, label: Optional[str] = None) -> Any:
        """Return a registered environment, the latest version unless ``version`` says which. Curated ones and labels are the SDK's.

        :raises UserErrorException: it is not registered; the message lists those that are
        """
        is_curated = name.lower().startswith("azureml-")
        if not is_inside_step() or is_curated or label not in (None, "latest", "Latest"):
            return from_sdk("core", "Environment", "Environment.get").get(workspace, name, version, label)
        told = ask("environment", {"name": name, "version": None if version is None else str(version)})
        environment: Environment = object.__new__(Environment)
        environment._workspace, environment._record = workspace, told["record"]
        environment.name, environment.version = name, told["version"]
        return environment

    @staticmethod
    def list(workspace: Any) -> Any:
        """Return the latest version of every registered environment by its name."""
        return workspace.environments

    _workspace: Any
    _record: Mapping[str, Any]
    name: str
    version: str

    @property
    def environment_variables(self) -> Dict[str, str]:
        """What it sets for scripts."""
        return dict(self._record["variables"])

    @property
    def requirements(self) -> List[str]:
        """The pip requirements it installs."""
        return list(self._record["pip_requirements"])

    def _load_sdk(self, wanted: str) -> Any:
        return from_sdk("core", "Environment", wanted).get(self._workspace, self.name, self.version)

    def __repr__(self) -> str:
        return "Environment(name=%r, version=%r)" % (self.name, self.version)


class _EnvironmentOfRun(Environment):
    """The environment that this script runs in, whether the workspace has registered it or not."""

    def _load_sdk(self, wanted: str) -> Any:
        return from_sdk("core._environment_of_run", "environment_of_document", wanted)(dict(self._record))


def environment_of_run(record: Mapping[str, Any]) -> Any:
    """Return the environment that ``record``, a part of the step's context, describes."""
    environment: _EnvironmentOfRun = object.__new__(_EnvironmentOfRun)
    environment._workspace, environment._record = None, record
    environment.name, environment.version = record["name"], record["version"]
    return environment
