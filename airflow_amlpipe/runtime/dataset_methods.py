"""What can be taken of a dataset, and how is it read? (the methods that the host's datasets and a step's have in common)

Each method returns a new dataset and reads nothing, as in SDK v1; what a definition holds is ``spec/dataset.py``. Who mixes these in says where the
definition comes from, what a dataset with another one is, and where its files lie on this machine.
"""

from __future__ import annotations

from airflow_amlpipe.runtime.errors import UserErrorException
from airflow_amlpipe.runtime.expressions import RecordFieldExpression, expression_json
from airflow_amlpipe.runtime.partitions import PartitionFormat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime, timedelta
    from typing import Any, Dict, List, Optional, Self, Sequence, Tuple, Union

__all__ = ["DatasetMethods", "FileMethods", "TableMethods", "plain_definition"]


def plain_definition(kind: str, **more: Any) -> Dict[str, Any]:
    """Return the definition of a dataset of files, or of a table, of which nothing else is said: ``DatasetDefinition`` as JSON, whole."""
    definition: Dict[str, Any] = {
        "kind": kind,
        "reading": None,
        "path_glob": None,
        "column_types": [],
        "partition_format": None,
        "include_path": False,
        "timestamp": None,
        "partition_timestamp": None,
        "operations": [],
    }
    return dict(definition, **more)


class DatasetMethods:
    """What files and tables have in common."""

    def _described(self) -> Dict[str, Any]:
        """Return the definition: ``DatasetDefinition`` as JSON, whole."""
        raise NotImplementedError

    def _redefined(self, definition: Dict[str, Any]) -> Self:
        """Return a dataset of the same paths with another definition; it has no name and no id yet."""
        raise NotImplementedError

    def _local_files(self) -> List[Tuple[str, str]]:
        """Return the files, as (local path, path on their datastore with a leading ``/``), in the dataset's order."""
        raise NotImplementedError

    def _can_look(self) -> bool:
        """Whether data may be looked at now; not while Airflow is parsing a DAG file."""
        return True

    def take(self, count: int) -> Self:
        """Return a dataset of the first ``count`` of these."""
        return self._with({"operation": "take", "count": _count("take", count)})

    def skip(self, count: int) -> Self:
        """Return a dataset without the first ``count`` of these."""
        return self._with({"operation": "skip", "count": _count("skip", count)})

    def take_sample(self, probability: float, seed: Optional[int] = None) -> Self:
        """Return a dataset that has each of these with ``probability``; the same ones each time for the same ``seed``, and without one too."""
        return self._with({"operation": "sample", "probability": _share("take_sample: probability", probability), "seed": _seed(seed)})

    def random_split(self, percentage: float, seed: Optional[int] = None) -> Tuple[Self, Self]:
        """Return two datasets that have nothing in common and leave nothing out; the first has about ``percentage`` (0 to 1) of these.

        The same ones each time for the same ``seed``, and without one too.
        """
        share = _share("random_split: percentage", percentage)
        split = {"operation": "split", "percentage": share, "seed": _seed(seed)}
        return self._with(dict(split, part="first")), self._with(dict(split, part="second"))

    def filter(self, expression: Any) -> Self:
        """Return a dataset of those for which an expression, such as ``dataset["age"] > 30``, is true.

        :raises UserErrorException: it is no such expression
        """
        if not isinstance(expression, RecordFieldExpression):
            raise UserErrorException(
                "filter: %.80r is no expression; build one of columns: dataset.filter((dataset['age'] > 30) & (dataset['city'] == 'Oslo'))"
                % (expression,)
            )
        return self._with({"operation": "filter", "expression": expression_json(expression)})

    @property
    def partition_keys(self) -> List[str]:
        """Names of the values that ``partition_format`` reads off the files' paths."""
        told = self._described().get("partition_format")
        return PartitionFormat(told).keys if told else []

    def get_partition_key_values(self, partition_keys: Optional[Sequence[str]] = None) -> List[Dict[str, Any]]:
        """Return each combination of values that the files' paths hold, once, in the files' order.

        :param partition_keys: some of :attr:`partition_keys`; all without it
        :raises UserErrorException: the dataset has no ``partition_format``, or no such key
        """
        keys = self.partition_keys
        wanted = list(keys if partition_keys is None else [partition_keys] if isinstance(partition_keys, str) else partition_keys)
        unknown = [key for key in wanted if key not in keys]
        if not keys or unknown:
            raise UserErrorException(
                "get_partition_key_values: the dataset has no partition key %s; its keys are: %s"
                % (", ".join(map(repr, unknown)) or "at all, make it with partition_format=...", ", ".join(keys) or "none")
            )
        told = PartitionFormat(self._described()["partition_format"])
        found: List[Dict[str, Any]] = []
        for _, path in self._local_files():
            values = told.values(path)
            chosen = {key: values[key] for key in wanted}
            if chosen not in found:
                found.append(chosen)
        return found

    def __getitem__(self, key: Any) -> Any:
        """Return the column ``key`` for an expression, or a dataset of some columns."""
        if isinstance(key, str):
            return RecordFieldExpression({"kind": "column", "name": key})
        raise UserErrorException("dataset[%.80r]: give the name of a column" % (key,))

    def __iter__(self) -> Any:
        # Python would ask for dataset[0], dataset[1], ...
        raise TypeError("a dataset cannot be iterated over; read it with to_pandas_dataframe(), or its files with to_path() or download()")

    def _with(self, *operations: Dict[str, Any]) -> Self:
        definition = self._described()
        return self._redefined(dict(definition, operations=list(definition.get("operations") or ()) + list(operations)))


