"""How does a step get a table, the rows of a query, or what a stored procedure gives?"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.sdk._arguments import check_items, check_text
from airflow_amlpipe.sdk.data._config_helper import check_binding_name
from airflow_amlpipe.sdk.data._sql_queries import check_database, parameters_of, query_definition, sql_parameter
from airflow_amlpipe.sdk.data.data_reference import DataReference
from airflow_amlpipe.sdk.exceptions import UserErrorException

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.data.abstract_datastore import AbstractDatastore

__all__ = ["SqlDataReference"]


class SqlDataReference(DataReference):
    """Rows of a database as an input of a step: give one of ``sql_table``, ``sql_query`` and ``sql_stored_procedure``.

    The script gets a tabular dataset: its id on the command line, and the dataset as ``Run.get_context().input_datasets[name]``.

    :param sql_table: ``"sales"`` or ``"dbo.sales"``, read whole
    :param sql_stored_procedure_params: of ``StoredProcedureParameter``; they are bound
    """

    def __init__(
        self,
        datastore: AbstractDatastore,
        data_reference_name: str | None = None,
        sql_table: str | None = None,
        sql_query: str | None = None,
        sql_stored_procedure: str | None = None,
        sql_stored_procedure_params: list[Any] | None = None,
    ) -> None:
        self.datastore = check_database("SqlDataReference", datastore)
        self.data_reference_name = check_binding_name("SqlDataReference", data_reference_name or re.sub(r"\W", "_", datastore.name))
        self.path_on_datastore = self.path_on_compute = None
        self.mode, self.overwrite = "direct", False
        given = {"table": sql_table, "query": sql_query, "procedure": sql_stored_procedure}
        chosen = [(statement, text) for statement, text in given.items() if text is not None]
        if len(chosen) != 1:
            raise UserErrorException(
                f"SqlDataReference: {len(chosen)} of sql_table, sql_query and sql_stored_procedure are given; give one of them"
            )
        if sql_stored_procedure_params and sql_stored_procedure is None:
            raise UserErrorException(
                "SqlDataReference: sql_stored_procedure_params needs sql_stored_procedure; a query takes parameters in from_sql_query"
            )
        self.sql_table, self.sql_query, self.sql_stored_procedure = sql_table, sql_query, sql_stored_procedure
        self.sql_stored_procedure_params = list(
            check_items("SqlDataReference: sql_stored_procedure_params", sql_stored_procedure_params or [])
        )
        self._query_parameters = parameters_of([getattr(item, "value", None) for item in self.sql_stored_procedure_params])
        ((statement, text),) = chosen
        self._definition = query_definition(
            "SqlDataReference",
            self.datastore,
            check_text(f"SqlDataReference: sql_{statement}", text),
            statement=statement,
            parameters=[_parameter(item) for item in self.sql_stored_procedure_params],
        )

    def path(self, path: str | None = None, data_reference_name: str | None = None) -> DataReference:
        """Raise: rows have no paths."""
        raise UserErrorException("SqlDataReference.path: rows of a database have no paths; make another SqlDataReference")

    def _bound(self, mode: str, path_on_compute: str | None, *, overwrite: bool) -> DataReference:
        raise UserErrorException(
            f"SqlDataReference: rows of a database cannot be handed over in mode {mode!r}; give the reference itself, and read the dataset that the script gets"
        )

    def __repr__(self) -> str:
        named = self.sql_table or self.sql_query or self.sql_stored_procedure or ""
        return f"SqlDataReference({self.data_reference_name!r}, {self.datastore.name!r}, {shorten(named)!r})"


def _parameter(item: Any) -> dict[str, Any]:
    from airflow_amlpipe.sdk.pipeline.core.stored_procedures import StoredProcedureParameter

    where = "SqlDataReference: sql_stored_procedure_params"
    if not isinstance(item, StoredProcedureParameter):
        raise UserErrorException(
            f"{where}: {shorten(repr(item))} is no StoredProcedureParameter (azureml.pipeline.core.graph); give a list of these"
        )
    return sql_parameter(where, item.name.lstrip("@"), item.value, item._bound_as)
