"""How does a script name the rows of a database, and get them itself?"""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from airflow_amlpipe.exceptions import DatastoreUnavailableError, DefinitionError, UnknownNameError, UnsupportedFeatureError
from airflow_amlpipe.sdk._workspace_store import open_workspace
from airflow_amlpipe.sdk.data.sql_data_reference import SqlDataReference
from airflow_amlpipe.sdk.lowering import lower_pipeline
from airflow_amlpipe.sdk.pipeline.core.graph import Volatile
from airflow_amlpipe.spec.data import DatasetSource
from airflow_amlpipe.spec.dataset import DatasetDefinition, SqlParameter, SqlQuery
from airflow_amlpipe.workspace.inputs import resolve_input
from airflow_amlpipe.workspace.parameters import bind_step
from azureml.core import Dataset, Datastore, Workspace
from azureml.data import DataPath, DatasetConsumptionConfig
from azureml.data.data_reference import DataReference
from azureml.data.dataset_error_handling import DatasetValidationError
from azureml.data.dataset_factory import DataType
from azureml.exceptions import UserErrorException
from azureml.pipeline.core import Pipeline, PipelineParameter
from azureml.pipeline.core.graph import StoredProcedureParameter, StoredProcedureParameterType
from azureml.pipeline.steps import DataTransferStep, PythonScriptStep
from tests.postgres_server import PASSWORD, USER, postgres_server

ALL = "SELECT * FROM sales ORDER BY id"


@pytest.fixture(scope="module")
def database() -> str:
    server = postgres_server()
    name = server.new_database()
    server.execute(
        name,
        "CREATE TABLE sales (id int, shop text, price numeric(10, 2))",
        "INSERT INTO sales VALUES (1, 'a', 1.50), (2, NULL, 2.25), (3, 'c', NULL)",
    )
    return name


@pytest.fixture
def shop(ws: Workspace, database: str) -> Any:
    return Datastore.register_azure_postgre_sql(
        ws, "shop", "127.0.0.1", database, USER, PASSWORD, port_number=postgres_server().port, enforce_ssl=False
    )


def query_in(dataset: Any) -> SqlQuery:
    return SqlQuery.model_validate(
        dataset._described()["reading"]
        | {"parameters": tuple(map(SqlParameter.model_validate, dataset._described()["reading"]["parameters"]))}
    )


def lowered(ws: Workspace, item: Any) -> Any:
    step = PythonScriptStep("train.py", source_directory="src", compute_target="local", inputs=[item], arguments=[item])
    return lower_pipeline(Pipeline(ws, [step]), "p").steps[0].inputs[0]


@pytest.mark.parametrize("form", [lambda shop: (shop, ALL), lambda shop: [shop, ALL], lambda shop: DataPath(shop, ALL)])
def test_a_query_is_named_as_sdk_v1_had_it_and_read_on_the_host(shop: Any, form: Any) -> None:
    frame = Dataset.Tabular.from_sql_query(form(shop)).to_pandas_dataframe()
    assert list(frame.columns) == ["id", "shop", "price"]
    assert [list(frame["id"]), list(frame["shop"]), list(frame["price"][:2])] == [[1, 2, 3], ["a", None, "c"], [1.5, 2.25]]


def test_what_is_taken_of_a_query_is_taken_of_its_rows(shop: Any) -> None:
    sales = Dataset.Tabular.from_sql_query((shop, ALL), set_column_types={"price": DataType.to_string()})
    assert sales.skip(1).take(1).keep_columns(["id", "price"]).to_pandas_dataframe().to_dict("list") == {"id": [2], "price": ["2.25"]}
    assert list(sales.filter(sales["id"] > 2).to_pandas_dataframe()["id"]) == [3]
    first, second = sales.random_split(0.5, seed=1)
    assert sorted([*first.to_pandas_dataframe()["id"], *second.to_pandas_dataframe()["id"]]) == [1, 2, 3]


def test_a_registered_query_is_found_by_name_and_id_and_asked_anew(ws: Workspace, shop: Any, database: str) -> None:
    registered = Dataset.Tabular.from_sql_query((shop, "SELECT count(*) AS n FROM orders"), validate=False).register(ws, "orders")
    server = postgres_server()
    server.execute(database, "DROP TABLE IF EXISTS orders", "CREATE TABLE orders (id int)")
    found = Dataset.get_by_name(ws, "orders")
    assert list(found.to_pandas_dataframe()["n"]) == [0]
    server.execute(database, "INSERT INTO orders VALUES (1)")
    assert list(found.to_pandas_dataframe()["n"]) == [1]
    assert list(Dataset.get_by_id(ws, registered.id).to_pandas_dataframe()["n"]) == [1]