class FileMethods(DatasetMethods):
    """What can be taken of files."""

    def file_metadata(self, col: str) -> RecordFieldExpression:
        """Return what is known of a file, for :meth:`filter`: its ``"Size"`` in bytes.

        :raises UserErrorException: something else is asked; times are no content, so no dataset can depend on them
        """
        if col != "Size":
            raise UserErrorException(
                "file_metadata(%.80r): of a file its 'Size' is known; when it was made or changed is no part of its content, "
                "so that a dataset cannot depend on it: keep times in the paths and use partition_format" % (col,)
            )
        return RecordFieldExpression({"kind": "file", "name": col})


class TableMethods(DatasetMethods):
    """What can be taken of a table, and how it is read."""

    def keep_columns(self: Any, columns: Union[str, Sequence[str]], validate: bool = False) -> Any:
        """Return a dataset of these columns alone, in this order.

        :param validate: read the table, and refuse a column that is not there
        """
        return self._columns("keep_columns", columns, validate)

    def drop_columns(self: Any, columns: Union[str, Sequence[str]]) -> Any:
        """Return a dataset without these columns; a timestamp column that is dropped is none any more."""
        return self._columns("drop_columns", columns, False)

    @property
    def timestamp_columns(self) -> Tuple[Optional[str], Optional[str]]:
        """The columns that hold the time of a row and of a partition, each ``None`` if there is none."""
        definition = self._described()
        return definition["timestamp"], definition["partition_timestamp"]

    def with_timestamp_columns(
        self: Any, timestamp: Optional[str] = None, partition_timestamp: Optional[str] = None, validate: bool = False, **kwargs: Any
    ) -> Any:
        """Return a dataset that knows which columns hold times; ``time_after`` and its kin need one.

        :param validate: read the table, and refuse a column that is not there or holds no times
        :raises UserErrorException: both are the same column
        """
        timestamp = kwargs.pop("fine_grain_timestamp", timestamp)
        partition_timestamp = kwargs.pop("coarse_grain_timestamp", partition_timestamp)
        if kwargs:
            raise UserErrorException("with_timestamp_columns: arguments %s are not known" % ", ".join(sorted(kwargs)))
        if timestamp is not None and timestamp == partition_timestamp:
            raise UserErrorException(
                "with_timestamp_columns: timestamp and partition_timestamp are both %r; give two columns" % (timestamp,)
            )
        made = self._redefined(dict(self._described(), timestamp=timestamp, partition_timestamp=partition_timestamp))
        if validate:
            for column in (timestamp, partition_timestamp):
                if column is not None:
                    made._with(_times(column, None, None, True)).to_pandas_dataframe()
        return made

    def time_after(self: Any, start_time: datetime, include_boundary: bool = True, validate: bool = True) -> Any:
        """Return a dataset of the rows from a time on."""
        return self._in_time("time_after", start_time, None, include_boundary, validate)

    def time_before(self: Any, end_time: datetime, include_boundary: bool = True, validate: bool = True) -> Any:
        """Return a dataset of the rows up to a time."""
        return self._in_time("time_before", None, end_time, include_boundary, validate)

    def time_between(self: Any, start_time: datetime, end_time: datetime, include_boundary: bool = True, validate: bool = True) -> Any:
        """Return a dataset of the rows between two times.

        :raises UserErrorException: the end is before the start
        """
        if _moment("time_between: start_time", start_time) > _moment("time_between: end_time", end_time):
            raise UserErrorException("time_between: end_time %s is before start_time %s" % (end_time, start_time))
        return self._in_time("time_between", start_time, end_time, include_boundary, validate)

    def time_recent(self: Any, time_delta: timedelta, include_boundary: bool = True, validate: bool = True) -> Any:
        """Return a dataset of the rows of the last while, from now (UTC) back. It is another one each time that it is made."""
        from datetime import datetime, timedelta, timezone

        if not isinstance(time_delta, timedelta):
            raise UserErrorException("time_recent: time_delta must be a datetime.timedelta, not %.80r" % (time_delta,))
        now = datetime.now(timezone.utc).replace(tzinfo=None)
        return self._in_time("time_recent", now - time_delta, None, include_boundary, validate)

    def to_pandas_dataframe(self, on_error: str = "null", out_of_range_datetime: str = "null") -> Any:
        """Return the rows as a pandas DataFrame.

        :param on_error: ``"null"``: a value that is not of its column's type is missing; ``"fail"``: it is an error
        :param out_of_range_datetime: the same, of times that pandas cannot hold
        :raises UserErrorException: pandas is not there, or the files cannot be read so
        """
        from airflow_amlpipe.runtime.tabular import read_table

        return read_table(self._described(), self._local_files(), on_error, out_of_range_datetime)

    def __getitem__(self: Any, key: Any) -> Any:
        """Return the column ``key`` for an expression, or, for a list, a dataset of these columns."""
        return self.keep_columns(list(key)) if isinstance(key, (list, tuple)) else super().__getitem__(key)

    def _columns(self: Any, operation: str, columns: Any, validate: bool) -> Any:
        names = [columns] if isinstance(columns, str) else list(columns) if isinstance(columns, (list, tuple, set)) else None
        if not names or not all(isinstance(name, str) for name in names):
            raise UserErrorException("%s: %.80r names no columns; give a name or a list of names" % (operation, columns))
        made = self._with({"operation": operation, "columns": list(dict.fromkeys(names))})
        definition = made._described()
        for role in ("timestamp", "partition_timestamp"):
            if definition[role] is not None and (definition[role] in names) is (operation == "drop_columns"):
                definition = dict(definition, **{role: None})
        made = made._redefined(definition)
        if validate:
            made.to_pandas_dataframe()
        return made

    def _in_time(self: Any, what: str, after: Any, before: Any, include_boundary: bool, validate: bool) -> Any:
        timestamp, partition = self.timestamp_columns
        column = timestamp or partition
        if column is None:
            raise UserErrorException("%s: the dataset has no timestamp column; name one: with_timestamp_columns('time')" % what)
        start = None if after is None else _moment(what + ": start_time", after).isoformat()
        end = None if before is None else _moment(what + ": end_time", before).isoformat()
        made = self._with(_times(column, start, end, bool(include_boundary)))
        if validate and self._can_look():
            made.to_pandas_dataframe()
        return made


