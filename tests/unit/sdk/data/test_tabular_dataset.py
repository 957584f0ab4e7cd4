"""What is a table that has a name, and what becomes of what is taken of it?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from airflow_amlpipe.exceptions import DefinitionError, UnsupportedFeatureError
from azureml.core import Dataset, Workspace
from azureml.data import DataPath, FileDataset, TabularDataset
from azureml.data.dataset_error_handling import DatasetValidationError
from azureml.data.dataset_factory import DataType
from azureml.data.dataset_type_definitions import PromoteHeadersBehavior
from azureml.exceptions import UserErrorException
from tests.web_server import Answer, WebServer, web_server

pd = pytest.importorskip("pandas", reason="part of the dev extra")


@pytest.fixture
def store(ws: Workspace, project: Path) -> Any:
    files = {"sales/north/2024/01/d.csv": "n,s\n1,a\n2,b\n", "sales/south/2024/02/d.csv": "n,s\n3,\n", "lines.jsonl": '{"n": 1}\nx\n'}
    for name, text in files.items():
        file = project / "data" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    store = ws.get_default_datastore()
    store.upload(str(project / "data"), show_progress=False)
    return store


@pytest.fixture
def sales(store: Any) -> TabularDataset:
    return Dataset.Tabular.from_delimited_files((store, "sales/**/*.csv"))


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebServer]:
    with web_server() as server:
        monkeypatch.setenv("AMLPIPE_ALLOWED_HTTP_HOSTS", urlsplit(server.url).netloc)
        yield server


def numbers(dataset: Any) -> list[int]:
    return list(dataset.to_pandas_dataframe()["n"])


# ---- the factories


def test_a_table_is_read_from_a_path_a_glob_or_a_list(store: Any) -> None:
    for path in ((store, "sales"), (store, "sales/**"), DataPath(store, "sales"), [(store, "sales/north"), (store, "sales/south")]):
        assert numbers(Dataset.Tabular.from_delimited_files(path)) == [1, 2, 3]


def test_the_arguments_of_the_factory_say_how_it_is_read(store: Any) -> None:
    made = Dataset.Tabular.from_delimited_files(
        (store, "sales"),
        include_path=True,
        set_column_types={"n": DataType.to_string()},
        partition_format="/sales/{region}/{month:yyyy/MM}/d.csv",
        empty_as_string=True,
    )
    found = made.to_pandas_dataframe()
    assert list(found.columns) == ["Path", "region", "month", "n", "s"]
    assert found["n"].tolist() == ["1", "2", "3"]
    assert found["s"].tolist() == ["a", "b", ""]
    assert found["Path"].tolist()[0] == "/sales/north/2024/01/d.csv"
    assert made.partition_keys == ["region", "month"]
    assert made.get_partition_key_values(["region"]) == [{"region": "north"}, {"region": "south"}]


@pytest.mark.parametrize("header", [False, PromoteHeadersBehavior.NO_HEADERS, 0])
def test_a_header_is_said_by_a_truth_value_a_member_or_its_number(store: Any, header: Any) -> None:
    found = Dataset.Tabular.from_delimited_files((store, "sales/south"), header=header).to_pandas_dataframe()
    assert list(found.columns) == ["Column1", "Column2"]


def test_json_lines_and_parquet_files_are_tables(store: Any, project: Path) -> None:
    with pytest.raises(UserErrorException, match=r"/lines.jsonl', line 2: 'x' is no JSON object"):
        Dataset.Tabular.from_json_lines_files((store, "lines.jsonl")).to_pandas_dataframe()
    assert numbers(Dataset.Tabular.from_json_lines_files((store, "lines.jsonl"), invalid_lines="drop")) == [1]
    pd.DataFrame({"n": [7]}).to_parquet(project / "x.parquet")
    store.upload_files([str(project / "x.parquet")], target_path="p", show_progress=False)
    assert numbers(Dataset.Tabular.from_parquet_files((store, "p/*.parquet"))) == [7]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"separator": ""}, "separator must be text of one or more letters"),
        ({"header": "yes"}, "header must be True, False or one of PromoteHeadersBehavior"),
        ({"encoding": "utf7"}, "encoding 'utf7' is not known; use one of: utf8"),
        ({"set_column_types": {"n": "int"}}, "set_column_types must be a dictionary of columns and DataTypes"),
        ({"partition_format": "sales"}, "partition_format 'sales': it names no part of the path"),
    ],
)
def test_an_argument_that_cannot_be_is_refused(store: Any, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(UserErrorException, match=message):
        Dataset.Tabular.from_delimited_files((store, "sales"), **arguments)


def test_a_path_that_matches_nothing_is_refused_unless_nobody_looks(store: Any) -> None:
    with pytest.raises(DatasetValidationError, match="'slaes' on datastore 'workspaceblobstore' matches nothing"):
        Dataset.Tabular.from_delimited_files((store, "slaes"))
    assert Dataset.Tabular.from_delimited_files((store, "slaes"), validate=False).to_pandas_dataframe().empty


def test_nothing_is_looked_at_while_airflow_parses(ws: Workspace, airflow_is_parsing: None, home: Path) -> None:
    made = Dataset.Tabular.from_delimited_files((ws.get_default_datastore(), "slaes")).with_timestamp_columns("t")
    made.take(3).keep_columns(["t"]).time_after(datetime(2024, 1, 1))  # noqa: DTZ001
    assert not home.exists()
    with pytest.raises(UserErrorException, match="must not happen while Airflow parses"):
        made.to_pandas_dataframe()


def test_a_file_of_the_web_is_a_table_and_a_dataset_of_files(web: WebServer, ws: Workspace) -> None:
    web.files["/data/a.csv"] = Answer(b"n\n1\n")
    url = f"{web.url}/data/a.csv"
    assert numbers(Dataset.Tabular.from_delimited_files(url)) == [1]
    files = Dataset.File.from_files([url])
    assert files.to_path() == ["/a.csv"]
    assert files.register(ws, "remote").to_path() == ["/a.csv"]
    with pytest.raises(DatasetValidationError, match="/data/b.csv matches nothing"):
        Dataset.File.from_files(f"{web.url}/data/b.csv")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("https://example.org/a.csv?sig=abc", "has a query, a fragment or a login; records must hold no secrets"),
        ("https://me:word@example.org/a.csv", "has a query, a fragment or a login"),
        ("https://example.org/folder/", "names no file"),
    ],
)
def test_a_url_that_holds_a_secret_or_names_no_file_is_refused(ws: Workspace, url: str, message: str) -> None:
    with pytest.raises(UserErrorException, match=message) as caught:
        Dataset.Tabular.from_delimited_files(url)
    assert "abc" not in str(caught.value)
    assert "word" not in str(caught.value)


# ---- registering


def test_a_table_is_registered_with_the_way_it_is_read(ws: Workspace, sales: TabularDataset) -> None:
    taken = sales.skip(1).keep_columns(["n"]).filter(sales["n"] < 3).register(ws, "taken", tags={"a": "1"})
    again = Dataset.get_by_name(ws, "taken")
    assert isinstance(again, TabularDataset)
    assert (again.id, again.version, again.tags) == (taken.id, 1, {"a": "1"})
    assert numbers(again) == numbers(Dataset.get_by_id(ws, taken.id)) == numbers(ws.datasets["taken"]) == [2]
    assert isinstance(Dataset.get_all(ws)["taken"], TabularDataset)


def test_the_same_paths_read_in_another_way_are_another_dataset(ws: Workspace, store: Any, sales: TabularDataset) -> None:
    first = sales.register(ws, "sales")
    assert Dataset.Tabular.from_delimited_files((store, "sales/**/*.csv")).register(ws, "sales").id == first.id
    other = Dataset.Tabular.from_delimited_files((store, "sales/**/*.csv"), header=False)
    with pytest.raises(
        UserErrorException, match=r"registered already, with other ways to read them \(version 1\); use create_new_version=True"
    ):
        other.register(ws, "sales")
    assert other.register(ws, "sales", create_new_version=True).version == 2


def test_what_is_taken_of_a_registered_dataset_has_no_name(ws: Workspace, sales: TabularDataset) -> None:
    registered = sales.register(ws, "sales")
    taken = registered.take(1)
    assert (taken.name, taken.version, taken.id, registered.name) == (None, None, None, "sales")
    assert numbers(taken) == [1]


def test_a_version_is_described_and_tagged_anew_and_stays_what_it_is(ws: Workspace, sales: TabularDataset) -> None:
    registered = sales.register(ws, "sales", description="old", tags={"a": "1", "b": "2"})
    assert registered.add_tags({"c": "3"}).tags == {"a": "1", "b": "2", "c": "3"}
    assert registered.remove_tags(["a", "z"]).tags == {"b": "2", "c": "3"}
    assert registered.update(description="new").description == "new"
    again = Dataset.get_by_name(ws, "sales")
    assert (again.description, again.tags, again.version, again.id) == ("new", {"b": "2", "c": "3"}, 1, registered.id)
    assert again.update(tags={}).tags == {}
    with pytest.raises(UserErrorException, match="Dataset.add_tags: this dataset is not registered"):
        sales.add_tags({"a": "1"})


def test_two_handles_of_a_version_change_its_labels_and_lose_none_of_each_other(ws: Workspace, sales: TabularDataset) -> None:
    first = sales.register(ws, "sales", description="old", tags={"a": "1"})
    second = Dataset.get_by_name(ws, "sales")
    first.add_tags({"b": "2"})
    second.update(description="new")
    first.remove_tags(["a"])
    assert second.add_tags({"c": "3"}).tags == {"b": "2", "c": "3"}
    assert first.add_tags({}).description == "new"
    assert first.tags == Dataset.get_by_id(ws, str(first.id)).tags == {"b": "2", "c": "3"}


def test_rows_of_pandas_are_registered_as_a_table(ws: Workspace, store: Any) -> None:
    frame = pd.DataFrame({"n": [1, 2], "s": ["a", None]})
    first = Dataset.Tabular.register_pandas_dataframe(frame, (store, "frames"), "frame", description="rows", show_progress=False)
    assert first.to_pandas_dataframe()["s"].tolist() == ["a", None]
    same = Dataset.Tabular.register_pandas_dataframe(frame, store, "frame", show_progress=False)
    assert (first.version, same.version) == (1, 2)
    assert Dataset.Tabular.register_pandas_dataframe(frame, store, "frame", show_progress=False).version == 2
    changed = Dataset.Tabular.register_pandas_dataframe(frame.head(1), store, "frame", show_progress=False)
    assert (changed.version, numbers(changed), numbers(Dataset.get_by_name(ws, "frame", 1))) == (3, [1], [1, 2])
    with pytest.raises(UserErrorException, match=r"\[1\] of type list is no pandas DataFrame"):
        Dataset.Tabular.register_pandas_dataframe([1], store, "frame")


# ---- writing


def test_a_table_is_written_as_csv_or_parquet(store: Any, sales: TabularDataset) -> None:
    files = sales.take(2).to_csv_files()
    assert isinstance(files, FileDataset)
    assert files.to_path() == ["/part-00000.csv"]
    assert Path(files.download()[0]).read_text() == "n,s\n1,a\n2,b\n"
    assert sales.take(2).to_csv_files()._paths() == files._paths()
    assert Path(sales.to_csv_files(separator=";").download()[0]).read_text().startswith("n;s\n")
    assert pd.read_parquet(sales.to_parquet_files().download()[0])["n"].tolist() == [1, 2, 3]


def test_a_table_is_partitioned_by_its_values(ws: Workspace, store: Any, sales: TabularDataset) -> None:
    made = sales.partition_by(["n"], (store, "parts"), name="parts", show_progress=False)
    assert made.partition_keys == ["n"]
    assert [found["n"] for found in made.get_partition_key_values()] == ["1", "2", "3"]
    assert made.to_pandas_dataframe()[["n", "s"]].values.tolist() == [[1, "a"], [2, "b"], [3, None]]
    assert Dataset.get_by_name(ws, "parts").id == made.id
    files = sales.partition_by(["n"], (store, "parts"), partition_as_file_dataset=True, show_progress=False)
    assert files.filter(files["n"] == "2").to_path() == ["/2/part-00000.parquet"]
    with pytest.raises(UserErrorException, match="the table has no column 'm'; its columns are: n, s"):
        sales.partition_by(["m"], (store, "parts"))
    with pytest.raises(UserErrorException, match=r"column 's' has missing values, .*dataset\.filter\(~dataset\['s'\]\.is_null\(\)\)"):
        sales.partition_by(["s"], (store, "parts"))
    whole = sales.filter(~sales["s"].is_null()).partition_by(["s"], (store, "whole"), show_progress=False)
    assert [found["s"] for found in whole.get_partition_key_values()] == ["a", "b"]


def test_what_nothing_can_be_written_for_says_what_to_do(web: WebServer, ws: Workspace) -> None:
    web.files["/a.csv"] = Answer(b"n\n1\n")
    with pytest.raises(UserErrorException, match="is of no workspace; register it first"):
        Dataset.Tabular.from_delimited_files(f"{web.url}/a.csv").to_csv_files()


@pytest.mark.parametrize("method", ["to_spark_dataframe", "to_dask_dataframe", "get_profile", "download", "mount"])
def test_what_is_not_supported_says_what_to_use_instead(sales: TabularDataset, method: str) -> None:
    with pytest.raises(UnsupportedFeatureError, match=rf"TabularDataset.{method} is not supported by airflow-amlpipe; "):
        getattr(sales, method)()


# ---- in a pipeline


def test_a_table_has_no_files_to_mount(sales: TabularDataset) -> None:
    named = sales.as_named_input("sales")
    assert named.mode == "direct"
    for call in (named.as_mount, named.as_download):
        with pytest.raises(UserErrorException, match="a table has no files to (mount|download); leave the mode out"):
            call()


def test_times_are_bounds_that_stay_what_they_were_when_they_were_given(sales: TabularDataset, store: Any) -> None:
    timed = Dataset.Tabular.from_delimited_files((store, "sales"), partition_format="/sales/{r}/{t:yyyy/MM}/d.csv").with_timestamp_columns(
        "t"
    )
    assert numbers(timed.time_after(datetime(2024, 2, 1))) == [3]  # noqa: DTZ001
    assert numbers(timed.time_recent(timedelta(days=1))) == []
    assert timed.timestamp_columns == ("t", None)


def test_a_registered_dataset_in_a_dag_file_is_looked_up_when_the_step_runs(ws: Workspace, airflow_is_parsing: None, home: Path) -> None:
    found = Dataset.get_by_name(ws, "sales")
    assert isinstance(found, TabularDataset)
    assert isinstance(found, FileDataset)
    assert found.as_named_input("sales").mode == "direct"
    with pytest.raises(UserErrorException, match="what it is, is looked up when the step runs, not while Airflow is parsing"):
        found.take(3)
    assert not home.exists()


# ---- files of the web that nobody may ask for


@pytest.mark.parametrize("url", ["http://169.254.169.254/latest/meta-data", "http://localhost/a.csv", "https://127.0.0.1:8000/a.csv"])
def test_a_url_that_leads_to_this_machine_or_to_its_credentials_is_refused(ws: Workspace, url: str) -> None:
    """S16."""
    with pytest.raises(DefinitionError, match="a file of the web: the server .* (is this machine|hand out credentials)"):
        Dataset.File.from_files(url)
    with pytest.raises(DefinitionError, match="a file of the web: the server"):
        Dataset.File.from_files(url, validate=False).register(ws, "far").download()


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://example.org/a.csv", "simplecache::https://example.org/a.csv", "../data/a.csv"]
)
def test_what_is_no_url_of_the_web_is_no_path(ws: Workspace, url: str) -> None:
    """S16."""
    with pytest.raises(UserErrorException, match="local paths are not supported; upload the files to a datastore"):
        Dataset.Tabular.from_delimited_files(url)