@pytest.mark.parametrize("value", ["a", "' OR ''='", "a'; DROP TABLE sales; --"])
def test_parameters_are_bound(shop: Any, value: str) -> None:
    """S08."""
    dataset = Dataset.Tabular.from_sql_query((shop, "SELECT id FROM sales WHERE shop = :shop"), parameters={"shop": value})
    assert list(dataset.to_pandas_dataframe()["id"]) == ([1] if value == "a" else [])


def test_each_kind_of_value_keeps_what_it_is(shop: Any) -> None:
    values = {
        "a": "x",
        "b": 1,
        "c": True,
        "d": 1.5,
        "e": None,
        "f": dt.date(2024, 2, 29),
        "g": dt.datetime.fromisoformat("2024-02-29T01:00:00"),
        "h": Decimal("1.10"),
        "i": uuid.UUID(int=1),
    }
    asked = query_in(Dataset.Tabular.from_sql_query((shop, "SELECT 1"), validate=False, parameters=values))
    assert [(each.name, each.value, each.type) for each in asked.parameters] == [
        ("a", "x", None),
        ("b", 1, None),
        ("c", True, None),
        ("d", 1.5, None),
        ("e", None, None),
        ("f", "2024-02-29", "date"),
        ("g", "2024-02-29T01:00:00", "datetime"),
        ("h", "1.10", "decimal"),
        ("i", str(uuid.UUID(int=1)), "guid"),
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"query": "SELECT 1"}, "'SELECT 1' names no query; give \\(datastore, 'SELECT ...'\\)"),
        ({"text": "  "}, "the query '  ' is none"),
        ({"text": 5}, "the query"),
        ({"query_timeout": -1}, "query_timeout must be a whole number of seconds"),
        ({"query_timeout": True}, "query_timeout must be a whole number of seconds"),
        ({"parameters": "a=1"}, "parameters must be a dictionary"),
        ({"parameters": {"a": object()}}, "'a' is .* of type object; give a text, number"),
        ({"parameters": {"a": float("nan")}}, "'a' is nan, which no database takes"),
        ({"parameters": {"a": Volatile("x")}}, "'a' is .* of type Volatile; give a text, number"),
        ({"set_column_types": {"a": "float"}}, "set_column_types must be a dictionary of columns and DataTypes"),
    ],
)
def test_what_cannot_be_is_refused_when_it_is_said(shop: Any, arguments: dict[str, Any], message: str) -> None:
    query = arguments.pop("query", (shop, arguments.pop("text", ALL)))
    with pytest.raises(UserErrorException, match=message):
        Dataset.Tabular.from_sql_query(query, validate=False, **arguments)


def test_a_run_says_the_value_of_a_pipeline_parameter_and_the_host_takes_its_default(ws: Workspace, shop: Any) -> None:
    """S08."""
    region = PipelineParameter("region", "a")
    sales = Dataset.Tabular.from_sql_query((shop, "SELECT id FROM sales WHERE shop = :shop"), parameters={"shop": region})
    assert list(sales.to_pandas_dataframe()["id"]) == [1]
    step = PythonScriptStep("train.py", source_directory="src", compute_target="local", inputs=[sales.as_named_input("sales")])
    spec = lower_pipeline(Pipeline(ws, [step]), "p")
    assert [(parameter.name, parameter.default) for parameter in spec.parameters] == [("region", "a")]
    assert spec.steps[0].parameters == ()  # the rows decide: the script is not told
    workspace = open_workspace(ws)
    for value, rows in (("c", [3]), ("'; DROP TABLE sales; --", [])):
        (item,) = bind_step(workspace, spec.steps[0], {"region": value}).inputs
        resolved = resolve_input(workspace, "step 'train'", item, {})
        assert resolved.rows is not None
        assert resolved.rows.count == len(rows)
    with pytest.raises(UnknownNameError, match="its query is asked with parameter 'region', which has no such value in this run"):
        bind_step(workspace, spec.steps[0], {})


def test_a_procedure_may_be_given_a_pipeline_parameter(ws: Workspace, shop: Any) -> None:
    given = StoredProcedureParameter("day", PipelineParameter("day", "2024-02-29"), StoredProcedureParameterType.Date)
    query = lowered(ws, SqlDataReference(shop, sql_stored_procedure="best", sql_stored_procedure_params=[given])).source.definition.sql
    assert query.parameters == (SqlParameter(name="day", value="2024-02-29", type="datetime", parameter="day"),)


