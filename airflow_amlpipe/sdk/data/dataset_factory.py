"""How is a dataset made from paths?"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk._absent import absent, refuse
from airflow_amlpipe.sdk._arguments import check_local_path, check_text
from airflow_amlpipe.sdk._parsing import is_airflow_parsing
from airflow_amlpipe.sdk._workspace_store import check_workspace, open_datastore
from airflow_amlpipe.sdk.data._config_helper import path_on_datastore
from airflow_amlpipe.sdk.data.datapath import DataPath
from airflow_amlpipe.sdk.data.dataset_error_handling import DatasetValidationError
from airflow_amlpipe.sdk.data.file_dataset import FileDataset
from airflow_amlpipe.sdk.exceptions import UserErrorException

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.data.abstract_datastore import AbstractDatastore

__all__ = ["DataType", "FileDatasetFactory", "TabularDatasetFactory"]

_PANDAS = "make a FileDataset and read it with pandas in the script"


class FileDatasetFactory:
    """``Dataset.File``."""

    @staticmethod
    def from_files(path: Any, validate: bool = True, partition_format: str | None = None, is_file: bool = False) -> FileDataset:
        """Return a dataset of the files at ``path``: a tuple ``(datastore, path)``, a DataPath, or a list of these.

        A path is a file, a folder (with everything below it) or a glob (``*``, ``**``, ``?``).

        :param validate: look whether there is anything; a DAG file is never validated before it runs
        :raises DatasetValidationError: nothing is there
        :raises UserErrorException: ``path`` is of another form, leaves its datastore, or names datastores of several workspaces
        """
        if partition_format is not None:
            refuse("Dataset.File.from_files(partition_format=...)", "read the parts from the paths in the script")
        places = [_place(item) for item in (path if isinstance(path, list) else [path])]
        if not places:
            raise UserErrorException("Dataset.File.from_files: path is an empty list; name at least one (datastore, path)")
        for datastore, _ in places[1:]:
            check_workspace(f"Dataset.File.from_files: datastore {datastore.name!r}", datastore.workspace, places[0][0].workspace)
        dataset = FileDataset()
        dataset._sources = [(datastore.name, relative) for datastore, relative in places]
        dataset._workspace = places[0][0].workspace
        if validate and not is_airflow_parsing():
            for datastore, relative in places:
                store = open_datastore(datastore.workspace, datastore.name, "Dataset.File.from_files")
                if relative and not store.match(relative):
                    raise DatasetValidationError(
                        f"Cannot load any data from the specified path: {shorten(repr(relative))} on datastore {datastore.name!r} matches nothing; "
                        "check the path, upload the data first, or use validate=False"
                    )
        return dataset

    @staticmethod
    def upload_directory(
        src_dir: str, target: Any, pattern: str | None = None, overwrite: bool = False, show_progress: bool = True
    ) -> FileDataset:
        """Copy a local folder to ``target`` (``(datastore, path)`` or a DataPath) and return a dataset of what is there then.

        :param pattern: copy only files whose path below ``src_dir`` matches this glob
        """
        import fnmatch

        datastore, relative = _place(target)
        source = check_local_path("Dataset.File.upload_directory: src_dir", src_dir)
        if not source.is_dir():
            raise UserErrorException(f"Dataset.File.upload_directory: {shorten(repr(str(src_dir)))} is no folder")
        if pattern is not None:
            check_text("Dataset.File.upload_directory: pattern", pattern)
        files = [Path(folder, name) for folder, _, names in os.walk(source) for name in sorted(names)]
        chosen = [file for file in files if pattern is None or fnmatch.fnmatch(file.relative_to(source).as_posix(), pattern)]
        datastore.upload_files([str(file) for file in chosen], str(source), relative or None, overwrite, show_progress)  # type: ignore[attr-defined]
        return FileDatasetFactory.from_files((datastore, relative))


class TabularDatasetFactory:
    """``Dataset.Tabular``: not supported yet."""

    from_delimited_files = absent("Dataset.Tabular.from_delimited_files", _PANDAS)
    from_json_lines_files = absent("Dataset.Tabular.from_json_lines_files", _PANDAS)
    from_parquet_files = absent("Dataset.Tabular.from_parquet_files", _PANDAS)
    from_sql_query = absent("Dataset.Tabular.from_sql_query", "run the query in the script")
    register_dask_dataframe = absent("Dataset.Tabular.register_dask_dataframe", _PANDAS)
    register_pandas_dataframe = absent("Dataset.Tabular.register_pandas_dataframe", _PANDAS)
    register_spark_dataframe = absent("Dataset.Tabular.register_spark_dataframe", _PANDAS)


class DataType:
    """Column types of tabular datasets: not supported yet."""

    to_bool = absent("DataType.to_bool", _PANDAS)
    to_datetime = absent("DataType.to_datetime", _PANDAS)
    to_float = absent("DataType.to_float", _PANDAS)
    to_long = absent("DataType.to_long", _PANDAS)
    to_stream = absent("DataType.to_stream", _PANDAS)
    to_string = absent("DataType.to_string", _PANDAS)


def _place(item: Any) -> tuple[AbstractDatastore, str]:
    """Return the datastore, and the path below its root, that one item of ``path`` names."""
    if isinstance(item, DataPath):
        datastore: Any = item._datastore
        path: Any = item.path_on_datastore
    elif isinstance(item, tuple) and len(item) == 2:
        datastore, path = item
    elif hasattr(item, "path_on_datastore") and hasattr(item, "datastore"):
        datastore, path = item.datastore, item.path_on_datastore
    else:
        refused = "URLs and local paths are not supported" if isinstance(item, (str, os.PathLike)) else "that is no path"
        raise UserErrorException(
            f"Dataset.File.from_files: {shorten(repr(item))}: {refused}; upload the files to a datastore and give (datastore, 'folder/')"
        )
    if not hasattr(datastore, "datastore_type"):
        raise UserErrorException(f"Dataset.File.from_files: {shorten(repr(datastore))} is no Datastore; use Datastore.get(ws, name)")
    if path is not None and not isinstance(path, str):
        raise UserErrorException(
            f"Dataset.File.from_files: the path {shorten(repr(path))} is of type {type(path).__name__}; write it as text"
        )
    return datastore, path_on_datastore(f"Dataset.File.from_files: datastore {datastore.name!r}", path)
