"""What can a script ask of the workspace that its step belongs to?

``run.experiment.workspace``, ``Workspace.from_config()`` and ``Workspace(...)`` are the same one inside a step. Its names are in the run's
context, the rest is asked of the host (``asking.py``). What is not served here is the SDK's, where that is installed in the step's environment.
"""

# The signatures are SDK v1's, whether or not there is a use for an argument here.
# ruff: noqa: ARG002, A002

from __future__ import annotations

import os

from airflow_amlpipe.runtime.asking import ask, is_inside_step
from airflow_amlpipe.runtime.elsewhere import CompletedBySdk, from_sdk
from airflow_amlpipe.runtime.errors import UserErrorException
from airflow_amlpipe.runtime.named import AskedNames
from airflow_amlpipe.runtime.protocol import ENV_RUN_FOLDER, read_context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional

    from airflow_amlpipe.runtime.named import NamedThings
    from airflow_amlpipe.runtime.protocol import WorkspacePart

__all__ = ["Workspace"]


class Workspace(CompletedBySdk):
    """The workspace of the step."""

    _NAME = "Workspace"

    def __new__(cls, subscription_id: Any = None, resource_group: Any = None, workspace_name: Any = None, *args: Any, **kwargs: Any) -> Any:
        if not is_inside_step():
            return from_sdk("core", "Workspace", "azureml.core.Workspace")(subscription_id, resource_group, workspace_name, *args, **kwargs)
        return object.__new__(cls)

    def __init__(self, subscription_id: Any = None, resource_group: Any = None, workspace_name: Any = None, *_: Any, **__: Any) -> None:
        self._part = _own_part()
        _check_name(self._part, workspace_name)

    @classmethod
    def of(cls, part: WorkspacePart) -> Workspace:
        """Return the workspace that a run's context tells of."""
        workspace: Workspace = object.__new__(cls)
        workspace._part = part
        return workspace

    @staticmethod
    def from_config(path: Any = None, auth: Any = None, _logger: Any = None, _file_name: Any = None) -> Any:
        """Return the step's workspace, whatever config.json lies around: the pipeline was made in it."""
        if not is_inside_step():
            return from_sdk("core", "Workspace", "Workspace.from_config").from_config(path, auth, _logger, _file_name)
        return Workspace.of(_own_part())

    @staticmethod
    def get(
        name: str,
        auth: Any = None,
        subscription_id: Any = None,
        resource_group: Any = None,
        location: Any = None,
        cloud: Any = "AzureCloud",
        id: Any = None,
    ) -> Any:
        """Return the step's workspace.

        :raises UserErrorException: it has another name; a step reaches its own workspace only
        """
        if not is_inside_step():
            return from_sdk("core", "Workspace", "Workspace.get").get(name, auth, subscription_id, resource_group, location, cloud, id)
        part = _own_part()
        _check_name(part, name)
        return Workspace.of(part)

    @property
    def name(self) -> str:
        """The workspace's name."""
        return self._part["name"]

    @property
    def subscription_id(self) -> str:
        """As config.json has it; nothing depends on it."""
        return self._part["subscription_id"]

    @property
    def resource_group(self) -> str:
        """As config.json has it; nothing depends on it."""
        return self._part["resource_group"]

    @property
    def location(self) -> str:
        """Where it is."""
        return self._part["location"]

    @property
    def sku(self) -> str:
        """As of a workspace that nobody pays for."""
        return "basic"

    @property
    def tags(self) -> Dict[str, str]:
        """Empty: a step is not told."""
        return {}

    def get_details(self) -> Dict[str, Any]:
        """Return what describes the workspace, under SDK v1's keys; ``root`` is where it is kept."""
        scope = "/subscriptions/%s/resourceGroups/%s" % (self.subscription_id, self.resource_group)
        return {
            "id": "%s/providers/Microsoft.MachineLearningServices/workspaces/%s" % (scope, self.name),
            "name": self.name,
            "location": self.location,
            "type": "Microsoft.MachineLearningServices/workspaces",
            "tags": self.tags,
            "sku": self.sku,
            "workspaceid": self.name,
            "root": ask("workspace", {})["root"],
        }

    @property
    def datasets(self) -> NamedThings:
        """The latest version of each registered dataset by name."""
        from airflow_amlpipe.runtime.datasets import Dataset

        return AskedNames("datasets", lambda name: Dataset.get_by_name(self, name))

    @property
    def datastores(self) -> NamedThings:
        """The datastores by name."""
        from airflow_amlpipe.runtime.datastores import Datastore

        return AskedNames("datastores", lambda name: Datastore(self, name))

    @property
    def environments(self) -> NamedThings:
        """The latest version of each registered environment by name."""
        from airflow_amlpipe.runtime.environments import Environment

        return AskedNames("environments", lambda name: Environment.get(self, name))

    @property
    def models(self) -> NamedThings:
        """The latest version of each registered model by name."""
        from airflow_amlpipe.runtime.models import Model

        return AskedNames("models", lambda name: Model(self, name))

    def get_default_datastore(self) -> Any:
        """Return the default datastore."""
        from airflow_amlpipe.runtime.datastores import Datastore

        return Datastore(self)

    def get_default_keyvault(self) -> Any:
        """Return what gives the secrets that steps may read."""
        from airflow_amlpipe.runtime.secrets import Keyvault

        return Keyvault(self)

    def get_run(self, run_id: str) -> Any:
        """Return another run of the workspace, to be read."""
        from airflow_amlpipe.runtime.other_runs import find_run

        return find_run(self, run_id)

    def _load_sdk(self, wanted: str) -> Any:
        part = self._part
        workspace = from_sdk("core", "Workspace", wanted)
        return workspace(
            part["subscription_id"], part["resource_group"], part["name"], _location=part["location"], _root=part["url"] or None
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Workspace) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return "Workspace(name=%r, subscription_id=%r, resource_group=%r)" % (self.name, self.subscription_id, self.resource_group)


def _own_part() -> WorkspacePart:
    return read_context(os.environ[ENV_RUN_FOLDER])["workspace"]


def _check_name(part: WorkspacePart, name: Optional[str]) -> None:
    if name is not None and name != part["name"]:
        raise UserErrorException(
            "workspace %.200r cannot be reached from this step, which belongs to workspace %r; hand over what it needs as an input"
            % (name, part["name"])
        )