def test_a_table_that_is_another_in_each_run_has_no_name(ws: Workspace, shop: Any) -> None:
    sales = Dataset.Tabular.from_sql_query((shop, "SELECT :a AS a"), validate=False, parameters={"a": PipelineParameter("p", 1)})
    with pytest.raises(
        UserErrorException, match="dataset 'sales': its query is asked with PipelineParameter 'p', so that it is another table in each run"
    ):
        sales.take(1).register(ws, "sales")
    nested = DatasetConsumptionConfig("sales", PipelineParameter("table", sales))
    with pytest.raises(UserErrorException, match="its query is asked with PipelineParameter 'p'"):
        lowered(ws, nested)
    assert repr(sales) == "TabularDataset('SELECT :a AS a' on shop)"


def test_a_query_can_be_the_value_of_a_pipeline_parameter(ws: Workspace, shop: Any) -> None:
    table = PipelineParameter("table", Dataset.Tabular.from_sql_query((shop, ALL)))
    step = PythonScriptStep("train.py", source_directory="src", compute_target="local", inputs=[DatasetConsumptionConfig("sales", table)])
    spec = lower_pipeline(Pipeline(ws, [step]), "p")
    other = DatasetSource(definition=DatasetDefinition(kind="tabular", reading=SqlQuery(datastore="shop", query="SELECT 1 AS one")))
    workspace = open_workspace(ws)
    for value, columns in ((spec.parameters[0].default, ["id", "shop", "price"]), (other, ["one"])):
        (item,) = bind_step(workspace, spec.steps[0], {"table": value}).inputs
        resolved = resolve_input(workspace, "step 'train'", item, {})
        assert resolved.rows is not None
        assert list(resolved.rows.columns) == columns


def test_a_parameter_turned_into_text_is_found_in_a_query(shop: Any) -> None:
    parameter = PipelineParameter("day", "2024-01-01")
    with pytest.raises(UserErrorException, match="PipelineParameter 'day', turned into text .*values are given with parameters="):
        Dataset.Tabular.from_sql_query((shop, f"SELECT * FROM sales WHERE day = '{parameter}'"), validate=False)


def test_a_datastore_of_files_takes_no_query(ws: Workspace) -> None:
    with pytest.raises(UserErrorException, match="is no database; give a datastore that was registered with"):
        Dataset.Tabular.from_sql_query((ws.get_default_datastore(), ALL))


def test_a_wrong_query_is_found_when_it_is_validated_and_not_before_it_is_read_otherwise(shop: Any) -> None:
    """S11."""
    with pytest.raises(
        DatasetValidationError, match=r'datastore \'shop\' refuses .*: UndefinedColumn: column "nothing" .*use validate=False'
    ) as refused:
        Dataset.Tabular.from_sql_query((shop, "SELECT nothing FROM sales"))
    assert PASSWORD not in str(refused.value)
    dataset = Dataset.Tabular.from_sql_query((shop, "SELECT nothing FROM sales"), validate=False)
    with pytest.raises(UserErrorException, match="nothing"):
        dataset.to_pandas_dataframe()


def test_a_database_that_is_down_is_no_error_of_the_script(ws: Workspace) -> None:
    away = Datastore.register_azure_postgre_sql(ws, "away", "127.0.0.1", "sales", USER, PASSWORD, port_number=1, enforce_ssl=False)
    with pytest.raises(DatastoreUnavailableError, match="datastore 'away'") as trouble:
        Dataset.Tabular.from_sql_query((away, ALL))
    assert not isinstance(trouble.value, UserErrorException)


@pytest.mark.usefixtures("airflow_is_parsing")
def test_nothing_is_asked_while_airflow_parses(ws: Workspace) -> None:
    from airflow_amlpipe.sdk.data._datastore_classes import datastore_of

    away = datastore_of(ws, "away", "AzurePostgreSql")
    assert query_in(Dataset.Tabular.from_sql_query((away, ALL))).query == ALL


