"""What may a PythonScriptStep be given?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from airflow_amlpipe.sdk.lowering import lower_pipeline
from azureml.core import Workspace
from azureml.exceptions import UserErrorException
from azureml.pipeline.core import Pipeline, PipelineParameter, Volatile
from azureml.pipeline.steps import PythonScriptStep


def test_target_of_the_guides_is_the_compute_target(ws: Workspace) -> None:
    step = PythonScriptStep("train.py", source_directory="src", target="cpu")  # type: ignore[call-arg]
    assert lower_pipeline(Pipeline(ws, step), "x").steps[0].compute == "cpu"


def test_target_and_compute_target_together_are_refused() -> None:
    with pytest.raises(ValueError, match="give compute_target or target, not both"):
        PythonScriptStep("train.py", compute_target="cpu", target="gpu")


def test_an_unknown_argument_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match=r"step 'train.py': PythonScriptStep has no argument alow_reuse; check its spelling"):
        PythonScriptStep("train.py", alow_reuse=False)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"script_name": None}, "script_name is required"),
        ({"script_name": ""}, "script_name is required"),
        ({"runconfig": "local"}, "runconfig must be a RunConfiguration"),
        ({"allow_reuse": "yes"}, "allow_reuse must be True or False"),
        ({"params": ["a"]}, "params must be a dictionary"),
        ({"params": {"a": None}}, "params: 'a' is None of type NoneType"),
        ({"params": {"a\nb": 1}}, "step 'train.py': params: the name .* cannot be used"),
        ({"params": {"": 1}}, "params: the name"),
        ({"params": {3: 1}}, "params: the name 3"),
        (
            {"runconfig_pipeline_params": {"Nodes": PipelineParameter("n", 1)}},
            "'Nodes' is not known; the names are: MpiProcessCountPerNode, NodeCount",
        ),
    ],
)
def test_what_cannot_be_used_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PythonScriptStep(**{"script_name": "train.py", **changes})


@pytest.mark.parametrize("value", [3, "nodes", PipelineParameter("n", "3"), PipelineParameter("n", True), PipelineParameter("n", 0.5)])
def test_a_run_setting_takes_a_parameter_that_is_a_whole_number(value: Any) -> None:
    with pytest.raises(
        ValueError, match="runconfig_pipeline_params: 'NodeCount' is .*; give a PipelineParameter whose default is a whole number"
    ):
        PythonScriptStep("train.py", runconfig_pipeline_params={"NodeCount": value})


def test_hash_paths_has_no_effect_and_says_so() -> None:
    with pytest.warns(DeprecationWarning, match="hash_paths has no effect"):
        PythonScriptStep("train.py", hash_paths=["a.ipynb"])


@pytest.mark.parametrize(
    ("given", "age", "seconds"), [("7d", "7d", 604_800), (timedelta(hours=24), "1d", 86_400), ("90m", "90m", 5_400), (None, None, None)]
)
def test_a_step_can_say_how_old_a_result_may_be(ws: Workspace, given: Any, age: str | None, seconds: int | None) -> None:
    step = PythonScriptStep("train.py", source_directory="src")
    step.reuse_max_age = given
    assert step.reuse_max_age == age
    lowered = lower_pipeline(Pipeline(ws, [step]), "p").steps[0]
    assert lowered.reuse_max_age_seconds == seconds
    assert ("reuse_max_age_seconds" in lowered.model_dump_json()) == (given is not None)


@pytest.mark.parametrize("given", ["soon", 7, timedelta(0), timedelta(seconds=-5), ""])
def test_an_age_that_is_none_is_refused(given: Any) -> None:
    step = PythonScriptStep("train.py")
    with pytest.raises(
        UserErrorException, match=r"step 'train.py': reuse_max_age: .* is no length of time; write a whole number with its unit"
    ):
        step.reuse_max_age = given


@pytest.mark.parametrize("mine", [0.1, Volatile(0.1), PipelineParameter("rate", 0.5)])
def test_a_value_that_a_pipeline_parameter_would_hide_is_refused_as_in_sdk_v1(mine: Any) -> None:
    with pytest.raises(ValueError, match="Parameter name learning.rate is already in use: params has .*AML_PARAMETER_learning_rate"):
        PythonScriptStep("train.py", arguments=[PipelineParameter("learning-rate", 0.5)], params={"learning.rate": mine})


def test_one_pipeline_parameter_may_be_an_argument_and_an_entry_of_params() -> None:
    rate = PipelineParameter("rate", 0.5)
    assert PythonScriptStep("train.py", arguments=[Volatile(rate)], params={"rate": rate})._params == {"rate": rate}
