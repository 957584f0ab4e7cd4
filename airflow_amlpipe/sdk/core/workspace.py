"""Which workspace does a script mean, and what does it hold?"""

from __future__ import annotations

import json
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk._absent import absent, refuse
from airflow_amlpipe.sdk._arguments import check_local_path
from airflow_amlpipe.sdk._parsing import is_airflow_parsing, refuse_while_parsing
from airflow_amlpipe.sdk._registries import NamedThings
from airflow_amlpipe.sdk._workspace_choice import default_root, known_workspaces
from airflow_amlpipe.sdk._workspace_store import as_user_error, chosen_root, home, log_in_with, open_workspace
from airflow_amlpipe.sdk.core._config_file import CONFIG_FOLDER, find_config, read_config
from airflow_amlpipe.sdk.exceptions import UserErrorException, WorkspaceException
from airflow_amlpipe.spec.datastores import DEFAULT_DATASTORE

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.core.compute import ComputeTarget
    from airflow_amlpipe.sdk.core.environment import Environment
    from airflow_amlpipe.sdk.core.experiment import Experiment
    from airflow_amlpipe.sdk.core.keyvault import Keyvault
    from airflow_amlpipe.sdk.core.model import Model
    from airflow_amlpipe.sdk.core.run import Run
    from airflow_amlpipe.sdk.data.azure_storage_datastore import AbstractAzureStorageDatastore
    from airflow_amlpipe.sdk.data.file_dataset import FileDataset
    from airflow_amlpipe.sdk.data.tabular_dataset import TabularDataset

__all__ = ["Workspace"]

_CONNECTIONS = "keep it as an Airflow connection"


