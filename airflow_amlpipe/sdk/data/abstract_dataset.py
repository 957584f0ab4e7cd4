"""What do all datasets have in common: a definition, and a name and version once they are registered?"""

from __future__ import annotations

import copy
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self, TypeVar

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.runtime.dataset_methods import DatasetMethods, plain_definition
from airflow_amlpipe.sdk._arguments import check_items, check_tags, check_text, check_workspace_given
from airflow_amlpipe.sdk._parsing import is_airflow_parsing
from airflow_amlpipe.sdk._workspace_store import as_user_error, check_workspace, dataset_files, open_workspace
from airflow_amlpipe.sdk.exceptions import UserErrorException

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from airflow_amlpipe.sdk.core.workspace import Workspace
    from airflow_amlpipe.sdk.data.dataset_consumption_config import DatasetConsumptionConfig
    from airflow_amlpipe.sdk.data.dataset_factory import FileDatasetFactory, TabularDatasetFactory
    from airflow_amlpipe.sdk.data.file_dataset import FileDataset
    from airflow_amlpipe.sdk.data.tabular_dataset import TabularDataset
    from airflow_amlpipe.storage.store import Store

__all__ = ["AbstractDataset", "DatasetFactories", "save_datasets"]

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


class AbstractDataset(DatasetMethods, metaclass=DatasetFactories):
    """Data of a workspace. :meth:`register` gives it a name and a version; each version keeps its meaning for ever."""

    _kind = "file"

    def __init__(self) -> None:
        self._workspace: Workspace | None = None
        # (datastore or web folder, path or glob there)
        self._sources: list[tuple[str, str]] = []
        # What it is beside its paths (``spec/dataset.py``).
        self._definition: dict[str, Any] = plain_definition(self._kind)
        # A registered version, or what was saved without a name, as the workspace records it (workspace/datasets.py).
        self._record: Any = None
        # What a pipeline says of its query in each run (PipelineParameter).
        self._query_parameters: list[Any] = []
        # (name, version or None for the latest) while Airflow is parsing: looked up when the step runs.
        self._deferred: tuple[str, int | None] | None = None

    @property
    def id(self) -> str | None:
        return None if self._record is None else self._record.id

    @property
    def name(self) -> str | None:
        return self._deferred[0] if self._deferred else getattr(self._record, "name", None)

    @property
    def version(self) -> int | None:
        return self._deferred[1] if self._deferred else getattr(self._record, "version", None)

    @property
    def description(self) -> str | None:
        return getattr(self._record, "description", None)

    @property
    def tags(self) -> dict[str, str] | None:
        tags = getattr(self._record, "tags", None)
        return None if tags is None else dict(tags)

    @property
    def data_changed_time(self) -> datetime | None:
        """When this version was registered, or the dataset saved; ``None`` for one that is neither."""
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

        A name that has the same paths and definition already is returned as it is; another needs ``create_new_version=True``.

        :raises UserErrorException: the name stands for something else, and ``create_new_version`` is ``False``; or the data is of another
            workspace
        """
        check_workspace(f"Dataset.register: the data of {self!r}", self._workspace, workspace)
        self._refuse_parameters(f"dataset {shorten(repr(name))}")
        if description is not None:
            check_text(f"dataset {name!r}: description", description)
        texts = _texts(f"dataset {name!r}: tags", tags)
        registry = open_workspace(workspace, "Dataset.register").datasets
        with as_user_error():
            latest = registry.find(name)
        from airflow_amlpipe.sdk.lowering_values import lower_definition, lower_paths

        paths, definition = (
            lower_paths(f"dataset {name!r}", self._sources),
            lower_definition(f"dataset {name!r}", self._described()),
        )
        if latest is not None and not create_new_version:
            if (latest.paths, latest.definition) != (paths, definition):
                other = "paths" if latest.paths != paths else "ways to read them"
                raise UserErrorException(
                    f"dataset {name!r} is registered already, with other {other} (version {latest.version}); "
                    "use create_new_version=True, or another name"
                )
            return self._registered(workspace, registry.labelled(latest))
        record = registry.add_version(name, paths, definition=definition, description=description, tags=texts)
        return self._registered(workspace, record)

    @staticmethod
    def get_by_name(workspace: Workspace, name: str, version: int | str = "latest", **_kwargs: Any) -> FileDataset | TabularDataset:
        """Return a version of a registered dataset.

        In a DAG file the latest version is the latest at each run; in a script it is the latest now.

        :raises UserErrorException: no such dataset or version; the message lists those there are
        """
        check_workspace_given("Dataset.get_by_name", workspace)
        check_text("Dataset.get_by_name: name", name)
        number = _version_number(name, version)
        if is_airflow_parsing():
            from airflow_amlpipe.sdk.data.tabular_dataset import UnreadDataset

            dataset = UnreadDataset()
            dataset._workspace, dataset._deferred = workspace, (name, number)
            return dataset
        with as_user_error():
            registry = open_workspace(workspace).datasets
            return _recorded(workspace, registry.labelled(registry.get(name, number)))

    @staticmethod
    def get_by_id(workspace: Workspace, id: str, **_kwargs: Any) -> FileDataset | TabularDataset:
        """Return the version of a dataset, or the dataset without a name that was handed to a step, that has this id.

        :raises UserErrorException: none has, or Airflow is parsing a DAG file
        """
        check_text("Dataset.get_by_id: id", id)
        with as_user_error():
            registry = open_workspace(workspace, "Dataset.get_by_id").datasets
            record: Any = registry.find_id(id)
            return _recorded(workspace, registry.labelled(record) if hasattr(record, "version") else record)

    @staticmethod
    def get_all(workspace: Workspace) -> dict[str, FileDataset | TabularDataset]:
        """Return the latest version of every registered dataset by its name."""
        registry = open_workspace(workspace, "Dataset.get_all").datasets
        return {name: _recorded(workspace, registry.labelled(registry.get(name))) for name in registry.names()}

    def unregister_all_versions(self) -> None:
        """Take the dataset's name out of the workspace; its data stays, and runs that used it still find their version."""
        workspace = self._registered_in("unregister_all_versions")
        with as_user_error():
            open_workspace(workspace, "Dataset.unregister_all_versions").datasets.remove(self._record.name)
        self._record = None

    def add_tags(self, tags: dict[str, str] | None = None) -> Self:
        """Add tags to this version, in place of those of the same names, and return it."""
        return self._labelled("add_tags", tags=_texts("Dataset.add_tags: tags", tags))

    def remove_tags(self, tags: list[str] | None = None) -> Self:
        """Take the tags of these names off this version, and return it; names that it does not have are passed over."""
        return self._labelled("remove_tags", removed_tags=set(check_items("Dataset.remove_tags: tags", tags or [])))

    def update(self, description: str | None = None, tags: dict[str, str] | None = None) -> Self:
        """Describe and tag this version anew, and return it; what is left out stays, and so does what the version means."""
        if description is not None:
            check_text("Dataset.update: description", description)
        texts = None if tags is None else _texts("Dataset.update: tags", tags)
        return self._labelled("update", description=description, tags=texts, replaces_tags=texts is not None)

    def _labelled(self, what: str, **changes: Any) -> Self:
        registry = open_workspace(self._registered_in(what), f"Dataset.{what}").datasets
        with as_user_error():
            self._record = registry.label(self._record, **changes)
        return self

    def _registered_in(self, what: str) -> Workspace:
        """:raises UserErrorException: the dataset is not registered."""
        if self._workspace is None or self._record is None or self.name is None:
            raise UserErrorException(f"Dataset.{what}: this dataset is not registered; register it first: register(ws, name)")
        return self._workspace

    def _described(self) -> dict[str, Any]:
        return self._definition

    def _redefined(self, definition: dict[str, Any]) -> Self:
        copied = copy.copy(self)
        copied._definition, copied._record = definition, None
        return copied

    def _can_look(self) -> bool:
        return not is_airflow_parsing()

    def _paths(self) -> list[tuple[str, str]]:
        return list(self._sources)

    def _registered(self, workspace: Workspace, record: Any) -> Self:
        copied = copy.copy(self)
        copied._workspace, copied._record, copied._deferred = workspace, record, None
        return copied

    def _newest(self, workspace: Workspace, name: str, description: str | None, tags: dict[str, str] | None) -> Self:
        """Return this dataset as the latest version of ``name``: a new one, unless the latest is the same."""
        try:
            return self.register(workspace, name, description, tags)
        except UserErrorException:
            return self.register(workspace, name, description, tags, create_new_version=True)

    def _refuse_parameters(self, where: str) -> None:
        if self._query_parameters:
            raise UserErrorException(
                f"{where}: its query is asked with PipelineParameter {self._query_parameters[0].name!r}, so that it is another table in each run; "
                "give it to a step as it is, or make it with a plain value"
            )

    def _save(self, workspace: Workspace) -> None:
        """Give a dataset that nobody registered its id in ``workspace``, so that it is found by it."""
        if self._record is not None or self._deferred is not None or self._query_parameters:
            return
        from airflow_amlpipe.sdk.lowering_values import lower_definition, lower_paths

        paths = lower_paths(repr(self), self._sources)
        saved = open_workspace(workspace).datasets.save(paths, lower_definition(repr(self), self._described()))
        self._workspace, self._record = self._workspace or workspace, saved

    def _tell_host(self) -> None:
        """Let the host of a step identify the data that its script is about to read by itself, so that it is compared before the step is reused."""
        from airflow_amlpipe.runtime.asking import ask, is_inside_step

        if not is_inside_step() or self._workspace is None:
            return
        from airflow_amlpipe.sdk.lowering_values import lower_definition, lower_paths

        datasets = open_workspace(self._workspace).datasets
        record = self._record or datasets.save(lower_paths(repr(self), self._sources), lower_definition(repr(self), self._described()))
        with suppress(UserErrorException):  # the reading says by itself what is wrong
            ask("dataset-read", {"id": record.id})

    def _files(self, what: str) -> list[tuple[Store, str, str]]:
        """Return every file as (store, path there, path in the folder that the dataset is for a step)."""
        self._tell_host()
        files = dataset_files(self._workspace, self._sources, what)
        definition = self._described()
        from airflow_amlpipe.runtime.dataset_files import choose_files, chooses_files

        if not chooses_files(definition):
            return files
        is_asked = _asks_for_size(definition["operations"])
        facts = [(f"/{name}", store.identify(name).size_bytes if is_asked else 0) for store, name, _ in files]
        return [files[index] for index in choose_files(definition, facts)]

    def __repr__(self) -> str:
        if self.name is not None:
            return f"{type(self).__name__}(name={self.name!r}, version={self.version or 'latest'})"
        reading = self._definition["reading"] or {}
        if reading.get("format") == "sql":
            return f"{type(self).__name__}({shorten(repr(reading['query']))} on {reading['datastore']})"
        return f"{type(self).__name__}({shorten(', '.join(f'{datastore}/{path}' for datastore, path in self._sources))})"


