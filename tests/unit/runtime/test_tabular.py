"""What does pandas hold of the files of a dataset?"""

from __future__ import annotations

import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from airflow_amlpipe.runtime.dataset_methods import TableMethods
from airflow_amlpipe.runtime.errors import UserErrorException
from airflow_amlpipe.runtime.expressions import RecordFieldExpression, evaluate, expression_json, file_matches
from airflow_amlpipe.runtime.partitions import PartitionFormat
from airflow_amlpipe.spec.dataset import ColumnType, DatasetDefinition, Delimited, JsonLines, Parquet, SqlQuery

pd = pytest.importorskip("pandas", reason="part of the dev extra")


def moment(*parts: int) -> datetime:
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001  columns know no zone


class Table(TableMethods):
    """Some local files, read as a definition says."""

    def __init__(self, definition: dict[str, Any], files: list[tuple[str, str]]) -> None:
        self._definition, self._files = definition, files

    def _described(self) -> dict[str, Any]:
        return self._definition

    def _redefined(self, definition: dict[str, Any]) -> Table:
        # Whatever a method builds has to be what a specification can hold.
        parsed = DatasetDefinition.model_validate_json(DatasetDefinition.model_validate(definition, strict=False).model_dump_json())
        return Table(parsed.model_dump(mode="json"), self._files)

    def _local_files(self) -> list[tuple[str, str]]:
        return self._files