class Workspace:
    """A named place for runs, data and registered things: by default the folder ``$AMLPIPE_HOME/workspaces/<name>``.

    No service is asked: a workspace that nobody has used yet comes into being with what is first stored in it.
    """

    DEFAULT_CPU_CLUSTER_NAME = "cpu-cluster"
    DEFAULT_GPU_CLUSTER_NAME = "gpu-cluster"

    def __init__(
        self,
        subscription_id: str,
        resource_group: str,
        workspace_name: str,
        auth: Any = None,
        _location: str | None = None,
        _disable_service_check: bool = False,
        _workspace_id: str | None = None,
        sku: str = "basic",
        tags: dict[str, str] | None = None,
        _cloud: str = "AzureCloud",
        *,
        _root: str | None = None,
        _conn_id: str | None = None,
    ) -> None:
        self._subscription_id = subscription_id
        self._resource_group = resource_group
        self._name = workspace_name
        self._location = _location
        self._sku = sku
        self._tags = dict(tags or {})
        self._url = _root or default_root(workspace_name, home())
        self._conn_id = _conn_id
        if _conn_id is not None:
            log_in_with(self._url, _conn_id)

    @staticmethod
    def from_config(path: str | None = None, auth: Any = None, _logger: Any = None, _file_name: str | None = None) -> Workspace:
        """Return the workspace that a config.json describes.

        A file is taken as it is. From a folder (the current one without ``path``) the search goes upwards, first for
        ``.azureml/config.json``, then for ``aml_config/config.json``, then for ``config.json``. The setting ``workspace``
        (``amlpipe run --workspace``) puts another root in place of the one that is found.

        :raises UserErrorException: none is found, or it cannot be read
        """
        return _of_file(find_config(path, _file_name), root=chosen_root())

    @staticmethod
    def get(
        name: str,
        auth: Any = None,
        subscription_id: str | None = None,
        resource_group: str | None = None,
        location: str | None = None,
        cloud: str = "AzureCloud",
        id: str | None = None,
    ) -> Workspace:
        """Return a workspace of this home folder by its name, or the one of that name that a config.json describes (:meth:`from_config`).

        :raises WorkspaceException: there is none; the message lists those there are
        """
        default_root(name, home())  # refuses names that cannot be a folder's
        if is_airflow_parsing() or name in known_workspaces(home()):
            file = home() / "workspaces" / name / "config.json"
            if not is_airflow_parsing() and file.is_file():
                return _of_file(file)
            return Workspace(subscription_id or "", resource_group or "", name, _location=location)
        described = _described(name)
        if described is not None:
            return described
        known = ", ".join(known_workspaces(home())) or "none"
        raise WorkspaceException(
            f"Workspace.get: no workspace is called {shorten(repr(name))} in {shorten(str(home()))}; there are: {shorten(known, 600)}. "
            f"Make it with Workspace.create(name={shorten(repr(name))}), or write a config.json that names it"
        )

    @staticmethod
    def create(
        name: str,
        auth: Any = None,
        subscription_id: str | None = None,
        resource_group: str | None = None,
        location: str | None = None,
        create_resource_group: bool = True,
        sku: str = "basic",
        tags: dict[str, str] | None = None,
        friendly_name: str | None = None,
        storage_account: Any = None,
        key_vault: Any = None,
        app_insights: Any = None,
        container_registry: Any = None,
        adb_workspace: Any = None,
        primary_user_assigned_identity: Any = None,
        cmk_keyvault: Any = None,
        resource_cmk_uri: Any = None,
        hbi_workspace: bool = False,
        default_cpu_compute_target: Any = None,
        default_gpu_compute_target: Any = None,
        private_endpoint_config: Any = None,
        private_endpoint_auto_approval: bool = True,
        exist_ok: bool = False,
        show_output: bool = True,
        user_assigned_identity_for_cmk_encryption: Any = None,
        system_datastores_auth_mode: str = "accessKey",
        v1_legacy_mode: Any = None,
    ) -> Workspace:
        """Make a workspace in this home folder and return it. What only an Azure service could use is taken and ignored.

        :raises WorkspaceException: there is one of this name, and ``exist_ok`` is ``False``
        """
        refuse_while_parsing("Workspace.create")
        default_root(name, home())
        folder = home() / "workspaces" / name
        if folder.is_dir():
            if not exist_ok:
                raise WorkspaceException(
                    f"Workspace.create: workspace {name!r} exists already; use exist_ok=True, or Workspace.get(name={name!r})"
                )
            return Workspace.get(name)
        folder.mkdir(parents=True, exist_ok=True)
        keys = {"subscription_id": subscription_id, "resource_group": resource_group, "workspace_name": name}
        more = {"location": location, "sku": sku, "tags": tags}
        (folder / "config.json").write_text(json.dumps({**keys, **{key: value for key, value in more.items() if value}}, indent=2) + "\n")
        if show_output:
            print(f"Created workspace {name} in {folder}.")
        return _of_file(folder / "config.json")

    @staticmethod
    def list(subscription_id: str, auth: Any = None, resource_group: str | None = None) -> dict[str, list[Workspace]]:
        """Return the workspaces of this home folder by name; SDK v1's lists are here because Azure allowed one name twice."""
        return {name: [Workspace.get(name)] for name in known_workspaces(home())}

    def write_config(self, path: str | None = None, file_name: str | None = None) -> None:
        """Write a config.json that :meth:`from_config` finds: ``<path>/.azureml/config.json``, in the current folder without ``path``."""
        target = check_local_path("Workspace.write_config: path", path) if path is not None else Path.cwd()
        if target.name != CONFIG_FOLDER:
            target = target / CONFIG_FOLDER
        target.mkdir(parents=True, exist_ok=True)
        keys = {"subscription_id": self._subscription_id, "resource_group": self._resource_group, "workspace_name": self._name}
        root = {} if self._url == default_root(self._name, home()) else {"root": self._url}
        connection = {} if self._conn_id is None else {"workspace_conn_id": self._conn_id}
        (target / (file_name or "config.json")).write_text(json.dumps({**keys, **root, **connection}, indent=4) + "\n")

    @property
    def discovery_url(self) -> str:
        """Root of the workspace: there is no service to discover."""
        return self._url

    @property
    def service_context(self) -> None:
        """``None``: there is no service."""
        return None

    @property
    def name(self) -> str:
        return self._name

    @property
    def resource_group(self) -> str:
        return self._resource_group

    @property
    def subscription_id(self) -> str:
        return self._subscription_id

    @property
    def location(self) -> str:
        return self._location or "local"

    @property
    def sku(self) -> str:
        return self._sku

    @property
    def tags(self) -> dict[str, str]:
        return dict(self._tags)

    def get_details(self) -> dict[str, Any]:
        """Return what describes the workspace, under SDK v1's keys; ``root`` is where it is kept."""
        scope = f"/subscriptions/{self._subscription_id}/resourceGroups/{self._resource_group}"
        return {
            "id": f"{scope}/providers/Microsoft.MachineLearningServices/workspaces/{self._name}",
            "name": self._name,
            "location": self.location,
            "type": "Microsoft.MachineLearningServices/workspaces",
            "tags": self.tags,
            "sku": self._sku,
            "workspaceid": self._name,
            "root": self._url,
        }

    def get_default_datastore(self) -> Any:
        """Return the default datastore. While Airflow parses a DAG file that is ``workspaceblobstore``: nothing is looked up then."""
        from airflow_amlpipe.sdk.core.datastore import Datastore

        name = DEFAULT_DATASTORE if is_airflow_parsing() else open_workspace(self).datastores.default_name()
        return Datastore.get(self, name)

    def set_default_datastore(self, name: str) -> None:
        """Make a registered datastore the default.

        :raises UserErrorException: it is not registered
        """
        with as_user_error():
            open_workspace(self, "Workspace.set_default_datastore").datastores.set_default(name)

    @property
    def datastores(self) -> NamedThings[AbstractAzureStorageDatastore]:
        """The datastores by name."""
        from airflow_amlpipe.sdk.core.datastore import Datastore

        return NamedThings(partial(_names, self, "datastores"), partial(Datastore.get, self))

    @property
    def compute_targets(self) -> NamedThings[ComputeTarget]:
        """The compute targets by name; ``local``, which SDK v1 refused for pipelines, is always among them."""
        from airflow_amlpipe.sdk.core.compute import ComputeTarget

        return NamedThings(partial(_names, self, "computes"), partial(ComputeTarget, self))

    @property
    def datasets(self) -> NamedThings[FileDataset | TabularDataset]:
        """The latest version of each registered dataset by name."""
        from airflow_amlpipe.sdk.core.dataset import Dataset

        return NamedThings(partial(_names, self, "datasets"), partial(Dataset.get_by_name, self))

    @property
    def environments(self) -> NamedThings[Environment]:
        """The latest version of each registered environment by name."""
        from airflow_amlpipe.sdk.core.environment import Environment

        return NamedThings(partial(_names, self, "environments"), partial(Environment.get, self))

    @property
    def models(self) -> NamedThings[Model]:
        """The latest version of each registered model by name."""
        from airflow_amlpipe.sdk.core.model import Model

        return NamedThings(partial(_names, self, "models"), partial(Model, self))

    @property
    def experiments(self) -> NamedThings[Experiment]:
        """The experiments that have runs, by name."""
        from airflow_amlpipe.sdk.core.experiment import Experiment

        return NamedThings(lambda: sorted({run.experiment for run in open_workspace(self).runs.list()}), partial(Experiment, self))

    def get_default_compute_target(self, type: str) -> ComputeTarget | None:
        """Return the compute target ``cpu-cluster`` or ``gpu-cluster`` if it is registered, else ``None``.

        :param type: ``CPU`` or ``GPU``
        :raises UserErrorException: it is neither
        """
        names = {"CPU": self.DEFAULT_CPU_CLUSTER_NAME, "GPU": self.DEFAULT_GPU_CLUSTER_NAME}
        if str(type).upper() not in names:
            raise UserErrorException(f"Workspace.get_default_compute_target: type {shorten(repr(type))} is not known; use one of: CPU, GPU")
        return self.compute_targets.get(names[str(type).upper()])

    def get_default_keyvault(self) -> Keyvault:
        """Return the secrets that scripts may read: Airflow's, none is kept in the workspace."""
        from airflow_amlpipe.sdk.core.keyvault import Keyvault

        return Keyvault(self)

    def get_mlflow_tracking_uri(self, _with_auth: bool = False) -> str:
        """Return what the variable ``MLFLOW_TRACKING_URI`` says: a workspace keeps no MLflow server of its own.

        :raises UnsupportedFeatureError: it is not set
        """
        uri = os.environ.get("MLFLOW_TRACKING_URI")
        return uri or refuse(
            "Workspace.get_mlflow_tracking_uri without MLFLOW_TRACKING_URI",
            "set that variable to the address of your MLflow server, for a step in the environment_variables of its environment",
        )

    def get_run(self, run_id: str) -> Run:
        """Return a pipeline run, or a step run, by its id.

        :raises UserErrorException: the workspace has no such run
        """
        from airflow_amlpipe.sdk.pipeline.core.run import find_run

        return find_run(self, run_id)

    add_private_endpoint = absent("Workspace.add_private_endpoint", "leave it out: there is no Azure network")
    delete = absent("Workspace.delete", "delete the workspace's folder")
    delete_connection = absent("Workspace.delete_connection", _CONNECTIONS)
    delete_private_endpoint_connection = absent("Workspace.delete_private_endpoint_connection", "leave it out: there is no Azure network")
    diagnose_workspace = absent("Workspace.diagnose_workspace", "leave it out: there are no Azure resources behind a workspace")
    get_connection = absent("Workspace.get_connection", _CONNECTIONS)
    images = property(lambda self: {})
    linked_services = property(lambda self: {})
    list_connections = absent("Workspace.list_connections", _CONNECTIONS)
    list_keys = absent("Workspace.list_keys", "leave it out: a workspace has no keys")
    private_endpoints = property(lambda self: {})
    set_connection = absent("Workspace.set_connection", _CONNECTIONS)
    setup = absent("Workspace.setup", "write a config.json, or use Workspace.create(name=...)")
    sync_keys = absent("Workspace.sync_keys", "leave it out: a workspace has no keys")
    update = absent("Workspace.update", "edit config.json")
    update_dependencies = absent("Workspace.update_dependencies", "leave it out: there are no Azure resources behind a workspace")
    webservices = property(lambda self: {})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Workspace) and self._url == other._url

    def __hash__(self) -> int:
        return hash(self._url)

    def __repr__(self) -> str:
        return f"Workspace.create(name={self._name!r}, subscription_id={self._subscription_id!r}, resource_group={self._resource_group!r})"


def _names(workspace: Workspace, kind: str) -> list[str]:
    names: list[str] = getattr(open_workspace(workspace), kind).names()
    return names


def _described(name: str) -> Workspace | None:
    """Return the workspace of this name that a config.json describes, which nobody may have used yet."""
    try:
        file = find_config()
    except UserErrorException:
        return None
    return _of_file(file, root=chosen_root()) if read_config(file).workspace_name == name else None


def _of_file(file: Path, root: str | None = None) -> Workspace:
    config = read_config(file)
    if not config.workspace_name.isprintable():
        raise UserErrorException(
            f"workspace configuration {shorten(str(file))}: workspace_name {shorten(repr(config.workspace_name))} cannot be used"
        )
    return Workspace(
        config.subscription_id,
        config.resource_group,
        config.workspace_name,
        _location=config.location,
        sku=config.sku,
        tags=config.tags,
        _root=root or config.root,
        _conn_id=config.workspace_conn_id if root in {None, config.root} else None,
    )
