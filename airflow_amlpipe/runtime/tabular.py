"""How does a dataset become a pandas DataFrame?

The one place that reads tables, on the host and in a step: what a script sees while it is tried out is what it gets in its pipeline. Needs pandas, for
Parquet files pyarrow too, which a step's own environment has to have.
"""

from __future__ import annotations

import json

from airflow_amlpipe.runtime.columns import as_moment, as_shown, convert, infer, infer_times
from airflow_amlpipe.runtime.dataset_files import take_part
from airflow_amlpipe.runtime.delimited import ENCODINGS, read_delimited
from airflow_amlpipe.runtime.errors import UserErrorException
from airflow_amlpipe.runtime.expressions import evaluate
from airflow_amlpipe.runtime.partitions import PartitionFormat
from airflow_amlpipe.runtime.rows_frame import as_numbers, read_rows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Collection, Dict, List, Mapping, Sequence, Tuple

__all__ = ["need_pandas", "read_table"]

_ACTIONS = ("null", "fail")


def need_pandas(what: str, package: str = "pandas") -> Any:
    """Return pandas.

    :param package: what else has to be there
    :raises UserErrorException: it is not; the message says which requirement to add
    """
    try:
        import pandas as pd

        if package == "pyarrow":
            import pyarrow as pa  # noqa: F401
    except ImportError as error:
        missing = "pandas" if "pandas" in str(error) else package
        raise UserErrorException(
            "%s needs the package %r, which this Python does not have (%s); add %r to the pip packages of the step's environment "
            "(CondaDependencies.create(pip_packages=[%r]), or its requirements file), or install airflow-amlpipe[tabular] where the script runs by itself"
            % (what, missing, error, missing, missing)
        ) from error
    return pd


def read_table(
    definition: Mapping[str, Any], files: Sequence[Tuple[str, str]], on_error: str = "null", out_of_range_datetime: str = "null"
) -> Any:
    """Return the rows of a tabular dataset as a pandas DataFrame.

    :param definition: ``DatasetDefinition`` of ``spec/dataset.py``, as JSON
    :param files: (local path, path on the datastore with a leading ``/``), in the dataset's order
    :param on_error: ``"null"``: a value that is not of its column's type is missing; ``"fail"``: it is an error
    :param out_of_range_datetime: the same, of times that pandas cannot hold
    :raises UserErrorException: pandas or pyarrow is missing, a file cannot be read so, a column is not there, or a value is not of its type
    """
    for option, value in (("on_error", on_error), ("out_of_range_datetime", out_of_range_datetime)):
        if value not in _ACTIONS:
            raise UserErrorException("to_pandas_dataframe(%s=%.80r): use 'null' or 'fail'" % (option, value))
    reading = definition["reading"]
    need_pandas("a tabular dataset", "pyarrow" if reading["format"] == "parquet" else "pandas")
    paths, shown = [local for local, _ in files], [path for _, path in files]
    undecided: Collection[str] = ()
    if reading["format"] == "delimited":
        frames, undecided = read_delimited(reading, paths, shown, [column["name"] for column in definition["column_types"]])
    else:
        frames = _READERS[reading["format"]](reading, paths, shown)
    titles = _titles(definition, files)
    frame = _joined([_with_titles(part, of_file) for part, of_file in zip(frames, titles)])
    frame = _typed(definition, frame, undecided, on_error, out_of_range_datetime)
    for step in definition["operations"]:
        frame = _applied(step, frame)
    return frame.reset_index(drop=True)


def _titles(definition: Mapping[str, Any], files: Sequence[Tuple[str, str]]) -> List[Dict[str, Any]]:
    """Return for each file what its path says of all its rows."""
    told = PartitionFormat(definition["partition_format"]) if definition["partition_format"] else None
    found: List[Dict[str, Any]] = []
    for _, shown in files:
        titles: Dict[str, Any] = {"Path": shown} if definition["include_path"] else {}
        titles.update(told.values(shown) if told else {})
        found.append(titles)
    return found


def _with_titles(frame: Any, titles: Mapping[str, Any]) -> Any:
    for position, (name, value) in enumerate(titles.items()):
        if name in frame.columns:
            frame = frame.drop(columns=name)  # the path is what SDK v1 believed
        frame.insert(position, name, value)
    return frame


def _joined(frames: List[Any]) -> Any:
    import pandas as pd

    filled = [frame for frame in frames if len(frame)] or frames[:1]
    if not filled:
        return pd.DataFrame()
    joined = pd.concat(filled, ignore_index=True, sort=False) if len(filled) > 1 else filled[0]
    # Columns of files without rows are columns all the same.
    return joined.reindex(columns=list(dict.fromkeys([name for frame in frames for name in frame.columns])))


