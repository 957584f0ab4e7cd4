"""What do all datasets have in common: a definition, and a name and version once they are registered?"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Self, TypeVar

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk._absent import absent
from airflow_amlpipe.sdk._arguments import check_tags, check_text, check_workspace_given
from airflow_amlpipe.sdk._parsing import is_airflow_parsing
from airflow_amlpipe.sdk._workspace_store import as_user_error, check_workspace, open_workspace
from airflow_amlpipe.sdk.exceptions import UserErrorException

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_amlpipe.sdk.core.workspace import Workspace
    from airflow_amlpipe.sdk.data.dataset_consumption_config import DatasetConsumptionConfig
    from airflow_amlpipe.sdk.data.dataset_factory import FileDatasetFactory, TabularDatasetFactory
    from airflow_amlpipe.sdk.data.file_dataset import FileDataset

__all__ = ["AbstractDataset", "DatasetFactories"]

DatasetT = TypeVar("DatasetT", bound="AbstractDataset")


class DatasetFactories(type):
    """Gives ``Dataset`` and every dataset class the attributes ``File`` and ``Tabular``, whose module needs these classes in turn."""

    @property
    def File(cls) -> type[FileDatasetFactory]:
        from airflow_amlpipe.sdk.data.dataset_factory import FileDatasetFactory

        return FileDatasetFactory

    @property
    def Tabular(cls) -> type[TabularDatasetFactory]:
        from airflow_amlpipe.sdk.data.dataset_factory import TabularDatasetFactory

        return TabularDatasetFactory


class AbstractDataset(metaclass=DatasetFactories):
    """Data of a workspace. :meth:`register` gives it a name and a version; each version keeps its meaning for ever."""

    def __init__(self) -> None:
        self._workspace: Workspace | None = None
        # A registered version, as the workspace records it (workspace.datasets.DatasetRecord).
        self._record: Any = None
        # (name, version or None for the latest) while Airflow is parsing: looked up when the step runs.
        self._deferred: tuple[str, int | None] | None = None

    @property
    def id(self) -> str | None:
        return None if self._record is None else self._record.id

    @property
    def name(self) -> str | None:
        return self._deferred[0] if self._deferred else None if self._record is None else self._record.name

    @property
    def version(self) -> int | None:
        return self._deferred[1] if self._deferred else None if self._record is None else self._record.version

    @property
    def description(self) -> str | None:
        return None if self._record is None else self._record.description

    @property
    def tags(self) -> dict[str, str] | None:
        return None if self._record is None else dict(self._record.tags)

    @property
    def data_changed_time(self) -> datetime | None:
        """When this version was registered; ``None`` for a dataset that is not."""
        if self._record is None:
            return None
        from datetime import datetime

        return datetime.fromisoformat(self._record.created_at)

    def as_named_input(self, name: str) -> DatasetConsumptionConfig:
        """Return this dataset as an input, in direct mode, that the script finds as ``Run.get_context().input_datasets[name]``."""
        from airflow_amlpipe.sdk.data.dataset_consumption_config import DatasetConsumptionConfig

        return DatasetConsumptionConfig(name, self)

    def register(
        self,
        workspace: Workspace,
        name: str,
        description: str | None = None,
        tags: dict[str, str] | None = None,
        create_new_version: bool = False,
    ) -> Self:
        """Return this dataset as it is registered under ``name``.

        A name that has the same definition already is returned as it is; another definition needs ``create_new_version=True``.

        :raises UserErrorException: the name stands for something else, and ``create_new_version`` is ``False``; or the data is of another
            workspace
        """
        check_workspace(f"Dataset.register: the data of {self!r}", self._workspace, workspace)
        if description is not None:
            check_text(f"dataset {name!r}: description", description)
        texts = {str(key): str(value) for key, value in check_tags(f"dataset {name!r}: tags", tags).items()}
        registry = open_workspace(workspace, "Dataset.register").datasets
        with as_user_error():
            latest = registry.find(name)
        paths = tuple(self._paths())
        if latest is not None and not create_new_version:
            if [(path.datastore, path.path) for path in latest.paths] != list(paths):
                raise UserErrorException(
                    f"dataset {name!r} is registered already, with other paths (version {latest.version}); "
                    "use create_new_version=True, or another name"
                )
            return self._registered(workspace, latest)
        from airflow_amlpipe.sdk.lowering_values import lower_paths

        record = registry.add_version(name, lower_paths(f"dataset {name!r}", paths), description=description, tags=texts)
        return self._registered(workspace, record)

    @staticmethod
    def get_by_name(workspace: Workspace, name: str, version: int | str = "latest", **_kwargs: Any) -> FileDataset:
        """Return a version of a registered dataset.

        In a DAG file the latest version is the latest at each run; in a script it is the latest now.

        :raises UserErrorException: no such dataset or version; the message lists those there are
        """
        check_workspace_given("Dataset.get_by_name", workspace)
        check_text("Dataset.get_by_name: name", name)
        number = _version_number(name, version)
        from airflow_amlpipe.sdk.data.file_dataset import FileDataset

        if is_airflow_parsing():
            dataset = FileDataset()
            dataset._workspace, dataset._deferred = workspace, (name, number)
            return dataset
        with as_user_error():
            return FileDataset()._registered(workspace, open_workspace(workspace).datasets.get(name, number))

    @staticmethod
    def get_by_id(workspace: Workspace, id: str, **_kwargs: Any) -> FileDataset:
        """Return the version of a dataset that has this id.

        :raises UserErrorException: none has, or Airflow is parsing a DAG file
        """
        from airflow_amlpipe.sdk.data.file_dataset import FileDataset

        check_text("Dataset.get_by_id: id", id)
        with as_user_error():
            return FileDataset()._registered(workspace, open_workspace(workspace, "Dataset.get_by_id").datasets.find_id(id))

    @staticmethod
    def get_all(workspace: Workspace) -> dict[str, FileDataset]:
        """Return the latest version of every registered dataset by its name."""
        from airflow_amlpipe.sdk.data.file_dataset import FileDataset

        registry = open_workspace(workspace, "Dataset.get_all").datasets
        return {name: FileDataset()._registered(workspace, registry.get(name)) for name in registry.names()}

    def unregister_all_versions(self) -> None:
        """Take the dataset's name out of the workspace; its data stays, and runs that used it still find their version."""
        if self._record is None or self._workspace is None:
            raise UserErrorException("this dataset is not registered; there is nothing to unregister")
        with as_user_error():
            open_workspace(self._workspace, "Dataset.unregister_all_versions").datasets.remove(self._record.name)
        self._record = None

    partition_keys: list[str] = []  # noqa: RUF012  no dataset has any: partition_format is not supported
    get_partition_key_values = absent(
        "Dataset.get_partition_key_values", "partition_format is not supported; read the parts from to_path()"
    )
    add_tags = absent("Dataset.add_tags", "register a new version with the tags: register(ws, name, tags={...}, create_new_version=True)")
    remove_tags = absent(
        "Dataset.remove_tags", "register a new version with the tags: register(ws, name, tags={...}, create_new_version=True)"
    )
    update = absent("Dataset.update", "register a new version: register(ws, name, description=..., tags={...}, create_new_version=True)")

    def _paths(self) -> list[tuple[str, str]]:
        raise NotImplementedError

    def _registered(self, workspace: Workspace, record: Any) -> Self:
        copied = copy.copy(self)
        copied._workspace, copied._record, copied._deferred = workspace, record, None
        return copied


def _version_number(name: str, version: int | str) -> int | None:
    if version == "latest":
        return None
    if isinstance(version, bool) or not str(version).isdecimal():
        raise UserErrorException(f"dataset {name!r}: version {shorten(repr(version))} is not known; give a whole number, or 'latest'")
    return int(version)
