"""How is what a step wrote as PipelineData registered, and read as files or as a table by later steps?"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Self

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.runtime.dataset_methods import plain_definition
from airflow_amlpipe.sdk._arguments import check_text
from airflow_amlpipe.sdk.data._config_helper import check_binding_name
from airflow_amlpipe.sdk.data._table_reading import delimited, parquet, table_definition
from airflow_amlpipe.sdk.data.dataset_type_definitions import PromoteHeadersBehavior
from airflow_amlpipe.sdk.data.output_dataset_config import RegistrationConfiguration
from airflow_amlpipe.sdk.data.tabular_dataset import TabularDataset
from airflow_amlpipe.sdk.exceptions import UserErrorException
from airflow_amlpipe.sdk.pipeline.core._port_bindings import InputPortBinding

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_amlpipe.sdk.pipeline.core._pipeline_data import PipelineData

__all__ = ["PipelineOutputAbstractDataset", "PipelineOutputFileDataset", "PipelineOutputTabularDataset"]


class PipelineOutputAbstractDataset:
    """PipelineData seen as a dataset. In ``outputs`` of a step it is the PipelineData itself, in ``inputs`` what was said here."""

    _mode = "mount"

    def __init__(self, pipeline_data: PipelineData) -> None:
        if not hasattr(pipeline_data, "_binding"):
            raise UserErrorException(
                f"{type(self).__name__}: {shorten(repr(pipeline_data))} is no PipelineData; use PipelineData(...).as_dataset()"
            )
        self._pipeline_data = pipeline_data
        self._input_name: str | None = None
        self._path_on_compute: str | None = None

    @property
    def name(self) -> str:
        """The name of the PipelineData."""
        return self._pipeline_data.name

    @property
    def input_name(self) -> str:
        """Under which the reading step finds it: the name it was given there, else that of the PipelineData."""
        return self._input_name or self.name

    def as_named_input(self, name: str) -> Self:
        """Return a copy that the reading step finds as ``run.input_datasets[name]``."""
        return self._with(_input_name=check_binding_name("as_named_input", name))

    def register(self, name: str, create_new_version: bool = True) -> Self:
        """Make what the step writes a new version of dataset ``name`` when it has ended well, and return this dataset.

        It is said of the PipelineData, so that it counts whichever of its objects the writing step is given.

        :param create_new_version: must be ``True``: every run that computes something new is a version of its own
        """
        registration = RegistrationConfiguration(name, None, None)
        registration._definition = getattr(self, "_definition", None)
        if create_new_version is not True:
            raise UserErrorException(
                f"PipelineData {self.name!r}: register({name!r}, create_new_version={create_new_version!r}) cannot be done: what a run writes is a "
                "version of its own; leave create_new_version out"
            )
        self._pipeline_data._binding.dataset_registration = registration
        return self

    def create_input_binding(self) -> InputPortBinding:
        """Return it as an input."""
        return InputPortBinding(self.input_name, self._pipeline_data, self._mode, self._path_on_compute)

    def _with(self, **changes: Any) -> Self:
        copied = copy.copy(self)
        vars(copied).update(changes)
        return copied

    def __str__(self) -> str:
        return str(self._pipeline_data)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._pipeline_data!r})"


class PipelineOutputFileDataset(PipelineOutputAbstractDataset):
    """PipelineData seen as files, in mount mode unless another one was chosen."""

    def as_mount(self, path_on_compute: str | None = None) -> PipelineOutputFileDataset:
        """Return a copy that the script sees as a local path."""
        return self._bound("mount", path_on_compute)

    def as_download(self, path_on_compute: str | None = None) -> PipelineOutputFileDataset:
        """Return a copy that is copied to a local path."""
        return self._bound("download", path_on_compute)

    def as_direct(self) -> PipelineOutputFileDataset:
        """Return a copy of which the script gets the id of a dataset."""
        return self._bound("direct", None)

    def parse_delimited_files(
        self,
        include_path: bool = False,
        separator: str = ",",
        header: Any = PromoteHeadersBehavior.ALL_FILES_HAVE_SAME_HEADERS,
        partition_format: str | None = None,
        file_extension: str = "",
        set_column_types: Any = None,
        quoted_line_breaks: bool = False,
    ) -> PipelineOutputTabularDataset:
        """Return it as a table that is read from delimited files; the arguments as in ``Dataset.Tabular.from_delimited_files``.

        :param file_extension: only the files whose names end so
        :param quoted_line_breaks: a quoted field may cross lines
        """
        what = f"PipelineData {self.name!r}: parse_delimited_files"
        reading = delimited(what, separator=separator, header=header, multi_line=quoted_line_breaks)
        return self._as_table(what, reading, file_extension, include_path, partition_format, set_column_types)

    def parse_parquet_files(
        self,
        include_path: bool = False,
        partition_format: str | None = None,
        file_extension: str = ".parquet",
        set_column_types: Any = None,
    ) -> PipelineOutputTabularDataset:
        """Return it as a table that is read from Parquet files; the arguments as in :meth:`parse_delimited_files`."""
        what = f"PipelineData {self.name!r}: parse_parquet_files"
        return self._as_table(what, parquet(), file_extension, include_path, partition_format, set_column_types)

    def _as_table(
        self, what: str, reading: dict[str, Any], file_extension: Any, include_path: bool, partition_format: Any, set_column_types: Any
    ) -> PipelineOutputTabularDataset:
        ending = check_text(f"{what}: file_extension", file_extension or "")
        table = PipelineOutputTabularDataset(self._pipeline_data)
        table._input_name = self._input_name
        table._definition = table_definition(
            what,
            reading,
            include_path=include_path,
            partition_format=partition_format,
            set_column_types=set_column_types,
            path_glob=f"*{ending}" if ending else None,
        )
        return table

    def _bound(self, mode: str, path_on_compute: str | None) -> PipelineOutputFileDataset:
        path = None if path_on_compute is None else check_text(f"PipelineData {self.name!r}: path_on_compute", path_on_compute)
        return self._with(_mode=mode, _path_on_compute=path)


class PipelineOutputTabularDataset(PipelineOutputAbstractDataset):
    """PipelineData seen as a table: the script that reads it gets a dataset. Made by ``as_dataset().parse_delimited_files()`` and its kin."""

    _mode = "direct"

    def __init__(self, pipeline_data: PipelineData, additional_transformations: Any = None) -> None:
        super().__init__(pipeline_data)
        self._definition: dict[str, Any] = additional_transformations or plain_definition("file")

    def keep_columns(self, columns: Any) -> PipelineOutputTabularDataset:
        """Return a copy of these columns alone."""
        return self._taken(lambda table: table.keep_columns(columns))

    def drop_columns(self, columns: Any) -> PipelineOutputTabularDataset:
        """Return a copy without these columns."""
        return self._taken(lambda table: table.drop_columns(columns))

    def random_split(self, percentage: float, seed: int | None = None) -> tuple[PipelineOutputTabularDataset, PipelineOutputTabularDataset]:
        """Return two copies that have no row in common and leave none out; the first has about ``percentage`` (0 to 1) of them."""
        return (
            self._taken(lambda table: table.random_split(percentage, seed)[0]),
            self._taken(lambda table: table.random_split(percentage, seed)[1]),
        )

    def create_input_binding(self) -> InputPortBinding:
        """Return it as an input."""
        return InputPortBinding(self.input_name, self._pipeline_data, self._mode, additional_transformations=self._definition)

    def _taken(self, take: Callable[[Any], Any]) -> PipelineOutputTabularDataset:
        return self._with(_definition=take(TabularDataset()._redefined(self._definition))._definition)