def _texts(what: str, tags: Any) -> dict[str, str]:
    return {str(key): str(value) for key, value in check_tags(what, tags).items()}


def save_datasets(things: Iterable[Any], workspace: Workspace) -> None:
    """Give each dataset among what a pipeline was submitted with its id, so that the very object has it and ``Dataset.get_by_id`` finds it.

    :param things: datasets, or whatever holds one: an input's binding, its item, a parameter
    """
    for thing in things:
        found: Any = thing
        for attribute in ("item", "source", "dataset", "default_value"):
            if not isinstance(found, AbstractDataset):
                found = getattr(found, attribute, found)
        if isinstance(found, AbstractDataset):
            found._save(workspace)


def _recorded(workspace: Workspace, record: Any) -> FileDataset | TabularDataset:
    """Return the dataset that a record of the workspace is."""
    from airflow_amlpipe.sdk.data.file_dataset import FileDataset
    from airflow_amlpipe.sdk.data.tabular_dataset import TabularDataset

    definition = None if record.definition is None else record.definition.model_dump(mode="json")
    made: FileDataset | TabularDataset = FileDataset() if definition is None or definition["kind"] == "file" else TabularDataset()
    made._sources = [(path.datastore, path.path) for path in record.paths]
    if definition is not None:
        made._definition = definition
    return made._registered(workspace, record)


def _asks_for_size(document: Any) -> bool:
    if isinstance(document, dict):
        return document.get("kind") == "file" or any(_asks_for_size(value) for value in document.values())
    return isinstance(document, (list, tuple)) and any(_asks_for_size(value) for value in document)


def _version_number(name: str, version: int | str) -> int | None:
    if version == "latest":
        return None
    if isinstance(version, bool) or not str(version).isdecimal():
        raise UserErrorException(f"dataset {name!r}: version {shorten(repr(version))} is not known; give a whole number, or 'latest'")
    return int(version)
