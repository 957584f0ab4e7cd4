"""How may a dataset be handed to a step?"""

from __future__ import annotations

from typing import Any

import pytest

from airflow_amlpipe.exceptions import UnsupportedFeatureError
from azureml.core import Dataset, Workspace
from azureml.data.datapath import DataPath
from azureml.data.dataset_consumption_config import DatasetConsumptionConfig
from azureml.exceptions import UserErrorException
from azureml.pipeline.core import PipelineParameter


@pytest.fixture
def dataset(ws: Workspace) -> Any:
    return Dataset.File.from_files((ws.get_default_datastore(), "x"), validate=False)


def test_a_named_input_is_direct_until_it_is_bound(dataset: Any) -> None:
    named = dataset.as_named_input("data")
    mounted = named.as_mount("/data")
    assert (named.mode, mounted.mode, mounted.path_on_compute, named.as_download().mode) == ("direct", "mount", "/data", "download")
    assert mounted.name == "data"


def test_an_unnamed_input_has_no_random_name(dataset: Any) -> None:
    assert (dataset.as_mount().name, dataset.as_download("/x").path_on_compute) == (None, "/x")


def test_as_text_it_is_sdk_v1s_literal(dataset: Any) -> None:
    assert str(dataset.as_named_input("data")) == "DatasetConsumptionConfig:data"


@pytest.mark.parametrize("name", ["", "1a", "a b", "a-b", "x" * 300, None])
def test_a_name_that_cannot_be_a_variables_is_refused(dataset: Any, name: Any) -> None:
    with pytest.raises(UserErrorException, match="DatasetConsumptionConfig: the name .* cannot be used"):
        dataset.as_named_input(name)


def test_a_mode_that_is_not_known_is_refused(dataset: Any) -> None:
    with pytest.raises(UserErrorException, match="mode 'copy' is not known; use one of: direct, mount, download"):
        DatasetConsumptionConfig("data", dataset, "copy")
    for make in (lambda: DatasetConsumptionConfig("data", dataset, "hdfs"), dataset.as_hdfs):
        with pytest.raises(UnsupportedFeatureError, match="hdfs"):
            make()


@pytest.mark.parametrize("data", ["images", None, ("team", "images"), 3])
def test_what_is_no_data_is_refused(data: Any) -> None:
    with pytest.raises(
        UserErrorException,
        match="is no data; give a dataset, a PipelineParameter whose default is one, an output of another step, or a tuple",
    ):
        DatasetConsumptionConfig("data", data)


def test_a_parameter_whose_default_is_a_dataset_is_data(dataset: Any) -> None:
    parameter = PipelineParameter("p", dataset)
    config = DatasetConsumptionConfig("data", parameter).as_mount()
    assert (config.name, config.dataset, config.mode) == ("data", parameter, "mount")


def test_a_parameter_of_anything_else_is_refused_with_what_to_do(ws: Workspace) -> None:
    with pytest.raises(UserErrorException, match=r"PipelineParameter\(name='p', default_value='x'\) is no data"):
        DatasetConsumptionConfig("data", PipelineParameter("p", "x"))
    place = PipelineParameter("p", DataPath(ws.get_default_datastore(), "x"))
    with pytest.raises(
        UserErrorException, match=r"PipelineParameter 'p' is a DataPath; give the tuple \(parameter, DataPathComputeBinding\(\)\)"
    ):
        DatasetConsumptionConfig("data", place)


def test_a_table_has_no_files_to_mount_also_where_a_parameter_names_it(ws: Workspace) -> None:
    table = Dataset.Tabular.from_delimited_files((ws.get_default_datastore(), "x"), validate=False)
    config = DatasetConsumptionConfig("table", PipelineParameter("which", table))
    assert config.mode == "direct"
    for bind in (config.as_mount, config.as_download):
        with pytest.raises(UserErrorException, match="a table has no files to"):
            bind()
