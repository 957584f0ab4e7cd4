"""What does an output say of itself, and what do its copies share?"""

from __future__ import annotations

from typing import Any

import pytest

from airflow_amlpipe.exceptions import UnsupportedFeatureError
from azureml.core import Workspace
from azureml.data import OutputFileDatasetConfig
from azureml.data.dataset_factory import DataType
from azureml.data.output_dataset_config import HDFSOutputDatasetConfig, OutputTabularDatasetConfig
from azureml.exceptions import UserErrorException
from azureml.pipeline.core import PipelineParameter


def test_an_unnamed_output_has_no_random_name() -> None:
    assert OutputFileDatasetConfig().name is None


@pytest.mark.parametrize("name", ["", "1a", "a b", "a-b", "a*", "[a]", "..", "a\n", "x" * 300, 3])
def test_a_name_that_cannot_be_a_variables_is_refused(name: Any) -> None:
    with pytest.raises(UserErrorException, match="OutputFileDatasetConfig: the name .* cannot be used"):
        OutputFileDatasetConfig(name)
    output = OutputFileDatasetConfig("a")
    with pytest.raises(UserErrorException, match="cannot be used"):
        output.name = name


def test_a_name_that_scripts_rely_on_is_warned_of() -> None:
    with pytest.warns(UserWarning, match="like an environment variable that scripts rely on"):
        OutputFileDatasetConfig("PATH")


def test_chained_methods_return_copies(ws: Workspace) -> None:
    output = OutputFileDatasetConfig("o", destination=(ws.get_default_datastore(), "x"))
    upload = output.as_upload(overwrite=True, source_globs=["*.csv"])
    registered = upload.register_on_complete("data", "rows", {"a": "b"})
    mounted = registered.as_mount()
    assert (output.mode, output._registration, output._upload_options) == ("mount", None, None)
    assert (upload.mode, upload._registration) == ("upload", None)
    assert (registered.mode, registered._registration.name, registered._upload_options.source_globs) == ("upload", "data", ["*.csv"])
    assert (mounted.mode, mounted._upload_options, mounted._registration.name) == ("mount", None, "data")
    assert {copy._origin for copy in (output, upload, registered, mounted)} == {output._origin}
    assert mounted.destination[0] is output.destination[0]


def test_one_glob_is_a_list_of_one() -> None:
    assert OutputFileDatasetConfig().as_upload(source_globs="*.csv")._upload_options.source_globs == ["*.csv"]
    with pytest.raises(UserErrorException, match="source_globs must be patterns"):
        OutputFileDatasetConfig().as_upload(source_globs=[3])


def test_as_an_input_it_is_mounted() -> None:
    output = OutputFileDatasetConfig("o")
    assert (output.as_input("data").mode, output.as_input("data").name, output.as_input().name) == ("mount", "data", None)
    with pytest.raises(UserErrorException, match="as_input: the name 'a b' cannot be used"):
        output.as_input("a b")


def test_as_text_it_is_sdk_v1s_literal() -> None:
    assert str(OutputFileDatasetConfig("o")) == "DatasetOutputConfig:o"


@pytest.mark.parametrize("destination", ["outputs", 3, (), (1, "x"), ("a", "b", "c"), {"a": 1}])
def test_a_destination_that_is_no_tuple_is_refused(destination: Any) -> None:
    with pytest.raises(ValueError, match=r"destination must be a tuple \(datastore, path\), not .*for example"):
        OutputFileDatasetConfig("o", destination=destination)


def test_a_parameter_as_a_path_is_refused() -> None:
    with pytest.raises(
        ValueError,
        match="destination has PipelineParameter 'p' in the path of an output, which cannot be resolved; give the parameter to the script",
    ):
        OutputFileDatasetConfig("o", destination=("workspaceblobstore", PipelineParameter("p", "x")))


def test_a_registration_needs_a_name() -> None:
    with pytest.raises(UserErrorException, match="register_on_complete: the name ''"):
        OutputFileDatasetConfig().register_on_complete("")


def test_what_is_not_here_says_so() -> None:
    with pytest.raises(UnsupportedFeatureError, match="not supported by airflow-amlpipe"):
        HDFSOutputDatasetConfig()
    with pytest.raises(ValueError, match=r"is not made by hand; use OutputFileDatasetConfig\(...\).read_delimited_files\(\)"):
        OutputTabularDatasetConfig()


def test_an_output_is_read_as_a_table_by_copies_that_are_the_same_output(ws: Workspace) -> None:
    output = OutputFileDatasetConfig("o", destination=(ws.get_default_datastore(), "x")).as_upload(overwrite=True)
    table = output.read_delimited_files(separator=";", set_column_types={"n": DataType.to_long()}).keep_columns(["n"])
    assert isinstance(table, OutputTabularDatasetConfig)
    assert (table.name, table.mode, table._origin, table.destination) == ("o", "upload", output._origin, output.destination)
    assert table._definition["reading"]["separator"] == ";"
    assert [step["operation"] for step in table._definition["operations"]] == ["keep_columns"]
    assert output._definition["kind"] == "file"
    first, second = table.random_split(0.7, seed=1)
    assert [part._definition["operations"][-1]["part"] for part in (first, second)] == ["first", "second"]
    assert len(table._definition["operations"]) == 1
    assert (table.as_input("rows").mode, table.as_mount().mode, table.as_upload().mode) == ("direct", "mount", "upload")
    assert table.register_on_complete("rows")._definition == table._definition
    assert OutputFileDatasetConfig("p").read_parquet_files(path_glob="*.parquet").drop_columns("a")._definition["path_glob"] == "*.parquet"
