"""Which data can a parameter name, and how is that written?"""

from __future__ import annotations

from typing import Any

import pytest

from airflow_amlpipe.exceptions import DefinitionError
from airflow_amlpipe.spec.data import DatasetSource, DatastorePath
from airflow_amlpipe.spec.parameter import ParameterSpec
from airflow_amlpipe.spec.parameter_value import DatasetById, ParameterValue, as_json, shown

PLACE = ParameterSpec(name="where", type="data_path", default=DatastorePath(datastore="lake", path="raw"))
DATASET = ParameterSpec(name="which", type="file_dataset", default=DatasetSource(name="iris", version=1))


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"datastore": "lake", "path": "raw/2024"}, "raw/2024"),
        ({"datastore": "lake"}, ""),
        ({"datastore": "lake", "path": "./raw//2024/"}, "raw/2024"),
        ({"DataStoreName": "lake", "RelativePath": "raw"}, "raw"),
        (DatastorePath(datastore="lake", path="raw"), "raw"),
    ],
)
def test_a_place_is_a_datastore_and_a_path_on_it(given: Any, path: str) -> None:
    assert PLACE.bind(given) == DatastorePath(datastore="lake", path=path)


@pytest.mark.parametrize(
    "path",
    ["../x", "a/../../b", "/etc/passwd", "s3://other/x", "C:\\x", "a\0b", "~root", "a/..\\..", "x" * 100_000],
)
def test_a_place_outside_its_datastore_is_refused(path: str) -> None:
    """S07."""
    with pytest.raises(DefinitionError, match="parameter 'where': the path"):
        PLACE.bind({"datastore": "lake", "path": path})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"name": "iris"}, DatasetSource(name="iris")),
        ({"name": "iris", "version": 3}, DatasetSource(name="iris", version=3)),
        ({"id": "an-id"}, DatasetById(id="an-id")),
        ({"paths": [{"datastore": "lake", "path": "raw"}]}, DatasetSource(paths=(DatastorePath(datastore="lake", path="raw"),))),
        ({"SavedDataSetReference": {"Id": "an-id"}}, DatasetById(id="an-id")),
        ({"DataSetReference": {"Id": None, "Name": "iris", "Version": "3"}}, DatasetSource(name="iris", version=3)),
        ({"DataSetReference": {"Name": "iris"}}, DatasetSource(name="iris")),
        (DatasetSource(name="iris", version=3, paths=(DatastorePath(datastore="lake"),)), DatasetSource(name="iris", version=3)),
    ],
)
def test_a_dataset_is_named_by_name_id_or_paths(given: Any, expected: ParameterValue) -> None:
    assert DATASET.bind(given) == expected


@pytest.mark.parametrize("parameter", [PLACE, DATASET], ids=lambda parameter: parameter.type)
@pytest.mark.parametrize(
    "given", ["text", 3, None, True, ["lake"], {}, {"a": 1}, {"datastore": 1}, {"name": "iris", "version": "x"}, {"id": 3}]
)
def test_what_names_no_data_is_refused_with_the_shape_it_should_have(parameter: ParameterSpec, given: Any) -> None:
    with pytest.raises(DefinitionError, match=rf'parameter .{parameter.name}. takes a .*, as \{{"'):
        parameter.bind(given)


@pytest.mark.parametrize("given", [{"name": "../x"}, {"id": "../../x"}, {"id": ""}, {"paths": [{"datastore": "lake", "path": "../x"}]}])
def test_a_name_that_would_leave_its_folder_is_refused(given: Any) -> None:
    """S07."""
    with pytest.raises(DefinitionError):
        DATASET.bind(given)


@pytest.mark.parametrize("value", [DatastorePath(datastore="lake", path="raw"), DatasetSource(name="iris", version=3), DatasetById(id="i")])
def test_what_is_written_is_read_back(value: Any) -> None:
    parameter = PLACE if isinstance(value, DatastorePath) else DATASET
    assert parameter.bind(as_json(value)) == value


def test_people_are_shown_which_data_it_is() -> None:
    paths = DatasetSource(paths=(DatastorePath(datastore="lake", path="a"), DatastorePath(datastore="lake", path="b")))
    values = [DatastorePath(datastore="lake", path="raw"), DatasetSource(name="iris"), DatasetById(id="i"), paths, 0.5]
    assert [shown(value) for value in values] == ["lake/raw", "dataset iris:latest", "dataset i", "dataset of lake/a, lake/b", "0.5"]


def test_data_is_never_volatile() -> None:
    with pytest.raises(DefinitionError, match="parameter 'where' is data, which cannot be volatile"):
        PLACE.model_copy(update={"volatile": True}).check()
