"""How is a table read, as the arguments of a method of SDK v1 say it? (`from_delimited_files`, `read_delimited_files`, `parse_delimited_files`)"""

from __future__ import annotations

from typing import Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.runtime.dataset_methods import plain_definition
from airflow_amlpipe.runtime.delimited import ENCODINGS
from airflow_amlpipe.runtime.partitions import PartitionFormat
from airflow_amlpipe.sdk._arguments import check_text
from airflow_amlpipe.sdk.data.dataset_type_definitions import PromoteHeadersBehavior
from airflow_amlpipe.sdk.exceptions import UserErrorException

__all__ = ["DataType", "check_partition_format", "column_types", "delimited", "json_lines", "parquet", "table_definition"]

_HEADERS = {
    PromoteHeadersBehavior.NO_HEADERS: "none",
    PromoteHeadersBehavior.ONLY_FIRST_FILE_HAS_HEADERS: "first_file",
    PromoteHeadersBehavior.COMBINE_ALL_FILES_HEADERS: "combine",
    PromoteHeadersBehavior.ALL_FILES_HAVE_SAME_HEADERS: "same",
}


class DataType:
    """As what a column is read: ``set_column_types={"day": DataType.to_datetime("%d.%m.%Y")}``."""

    def __init__(self, kind: str, formats: list[str] | None = None, decimal_mark: str = ".") -> None:
        self._kind, self._formats, self._decimal_mark = kind, formats or [], decimal_mark

    @staticmethod
    def to_bool() -> DataType:
        """Texts ``true`` and ``false``, in any case, as truth values."""
        return DataType("bool")

    @staticmethod
    def to_datetime(formats: Any = None) -> DataType:
        """Texts as times.

        :param formats: ``strptime``'s letters, or a list of such to be tried in turn; without it, year first as ISO 8601 writes it
        """
        given = [] if formats is None else [formats] if isinstance(formats, str) else list(formats)
        return DataType("datetime", [check_text("DataType.to_datetime: formats", text) for text in given])

    @staticmethod
    def to_float(decimal_mark: str = ".") -> DataType:
        """Texts as numbers.

        :param decimal_mark: ``"."`` or ``","``, with which a dot may part thousands
        """
        if decimal_mark not in {".", ","}:
            raise UserErrorException(f"DataType.to_float: decimal_mark must be '.' or ',', not {shorten(repr(decimal_mark))}")
        return DataType("float", decimal_mark=decimal_mark)

    @staticmethod
    def to_long() -> DataType:
        """Texts as whole numbers."""
        return DataType("integer")

    @staticmethod
    def to_stream(workspace: Any, escaped: bool = False) -> DataType:
        """Paths of files. They stay texts: a script opens them by itself."""
        return DataType("stream")

    @staticmethod
    def to_string() -> DataType:
        """Texts as they are."""
        return DataType("string")

    def _document(self, name: str) -> dict[str, Any]:
        return {"name": name, "type": self._kind, "formats": self._formats, "decimal_mark": self._decimal_mark}

    def __repr__(self) -> str:
        return f"DataType({self._kind!r})"


def delimited(
    what: str, *, separator: Any, header: Any, infer: bool = True, multi_line: bool = False, empty: bool = False, encoding: Any = "utf8"
) -> dict[str, Any]:
    """Return how delimited files are read: ``Delimited`` of ``spec/dataset.py``, as JSON.

    :raises UserErrorException: an argument is none that there is
    """
    if not isinstance(separator, str) or not separator:
        raise UserErrorException(f"{what}: separator must be text of one or more letters, not {shorten(repr(separator))}")
    if isinstance(header, bool):
        chosen = "same" if header else "none"
    else:
        # SDK v1 has the enumeration in two modules; a script may have either, or its number.
        number = getattr(header, "value", header)
        known = {member.value: text for member, text in _HEADERS.items()}
        if number not in known:
            raise UserErrorException(f"{what}: header must be True, False or one of PromoteHeadersBehavior, not {shorten(repr(header))}")
        chosen = known[number]
    return {
        "format": "delimited",
        "separator": separator,
        "header": chosen,
        "encoding": _encoding(what, encoding),
        "infer_column_types": bool(infer),
        "support_multi_line": bool(multi_line),
        "empty_as_string": bool(empty),
    }


def json_lines(what: str, *, invalid_lines: Any, encoding: Any) -> dict[str, Any]:
    """Return how files of JSON lines are read: ``JsonLines`` of ``spec/dataset.py``, as JSON.

    :raises UserErrorException: an argument is none that there is
    """
    if invalid_lines not in {"error", "drop"}:
        raise UserErrorException(f"{what}: invalid_lines must be 'error' or 'drop', not {shorten(repr(invalid_lines))}")
    return {"format": "json_lines", "encoding": _encoding(what, encoding), "invalid_lines": invalid_lines}


def parquet() -> dict[str, Any]:
    """Return how Parquet files are read."""
    return {"format": "parquet"}


def table_definition(
    what: str,
    reading: dict[str, Any],
    *,
    include_path: bool,
    partition_format: Any,
    set_column_types: Any,
    path_glob: Any = None,
) -> dict[str, Any]:
    """Return the definition of a table.

    :raises UserErrorException: an argument cannot be
    """
    return plain_definition(
        "tabular",
        reading=reading,
        include_path=bool(include_path),
        partition_format=check_partition_format(what, partition_format),
        column_types=column_types(what, set_column_types),
        path_glob=None if path_glob is None else check_text(f"{what}: path_glob", path_glob),
    )


def check_partition_format(what: str, text: Any) -> str | None:
    """Return ``partition_format``, if it is one.

    :raises UserErrorException: it is none
    """
    return None if text is None else PartitionFormat(check_text(f"{what}: partition_format", text)).text


def column_types(what: str, given: Any) -> list[dict[str, Any]]:
    """Return ``set_column_types``: each is a ``ColumnType`` of ``spec/dataset.py``, as JSON.

    :raises UserErrorException: it is no dictionary of columns and types
    """
    if given is None:
        return []
    if not isinstance(given, dict) or not all(isinstance(kind, DataType) for kind in given.values()):
        raise UserErrorException(
            f"{what}: set_column_types must be a dictionary of columns and DataTypes, such as {{'day': DataType.to_datetime()}}, not {shorten(repr(given))}"
        )
    return [kind._document(check_text(f"{what}: set_column_types: a column", name)) for name, kind in given.items()]


def _encoding(what: str, encoding: Any) -> str:
    name = str(getattr(encoding, "name", encoding)).lower().replace("-", "").replace("_", "")
    if name not in ENCODINGS:
        raise UserErrorException(f"{what}: encoding {shorten(repr(encoding))} is not known; use one of: {', '.join(ENCODINGS)}")
    return name
