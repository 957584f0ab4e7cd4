"""What may a run configuration say?"""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_amlpipe.exceptions import UnsupportedFeatureError
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


OF_SDK_V1 = """
script: train.py
arguments: [--rate, 0.5]
target: cpu
framework: Python
communicator: OpenMpi
nodeCount: 2
maxRunDurationSeconds: 60
mpi: {processCountPerNode: 3, nodeCount: 2}
environment:
  name: mine
  environmentVariables: {EXAMPLE: 1}
  python:
    interpreterPath: python
    userManagedDependencies: false
    condaDependenciesFile: conda.yml
  docker: {enabled: true, baseImage: "mcr/base:1", baseDockerfile: null}
"""


def test_a_configuration_that_sdk_v1_wrote_is_read(project: Path) -> None:
    (project / ".azureml").mkdir()
    (project / ".azureml" / "conda.yml").write_text("dependencies:\n- python=3.8\n- pip: [numpy]\n")
    (project / ".azureml" / "old.runconfig").write_text(OF_SDK_V1)
    found = RunConfiguration.load(str(project), "old")
    assert (found.script, found.arguments, found.target, found.communicator) == ("train.py", ["--rate", 0.5], "cpu", "OpenMpi")
    assert (found.node_count, found.mpi.process_count_per_node, found.max_run_duration_seconds) == (2, 3, 60)
    assert (found.environment.name, found.environment_variables) == ("mine", {"EXAMPLE": "1"})
    assert found.environment.docker.base_image == "mcr/base:1"
    assert list(found.environment.python.conda_dependencies.pip_packages) == ["numpy"]  # type: ignore[union-attr]


def test_dependencies_may_stand_in_the_configuration_itself(project: Path) -> None:
    (project / ".azureml").mkdir()
    text = "environment:\n  python:\n    condaDependencies:\n      dependencies: [{pip: [scipy]}]\n"
    (project / ".azureml" / "old.runconfig").write_text(text)
    found = RunConfiguration.load(str(project), "old")
    assert list(found.environment.python.conda_dependencies.pip_packages) == ["scipy"]  # type: ignore[union-attr]


def test_a_configuration_that_says_what_cannot_be_used_is_refused(project: Path) -> None:
    (project / ".azureml").mkdir()
    for text in ("mpi: {processes: 3}\n", "target: [1]\n", "environment: {python: {condaDependenciesFile: none.yml}}\n"):
        (project / ".azureml" / "old.runconfig").write_text(text)
        with pytest.raises(RunConfigurationException, match="run configuration '.*old.runconfig'"):
            RunConfiguration.load(str(project), "old")


def test_sections_come_back_as_they_were_saved(project: Path) -> None:
    config = RunConfiguration(command="python train.py")
    config.mpi.process_count_per_node, config.docker.shm_size, config.spark.configuration = 4, "8g", {"a": "b"}
    config.save(str(project), "mine")
    found = RunConfiguration.load(str(project), "mine")
    assert (found.command, found.mpi.process_count_per_node, found.docker.shm_size) == ("python train.py", 4, "8g")
    assert found.spark.configuration == {"a": "b"}


def test_data_is_not_saved_without_a_word(project: Path) -> None:
    config = RunConfiguration()
    config.data = {"x": 1}
    with pytest.raises(UnsupportedFeatureError, match="RunConfiguration.save with data is not supported"):
        config.save(str(project), "mine")


@pytest.mark.parametrize("name", ["../x", "a/b", "a\n", ""])
def test_a_name_that_leaves_its_folder_is_refused(project: Path, name: str) -> None:
    with pytest.raises(RunConfigurationException, match="the name .* cannot be used"):
        RunConfiguration.delete(str(project), name)
