"""What is said to a database so that it gives the rows of a query, with every value bound and nothing changed?"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import literal_column, select, table, text

from airflow_amlpipe.exceptions import DefinitionError, shorten

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, CursorResult, Dialect
    from sqlalchemy.sql.elements import TextClause
    from sqlalchemy.sql.selectable import Select

    from airflow_amlpipe.spec.dataset import SqlParameter, SqlQuery

__all__ = ["carried_out", "prepare_session"]

_WORD: Final = re.compile(r"\w+")
_QUOTES: Final = {'"': '"', "[": "]", "`": "`"}
# A part of a name: anything in quotes, or anything without a point.
_PART: Final = re.compile(r'"[^"]+"|\[[^\]]+\]|`[^`]+`|[^.]+')
# Where a colon is not the author's parameter: in text, quoted names, comments and casts. And where it is.
_COLONS: Final = re.compile(
    r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | `[^`]*` | (?P<tag>\$\w*\$).*?(?P=tag) | --[^\n]* | /\*.*?\*/ | ::+ | \\:
      | (?<![\w:]):(?P<name>[A-Za-z_][\w$]*) | :""",
    re.DOTALL | re.VERBOSE,
)
# How a server notices that the client went away while a query runs.
_CHECK_CLIENT_SECONDS: Final = 5

_BOUND_AS: Final[dict[str, Callable[[str], Any]]] = {
    "boolean": lambda given: {"true": True, "1": True, "false": False, "0": False}[given.lower()],
    "date": date.fromisoformat,
    "datetime": datetime.fromisoformat,
    "decimal": Decimal,
    "guid": uuid.UUID,
    "integer": int,
    "string": str,
}


def prepare_session(connection: Connection, timeout_seconds: int) -> None:
    """Let the session's one transaction change nothing, and no statement in it take longer than it may.

    PostgreSQL reads a large table from where another session is at; without that, the same table gives the same order. SQL Server has no
    sessions that only read: what a statement commits there itself stays.
    """
    milliseconds = max(0, timeout_seconds) * 1000
    name = connection.dialect.name
    if name == "postgresql":
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {milliseconds}")
        connection.exec_driver_sql("SET LOCAL synchronize_seqscans = off")
        if (connection.dialect.server_version_info or (0,)) >= (14,):
            connection.exec_driver_sql(f"SET LOCAL client_connection_check_interval = '{_CHECK_CLIENT_SECONDS}s'")
    elif name in {"mysql", "mariadb"}:
        is_mariadb = bool(getattr(connection.dialect, "is_mariadb", False))
        connection.exec_driver_sql(
            f"SET SESSION max_statement_time = {milliseconds / 1000}" if is_mariadb else f"SET SESSION max_execution_time = {milliseconds}"
        )
        connection.exec_driver_sql("SET SESSION TRANSACTION READ ONLY")
        connection.commit()  # the next one is read-only
    elif name == "mssql":
        driver = connection.connection.dbapi_connection
        if hasattr(driver, "timeout"):  # pyodbc; pymssql was told when it connected
            driver.timeout = max(0, timeout_seconds)  # type: ignore[union-attr]


def carried_out(connection: Connection, query: SqlQuery, where: str) -> CursorResult[Any]:
    """Return the rows of ``query``, handed out by the server as they are fetched, where the driver can have it so.

    :raises DefinitionError: parameters and query do not fit, a name is none, or it gives no rows
    """
    streaming = connection.execution_options(stream_results=True, max_row_buffer=1)
    values = {parameter.name: _value(where, parameter) for parameter in query.parameters}
    if query.statement == "table":
        result = streaming.execute(_table(query.query, where))
    elif query.statement == "procedure":
        result = streaming.execute(_procedure(query, connection.dialect, where), values)
    elif values:
        result = streaming.execute(_bound(query.query, values, where), values)
    else:
        # As it was written: a colon or a percent sign in it means nothing to anybody but the database.
        result = streaming.execution_options(no_parameters=True).exec_driver_sql(query.query)
    if not result.returns_rows:
        raise DefinitionError(f"{where} gives no rows; write a query that does (SELECT ...)")
    return result


def _bound(query: str, values: dict[str, Any], where: str) -> TextClause:
    asked: dict[str, None] = {}

    def written(found: re.Match[str]) -> str:
        if found["name"] is None:
            # As SQLAlchemy writes a colon that is one.
            return found[0] if found[0] == "\\:" else found[0].replace(":", "\\:")
        asked[found["name"]] = None
        return f":{found['name']}"

    statement = _COLONS.sub(written, query)
    if set(asked) != set(values):
        missing, foreign = sorted(set(asked) - set(values)), sorted(set(values) - set(asked))
        trouble = (
            f"asks for :{missing[0]}, which has no value in parameters={{...}}"
            if missing
            else f"has no :{foreign[0]}, for which parameters={{...}} has a value"
        )
        raise DefinitionError(
            f"{where} {trouble}; it asks for {', '.join(f':{name}' for name in asked) or 'none'} (write \\: for a colon that begins no name)"
        )
    return text(statement)


def _table(name: str, where: str) -> Select[Any]:
    *schema, last = _names(name, where)
    return select(literal_column("*")).select_from(table(last, schema=".".join(schema) or None))


def _procedure(query: SqlQuery, dialect: Dialect, where: str) -> TextClause:
    quoted = dialect.identifier_preparer.quote
    name = ".".join(quoted(part) for part in _names(query.query, where))
    for parameter in query.parameters:
        if not _WORD.fullmatch(parameter.name):
            raise DefinitionError(f"{where}: {shorten(repr(parameter.name))} is no name of a parameter; it has letters, digits and '_'")
    names = [parameter.name for parameter in query.parameters]
    # A colon or percent sign in a quoted name is no parameter.
    name = name.replace("\\", "\\\\").replace(":", "\\:")
    if dialect.name == "mssql":
        return text(f"EXEC {name} " + ", ".join(f"@{each} = :{each}" for each in names))
    if dialect.name in {"mysql", "mariadb"}:
        return text(f"CALL {name}({', '.join(f':{each}' for each in names)})")
    given = ", ".join(f"{quoted(each)} => :{each}" for each in names)
    return text(f"SELECT * FROM {name}({given})")  # noqa: S608  names are quoted, values bound


def _names(name: str, where: str) -> list[str]:
    """Return the parts of ``name``: ``dbo.sales``, ``[dbo].[my sales]``, ``"sales"``; what quotes them is left out."""
    parts = _PART.findall(name)
    if not parts or ".".join(parts) != name or len(parts) > 3 or not name.isprintable():
        raise DefinitionError(f"{where}: {shorten(repr(name))} is no name of a table or procedure; write it as name or schema.name")
    return [part[1:-1] if _QUOTES.get(part[0]) == part[-1] and len(part) > 2 else part for part in parts]


def _value(where: str, parameter: SqlParameter) -> Any:
    value = parameter.value
    if value is None or parameter.type is None:
        return value
    if parameter.type == "boolean" and isinstance(value, bool):
        return value
    try:
        return _BOUND_AS[parameter.type](str(value))
    except (KeyError, ValueError, ArithmeticError) as error:
        raise DefinitionError(
            f"{where}: the value {shorten(repr(value), 80)} of parameter {parameter.name!r} is no {parameter.type}; give one that is"
        ) from error