def _typed(definition: Mapping[str, Any], frame: Any, undecided: Collection[str], on_error: str, out_of_range: str) -> Any:
    wanted = {column["name"]: column for column in definition["column_types"]}
    for name in wanted:
        if name not in frame.columns:
            raise UserErrorException(
                "set_column_types names column %r, which the table does not have; its columns are: %s"
                % (name, ", ".join(map(str, frame.columns)) or "none")
            )
    reading = definition["reading"]
    infers, keeps_empty = reading.get("infer_column_types", False), reading.get("empty_as_string", False)
    from_paths = {"Path", *_partition_keys(definition)}
    columns = {}
    for name in frame.columns:
        column = frame[name]
        if name in wanted:
            columns[name] = convert(column, wanted[name], on_error=on_error, out_of_range=out_of_range)
        elif infers and name not in from_paths:
            columns[name] = as_shown(infer(column) if name in undecided else infer_times(column))
        else:
            columns[name] = as_shown(as_numbers(column), out_of_range)
        if keeps_empty and name not in from_paths:
            columns[name] = _with_empty_texts(columns[name])
    return type(frame)(columns, columns=frame.columns, index=frame.index)


def _with_empty_texts(column: Any) -> Any:
    """Return a column of texts with an empty one where it has none; any other column as it is."""
    texts = column.dropna()
    is_text = column.dtype == "object" and (texts.empty or isinstance(texts.iloc[0], str))
    return column.where(column.notna(), "") if is_text else column


def _partition_keys(definition: Mapping[str, Any]) -> List[str]:
    return PartitionFormat(definition["partition_format"]).keys if definition["partition_format"] else []


def _applied(step: Mapping[str, Any], frame: Any) -> Any:
    name = step["operation"]
    if name == "filter":
        return frame[evaluate(step["expression"], frame)]
    if name == "times":
        return frame[_in_time(step, frame)]
    if name in ("keep_columns", "drop_columns"):
        missing = [column for column in step["columns"] if column not in frame.columns]
        if missing:
            raise UserErrorException(
                "%s names column %r, which the table does not have; its columns are: %s"
                % (name, missing[0], ", ".join(map(str, frame.columns)) or "none")
            )
        return frame[list(step["columns"])] if name == "keep_columns" else frame.drop(columns=list(step["columns"]))
    return frame.iloc[take_part(step, list(range(len(frame))))]


def _in_time(step: Mapping[str, Any], frame: Any) -> Any:
    import pandas as pd

    if step["column"] not in frame.columns:
        raise UserErrorException(
            "the timestamp column %r is not in the table; its columns are: %s" % (step["column"], ", ".join(map(str, frame.columns)))
        )
    times = frame[step["column"]]
    if not pd.api.types.is_datetime64_dtype(times.dtype):
        raise UserErrorException(
            "the timestamp column %r holds no times; give it a type with set_column_types={%r: DataType.to_datetime(...)}"
            % (step["column"], step["column"])
        )
    chosen = times.notna()
    if step["after"] is not None:
        chosen &= times >= as_moment(step["after"]) if step["include_boundary"] else times > as_moment(step["after"])
    if step["before"] is not None:
        chosen &= times <= as_moment(step["before"]) if step["include_boundary"] else times < as_moment(step["before"])
    return chosen


def _read_parquet(_reading: Mapping[str, Any], paths: List[str], shown: List[str]) -> List[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    frames = []
    for path, name in zip(paths, shown):
        try:
            frames.append(pq.ParquetFile(path).read().to_pandas(ignore_metadata=True))
        except pa.ArrowException as error:  # noqa: PERF203  which file it is has to be told
            raise UserErrorException("the file %.200r cannot be read as Parquet: %.300s" % (name, error)) from error
    return frames


def _read_json_lines(reading: Mapping[str, Any], paths: List[str], shown: List[str]) -> List[Any]:
    import pandas as pd

    frames = []
    for path, name in zip(paths, shown):
        rows = []
        try:
            with open(path, encoding=ENCODINGS[reading["encoding"]]) as file:
                lines = file.readlines()
        except UnicodeError as error:
            raise UserErrorException("the file %.200r is not encoded in %s: %s" % (name, reading["encoding"], error)) from error
        for number, line in enumerate(lines, 1):
            row = _json_object(line)
            if row is not None:
                rows.append(row)
            elif line.strip() and reading["invalid_lines"] == "error":
                raise UserErrorException(
                    "the file %.200r, line %d: %.80r is no JSON object; correct it, or use invalid_lines='drop'"
                    % (name, number, line.strip())
                )
        frames.append(pd.DataFrame(rows))
    return frames


def _json_object(line: str) -> Any:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


_READERS: Dict[str, Any] = {"parquet": _read_parquet, "json_lines": _read_json_lines, "sql": read_rows}
