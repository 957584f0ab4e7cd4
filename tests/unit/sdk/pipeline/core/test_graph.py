"""Which values can be given to a pipeline?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from azureml.core import Dataset, Workspace
from azureml.data import OutputFileDatasetConfig
from azureml.data.datapath import DataPath
from azureml.exceptions import UserErrorException
from azureml.pipeline.core import PipelineParameter, Volatile
from azureml.pipeline.core.graph import PipelineParameter as PrivatelyImported


def test_it_is_one_class_wherever_it_is_imported_from() -> None:
    assert PrivatelyImported is PipelineParameter


@pytest.mark.parametrize("default", ["", "a", 3, True, 0.5])
def test_as_text_it_is_sdk_v1s_literal(default: Any) -> None:
    assert str(PipelineParameter("p", default)) == f"PipelineParameter_Name:p_Default:{default}"


@pytest.mark.parametrize("default", [None, [1], {"a": 1}, object()], ids=lambda default: type(default).__name__)
def test_a_default_of_another_type_is_refused(default: Any) -> None:
    with pytest.raises(
        ValueError,
        match=f"Default value is of unsupported type: {type(default).__name__}; .*use a str, int, float, bool, dataset or DataPath",
    ):
        PipelineParameter("p", default)


def test_a_default_is_required() -> None:
    with pytest.raises(TypeError):
        PipelineParameter("p")  # type: ignore[call-arg]


def test_data_is_a_default_too(ws: Workspace) -> None:
    store = ws.get_default_datastore()
    for default in (DataPath(store, "x"), Dataset.File.from_files((store, "x"), validate=False)):
        assert PipelineParameter("p", default).default_value is default


def test_data_is_never_volatile(ws: Workspace) -> None:
    place = DataPath(ws.get_default_datastore(), "x")
    with pytest.raises(UserErrorException, match="PipelineParameter 'p': data cannot be volatile; what a step reads always counts"):
        PipelineParameter("p", place, volatile=True)
    with pytest.raises(UserErrorException, match="cannot be volatile"):
        Volatile(PipelineParameter("p", place))


@pytest.mark.parametrize("name", ["", "-a", "a/b", "a\n", "x" * 256, "\ud800", 3, None])
def test_a_name_that_cannot_be_used_is_refused(name: Any) -> None:
    with pytest.raises(ValueError, match="PipelineParameter: the name .* cannot be used"):
        PipelineParameter(name, 1)


@pytest.mark.parametrize("name", ["learning-rate", "learning rate", "model.depth", "2nd", "_", "élève"])
def test_a_name_of_sdk_v1_can_be_used(name: str) -> None:
    assert PipelineParameter(name, 1).name == name


def test_the_reserved_name_is_refused() -> None:
    with pytest.raises(ValueError, match="PipelineParameter: the name 'amlpipe' is reserved"):
        PipelineParameter("amlpipe", 1)


def test_a_default_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="is no number"):
        PipelineParameter("p", float("nan"))


def test_the_graph_offers_the_ports_too() -> None:
    from azureml.pipeline.core import InputPortBinding
    from azureml.pipeline.core.graph import InputPortBinding as OfGraph

    assert OfGraph is InputPortBinding


@pytest.mark.parametrize("value", ["text", 1, 0.5, True, Path("rows.csv"), PipelineParameter("build", "b1")])
def test_text_numbers_and_parameters_can_be_volatile(value: Any) -> None:
    assert str(Volatile(value)) == str(value)


@pytest.mark.parametrize("value", [None, ["a"], OutputFileDatasetConfig(name="out"), Volatile(1)])
def test_data_and_what_is_no_value_cannot_be_volatile(value: Any) -> None:
    with pytest.raises(
        UserErrorException, match=r"cannot be volatile; use text, a number or a PipelineParameter\. What a step reads and writes"
    ):
        Volatile(value)


def test_a_parameter_is_volatile_only_when_it_is_said_in_so_many_words() -> None:
    assert (PipelineParameter("a", 1).volatile, PipelineParameter("a", 1, volatile=True).volatile) == (False, True)
    assert repr(PipelineParameter("a", 1, volatile=True)) == "PipelineParameter(name='a', default_value=1, volatile=True)"
    with pytest.raises(UserErrorException, match="volatile must be True or False, not 'yes'"):
        PipelineParameter("a", 1, volatile="yes")  # type: ignore[arg-type]
