"""What can be done with a table that has a name?

How it is read is ``runtime/tabular.py``, here and in a step alike. Everything that only takes a part of it is lazy; what writes files (``to_csv_files``,
``partition_by``) writes them at once, since a dataset of files has to have them.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.runtime.dataset_methods import TableMethods, plain_definition
from airflow_amlpipe.sdk._absent import absent
from airflow_amlpipe.sdk._arguments import check_items, check_text
from airflow_amlpipe.sdk._parsing import refuse_while_parsing
from airflow_amlpipe.sdk.data.abstract_dataset import AbstractDataset
from airflow_amlpipe.sdk.data.file_dataset import FileDataset
from airflow_amlpipe.sdk.exceptions import UserErrorException

if TYPE_CHECKING:
    import tempfile

    from airflow_amlpipe.sdk.core.workspace import Workspace

__all__ = ["TabularDataset", "UnreadDataset"]

_PANDAS = "use to_pandas_dataframe()"


class TabularDataset(TableMethods, AbstractDataset):
    """A table that is read from files. Made by ``Dataset.Tabular.from_delimited_files`` and its kin; see ``to_pandas_dataframe``."""

    _kind = "tabular"

    def __init__(self) -> None:
        super().__init__()
        self._fetched: tempfile.TemporaryDirectory[str] | None = None

    def to_csv_files(self, separator: str = ",") -> FileDataset:
        """Write the rows as a CSV file on the default datastore, at once, and return a dataset of it. The same rows are the same file.

        :raises UserErrorException: pandas is missing, or the dataset is of no workspace
        """
        from airflow_amlpipe.sdk.data._written_tables import csv_of, write_tables

        check_text("TabularDataset.to_csv_files: separator", separator)
        workspace = self._place_to_write("TabularDataset.to_csv_files")
        tables = [("part-00000.csv", csv_of(self.to_pandas_dataframe(), separator))]
        return write_tables(workspace.get_default_datastore(), "managed-dataset", tables, FileDataset())

    def to_parquet_files(self) -> FileDataset:
        """Write the rows as a Parquet file on the default datastore, at once, and return a dataset of it. The same rows are the same file.

        :raises UserErrorException: pandas or pyarrow is missing, or the dataset is of no workspace
        """
        from airflow_amlpipe.sdk.data._written_tables import parquet_of, write_tables

        workspace = self._place_to_write("TabularDataset.to_parquet_files")
        tables = [("part-00000.parquet", parquet_of(self.to_pandas_dataframe()))]
        return write_tables(workspace.get_default_datastore(), "managed-dataset", tables, FileDataset())

    def partition_by(
        self,
        partition_keys: list[str],
        target: Any,
        name: str | None = None,
        show_progress: bool = True,
        partition_as_file_dataset: bool = False,
    ) -> TabularDataset | FileDataset:
        """Write the rows as Parquet files, one for each combination of values, and return a dataset that has these values as partitions.

        :param partition_keys: columns; their values become folders, in this order
        :param target: datastore, ``(datastore, path)`` or DataPath; the files lie in a folder of their own there, named by their content
        :param name: register the result under this name
        :param partition_as_file_dataset: return a dataset of the files instead of a table
        :raises UserErrorException: a column is not there, or one of its values cannot be the name of a folder
        """
        from airflow_amlpipe.sdk.data._written_tables import column_types_of, parquet_of, partitions_of, write_tables
        from airflow_amlpipe.sdk.data.dataset_factory import place_of

        workspace = self._place_to_write("TabularDataset.partition_by")
        keys = [
            check_text("TabularDataset.partition_by: partition_keys", key)
            for key in check_items("partition_by: partition_keys", partition_keys)
        ]
        datastore, folder = place_of("TabularDataset.partition_by: target", target)
        frame = self.to_pandas_dataframe()
        tables = [(f"{below}/part-00000.parquet", parquet_of(rows)) for below, rows in partitions_of(frame, keys)]
        told = "".join(f"/{{{key}}}" for key in keys) + "/part-00000.parquet"
        made: TabularDataset | FileDataset = FileDataset() if partition_as_file_dataset else TabularDataset()
        reading = None if partition_as_file_dataset else {"format": "parquet"}
        types = [] if partition_as_file_dataset else column_types_of(frame, keys)
        made._definition = plain_definition(made._kind, reading=reading, partition_format=told, column_types=types)
        written: TabularDataset | FileDataset = write_tables(datastore, folder, tables, made, show_progress=show_progress)
        return written if name is None else written.register(workspace, name, create_new_version=True)

    download = absent("TabularDataset.download", "make a FileDataset of the files, and use its download()")
    mount = absent("TabularDataset.mount", "make a FileDataset of the files, and use its mount()")
    get_profile = absent("TabularDataset.get_profile", "use to_pandas_dataframe().describe()")
    get_profile_runs = absent("TabularDataset.get_profile_runs", "use to_pandas_dataframe().describe()")
    submit_profile_run = absent("TabularDataset.submit_profile_run", "use to_pandas_dataframe().describe()")
    to_dask_dataframe = absent("TabularDataset.to_dask_dataframe", _PANDAS)
    to_spark_dataframe = absent("TabularDataset.to_spark_dataframe", _PANDAS)

    def _place_to_write(self, what: str) -> Workspace:
        refuse_while_parsing(what)
        if self._workspace is None:
            raise UserErrorException(f"{what}: {self!r} is of no workspace; register it first: register(ws, name)")
        return self._workspace

    def _local_files(self) -> list[tuple[str, str]]:
        """Return the files where they lie on this machine, or copies of them that last until the next reading; of a query, its rows now."""
        if self._described()["reading"]["format"] == "sql":
            return self._local_rows()
        import tempfile

        from airflow_amlpipe.storage.copies import fetch_file

        files = self._files("TabularDataset.to_pandas_dataframe")
        self._fetched = None
        found = []
        for store, name, relative in files:
            place = store.local_path(name)
            if place is None:
                self._fetched = self._fetched or tempfile.TemporaryDirectory(prefix="amlpipe-table-")
                place = Path(self._fetched.name).joinpath(*PurePosixPath(relative).parts)
                fetch_file(store, name, place, overwrite=True)
            found.append((str(place), f"/{name}"))
        return found

    def _local_rows(self) -> list[tuple[str, str]]:
        import tempfile

        from airflow_amlpipe.sdk.data._sql_queries import query_rows

        if self._workspace is None:
            raise UserErrorException(f"{self!r} is of no workspace; get it with Dataset.get_by_name or Dataset.get_by_id")
        self._fetched = tempfile.TemporaryDirectory(prefix="amlpipe-table-")
        return [
            (
                query_rows(
                    f"dataset {self.name!r}" if self.name else "to_pandas_dataframe", self._workspace, self._described(), self._fetched.name
                ),
                "/rows",
            )
        ]


class UnreadDataset(FileDataset, TabularDataset):
    """A registered dataset in a DAG file: Airflow is parsing it, so nobody looks up whether it is files or a table. It can be an input."""

    _kind = "file"

    def _described(self) -> dict[str, Any]:
        raise UserErrorException(
            f"dataset {shorten(repr(self.name))}: what it is, is looked up when the step runs, not while Airflow is parsing a DAG file; "
            "register a dataset of the part that you need, make it from its paths, or take the part in the script"
        )
