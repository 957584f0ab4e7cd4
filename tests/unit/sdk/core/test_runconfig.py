"""What may a run configuration say?"""

from __future__ import annotations

from pathlib import Path

import pytest

from azureml.core import RunConfiguration, Workspace
from azureml.core.compute import AmlCompute, ComputeTarget
from azureml.core.conda_dependencies import CondaDependencies
from azureml.exceptions import RunConfigurationException, UserErrorException


def test_defaults_are_sdk_v1s() -> None:
    config = RunConfiguration()
    assert (config.target, config.framework, config.node_count, config.environment.name) == ("local", "Python", 1, "default-environment")
    assert config.environment.python.user_managed_dependencies is False
    assert config.environment.python.interpreter_path == "python"


def test_an_unknown_attribute_cannot_be_set() -> None:
    config = RunConfiguration()
    for target, name in ((config, "enviroment"), (config.docker, "use_dokcer"), (config.mpi, "nodes"), (config.pytorch, "x")):
        with pytest.raises(AttributeError, match=f"has no attribute '{name}'; its attributes are:"):
            setattr(target, name, 1)


def test_a_target_is_an_object_or_a_name(ws: Workspace) -> None:
    config = RunConfiguration()
    config.target = ComputeTarget.create(ws, "cpu", AmlCompute.provisioning_configuration())
    assert config.target == "cpu"
    config.target = ("gpu", "AmlCompute")
    assert config.target == "gpu"
    with pytest.raises(UserErrorException, match="target 3 is no compute target"):
        config.target = 3


def test_packages_and_variables_are_the_environments() -> None:
    dependencies = CondaDependencies.create(pip_packages=["numpy"])
    config = RunConfiguration(conda_dependencies=dependencies)
    config.environment_variables = {"A": "1"}
    assert config.environment.python.conda_dependencies is dependencies
    assert config.environment.environment_variables == {"A": "1"}


def test_a_saved_configuration_comes_back(project: Path) -> None:
    config = RunConfiguration("train.py", ["--x", 1], conda_dependencies=CondaDependencies.create(pip_packages=["numpy"]))
    config.target, config.node_count, config.environment_variables = "cpu", 2, {"A": "1"}
    config.save(str(project), "mine")
    found = RunConfiguration.load(str(project), "mine")
    assert (found.script, found.arguments, found.target, found.node_count) == ("train.py", ["--x", "1"], "cpu", 2)
    assert list(found.environment.python.conda_dependencies.pip_packages) == ["numpy"]  # type: ignore[union-attr]
    assert found.environment_variables == {"A": "1"}
    RunConfiguration.delete(str(project), "mine")
    with pytest.raises(RunConfigurationException, match="run configuration"):
        RunConfiguration.load(str(project), "mine")
    with pytest.raises(RunConfigurationException, match="cannot be deleted"):
        RunConfiguration.delete(str(project), "mine")


def test_a_configuration_of_sdk_v1_itself_says_what_to_do(project: Path) -> None:
    (project / ".azureml").mkdir()
    (project / ".azureml" / "old.runconfig").write_text("target: cpu\n")
    with pytest.raises(RunConfigurationException, match="was not written by airflow-amlpipe; make a RunConfiguration"):
        RunConfiguration.load(str(project), "old")


@pytest.mark.parametrize("name", ["../x", "a/b", "a\n", ""])
def test_a_name_that_leaves_its_folder_is_refused(project: Path, name: str) -> None:
    with pytest.raises(RunConfigurationException, match="the name .* cannot be used"):
        RunConfiguration.delete(str(project), name)
