"""What happens to a script that imports what needs Azure, or is not here yet?"""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from airflow_amlpipe.exceptions import UnsupportedFeatureError
from azureml.train import hyperdrive


@pytest.mark.parametrize(
    ("module", "name", "advice"),
    [
        ("azureml.pipeline.steps", "DatabricksStep", "call that service from the script of a PythonScriptStep"),
        ("azureml.pipeline.steps", "AutoMLStep", "run the training script in a PythonScriptStep"),
        ("azureml.pipeline.steps", "ParallelRunStep", "go through the mini-batches in the script of a PythonScriptStep"),
        ("azureml.pipeline.steps", "ParallelRunConfig", "go through the mini-batches"),
        ("azureml.pipeline.steps", "HyperDriveStep", "make one PythonScriptStep for each set of values"),
        ("azureml.train.hyperdrive", "RandomParameterSampling", "make one PythonScriptStep for each set of values"),
        ("azureml.train.automl", "AutoMLConfig", "run the training script"),
        ("azureml.train.automl.run", "AutoMLRun", "run the training script"),
    ],
)
def test_it_can_be_imported_and_making_one_says_what_to_use_instead(module: str, name: str, advice: str) -> None:
    found: Any = getattr(importlib.import_module(module), name)
    for arguments in ((), ("a", 1)):
        with pytest.raises(UnsupportedFeatureError, match=f"{name} is not supported by airflow-amlpipe; .*{advice}"):
            found(*arguments)
    with pytest.raises(UnsupportedFeatureError, match=name):
        found(name="x", compute_target="cluster")


def test_the_values_of_a_hyperparameter_are_written_as_in_sdk_v1() -> None:
    assert hyperdrive.choice(1, 2) == hyperdrive.choice([1, 2]) == hyperdrive.choice(range(1, 3)) == ["choice", [[1, 2]]]
    assert hyperdrive.uniform(0.05, 0.1) == ["uniform", [0.05, 0.1]]
    assert hyperdrive.quniform(1, 9, 2) == ["quniform", [1, 9, 2]]
    assert hyperdrive.loguniform(-6, -1) == ["loguniform", [-6, -1]]
    assert hyperdrive.qloguniform(1, 2, 3) == ["qloguniform", [1, 2, 3]]
    assert hyperdrive.normal(10, 3) == ["normal", [10, 3]]
    assert hyperdrive.qnormal(1, 2, 3) == ["qnormal", [1, 2, 3]]
    assert hyperdrive.lognormal(1, 2) == ["lognormal", [1, 2]]
    assert hyperdrive.qlognormal(1, 2, 3) == ["qlognormal", [1, 2, 3]]
    assert hyperdrive.randint(8) == ["randint", [8]]