def _times(column: str, after: Optional[str], before: Optional[str], include_boundary: bool) -> Dict[str, Any]:
    return {"operation": "times", "column": column, "after": after, "before": before, "include_boundary": include_boundary}


def _moment(what: str, value: Any) -> datetime:
    """Return a time without a zone; one that has one is told in UTC, as the columns are."""
    from datetime import datetime, timezone

    if not isinstance(value, datetime):
        raise UserErrorException("%s must be a datetime.datetime, not %.80r of type %s" % (what, value, type(value).__name__))
    # A pandas Timestamp is a datetime, too.
    moment = datetime(value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond, value.tzinfo)
    return moment if moment.tzinfo is None else moment.astimezone(timezone.utc).replace(tzinfo=None)


def _count(what: str, value: Any) -> int:
    if isinstance(value, bool) or not hasattr(value, "__index__") or value.__index__() < 0:
        raise UserErrorException("%s: the count must be a whole number from 0 on, not %.80r" % (what, value))
    return int(value.__index__())


def _share(what: str, value: Any) -> float:
    if isinstance(value, bool) or not hasattr(value, "__float__") or not 0.0 <= float(value) <= 1.0:
        raise UserErrorException("%s must be a number from 0 to 1, not %.80r" % (what, value))
    return float(value)


def _seed(value: Any) -> int:
    if value is None:
        return 0
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise UserErrorException("the seed must be a whole number, not %.80r" % (value,))
    return int(value.__index__())
