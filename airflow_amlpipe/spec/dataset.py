"""What is a dataset, beside where its files lie?

Files as they are, or a table that is read from them; and what is taken of either. It is data, never code: the same JSON document is part of
a pipeline's specification, of a dataset's record, of a step's key, and of what a step's script is handed (``runtime/tabular.py`` reads it).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from airflow_amlpipe.spec.model import Scalar, SpecModel, added_later

__all__ = [
    "Call",
    "ColumnType",
    "ColumnValue",
    "Columns",
    "DatasetDefinition",
    "Delimited",
    "Expression",
    "Filter",
    "JsonLines",
    "LiteralValue",
    "Operation",
    "Parquet",
    "Sample",
    "Skip",
    "Split",
    "SqlParameter",
    "SqlQuery",
    "Take",
    "TimeValue",
    "Times",
]


class ColumnType(SpecModel):
    """As what a column is read, whatever it looks like.

    :ivar formats: of a ``datetime``, in ``strptime``'s letters, tried in turn; none: whatever can be read as a time
    :ivar decimal_mark: of a ``float``
    """

    name: str
    type: Literal["bool", "datetime", "float", "integer", "stream", "string"]
    formats: tuple[str, ...] = ()
    decimal_mark: str = "."


class Delimited(SpecModel):
    """Text files of rows and separated fields."""

    format: Literal["delimited"] = "delimited"
    separator: str = ","
    header: Literal["combine", "first_file", "none", "same"] = "same"
    encoding: str = "utf8"
    infer_column_types: bool = True
    support_multi_line: bool = False
    empty_as_string: bool = False


class Parquet(SpecModel):
    """Parquet files."""

    format: Literal["parquet"] = "parquet"


class JsonLines(SpecModel):
    """Files of one JSON object a line."""

    format: Literal["json_lines"] = "json_lines"
    encoding: str = "utf8"
    invalid_lines: Literal["drop", "error"] = "error"


class SqlParameter(SpecModel):
    """A value that the database's driver binds; it is never written into the query.

    :ivar type: as what it is bound; ``None``: as what it is
    :ivar parameter: the pipeline parameter that says the value in a run; ``value`` is its default
    """

    name: str
    value: Scalar | None
    type: Literal["boolean", "date", "datetime", "decimal", "guid", "integer", "string"] | None = None
    parameter: str | None = added_later(None)


class SqlQuery(SpecModel):
    """The rows that a query returns; the dataset has no paths.

    :ivar datastore: a database
    :ivar query: the text of a query, the name of a table, or that of a stored procedure
    :ivar parameters: of a query by the names it has after a colon; of a procedure in its order
    """

    format: Literal["sql"] = "sql"
    datastore: str
    query: str
    statement: Literal["procedure", "query", "table"] = "query"
    parameters: tuple[SqlParameter, ...] = ()
    timeout_seconds: int = 30

    @property
    def pipeline_parameters(self) -> tuple[str, ...]:
        """Names of the pipeline parameters that say values of the query."""
        return tuple(each.parameter for each in self.parameters if each.parameter is not None)


class ColumnValue(SpecModel):
    """The value of a column; of files, of a part of their path (``partition_format``) or of what is known about them (``file_metadata``)."""

    kind: Literal["column", "file"] = "column"
    name: str


class LiteralValue(SpecModel):
    kind: Literal["literal"] = "literal"
    value: Scalar | None


class TimeValue(SpecModel):
    """A point in time, as ISO 8601 writes it."""

    kind: Literal["time"] = "time"
    value: str


class Call(SpecModel):
    """An operator or function of ``runtime/expressions.py``, on what its arguments give."""

    kind: Literal["call"] = "call"
    name: str
    arguments: tuple[Expression, ...]


Expression = Annotated[ColumnValue | LiteralValue | TimeValue | Call, Field(discriminator="kind")]
Call.model_rebuild()


class Take(SpecModel):
    """The first ``count`` rows or files."""

    operation: Literal["take"] = "take"
    count: int


class Skip(SpecModel):
    """All but the first ``count``."""

    operation: Literal["skip"] = "skip"
    count: int


class Sample(SpecModel):
    """Each with a probability; which ones, the seed alone decides."""

    operation: Literal["sample"] = "sample"
    probability: float
    seed: int = 0


class Split(SpecModel):
    """One of two parts, which have nothing in common and leave nothing out; which one a row is in, the seed alone decides."""

    operation: Literal["split"] = "split"
    percentage: float
    seed: int = 0
    part: Literal["first", "second"]


class Columns(SpecModel):
    """Some columns, or all others."""

    operation: Literal["drop_columns", "keep_columns"]
    columns: tuple[str, ...]


class Filter(SpecModel):
    """Those for which the expression is true."""

    operation: Literal["filter"] = "filter"
    expression: Expression


class Times(SpecModel):
    """Those whose time is in a range; ``None`` is no bound."""

    operation: Literal["times"] = "times"
    column: str
    after: str | None = None
    before: str | None = None
    include_boundary: bool = True


Operation = Annotated[Take | Skip | Sample | Split | Columns | Filter | Times, Field(discriminator="operation")]


class DatasetDefinition(SpecModel):
    """What a dataset is.

    :ivar reading: how a table is read; ``None`` of files
    :ivar path_glob: which of the files it is read from, where the paths name more
    :ivar column_types: of a table; the other columns are as they are read
    :ivar partition_format: how values are read off the paths of the files
    :ivar include_path: whether a table has the path of the file that a row is of as its first column, ``Path``
    :ivar timestamp: the column that holds the time of a row
    :ivar partition_timestamp: the column that holds the time of a partition
    :ivar operations: one after the other
    """

    kind: Literal["file", "tabular"]
    reading: Annotated[Delimited | Parquet | JsonLines | SqlQuery, Field(discriminator="format")] | None = None
    path_glob: str | None = None
    column_types: tuple[ColumnType, ...] = ()
    partition_format: str | None = None
    include_path: bool = False
    timestamp: str | None = None
    partition_timestamp: str | None = None
    operations: tuple[Operation, ...] = ()

    @property
    def needs_paths(self) -> bool:
        """Whether where a file lies, and not only what it holds, makes a difference to what is read."""
        return self.include_path or self.partition_format is not None

    @property
    def sql(self) -> SqlQuery | None:
        """The query whose rows the dataset is, if it is those of one."""
        return self.reading if isinstance(self.reading, SqlQuery) else None