def test_a_step_is_given_a_query_as_a_dataset_and_never_as_files(ws: Workspace, shop: Any) -> None:
    sales = Dataset.Tabular.from_sql_query((shop, ALL))
    item = lowered(ws, sales.as_named_input("sales"))
    assert (item.name, item.mode) == ("sales", "direct")
    assert isinstance(item.source, DatasetSource)
    assert item.source.paths == ()
    assert item.source.definition is not None
    assert item.source.definition.sql == SqlQuery(datastore="shop", query=ALL)
    with pytest.raises(UserErrorException, match="a table has no files to mount"):
        sales.as_named_input("sales").as_mount()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"sql_table": "dbo.sales"}, ("table", "dbo.sales")),
        ({"sql_query": ALL}, ("query", ALL)),
        ({"sql_stored_procedure": "dbo.best"}, ("procedure", "dbo.best")),
    ],
)
def test_a_reference_names_a_table_a_query_or_a_procedure(
    ws: Workspace, shop: Any, given: dict[str, str], expected: tuple[str, str]
) -> None:
    reference = SqlDataReference(shop, "sales", **given)
    item = lowered(ws, reference)
    assert (item.name, item.mode) == ("sales", "direct")
    query = item.source.definition.sql
    assert (query.datastore, query.statement, query.query) == ("shop", *expected)
    assert str(reference) == "$AZUREML_DATAREFERENCE_sales"


def test_a_procedure_is_given_its_parameters_in_their_order_and_as_their_types(ws: Workspace, shop: Any) -> None:
    parameters = [
        StoredProcedureParameter("most", "2.0", StoredProcedureParameterType.Decimal),
        StoredProcedureParameter("@shop", "a", StoredProcedureParameterType.String),
        StoredProcedureParameter("count", 5),
        StoredProcedureParameter("day", "2024-02-29", StoredProcedureParameterType.from_str("date")),
    ]
    query = lowered(ws, SqlDataReference(shop, sql_stored_procedure="best", sql_stored_procedure_params=parameters)).source.definition.sql
    assert [(each.name, each.value, each.type) for each in query.parameters] == [
        ("most", "2.0", "decimal"),
        ("shop", "a", "string"),
        ("count", 5, None),
        ("day", "2024-02-29", "datetime"),
    ]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "0 of sql_table, sql_query and sql_stored_procedure are given"),
        ({"sql_table": "a", "sql_query": "b"}, "2 of sql_table"),
        ({"sql_table": "a", "sql_stored_procedure_params": [1]}, "needs sql_stored_procedure"),
        ({"sql_stored_procedure": "a", "sql_stored_procedure_params": [("a", 1)]}, "is no StoredProcedureParameter"),
        ({"sql_query": ""}, "the query '' is none"),
    ],
)
def test_a_reference_that_cannot_be_is_refused(shop: Any, given: dict[str, Any], message: str) -> None:
    with pytest.raises(UserErrorException, match=message):
        SqlDataReference(shop, **given)


def test_a_reference_has_no_files_and_no_paths(shop: Any) -> None:
    reference = SqlDataReference(shop, sql_table="sales")
    for attempt in (reference.as_mount, reference.as_download, reference.as_upload, reference.path):
        with pytest.raises(UserErrorException, match="SqlDataReference"):
            attempt()


def test_a_reference_to_files_of_a_database_says_what_to_use(ws: Workspace, shop: Any) -> None:
    with pytest.raises(DefinitionError, match=r"'shop' is a database, which has no files; use SqlDataReference"):
        lowered(ws, DataReference(shop, "sales", "sales"))


def test_a_type_of_a_parameter_that_there_is_not_is_refused() -> None:
    with pytest.raises(UserErrorException, match="'Blob' is not known; use one of: String, Int, Decimal"):
        StoredProcedureParameter("a", 1, "Blob")


def test_the_password_is_in_no_file_of_the_workspace(ws: Workspace, shop: Any, home: Path) -> None:
    """S11."""
    Dataset.Tabular.from_sql_query((shop, ALL)).register(ws, "sales").to_pandas_dataframe()
    files = [file for file in home.rglob("*") if file.is_file()]
    assert files
    assert not [file for file in files if PASSWORD.encode() in file.read_bytes()]


def test_rows_can_be_the_source_of_a_transfer_and_a_database_is_no_destination(ws: Workspace, shop: Any) -> None:
    to = DataReference(ws.get_default_datastore(), "to", "sales.csv")
    step = DataTransferStep("copy", SqlDataReference(shop, "sales", sql_table="sales"), to, compute_target="adf")
    (spec,) = lower_pipeline(Pipeline(ws, [step]), "p").steps
    assert isinstance(spec.inputs[0].source, DatasetSource)
    assert spec.inputs[0].source.definition is not None
    assert spec.inputs[0].source.definition.sql == SqlQuery(datastore="shop", query="sales", statement="table")
    with pytest.raises(UnsupportedFeatureError, match="nothing is written into databases; write the rows in a PythonScriptStep"):
        DataTransferStep("copy", to, SqlDataReference(shop, sql_table="sales"), compute_target="adf")
