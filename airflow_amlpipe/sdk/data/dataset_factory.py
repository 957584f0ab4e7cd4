"""How is a dataset made from paths, or from rows?"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote, urlsplit

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.runtime.dataset_methods import plain_definition
from airflow_amlpipe.sdk._absent import absent
from airflow_amlpipe.sdk._arguments import check_local_path, check_text
from airflow_amlpipe.sdk._parsing import is_airflow_parsing, refuse_while_parsing
from airflow_amlpipe.sdk._workspace_store import check_workspace, open_datastore
from airflow_amlpipe.sdk.data._config_helper import path_on_datastore
from airflow_amlpipe.sdk.data._sql_queries import check_query, parameters_of, query_definition, query_of
from airflow_amlpipe.sdk.data._table_reading import (
    DataType,
    check_partition_format,
    column_types,
    delimited,
    json_lines,
    parquet,
    table_definition,
)
from airflow_amlpipe.sdk.data.abstract_dataset import AbstractDataset
from airflow_amlpipe.sdk.data.datapath import DataPath
from airflow_amlpipe.sdk.data.dataset_error_handling import DatasetValidationError
from airflow_amlpipe.sdk.data.file_dataset import FileDataset
from airflow_amlpipe.sdk.data.tabular_dataset import TabularDataset
from airflow_amlpipe.sdk.exceptions import UserErrorException
from airflow_amlpipe.spec.datastores import is_web_folder

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.data.abstract_datastore import AbstractDatastore

__all__ = ["DataType", "FileDatasetFactory", "TabularDatasetFactory", "place_of"]

DatasetT = TypeVar("DatasetT", bound=AbstractDataset)

_FRAME = "use register_pandas_dataframe(dataframe.compute(), ...)"


class FileDatasetFactory:
    """``Dataset.File``."""

    @staticmethod
    def from_files(path: Any, validate: bool = True, partition_format: str | None = None, is_file: bool = False) -> FileDataset:
        """Return a dataset of the files at ``path``: a tuple ``(datastore, path)``, a DataPath, a URL of the web, or a list of these.

        A path is a file, a folder (with everything below it) or a glob (``*``, ``**``, ``?``); a URL is a file.

        :param validate: look whether there is anything; a DAG file is never validated before it runs
        :param partition_format: which values the paths hold, for example ``"/{region}/{day:yyyy/MM/dd}/data.csv"``
        :raises DatasetValidationError: nothing is there
        :raises UserErrorException: ``path`` is of another form, leaves its datastore, or names datastores of several workspaces
        """
        what = "Dataset.File.from_files"
        dataset = FileDataset()
        dataset._definition = plain_definition("file", partition_format=check_partition_format(what, partition_format))
        return _at(what, dataset, path, validate)

    @staticmethod
    def upload_directory(
        src_dir: str, target: Any, pattern: str | None = None, overwrite: bool = False, show_progress: bool = True
    ) -> FileDataset:
        """Copy a local folder to ``target`` (``(datastore, path)`` or a DataPath) and return a dataset of what is there then.

        :param pattern: copy only files whose path below ``src_dir`` matches this glob
        """
        import fnmatch

        datastore, relative = place_of("Dataset.File.upload_directory: target", target)
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
    """``Dataset.Tabular``."""

    @staticmethod
    def from_delimited_files(
        path: Any,
        validate: bool = True,
        include_path: bool = False,
        infer_column_types: bool = True,
        set_column_types: dict[str, DataType] | None = None,
        separator: str = ",",
        header: Any = True,
        partition_format: str | None = None,
        support_multi_line: bool = False,
        empty_as_string: bool = False,
        encoding: str = "utf8",
    ) -> TabularDataset:
        """Return a table that is read from text files of separated fields; ``path`` as in ``Dataset.File.from_files``.

        :param validate: look whether there are files; what they hold is read when it is asked for
        :param include_path: the path of each row's file is its first column, ``Path``
        :param infer_column_types: find the types of columns in their values; otherwise they are texts
        :param set_column_types: the types of columns for which that is not what is meant
        :param header: ``True``: the first line of each file; ``False``: none has one; or one of ``PromoteHeadersBehavior``
        :param partition_format: which values the paths hold, for example ``"/{region}/{day:yyyy/MM/dd}/data.csv"``; they are columns
        :param support_multi_line: a quoted field may cross lines
        :param empty_as_string: an empty field is an empty text; otherwise it is missing
        :raises DatasetValidationError: nothing is there
        :raises UserErrorException: an argument cannot be
        """
        what = "Dataset.Tabular.from_delimited_files"
        reading = delimited(
            what,
            separator=separator,
            header=header,
            infer=infer_column_types,
            multi_line=support_multi_line,
            empty=empty_as_string,
            encoding=encoding,
        )
        told: Any = {"include_path": include_path, "partition_format": partition_format, "set_column_types": set_column_types}
        return _table(what, path, validate, table_definition(what, reading, **told))

    @staticmethod
    def from_json_lines_files(
        path: Any,
        validate: bool = True,
        include_path: bool = False,
        set_column_types: dict[str, DataType] | None = None,
        partition_format: str | None = None,
        invalid_lines: str = "error",
        encoding: str = "utf8",
    ) -> TabularDataset:
        """Return a table that is read from files of one JSON object a line; the other arguments as in ``from_delimited_files``.

        :param invalid_lines: ``"error"`` or ``"drop"``: what becomes of a line that is no object
        """
        what = "Dataset.Tabular.from_json_lines_files"
        told: Any = {"include_path": include_path, "partition_format": partition_format, "set_column_types": set_column_types}
        return _table(
            what, path, validate, table_definition(what, json_lines(what, invalid_lines=invalid_lines, encoding=encoding), **told)
        )

    @staticmethod
    def from_parquet_files(
        path: Any,
        validate: bool = True,
        include_path: bool = False,
        set_column_types: dict[str, DataType] | None = None,
        partition_format: str | None = None,
    ) -> TabularDataset:
        """Return a table that is read from Parquet files; the arguments as in ``from_delimited_files``."""
        what = "Dataset.Tabular.from_parquet_files"
        told: Any = {"include_path": include_path, "partition_format": partition_format, "set_column_types": set_column_types}
        return _table(what, path, validate, table_definition(what, parquet(), **told))

    @staticmethod
    def from_sql_query(
        query: Any,
        validate: bool = True,
        set_column_types: dict[str, DataType] | None = None,
        query_timeout: int = 30,
        parameters: dict[str, Any] | None = None,
    ) -> TabularDataset:
        """Return a table that is the rows of a query, asked for anew whenever they are needed: ``(datastore, 'SELECT ...')`` or a DataPath of these.

        A step gets the rows as a file, and neither the database's password nor its driver; other rows are a reason to run it again. Write
        ``ORDER BY``: rows in another order are other rows.

        :param validate: ask for the first row; a DAG file is never validated before it runs
        :param query_timeout: how many seconds the database may take for the first rows, and for each few thousand that follow; 0: as long as it takes
        :param parameters: values for the names that the query has after a colon (``WHERE day >= :since``); they are bound, never written into it.
            A PipelineParameter is one that each run says; on the host it is its default
        :raises DatasetValidationError: the database refuses the query
        :raises UserErrorException: an argument cannot be
        :raises DatastoreUnavailableError: the database could not be asked
        """
        what = "Dataset.Tabular.from_sql_query"
        datastore, text = query_of(what, query)
        types = column_types(what, set_column_types)
        dataset = TabularDataset()
        dataset._workspace = datastore.workspace
        dataset._definition = query_definition(what, datastore, text, parameters=parameters, timeout=query_timeout, types=types)
        dataset._query_parameters = parameters_of((parameters or {}).values())
        if validate:
            check_query(what, datastore.workspace, dataset._definition)
        return dataset

    @staticmethod
    def register_pandas_dataframe(
        dataframe: Any,
        target: Any,
        name: str,
        description: str | None = None,
        tags: dict[str, str] | None = None,
        show_progress: bool = True,
        row_group_size: int | None = None,
        make_target_path_unique: bool = True,
    ) -> TabularDataset:
        """Write a DataFrame as a Parquet file to ``target`` and register a dataset of it as the latest version of ``name``.

        :param target: datastore, ``(datastore, path)`` or DataPath
        :param make_target_path_unique: in a folder of its own there, named by its content; otherwise in ``target`` itself, over what is there
        :raises UserErrorException: pandas or pyarrow is missing, it is no DataFrame, or ``target`` is no place
        """
        what = "Dataset.Tabular.register_pandas_dataframe"
        refuse_while_parsing(what)
        from airflow_amlpipe.runtime.tabular import need_pandas
        from airflow_amlpipe.sdk.data._written_tables import parquet_of, write_tables

        if not isinstance(dataframe, need_pandas(what, "pyarrow").DataFrame):
            raise UserErrorException(f"{what}: {shorten(repr(dataframe))} of type {type(dataframe).__name__} is no pandas DataFrame")
        datastore, folder = place_of(f"{what}: target", target)
        dataset = TabularDataset()
        dataset._definition = plain_definition("tabular", reading=parquet())
        tables = [("part-00000.parquet", parquet_of(dataframe, row_group_size))]
        written = write_tables(datastore, folder, tables, dataset, show_progress=show_progress, is_unique=make_target_path_unique)
        return written._newest(datastore.workspace, name, description, tags)

    register_dask_dataframe = absent("Dataset.Tabular.register_dask_dataframe", _FRAME)
    register_spark_dataframe = absent(
        "Dataset.Tabular.register_spark_dataframe", "use register_pandas_dataframe(dataframe.toPandas(), ...)"
    )


def _table(what: str, path: Any, validate: bool, definition: dict[str, Any]) -> TabularDataset:
    dataset = TabularDataset()
    dataset._definition = definition
    return _at(what, dataset, path, validate)


def _at(what: str, dataset: DatasetT, path: Any, validate: bool) -> DatasetT:
    """Return ``dataset`` as one of the files at ``path``."""
    places = [_place(what, item) for item in (path if isinstance(path, list) else [path])]
    if not places:
        raise UserErrorException(f"{what}: path is an empty list; name at least one (datastore, path)")
    workspaces = [(store.name, store.workspace) for store, _ in places if not isinstance(store, str)]
    for name, workspace in workspaces[1:]:
        check_workspace(f"{what}: datastore {name!r}", workspace, workspaces[0][1])
    dataset._sources = [(store if isinstance(store, str) else store.name, relative) for store, relative in places]
    dataset._workspace = workspaces[0][1] if workspaces else None
    if validate and not is_airflow_parsing():
        for name, relative in dataset._sources:
            store = open_datastore(dataset._workspace, name, what)
            if relative and not (store.exists(relative) if is_web_folder(name) else store.match(relative)):
                shown = f"{name}/{relative}" if is_web_folder(name) else f"{shorten(repr(relative))} on datastore {name!r}"
                raise DatasetValidationError(
                    f"Cannot load any data from the specified path: {shown} matches nothing; "
                    "check the path, upload the data first, or use validate=False"
                )
    return dataset


def place_of(what: str, target: Any) -> tuple[AbstractDatastore, str]:
    """Return the datastore, and the folder there, that something is to be written to: a datastore, ``(datastore, path)`` or a DataPath.

    :raises UserErrorException: it is none of these
    """
    store, relative = _place(what, (target, None) if hasattr(target, "datastore_type") else target)
    if isinstance(store, str):
        raise UserErrorException(f"{what}: nothing can be written to {shorten(store)}; give (datastore, 'folder')")
    return store, relative


def _place(what: str, item: Any) -> tuple[AbstractDatastore | str, str]:
    """Return the datastore, and the path below its root, that one item of ``path`` names; of a URL, the web folder and the file in it."""
    if isinstance(item, DataPath):
        datastore: Any = item._datastore
        path: Any = item.path_on_datastore
    elif isinstance(item, (tuple, list)) and len(item) == 2:
        datastore, path = item
    elif hasattr(item, "path_on_datastore") and hasattr(item, "datastore"):
        datastore, path = item.datastore, item.path_on_datastore
    elif isinstance(item, str) and is_web_folder(item):
        return _web_place(what, item)
    else:
        refused = "local paths are not supported" if isinstance(item, (str, os.PathLike)) else "that is no path"
        raise UserErrorException(
            f"{what}: {shorten(repr(item))}: {refused}; upload the files to a datastore and give (datastore, 'folder/')"
        )
    if not hasattr(datastore, "datastore_type"):
        raise UserErrorException(f"{what}: {shorten(repr(datastore))} is no Datastore; use Datastore.get(ws, name)")
    if path is not None and not isinstance(path, str):
        raise UserErrorException(f"{what}: the path {shorten(repr(path))} is of type {type(path).__name__}; write it as text")
    return datastore, path_on_datastore(f"{what}: datastore {datastore.name!r}", path)


def _web_place(what: str, url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    if parts.query or parts.fragment or "@" in parts.netloc:
        raise UserErrorException(
            f"{what}: the URL of {shorten(parts.hostname or '')} has a query, a fragment or a login; records must hold no secrets: "
            "register the server as a datastore with Datastore.register(ws, name, url, conn_id=...), or name the file by a plain URL"
        )
    folder, _, name = parts.path.rpartition("/")
    if not name or not parts.hostname:
        raise UserErrorException(
            f"{what}: {shorten(repr(url))} names no file; a web server does not say what lies in a folder, name each file"
        )
    return f"{parts.scheme}://{parts.netloc}{folder}", path_on_datastore(what, unquote(name))