class Tables:
    """Makes tables of texts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, reading: Any, *texts: str | bytes, names: tuple[str, ...] = (), **more: Any) -> Table:
        files = []
        for index, text in enumerate(texts):
            name = names[index] if names else f"data/{index}.csv"
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
            files.append((str(path), f"/{name}"))
        return Table(DatasetDefinition(kind="tabular", reading=reading, **more).model_dump(mode="json"), files)


@pytest.fixture
def table(tmp_path: Path) -> Tables:
    return Tables(tmp_path)


CSV = "id,name,when,score,ok\n1,Ann,2024-01-01,1.5,true\n2,,2024-01-02 10:00:00,,False\n3,NA,2024-01-03T00:00:00Z,3,TRUE\n"


def rows(found: Any) -> list[list[Any]]:
    return [list(row) for row in found.itertuples(index=False)]


def types(found: Any) -> dict[str, str]:
    return {name: str(kind) for name, kind in found.dtypes.items()}


# ---- delimited files


def test_the_types_of_columns_are_found_in_their_values(table: Tables) -> None:
    found = table(Delimited(), CSV).to_pandas_dataframe()
    assert types(found) == {"id": "int64", "name": "object", "when": "datetime64[ns]", "score": "float64", "ok": "bool"}
    assert found["name"].tolist() == ["Ann", None, "NA"]
    assert found["when"].tolist() == [pd.Timestamp("2024-01-01"), pd.Timestamp("2024-01-02 10:00"), pd.Timestamp("2024-01-03")]
    assert found["ok"].tolist() == [True, False, True]


def test_without_inference_every_column_is_text(table: Tables) -> None:
    found = table(Delimited(infer_column_types=False), CSV).to_pandas_dataframe()
    assert set(types(found).values()) == {"object"}
    assert rows(found)[0] == ["1", "Ann", "2024-01-01", "1.5", "true"]


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        (["1", "", "3"], "float64", [1.0, None, 3.0]),
        (["007", "8"], "int64", [7, 8]),
        (["1", "x"], "object", ["1", "x"]),
        (["1_0", "2"], "object", ["1_0", "2"]),
        (["1e3", "-2.5"], "float64", [1000.0, -2.5]),
        (["true", ""], "object", [True, None]),
        (["", ""], "object", [None, None]),
        (["01/02/2024", "02/02/2024"], "object", ["01/02/2024", "02/02/2024"]),
        (["2024/01/31", "2024/02/01"], "datetime64[ns]", [pd.Timestamp("2024-01-31"), pd.Timestamp("2024-02-01")]),
        (["2024-01-31", "soon"], "object", ["2024-01-31", "soon"]),
        (["9999-12-31", "2024-01-01"], "object", ["9999-12-31", "2024-01-01"]),
    ],
)
def test_a_column_has_the_narrowest_type_that_every_value_fits(table: Tables, values: list[str], kind: str, expected: list[Any]) -> None:
    column = table(Delimited(), "row,value\n" + "".join(f"{index},{value}\n" for index, value in enumerate(values))).to_pandas_dataframe()[
        "value"
    ]
    assert str(column.dtype) == kind
    assert [None if pd.isna(value) else value for value in column] == expected


@pytest.mark.parametrize(
    ("header", "columns", "expected"),
    [
        ("same", ["a", "b"], [[1, 2], [3, 4]]),
        ("none", ["Column1", "Column2"], [["a", "b"], ["1", "2"], ["b", "a"], ["3", "4"]]),
        ("first_file", ["a", "b"], [["1", "2"], ["b", "a"], ["3", "4"]]),
        ("combine", ["a", "b"], [[1, 2], [4, 3]]),
    ],
)
def test_the_header_is_in_every_file_in_the_first_in_none_or_another_in_each(
    table: Tables, header: Any, columns: list[str], expected: list[list[Any]]
) -> None:
    found = table(Delimited(header=header), "a,b\n1,2\n", "b,a\n3,4\n").to_pandas_dataframe()
    assert list(found.columns) == columns
    assert rows(found) == expected


@pytest.mark.parametrize(
    ("reading", "text", "expected"),
    [
        (Delimited(separator="\t"), "a\tb\n1\t2\n", [[1, 2]]),
        (Delimited(separator="||"), "a||b\n1||2\n", [[1, 2]]),
        (Delimited(separator="."), "a.b\n1.2\n", [[1, 2]]),
        (Delimited(), 'a,b\n"x, y",2\n', [["x, y", 2]]),
        (Delimited(empty_as_string=True), "a,b\nx,\n", [["x", ""]]),
        (Delimited(support_multi_line=True), 'a,b\n"one\ntwo",2\n', [["one\ntwo", 2]]),
        (Delimited(), 'a,b\n"one\ntwo",2\n', [["one", None], ['two"', 2]]),
        (Delimited(), "a,b\r\n1,2\r\n\r\n3,4\r\n", [[1, 2], [3, 4]]),
        (Delimited(), "a,b\n1\n3,4\n", [[1, None], [3, 4]]),
    ],
)
def test_fields_are_told_apart_as_the_dataset_says(table: Tables, reading: Delimited, text: str, expected: list[list[Any]]) -> None:
    found = table(reading, text).to_pandas_dataframe()
    assert [[None if pd.isna(value) else value for value in row] for row in rows(found)] == expected


def test_fields_beyond_the_header_are_columns_of_their_own(table: Tables) -> None:
    found = table(Delimited(), "a,b\n1,2\n3,4,5\n").to_pandas_dataframe()
    assert list(found.columns) == ["a", "b", "Column3"]
    assert found["Column3"].tolist()[1] == 5


@pytest.mark.parametrize(
    ("encoding", "codec"),
    [
        ("utf8", "utf-8"),
        ("utf8bom", "utf-8-sig"),
        ("latin1", "latin-1"),
        ("iso88591", "latin-1"),
        ("utf16", "utf-16"),
        ("windows1252", "cp1252"),
    ],
)
def test_a_file_is_read_in_its_encoding(table: Tables, encoding: str, codec: str) -> None:
    assert table(Delimited(encoding=encoding), "né\nété\n".encode(codec)).to_pandas_dataframe()["né"].tolist() == ["été"]


def test_a_file_of_another_encoding_is_refused_and_the_others_are_named(table: Tables) -> None:
    with pytest.raises(
        UserErrorException, match=r"the file '/data/0.csv' is not encoded in utf8 .*give from_delimited_files\(encoding=.*latin1"
    ):
        table(Delimited(), "né\nété\n".encode("latin-1")).to_pandas_dataframe()


def test_a_dataset_without_files_is_an_empty_table(table: Tables) -> None:
    assert table(Delimited()).to_pandas_dataframe().shape == (0, 0)
    assert table(Delimited(), "").to_pandas_dataframe().shape == (0, 0)
    assert table(Delimited(), "a,b\n").to_pandas_dataframe().shape == (0, 2)


# ---- types that are said


def column_types(**kinds: Any) -> tuple[ColumnType, ...]:
    return tuple(ColumnType(name=name, **({"type": kind} if isinstance(kind, str) else kind)) for name, kind in kinds.items())


def test_a_type_that_is_said_stands_for_the_one_that_is_found(table: Tables) -> None:
    text = 'zip,day,price,flag,n\n01234,31.12.2024,"1.234,5",1,7\n99999,01.01.2025,2,0,\n'
    kinds = column_types(
        zip="string",
        day={"type": "datetime", "formats": ("%d.%m.%Y",)},
        price={"type": "float", "decimal_mark": ","},
        flag="bool",
        n="integer",
    )
    found = table(Delimited(), text, column_types=kinds).to_pandas_dataframe()
    assert found["zip"].tolist() == ["01234", "99999"]
    assert found["day"].tolist() == [pd.Timestamp("2024-12-31"), pd.Timestamp("2025-01-01")]
    assert found["price"].tolist() == [1234.5, 2.0]
    assert found["flag"].tolist() == [True, False]
    assert found["n"].tolist()[0] == 7


def test_a_value_of_another_type_is_missing_or_an_error(table: Tables) -> None:
    made = table(Delimited(), "n\n1\ntwo\n3\n", column_types=column_types(n="integer"))
    assert [None if pd.isna(value) else value for value in made.to_pandas_dataframe()["n"]] == [1, None, 3]
    with pytest.raises(UserErrorException, match=r"column 'n': 1 values are not integer, the first is 'two' in row 2; .*on_error='null'"):
        made.to_pandas_dataframe(on_error="fail")
    with pytest.raises(UserErrorException, match="on_error='ignore'.*use 'null' or 'fail'"):
        made.to_pandas_dataframe(on_error="ignore")


@pytest.mark.parametrize("value", ["99999999999999999999", "9223372036854775808", "-9223372036854775809", "1e19"])
def test_a_whole_number_beyond_64_bits_is_missing_or_an_error(table: Tables, value: str) -> None:
    made = table(Delimited(), f"n\n1\n{value}\n", column_types=column_types(n="integer"))
    assert made.to_pandas_dataframe()["n"].isna().tolist() == [False, True]
    with pytest.raises(UserErrorException, match=r"column 'n': 1 values are not integer, the first is .* in row 2"):
        made.to_pandas_dataframe(on_error="fail")


@pytest.mark.parametrize("other", ["1", "1.0", "1e3"])
def test_the_largest_whole_numbers_are_exact(table: Tables, other: str) -> None:
    text = f"n\n{other}\n9223372036854775807\n-9223372036854775808\n"
    found = table(Delimited(), text, column_types=column_types(n="integer")).to_pandas_dataframe(on_error="fail")["n"]
    assert found.tolist() == [int(float(other)), 2**63 - 1, -(2**63)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1.234,5", 1234.5), ("1.234.567", 1234567.0), ("-1234,5", -1234.5), (",5", 0.5), ("2,5e3", 2500.0), ("7", 7.0), ("nan", None)],
)
def test_with_a_decimal_comma_a_dot_parts_thousands(table: Tables, text: str, expected: float | None) -> None:
    kinds = column_types(price={"type": "float", "decimal_mark": ","})
    found = table(Delimited(), f'price\n"{text}"\n0\n', column_types=kinds).to_pandas_dataframe(on_error="fail")["price"]
    assert (None if pd.isna(found[0]) else found[0]) == expected


@pytest.mark.parametrize("text", ["12.5", "1.23,4", "1,2,3", "1234.567", "1,234.5"])
def test_with_a_decimal_comma_any_other_dot_is_no_number(table: Tables, text: str) -> None:
    kinds = column_types(price={"type": "float", "decimal_mark": ","})
    made = table(Delimited(), f'price\n"{text}"\n0\n', column_types=kinds)
    assert made.to_pandas_dataframe()["price"].isna().tolist() == [True, False]
    with pytest.raises(UserErrorException, match=f"column 'price': 1 values are not float, the first is '{text}' in row 1"):
        made.to_pandas_dataframe(on_error="fail")


def test_a_number_that_was_read_as_one_has_no_decimal_mark(table: Tables) -> None:
    kinds = column_types(price={"type": "float", "decimal_mark": ","})
    found = table(JsonLines(), '{"price": 12.5}\n{"price": 3}\n', column_types=kinds).to_pandas_dataframe()
    assert found["price"].tolist() == [12.5, 3.0]
    mixed = table(JsonLines(), '{"price": 12.5}\n{"price": "12,5"}\n', column_types=kinds).to_pandas_dataframe()
    assert mixed["price"].tolist() == [12.5, 12.5]


def test_a_time_that_pandas_cannot_hold_is_missing_or_an_error(table: Tables) -> None:
    made = table(Delimited(), "t\n2024-01-01\n9999-12-31\n", column_types=column_types(t="datetime"))
    assert made.to_pandas_dataframe(on_error="fail")["t"].isna().tolist() == [False, True]
    with pytest.raises(
        UserErrorException, match=r"column 't': 1 values are not a time between 1677 and 2262.*out_of_range_datetime='null'"
    ):
        made.to_pandas_dataframe(out_of_range_datetime="fail")


def test_a_type_of_a_column_that_is_not_there_is_refused_and_the_columns_are_named(table: Tables) -> None:
    with pytest.raises(UserErrorException, match="set_column_types names column 'm', which the table does not have; its columns are: n"):
        table(Delimited(), "n\n1\n", column_types=column_types(m="integer")).to_pandas_dataframe()


# ---- Parquet, JSON lines, rows of a query


def test_parquet_files_keep_their_types(table: Tables, tmp_path: Path) -> None:
    frame = pd.DataFrame({"n": [1, 2], "s": ["a", None], "t": pd.to_datetime(["2024-01-01", None], utc=True)})
    (tmp_path / "p").mkdir()
    frame.to_parquet(tmp_path / "p" / "0.parquet")
    made = table(Parquet(), (tmp_path / "p" / "0.parquet").read_bytes(), names=("q/0.parquet",))
    found = made.to_pandas_dataframe()
    assert types(found) == {"n": "int64", "s": "object", "t": "datetime64[ns]"}
    assert found["s"].tolist() == ["a", None]


def test_what_is_no_parquet_file_is_refused_by_its_name(table: Tables) -> None:
    with pytest.raises(UserErrorException, match="the file '/q/0.parquet' cannot be read as Parquet"):
        table(Parquet(), "a,b\n", names=("q/0.parquet",)).to_pandas_dataframe()


def test_json_lines_are_rows_and_what_one_lacks_is_missing(table: Tables) -> None:
    found = table(JsonLines(), '{"a": 1, "b": "x"}\n\n{"a": 2, "c": [1]}\n').to_pandas_dataframe()
    assert found["a"].tolist() == [1, 2]
    assert found["b"].tolist() == ["x", None]
    assert found["c"].tolist() == [None, [1]]


def test_a_line_that_is_no_object_is_an_error_or_left_out(table: Tables) -> None:
    text = '{"a": 1}\nnot json\n[1]\n'
    with pytest.raises(UserErrorException, match=r"the file '/data/0.csv', line 2: 'not json' is no JSON object; .*invalid_lines='drop'"):
        table(JsonLines(), text).to_pandas_dataframe()
    assert table(JsonLines(invalid_lines="drop"), text).to_pandas_dataframe()["a"].tolist() == [1]


def test_the_rows_of_a_query_are_read_with_their_types(table: Tables) -> None:
    text = '{"format":"amlpipe/rows/v1","columns":["n","s"]}\n[1,"a"]\n[2,null]\n{"rows":2}\n'
    found = table(SqlQuery(datastore="db", query="select"), text).to_pandas_dataframe()
    assert (types(found), found["s"].tolist()) == ({"n": "int64", "s": "object"}, ["a", None])


# ---- the paths of the files


def test_the_path_and_what_it_says_are_the_first_columns(table: Tables) -> None:
    made = table(
        Delimited(),
        "n\n1\n",
        "n\n2\n",
        names=("sales/north/2024/01/31/d.csv", "sales/south/2024/02/01/d.csv"),
        include_path=True,
        partition_format="/{region}/{day:yyyy/MM/dd}/d.csv",
    )
    assert rows(made.to_pandas_dataframe()) == [
        ["/sales/north/2024/01/31/d.csv", "north", pd.Timestamp("2024-01-31"), 1],
        ["/sales/south/2024/02/01/d.csv", "south", pd.Timestamp("2024-02-01"), 2],
    ]
    assert made.partition_keys == ["region", "day"]
    assert made.get_partition_key_values(["region"]) == [{"region": "north"}, {"region": "south"}]
    assert made.get_partition_key_values()[0] == {"region": "north", "day": moment(2024, 1, 31)}
    with pytest.raises(UserErrorException, match="no partition key 'city'; its keys are: region, day"):
        made.get_partition_key_values(["city"])


@pytest.mark.parametrize(
    ("told", "path", "expected"),
    [
        ("{a}/{b}.csv", "/x/1/2.csv", {"a": "1", "b": "2"}),
        ("/{a}-{b}/data", "/x-y/data", {"a": "x", "b": "y"}),
        ("/{t:yyyy}/{t:MM}/*.csv", "/2024/03/z.csv", {"t": moment(2024, 3, 1)}),
        ("/{t:yyyy-MM-dd}T{t:HH}/f", "/2024-03-05T07/f", {"t": moment(2024, 3, 5, 7)}),
        ("weather/{t:yyyy/MM}/d.parquet", "/w/weather/2019/01/d.parquet", {"t": moment(2019, 1, 1)}),
    ],
)
def test_a_partition_format_describes_the_end_of_a_path(told: str, path: str, expected: dict[str, Any]) -> None:
    assert PartitionFormat(told).values(path) == expected


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ("data.csv", "it names no part of the path"),
        ("{a", "a brace is not closed"),
        ("{}/x", r"a \{name\} is empty"),
        ("{t:week}", "'week' are not the letters of a time"),
    ],
)
def test_a_partition_format_that_cannot_be_is_refused(told: str, message: str) -> None:
    with pytest.raises(UserErrorException, match=message):
        PartitionFormat(told)


@pytest.mark.parametrize(
    ("told", "path", "message"),
    [
        ("/{a}/d.csv", "/x/e.csv", r"the path '/x/e.csv' is not of the partition_format"),
        ("/{t:yyyy/MM}/d", "/2024/13/d", "has no time at 't'"),
        ("/{a}/{a}/d", "/x/y/d", "has two values for 'a'"),
    ],
)
def test_a_path_of_another_format_is_refused_by_its_name(told: str, path: str, message: str) -> None:
    with pytest.raises(UserErrorException, match=message):
        PartitionFormat(told).values(path)


# ---- what is taken


@pytest.fixture
def people(table: Tables) -> Table:
    return table(Delimited(), "name,age,born\n" + "".join(f"p{n},{n},2024-01-{n + 1:02}\n" for n in range(20)))


def names_of(found: Table) -> list[str]:
    return list(found.to_pandas_dataframe()["name"])


def test_rows_are_taken_and_skipped_in_the_order_of_the_calls(people: Table) -> None:
    assert names_of(people.skip(2).take(3)) == ["p2", "p3", "p4"]
    assert names_of(people.take(3).skip(2)) == ["p2"]
    assert names_of(people.take(0)) == []


def test_a_random_split_is_disjoint_and_complete_and_the_same_each_time(people: Table) -> None:
    first, second = people.random_split(0.6, seed=7)
    assert sorted(names_of(first) + names_of(second)) == sorted(names_of(people))
    assert names_of(first) == names_of(people.random_split(0.6, seed=7)[0])
    assert names_of(first) != names_of(people.random_split(0.6, seed=8)[0])
    assert names_of(people.random_split(0.6)[0]) == names_of(people.random_split(0.6)[0])
    assert [len(names_of(part)) for part in people.random_split(1)] == [20, 0]


def test_a_sample_is_the_same_for_the_same_seed(people: Table) -> None:
    found = names_of(people.take_sample(0.3, seed=1))
    assert found == names_of(people.take_sample(0.3, seed=1))
    assert 0 < len(found) < 20
    assert found != names_of(people.take_sample(0.3, seed=2))


def test_columns_are_kept_in_the_order_of_the_call_or_dropped(people: Table) -> None:
    assert list(people.keep_columns(["age", "name"]).to_pandas_dataframe().columns) == ["age", "name"]
    assert list(people.drop_columns("born").to_pandas_dataframe().columns) == ["name", "age"]
    assert list(people[["age"]].to_pandas_dataframe().columns) == ["age"]
    with pytest.raises(
        UserErrorException, match="keep_columns names column 'size', which the table does not have; its columns are: name, age, born"
    ):
        people.keep_columns("size", validate=True)


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (lambda t: t["age"] > 17, ["p18", "p19"]),
        (lambda t: t["age"] <= 1, ["p0", "p1"]),
        (lambda t: (t["age"] >= 3) & (t["name"] != "p4") & (t["age"] < 6), ["p3", "p5"]),
        (lambda t: (t["name"] == "p1") | ~(t["age"] < 19), ["p1", "p19"]),
        (lambda t: t["name"].ends_with("7"), ["p7", "p17"]),
        (lambda t: t["name"].contains("18"), ["p18"]),
        (lambda t: t["name"].to_upper() == "P3", ["p3"]),
        (lambda t: (t["name"].length() == 2) & (t["age"] * 2 - 1 > 16), ["p9"]),
        (lambda t: t["born"] >= moment(2024, 1, 20), ["p19"]),
        (lambda t: t["age"].is_null(), []),
    ],
)
def test_a_filter_takes_the_rows_for_which_it_is_true(people: Table, build: Any, expected: list[str]) -> None:
    assert names_of(people.filter(build(people))) == expected


def test_what_is_missing_is_never_chosen_unless_it_is_asked_for(table: Tables) -> None:
    made = table(Delimited(), "k,n,s\na,1,x\nb,,\nc,3,y\n")
    chosen = {
        name: list(made.filter(it).to_pandas_dataframe()["k"])
        for name, it in {
            "more": made["n"] > 0,
            "other": made["n"] != 1,
            "none": made["n"].is_null(),
            "equal": made["n"] == None,  # noqa: E711
            "some": made["n"] != None,  # noqa: E711
            "not more": ~(made["n"] > 1),
            "not equal": ~(made["n"] == 1),
            "not unequal": ~(made["n"] != 1),
            "not within": ~made["s"].contains("x"),
            "not both": ~((made["n"] > 1) & (made["s"] == "y")),
            "decided": ~((made["n"] > 1) & (made["k"] == "a")),
            "either": (made["n"] > 1) | (made["k"] == "b"),
        }.items()
    }
    assert chosen == {
        "more": ["a", "c"],
        "other": ["c"],
        "none": ["b"],
        "equal": ["b"],
        "some": ["a", "c"],
        "not more": ["a"],
        "not equal": ["c"],
        "not unequal": ["a"],
        "not within": ["c"],
        "not both": ["a"],
        "decided": ["a", "b", "c"],
        "either": ["b", "c"],
    }


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (lambda n, k: n > 1, False),
        (lambda n, k: ~(n > 1), False),
        (lambda n, k: ~(n == 1), False),
        (lambda n, k: ~(n != 1), False),
        (lambda n, k: ~n.contains("x"), False),
        (lambda n, k: ~((n > 1) & (k == "b")), True),
        (lambda n, k: (n > 1) | (k == "a"), True),
        (lambda n, k: n == None, True),  # noqa: E711
        (lambda n, k: n != None, False),  # noqa: E711
        (lambda n, k: n.is_null(), True),
    ],
)
def test_a_file_of_which_something_is_missing_is_chosen_as_a_row_is(build: Any, expected: bool) -> None:
    expression = build(*(RecordFieldExpression({"kind": "column", "name": name}) for name in "nk"))
    assert file_matches(expression_json(expression), {"n": None, "k": "a"}) is expected
    assert list(evaluate(expression_json(expression), pd.DataFrame({"n": [float("nan")], "k": ["a"]}))) == [expected]


def test_a_time_of_a_zone_is_compared_in_utc(people: Table) -> None:
    later = timezone(timedelta(hours=2))
    assert names_of(people.filter(people["born"] >= datetime(2024, 1, 20, 1, tzinfo=later))) == ["p19"]
    assert names_of(people.filter(people["born"] >= datetime(2024, 1, 20, 3, tzinfo=later))) == []
    of_file = RecordFieldExpression({"kind": "column", "name": "day"}) >= datetime(2024, 1, 20, 1, tzinfo=later)
    assert [file_matches(expression_json(of_file), {"day": moment(2024, 1, day)}) for day in (19, 20)] == [False, True]


def test_what_cannot_be_a_filter_is_refused(people: Table) -> None:
    with pytest.raises(UserErrorException, match="join conditions with & | ~ instead of and, or, not"):
        people.filter(people["age"] > 1 and people["age"] < 3)
    with pytest.raises(UserErrorException, match="filter: True is no expression"):
        people.filter(True)
    with pytest.raises(UserErrorException, match="asks for column 'size', which the table does not have; its columns are: name, age, born"):
        people.filter(people["size"] > 1).to_pandas_dataframe()
    with pytest.raises(UserErrorException, match=r"the filter \(dataset\['name'\] > 3\) cannot be applied to this table"):
        people.filter(people["name"] > 3).to_pandas_dataframe()
    with pytest.raises(UserErrorException, match="compares with numbers, texts, times and None, not with"):
        people["age"] == [1]  # noqa: B015


# ---- times


def test_rows_of_a_time_are_taken_by_the_timestamp_column(people: Table) -> None:
    timed = people.with_timestamp_columns("born")
    assert timed.timestamp_columns == ("born", None)
    assert names_of(timed.time_after(moment(2024, 1, 19))) == ["p18", "p19"]
    assert names_of(timed.time_after(moment(2024, 1, 19), include_boundary=False)) == ["p19"]
    assert names_of(timed.time_before(moment(2024, 1, 2))) == ["p0", "p1"]
    assert names_of(timed.time_between(moment(2024, 1, 2), moment(2024, 1, 3))) == ["p1", "p2"]
    assert names_of(timed.time_recent(timedelta(days=1))) == []
    assert names_of(timed.time_recent(timedelta(days=100000))) == names_of(people)


def test_time_filters_say_what_they_lack(people: Table) -> None:
    with pytest.raises(UserErrorException, match=r"time_after: the dataset has no timestamp column; name one: with_timestamp_columns"):
        people.time_after(moment(2024, 1, 1))
    with pytest.raises(UserErrorException, match="the timestamp column 'age' holds no times"):
        people.with_timestamp_columns("age").time_after(moment(2024, 1, 1))
    with pytest.raises(UserErrorException, match="the timestamp column 'size' is not in the table"):
        people.with_timestamp_columns("size", validate=True)
    with pytest.raises(UserErrorException, match="is before start_time"):
        people.with_timestamp_columns("born").time_between(moment(2024, 1, 2), moment(2024, 1, 1))
    with pytest.raises(UserErrorException, match=r"start_time must be a datetime.datetime, not '2024-01-01' of type str"):
        people.with_timestamp_columns("born").time_after("2024-01-01")  # type: ignore[arg-type]
    with pytest.raises(UserErrorException, match="are both 'born'; give two columns"):
        people.with_timestamp_columns("born", "born")


def test_a_timestamp_column_that_is_dropped_is_none_any_more(people: Table) -> None:
    timed = people.with_timestamp_columns("born")
    assert timed.drop_columns("born").timestamp_columns == (None, None)
    assert timed.keep_columns(["name", "born"]).timestamp_columns == ("born", None)
    assert timed.keep_columns(["name"]).timestamp_columns == (None, None)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t: t.take(-1), "take: the count must be a whole number from 0 on, not -1"),
        (lambda t: t.skip("1"), "skip: the count must be"),
        (lambda t: t.random_split(1.5), "random_split: percentage must be a number from 0 to 1, not 1.5"),
        (lambda t: t.take_sample("x"), "take_sample: probability must be"),
        (lambda t: t.take_sample(0.1, seed="x"), "the seed must be a whole number"),
        (lambda t: t.keep_columns([]), "keep_columns: .* names no columns"),
        (lambda t: t[0], r"dataset\[0\]: give the name of a column"),
    ],
)
def test_what_cannot_be_taken_is_refused(people: Table, call: Any, message: str) -> None:
    with pytest.raises(UserErrorException, match=message):
        call(people)


def test_a_dataset_cannot_be_iterated_over(people: Table) -> None:
    with pytest.raises(TypeError, match="read it with to_pandas_dataframe"):
        list(people)


@pytest.mark.parametrize(("package", "reading"), [("pandas", Delimited()), ("pyarrow", Parquet())])
def test_a_python_without_the_package_is_told_which_requirement_to_add(
    table: Tables, monkeypatch: pytest.MonkeyPatch, package: str, reading: Any
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(
        UserErrorException, match=rf"needs the package '{package}', which this Python does not have .*pip_packages=\['{package}'\]"
    ):
        table(reading, "a\n1\n").to_pandas_dataframe()


# ---- several files


@pytest.mark.parametrize(
    ("first", "second", "kind", "expected"),
    [
        ("v\n1\n2\n", "v\n3\n", "int64", [1, 2, 3]),
        ("v\n1\n2\n", "v\n0.5\n", "float64", [1.0, 2.0, 0.5]),
        ("v\n007\n", "v\nx\n", "object", ["007", "x"]),
        ("v\ntrue\n", "v\n1\n", "object", ["true", "1"]),
        ("v,w\n,1\n", "v,w\na,1\n", "object", [None, "a"]),
        ("v\n2024-01-01\n", "v\n2024-01-02\n", "datetime64[ns]", [pd.Timestamp("2024-01-01"), pd.Timestamp("2024-01-02")]),
        ("v\n2024-01-01\n", "v\nsoon\n", "object", ["2024-01-01", "soon"]),
    ],
)
def test_the_type_of_a_column_is_that_of_all_files(table: Tables, first: str, second: str, kind: str, expected: list[Any]) -> None:
    column = table(Delimited(), first, second).to_pandas_dataframe()["v"]
    assert (str(column.dtype), [None if pd.isna(value) else value for value in column]) == (kind, expected)


@pytest.mark.parametrize(
    ("reading", "text", "columns", "expected"),
    [
        (Delimited(support_multi_line=True), '"a\nb",c\n1,2\n', ["a\nb", "c"], [[1, 2]]),
        (Delimited(), 'a,b\n5" pipe,1\n"6"" pipe",2\n', ["a", "b"], [['5" pipe', 1], ['6" pipe', 2]]),
        (Delimited(), "\n\na,b\n\n1,2\n\n", ["a", "b"], [[1, 2]]),
        (Delimited(), "a,,a\n1,2,3\n", ["a", "Column2", "a_1"], [[1, 2, 3]]),
        (Delimited(separator=";"), "a;b\n1,5;x\n", ["a", "b"], [["1,5", "x"]]),
        (Delimited(empty_as_string=True), "a,b\n,x\n1,\n", ["a", "b"], [[None, "x"], [1, ""]]),
    ],
)
def test_headers_quotes_and_empty_fields_are_what_they_are(
    table: Tables, reading: Delimited, text: str, columns: list[str], expected: list[list[Any]]
) -> None:
    found = table(reading, text).to_pandas_dataframe()
    assert list(found.columns) == columns
    assert [[None if pd.isna(value) else value for value in row] for row in rows(found)] == expected
