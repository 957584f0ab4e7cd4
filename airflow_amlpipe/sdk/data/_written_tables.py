"""How do rows that a script has become files on a datastore?

The files lie in a folder named by their content: the same rows are written once, and what a dataset names is never changed afterwards.
"""

from __future__ import annotations

import hashlib
import io
import sys
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from airflow_amlpipe.exceptions import DefinitionError, shorten
from airflow_amlpipe.runtime.tabular import need_pandas
from airflow_amlpipe.sdk._workspace_store import open_datastore
from airflow_amlpipe.sdk.data.abstract_dataset import AbstractDataset
from airflow_amlpipe.sdk.exceptions import UserErrorException
from airflow_amlpipe.spec.names import check_relative_path

__all__ = ["column_types_of", "csv_of", "parquet_of", "partitions_of", "write_tables"]

DatasetT = TypeVar("DatasetT", bound=AbstractDataset)


def csv_of(frame: Any, separator: str) -> bytes:
    """Return a DataFrame as CSV."""
    return bytes(frame.to_csv(index=False, sep=separator).encode())


def parquet_of(frame: Any, row_group_size: int | None = None) -> bytes:
    """Return a DataFrame as Parquet.

    :raises UserErrorException: pyarrow is missing, or a column holds what Parquet cannot
    """
    need_pandas("writing Parquet files", "pyarrow")
    import pyarrow as pa

    body = io.BytesIO()
    try:
        frame.to_parquet(body, engine="pyarrow", index=False, row_group_size=row_group_size)
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise UserErrorException(f"the rows cannot be written as Parquet: {shorten(str(error))}") from error
    return body.getvalue()


def column_types_of(frame: Any, names: Sequence[str]) -> list[dict[str, Any]]:
    """Return as what columns are to be read again that are written as texts: ``ColumnType`` of ``spec/dataset.py``, as JSON."""
    kinds = {"i": "integer", "u": "integer", "f": "float", "b": "bool", "M": "datetime"}
    return [{"name": name, "type": kinds.get(frame[name].dtype.kind, "string"), "formats": [], "decimal_mark": "."} for name in names]


def partitions_of(frame: Any, keys: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """Yield, for each combination of values of the columns ``keys``, the folder it is named by and its other columns.

    :raises UserErrorException: a column is not there, or a value is missing or cannot be the name of a folder
    """
    missing = [key for key in keys if key not in frame.columns]
    if missing or not keys:
        raise UserErrorException(
            f"partition_by: the table has no column {', '.join(map(repr, missing)) or 'named'}; its columns are: {', '.join(map(str, frame.columns))}"
        )
    for key in (told["name"] for told in column_types_of(frame, keys) if told["type"] == "string"):
        if frame[key].isna().any():
            raise UserErrorException(
                f"partition_by: column {key!r} has missing values, which no folder can stand for; leave those rows out: "
                f"dataset.filter(~dataset[{key!r}].is_null()), or partition by other columns"
            )
    for values, rows in frame.groupby(list(keys), dropna=False, sort=True):
        parts = [str(value) for value in (values if isinstance(values, tuple) else (values,))]
        if not all(part and "/" not in part and part not in {".", ".."} for part in parts):
            raise UserErrorException(f"partition_by: the values {shorten(repr(parts))} cannot be folders; partition by other columns")
        yield "/".join(parts), rows.drop(columns=list(keys))


def write_tables(
    datastore: Any,
    folder: str,
    tables: Sequence[tuple[str, bytes]],
    made: DatasetT,
    *,
    show_progress: bool = False,
    is_unique: bool = True,
) -> DatasetT:
    """Write files below ``folder`` of a datastore and let the dataset ``made`` name them.

    :param tables: (path, content) of each file
    :param is_unique: in a folder there that is named by their content
    """
    content = hashlib.sha256()
    for path, body in tables:
        content.update(f"{path}\n{len(body)}\n".encode() + body)
    place = "/".join(part for part in (folder.strip("/"), content.hexdigest()[:32] if is_unique else "") if part)
    store = open_datastore(datastore.workspace, datastore.name, "writing a table")
    for path, body in tables:
        try:
            store.put(check_relative_path("a file of the table", f"{place}/{path}".lstrip("/")), body)
        except DefinitionError as error:
            raise UserErrorException(str(error)) from error
        if show_progress:
            sys.stdout.write(f"Uploaded {place}/{path}\n")
    made._workspace, made._sources = datastore.workspace, [(datastore.name, place)]
    return made
