"""How does a script say which rows of a database it means, and how does it get them itself?

What it says becomes ``SqlQuery`` of ``spec/dataset.py``, as JSON. Values are parameters, bound by the database's driver; nothing is written into a query.
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import DefinitionError, shorten
from airflow_amlpipe.runtime.dataset_methods import plain_definition
from airflow_amlpipe.sdk._arguments import check_text
from airflow_amlpipe.sdk._parsing import is_airflow_parsing
from airflow_amlpipe.sdk._workspace_store import open_workspace
from airflow_amlpipe.sdk.data.datapath import DataPath
from airflow_amlpipe.sdk.data.dataset_error_handling import DatasetValidationError
from airflow_amlpipe.sdk.exceptions import UserErrorException
from airflow_amlpipe.sdk.pipeline.core.graph import PipelineParameter
from airflow_amlpipe.spec.datastores import DATABASE_TYPES

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.core.workspace import Workspace
    from airflow_amlpipe.sdk.data.abstract_datastore import AbstractDatastore

__all__ = ["check_database", "check_query", "parameters_of", "query_definition", "query_of", "query_rows", "sql_parameter"]

_TYPED: Any = (
    (dt.datetime, "datetime", lambda value: value.isoformat()),
    (dt.date, "date", lambda value: value.isoformat()),
    (Decimal, "decimal", str),
    (uuid.UUID, "guid", str),
)


def query_of(what: str, query: Any) -> tuple[AbstractDatastore, str]:
    """Return the database and the text of a query: ``(datastore, 'SELECT ...')``, or a DataPath whose path is the query.

    :raises UserErrorException: it is neither, or names no database
    """
    if isinstance(query, DataPath):
        datastore, text = query._datastore, query.path_on_datastore
    elif isinstance(query, (tuple, list)) and len(query) == 2:
        datastore, text = query
    else:
        raise UserErrorException(
            f"{what}: {shorten(repr(query))} names no query; give (datastore, 'SELECT ...') or DataPath(datastore, 'SELECT ...')"
        )
    return check_database(what, datastore), check_text(f"{what}: the query", text)


def check_database(what: str, datastore: Any) -> AbstractDatastore:
    """Return ``datastore``.

    :raises UserErrorException: it is no database
    """
    if getattr(datastore, "datastore_type", None) not in DATABASE_TYPES:
        raise UserErrorException(
            f"{what}: {shorten(repr(datastore))} is no database; give a datastore that was registered with Datastore.register_azure_sql_database, "
            "register_azure_postgre_sql or register_azure_my_sql"
        )
    found: AbstractDatastore = datastore
    return found


def query_definition(
    what: str,
    datastore: AbstractDatastore,
    text: str,
    *,
    statement: str = "query",
    parameters: Any = None,
    timeout: Any = 30,
    types: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Return the definition of a table that is the rows of a query.

    :param parameters: values by name, or what :func:`sql_parameter` returned, in order
    :raises UserErrorException: something in it cannot be
    """
    if isinstance(timeout, bool) or not isinstance(timeout, int) or timeout < 0:
        raise UserErrorException(
            f"{what}: query_timeout must be a whole number of seconds (0: as long as it takes), not {shorten(repr(timeout))}"
        )
    if isinstance(parameters, dict):
        parameters = [sql_parameter(f"{what}: parameters", name, value) for name, value in parameters.items()]
    elif parameters is None:
        parameters = []
    elif not isinstance(parameters, list):
        raise UserErrorException(f"{what}: parameters must be a dictionary of names and values, not {shorten(repr(parameters))}")
    from airflow_amlpipe.sdk.lowering_values import plain_text

    try:
        text = plain_text(f"{what}: the query", text)
    except DefinitionError as error:
        raise UserErrorException(f"{error}; values are given with parameters={{...}}") from error
    if not text.strip() or "\0" in text:
        raise UserErrorException(f"{what}: the query {shorten(repr(text))} is none; write one that returns rows (SELECT ...)")
    reading = {
        "format": "sql",
        "datastore": datastore.name,
        "query": text,
        "statement": statement,
        "parameters": parameters,
        "timeout_seconds": timeout,
    }
    return plain_definition("tabular", reading=reading, column_types=types or [])


def sql_parameter(where: str, name: Any, value: Any, kind: str | None = None) -> dict[str, Any]:
    """Return one value for a query.

    :param kind: as what it is bound (``SqlParameter.type``); without it, as what it is
    :raises UserErrorException: it is no value that a database can be given
    """
    name = check_text(f"{where}: a name", name)
    if isinstance(value, PipelineParameter):
        default = sql_parameter(where, name, value.default_value, kind)
        return {**default, "parameter": value.name}
    for of, typed, written in _TYPED:
        if isinstance(value, of):
            return {"name": name, "value": written(value), "type": kind or typed}
    if value is not None and type(value) not in {bool, int, float, str}:
        raise UserErrorException(
            f"{where}: {name!r} is {shorten(repr(value))} of type {type(value).__name__}; give a text, number, truth value, time, Decimal, UUID or None"
        )
    if value != value or value in {float("inf"), float("-inf")} or (isinstance(value, str) and "\0" in value):
        raise UserErrorException(f"{where}: {name!r} is {shorten(repr(value))}, which no database takes as a value")
    return {"name": name, "value": value, "type": kind}


def parameters_of(values: Any) -> list[PipelineParameter]:
    """Return those of the values of a query that a pipeline's parameters say."""
    return [value for value in values if isinstance(value, PipelineParameter)]


def check_query(what: str, workspace: Workspace, definition: dict[str, Any]) -> None:
    """Ask for the first row; nothing is asked while Airflow is parsing a DAG file.

    :raises DatasetValidationError: the query is wrong, or there is no such database
    :raises DatastoreUnavailableError: the database could not be asked
    """
    if is_airflow_parsing():
        return
    from airflow_amlpipe.spec.dataset import SqlQuery

    query = SqlQuery.model_validate_json(json.dumps(definition["reading"]))
    try:
        database = open_workspace(workspace, what).datastores.open_database(query.datastore)
        with database.ask(query, f"the {query.statement} of {what}") as answer:
            answer.fetch(1)
    except DefinitionError as error:
        raise DatasetValidationError(f"{error}; or use validate=False") from error


def query_rows(what: str, workspace: Workspace, definition: dict[str, Any], folder: str) -> str:
    """Ask for all rows, and return the file in ``folder`` that they are in.

    :raises UserErrorException: the query is wrong
    :raises DatastoreUnavailableError: the database could not be asked
    """
    from airflow_amlpipe.spec.dataset import SqlQuery
    from airflow_amlpipe.workspace.queries import ROWS_FILE, ask_rows

    try:
        rows = ask_rows(open_workspace(workspace, what), SqlQuery.model_validate_json(json.dumps(definition["reading"])), what)
    except DefinitionError as error:
        raise UserErrorException(str(error)) from error
    return str(rows.put(Path(folder, ROWS_FILE)))
