"""What does a step write, where to, and what becomes of it?

All chained methods return a copy and leave the original as it was, like SDK v1's. Every copy knows by its shared ``_origin`` which output
it is a copy of, so that any of them links a later step to the one that writes it.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self, TypeVar

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.runtime.dataset_methods import plain_definition
from airflow_amlpipe.sdk._absent import refuse
from airflow_amlpipe.sdk._arguments import check_items, check_tags, check_text
from airflow_amlpipe.sdk.data._config_helper import check_dataset_binding_name
from airflow_amlpipe.sdk.data._table_reading import check_partition_format, delimited, parquet, table_definition
from airflow_amlpipe.sdk.data.dataset_type_definitions import PromoteHeadersBehavior
from airflow_amlpipe.sdk.exceptions import UserErrorException

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_amlpipe.sdk.data._table_reading import DataType
    from airflow_amlpipe.sdk.data.dataset_consumption_config import DatasetConsumptionConfig
    from airflow_amlpipe.sdk.pipeline.core.builder import PipelineStep

__all__ = [
    "HDFSOutputDatasetConfig",
    "LinkFileOutputDatasetConfig",
    "LinkTabularOutputDatasetConfig",
    "OutputDatasetConfig",
    "OutputFileDatasetConfig",
    "OutputTabularDatasetConfig",
    "OutputOrigin",
    "RegistrationConfiguration",
    "TransformationMixin",
    "UploadOptions",
]

ConfigT = TypeVar("ConfigT", bound="OutputDatasetConfig")


@dataclass(eq=False)
class OutputOrigin:
    """What all copies of one output share: the step that writes it, and the name that it got from its place there.

    :ivar links: the kind of dataset that the step links it to, if it writes none
    """

    producer: PipelineStep | None = None
    given_name: str | None = None
    registrations: list[str] = field(default_factory=list)
    links: str | None = None

    def __deepcopy__(self, _memo: dict[int, Any]) -> OutputOrigin:
        return self


class UploadOptions:
    """How an output in upload mode is copied when its step has ended well."""

    def __init__(self, overwrite: bool = False, source_globs: Any = None) -> None:
        globs = [source_globs] if isinstance(source_globs, str) else check_items("as_upload: source_globs", source_globs or ())
        if not all(isinstance(pattern, str) for pattern in globs):
            raise UserErrorException(
                f"as_upload: source_globs must be patterns, not {shorten(repr(source_globs))}; give a list such as ['*.csv']"
            )
        self.overwrite = overwrite
        self.source_globs = globs or None


class RegistrationConfiguration:
    """Under which name an output becomes a dataset."""

    def __init__(self, name: str, description: str | None, tags: dict[str, str] | None) -> None:
        if not isinstance(name, str) or not name.strip():
            raise UserErrorException(f"register_on_complete: the name {shorten(repr(name))} cannot be used; give the dataset a name")
        self.name = name
        self.description = None if description is None else check_text("register_on_complete: description", description)
        self.tags = check_tags("register_on_complete: tags", tags)
        # As what it is read, where the output itself does not say it (PipelineData as a table).
        self._definition: dict[str, Any] | None = None


class OutputDatasetConfig:
    """An output of a step. Without a name it gets one from its place in the step (``output_1``), never a random one."""

    def __init__(self, mode: str, name: str | None = None, **kwargs: Any) -> None:
        if kwargs:
            raise UserErrorException(f"{type(self).__name__}: arguments {', '.join(sorted(kwargs))} are not known")
        self.mode = mode
        self._name = None if name is None else check_dataset_binding_name(type(self).__name__, name)
        self._registration: RegistrationConfiguration | None = None
        self._origin = OutputOrigin()
        # As what it is read and registered (``spec/dataset.py``).
        self._definition: dict[str, Any] = plain_definition("file")

    @property
    def name(self) -> str | None:
        """The name it was given, else the one from its place in a step, else ``None``."""
        return self._name or self._origin.given_name

    @name.setter
    def name(self, name: str) -> None:
        self._name = check_dataset_binding_name(type(self).__name__, name)

    def register_on_complete(self, name: str, description: str | None = None, tags: dict[str, str] | None = None) -> Self:
        """Return a copy that becomes a new version of dataset ``name`` when its step has ended well. The original is not changed."""
        copied = self._copy()
        copied._registration = RegistrationConfiguration(name, description, tags)
        self._origin.registrations.append(name)
        return copied

    def as_input(self, name: str | None = None) -> DatasetConsumptionConfig:
        """Return this output as an input, in mount mode, of a later step."""
        from airflow_amlpipe.sdk.data.dataset_consumption_config import DatasetConsumptionConfig

        return DatasetConsumptionConfig._of(name, self, "mount")

    def _copy(self) -> Self:
        # A datastore leads to its workspace, which is shared and not copied.
        destination = getattr(self, "destination", None)
        return copy.deepcopy(self, {id(part): part for part in (destination if isinstance(destination, tuple) else (destination,))})

    @property
    def arg_val(self) -> str:
        """The text that stands for its path within an argument or a command: ``f"data={output.arg_val}"``; it has to be in inputs or outputs, too.

        :raises UserErrorException: it has no name yet
        """
        if self.name is None:
            raise UserErrorException(f"{type(self).__name__}.arg_val: it has no name that could stand in a text; give it one")
        return str(self)

    def __str__(self) -> str:
        return f"DatasetOutputConfig:{self.name or 'unnamed'}"


class TransformationMixin:
    """How the files of an output are read as a table."""

    def read_delimited_files(
        self,
        include_path: bool = False,
        separator: str = ",",
        header: Any = PromoteHeadersBehavior.ALL_FILES_HAVE_SAME_HEADERS,
        partition_format: str | None = None,
        path_glob: str | None = None,
        set_column_types: dict[str, DataType] | None = None,
    ) -> OutputTabularDatasetConfig:
        """Return this output as a table that is read from delimited files; the arguments as in ``Dataset.Tabular.from_delimited_files``.

        :param path_glob: only the files whose path or name it names; SDK v1's regular expressions are understood, too
        """
        what = f"{type(self).__name__}.read_delimited_files"
        told = {"partition_format": partition_format, "set_column_types": set_column_types, "path_glob": path_glob}
        return self._as_table(
            table_definition(what, delimited(what, separator=separator, header=header), include_path=include_path, **told)
        )

    def read_parquet_files(
        self,
        include_path: bool = False,
        partition_format: str | None = None,
        path_glob: str | None = None,
        set_column_types: dict[str, DataType] | None = None,
    ) -> OutputTabularDatasetConfig:
        """Return this output as a table that is read from Parquet files; the arguments as in :meth:`read_delimited_files`."""
        what = f"{type(self).__name__}.read_parquet_files"
        told = {"partition_format": partition_format, "set_column_types": set_column_types, "path_glob": path_glob}
        return self._as_table(table_definition(what, parquet(), include_path=include_path, **told))

    def _as_table(self, definition: dict[str, Any]) -> OutputTabularDatasetConfig:
        given: Any = self
        return OutputTabularDatasetConfig(_of=given, _definition=definition)


class OutputFileDatasetConfig(OutputDatasetConfig, TransformationMixin):
    """A file or folder that a step writes.

    :param destination: ``(datastore, path)``, ``(datastore,)`` or just the datastore, the datastore being an object or a name;
        ``path`` may hold ``{run-id}`` and ``{output-name}``. Without it, a place of its own on the default datastore
    :param partition_format: which values the paths of its files hold, for example ``"/{region}/{day:yyyy/MM/dd}/data.csv"``
    :param source: the path on the compute that the script writes to; without it, a private folder
    """

    def __init__(
        self, name: str | None = None, destination: Any = None, source: str | None = None, partition_format: str | None = None
    ) -> None:
        super().__init__("mount", name)
        told = check_partition_format("OutputFileDatasetConfig", partition_format)
        self._definition = plain_definition("file", partition_format=told)
        self.destination = _checked_destination(destination)
        self.source = source
        self._upload_options: UploadOptions | None = None

    def as_mount(self, disable_metadata_cache: bool = False) -> OutputFileDatasetConfig:
        """Return a copy in mount mode: what the script wrote is kept, whole, when it has ended well."""
        copied = self._copy()
        copied.mode, copied._upload_options = "mount", None
        return copied

    def as_upload(self, overwrite: bool = False, source_globs: Any = None) -> OutputFileDatasetConfig:
        """Return a copy in upload mode.

        What an earlier run of this workspace put at a fixed destination is replaced as a whole. Files of others there are never deleted
        (docs/decisions/0006).

        :param overwrite: replace files of others that have the same names; otherwise they are left as they are
        :param source_globs: keep only files that one of these patterns names
        """
        copied = self._copy()
        copied.mode, copied._upload_options = "upload", UploadOptions(overwrite, source_globs)
        return copied


class OutputTabularDatasetConfig(OutputDatasetConfig):
    """An output that is read as a table. Made by ``OutputFileDatasetConfig(...).read_delimited_files()`` and its kin.

    The script writes files, as before; whoever reads the output, or the dataset it is registered as, gets a table.

    :raises ValueError: it is made by hand
    """

    def __init__(self, **kwargs: Any) -> None:
        given = kwargs.pop("_of", None)
        definition = kwargs.pop("_definition", None)
        if given is None or kwargs:
            raise UserErrorException(
                "OutputTabularDatasetConfig is not made by hand; use OutputFileDatasetConfig(...).read_delimited_files()"
            )
        super().__init__(given.mode, given._name)
        self._origin, self._registration, self._definition = given._origin, given._registration, definition
        self.destination, self.source, self._upload_options = given.destination, given.source, given._upload_options

    def as_mount(self) -> OutputTabularDatasetConfig:
        """Return a copy in mount mode: what the script wrote is kept, whole, when it has ended well."""
        copied = self._copy()
        copied.mode, copied._upload_options = "mount", None
        return copied

    def as_upload(self, overwrite: bool = False, source_globs: Any = None) -> OutputTabularDatasetConfig:
        """Return a copy in upload mode; the arguments as in ``OutputFileDatasetConfig.as_upload``."""
        copied = self._copy()
        copied.mode, copied._upload_options = "upload", UploadOptions(overwrite, source_globs)
        return copied

    def as_input(self, name: str | None = None) -> DatasetConsumptionConfig:
        """Return this output as an input, in direct mode, of a later step: the script gets a dataset."""
        from airflow_amlpipe.sdk.data.dataset_consumption_config import DatasetConsumptionConfig

        return DatasetConsumptionConfig._of(name, self, "direct")

    def keep_columns(self, columns: Any) -> OutputTabularDatasetConfig:
        """Return a copy of these columns alone."""
        return self._taken(lambda table: table.keep_columns(columns))

    def drop_columns(self, columns: Any) -> OutputTabularDatasetConfig:
        """Return a copy without these columns."""
        return self._taken(lambda table: table.drop_columns(columns))

    def random_split(self, percentage: float, seed: int | None = None) -> tuple[OutputTabularDatasetConfig, OutputTabularDatasetConfig]:
        """Return two copies that have no row in common and leave none out; the first has about ``percentage`` (0 to 1) of them."""
        return (
            self._taken(lambda table: table.random_split(percentage, seed)[0]),
            self._taken(lambda table: table.random_split(percentage, seed)[1]),
        )

    def _taken(self, take: Callable[[Any], Any]) -> OutputTabularDatasetConfig:
        from airflow_amlpipe.sdk.data.tabular_dataset import TabularDataset

        copied = self._copy()
        copied._definition = take(TabularDataset()._redefined(self._definition))._definition
        return copied


def _checked_destination(destination: Any) -> Any:
    if isinstance(destination, list):
        destination = tuple(destination)
    if destination is None or _is_datastore(destination):
        return destination
    if isinstance(destination, tuple) and len(destination) in {1, 2} and (_is_datastore(destination[0]) or isinstance(destination[0], str)):
        path = destination[1] if len(destination) > 1 else None
        if path is None or isinstance(path, str):
            return destination
        if isinstance(getattr(path, "name", None), str) and hasattr(path, "default_value"):
            raise UserErrorException(
                f"OutputFileDatasetConfig: destination has PipelineParameter {path.name!r} in the path of an output, which cannot be resolved; "
                "give the parameter to the script, which makes a folder of that name in the output; a destination may hold {run-id} and {output-name}"
            )
        raise UserErrorException(
            f"OutputFileDatasetConfig: destination has a path of type {type(path).__name__}; write the path as text, with {{run-id}} and {{output-name}}"
        )
    raise UserErrorException(
        f"OutputFileDatasetConfig: destination must be a tuple (datastore, path), not {shorten(repr(destination))}; "
        "for example destination=(ws.get_default_datastore(), 'results/{run-id}')"
    )


def _is_datastore(value: Any) -> bool:
    return hasattr(value, "datastore_type")


class _AbsentOutput:
    _instead = ""

    def __init__(self, *_args: Any, **_kwargs: Any) -> None:
        refuse(type(self).__name__, self._instead)


class HDFSOutputDatasetConfig(_AbsentOutput):
    """Not supported; its constructor says what to use."""

    _instead = "use OutputFileDatasetConfig"


class _LinkOutputDatasetConfig(OutputDatasetConfig):
    _kind = "file"

    def __init__(self, name: str | None = None) -> None:
        super().__init__("link", name)
        self._definition = plain_definition(self._kind)
        self._origin.links = self._kind
        # The link itself is kept where every output is that says nothing of its place.
        self.destination = self.source = self._upload_options = None


class LinkFileOutputDatasetConfig(_LinkOutputDatasetConfig):
    """An output that is no files of its own, but the dataset of files that the script says: ``run.output_datasets[name].link(dataset)``."""


class LinkTabularOutputDatasetConfig(_LinkOutputDatasetConfig):
    """An output that is no files of its own, but the table that the script says: ``run.output_datasets[name].link(dataset)``."""

    _kind = "tabular"

    def as_input(self, name: str | None = None) -> DatasetConsumptionConfig:
        """Return this output as an input, in direct mode, of a later step: the script gets a dataset."""
        from airflow_amlpipe.sdk.data.dataset_consumption_config import DatasetConsumptionConfig

        return DatasetConsumptionConfig._of(name, self, "direct")
