"""What software does an author ask for, and how is it kept?"""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from airflow_amlpipe.exceptions import EnvironmentBuildError
from airflow_amlpipe.sdk import azureml_requirements
from airflow_amlpipe.sdk.lowering_environment import lower_environment
from azureml.core import Environment, Workspace
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.environment import DockerBuildContext
from azureml.exceptions import UserErrorException

CONDA = """\
name: mine
channels: [conda-forge]
dependencies:
  - python=3.11
  - numpy=2.0
  - pip
  - pip:
      - --extra-index-url https://example.org/simple
      - scikit-learn==1.9.1
"""


def test_a_conda_specification_is_read(project: Path) -> None:
    (project / "env.yml").write_text(CONDA)
    spec = lower_environment(Environment.from_conda_specification("e", "env.yml"))
    assert (spec.python_version, spec.conda_packages, spec.conda_channels) == ("3.11", ("numpy=2.0",), ("conda-forge",))
    assert (spec.pip_requirements, spec.pip_options) == (("scikit-learn==1.9.1",), ("--extra-index-url https://example.org/simple",))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1", "conda specification .*, line 1: this is not YAML"),
        ("- a", "must hold a mapping"),
        ("dependencies: numpy", "dependencies must be a list, not 'numpy'"),
        ("dependencies: [{conda: [a]}]", "is neither text nor a pip section"),
        ("dependencies: ['']", "'' is no package"),
        ("!!python/object/apply:os.system ['true']", "this is not YAML"),
        ("a: 1\na: 2", "line 2: the key 'a' is there more than once"),
    ],
)
def test_a_specification_that_cannot_be_read_says_where(project: Path, text: str, message: str) -> None:
    (project / "env.yml").write_text(text)
    with pytest.raises(UserErrorException, match=message):
        Environment.from_conda_specification("e", "env.yml")


def test_a_missing_file_is_named(project: Path) -> None:
    for make in (Environment.from_conda_specification, Environment.from_pip_requirements):
        with pytest.raises(UserErrorException, match="'nope' cannot be read"):
            make("e", "nope")


def test_pip_requirements_are_read(project: Path) -> None:
    (project / "requirements.txt").write_text("# ours\nnumpy>=2 # fast\n\n--index-url https://example.org\nscikit-learn \\\n  ==1.9.1\n")
    spec = lower_environment(Environment.from_pip_requirements("e", "requirements.txt"))
    assert spec.pip_requirements == ("numpy>=2", "scikit-learn    ==1.9.1")
    assert spec.pip_options == ("--index-url https://example.org",)


def test_requirements_that_lead_elsewhere_are_refused(project: Path) -> None:
    (project / "requirements.txt").write_text("numpy\n-r more.txt\n")
    with pytest.raises(UserErrorException, match="line 2: '-r more.txt' refers to another file or folder"):
        Environment.from_pip_requirements("e", "requirements.txt")


def test_an_image_manages_its_own_packages(project: Path) -> None:
    spec = lower_environment(Environment.from_docker_image("e", "python:3.11"))
    assert (spec.image, spec.user_managed) == ("python:3.11", True)
    (project / "env.yml").write_text(CONDA)
    spec = lower_environment(Environment.from_docker_image("e", "python:3.11", conda_specification="env.yml"))
    assert (spec.image, spec.user_managed, spec.conda_packages) == ("python:3.11", False, ("numpy=2.0",))
    with pytest.raises(UserErrorException, match="not both"):
        Environment.from_docker_image("e", "x", conda_specification="a", pip_requirements="b")


def test_a_dockerfile_is_text_or_a_path(project: Path) -> None:
    (project / "Dockerfile").write_text("FROM a\n")
    for given in ("Dockerfile", "FROM a\n"):
        spec = lower_environment(Environment.from_dockerfile("e", given))
        assert (spec.dockerfile, spec.image) == ("FROM a\n", None)


def test_an_existing_conda_environment_is_exported(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = project / "bin" / "conda"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\n[ "$4" = mine ] || {{ echo "no such environment" >&2; exit 1; }}\ncat <<END\n{CONDA}END\n')
    program.chmod(program.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    assert lower_environment(Environment.from_existing_conda_environment("e", "mine")).conda_packages == ("numpy=2.0",)
    with pytest.raises(UserErrorException, match="conda environment 'other' cannot be exported: no such environment"):
        Environment.from_existing_conda_environment("e", "other")
    monkeypatch.setenv("PATH", str(project))
    with pytest.raises(UserErrorException, match="neither conda, mamba nor micromamba is on the PATH"):
        Environment.from_existing_conda_environment("e", "mine")


def test_a_registered_environment_comes_back_whole(ws: Workspace) -> None:
    environment = Environment("e")
    environment.python.conda_dependencies = CondaDependencies.create(
        pip_indexurl="https://example.org", pip_packages=["numpy"], conda_packages=["git"], python_version="3.11"
    )
    environment.docker.base_image = "python:3.11"
    environment.environment_variables = {"A": "1"}
    registered = environment.register(ws)
    assert (registered.version, environment.version) == ("1", None)
    assert environment.register(ws).version == "1"
    environment.environment_variables = {"A": "2"}
    assert environment.register(ws).version == "2"
    found = Environment.get(ws, "e", version="1")
    assert lower_environment(found) == lower_environment(registered)
    assert Environment.get(ws, "e").version == Environment.get(ws, "e", label="latest").version == "2"
    assert {name: item.version for name, item in Environment.list(ws).items() if not name.startswith("AzureML-")} == {"e": "2"}


def test_an_unknown_environment_lists_what_there_is(ws: Workspace) -> None:
    Environment("e").register(ws)
    with pytest.raises(UserErrorException, match="environment 'AzureML-Unheard-of' is not registered in the workspace; registered are: e"):
        Environment.get(ws, "AzureML-Unheard-of")
    with pytest.raises(UserErrorException, match="environment 'nope' is not registered"):
        Environment.get(ws, "nope", version="1.0")
    for version in ("9", "1.0"):
        with pytest.raises(UserErrorException, match=f"environment 'e' has no version '{version}'; its versions are: 1"):
            Environment.get(ws, "e", version=version)


def test_an_author_may_number_versions(ws: Workspace) -> None:
    environment = Environment("MyEnvironment")
    environment.version = "1.0"
    assert environment.register(ws).version == "1.0"
    assert Environment.get(ws, "MyEnvironment", "1.0").version == Environment.get(ws, "MyEnvironment").version == "1.0"


def test_a_clone_is_another_environment() -> None:
    environment = Environment("e")
    environment.environment_variables = {"A": "1"}
    clone = environment.clone("f")
    clone.environment_variables["A"] = "2"
    assert (clone.name, clone.version, environment.environment_variables) == ("f", None, {"A": "1"})


def test_a_saved_environment_comes_back(project: Path) -> None:
    environment = Environment("e")
    environment.python.conda_dependencies = CondaDependencies.create(pip_packages=["numpy"])
    environment.save_to_directory("saved")
    assert lower_environment(Environment.load_from_directory("saved")) == lower_environment(environment)
    with pytest.raises(UserErrorException, match="'saved' is not empty"):
        environment.save_to_directory("saved")
    with pytest.raises(UserErrorException, match="load_from_directory"):
        Environment.load_from_directory("nowhere")


@pytest.mark.parametrize(("of", "name"), [("environment", "pyhton"), ("python", "user_managed"), ("docker", "base_imgae")])
def test_a_misspelt_attribute_is_refused(of: str, name: str) -> None:
    environment = Environment("e")
    target = environment if of == "environment" else getattr(environment, of)
    with pytest.raises(AttributeError, match=f"has no attribute '{name}'; its attributes are:"):
        setattr(target, name, True)


def test_an_environment_needs_a_name() -> None:
    with pytest.raises(UserErrorException, match="Environment: the name '' cannot be used"):
        Environment("")


def test_an_environment_can_be_prepared_ahead(ws: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    environment = Environment("e")
    environment.python.user_managed_dependencies = True
    environment.python.interpreter_path = sys.executable
    assert environment.build_local(ws) == sys.executable
    built = environment.build(ws)
    built.wait_for_completion(show_output=True)
    assert (built.status, built.interpreter) == ("Succeeded", sys.executable)
    assert f"prepared: {sys.executable}" in capsys.readouterr().out
    environment.python.interpreter_path = "/no/such/python"
    with pytest.raises(EnvironmentBuildError, match="/no/such/python"):
        environment.build(ws)


@pytest.mark.parametrize(
    ("name", "packages"),
    [
        ("AzureML-Minimal", set()),
        ("AzureML-Tutorial", {"pandas", "scikit-learn", "matplotlib", "pyarrow"}),
        ("AzureML-Scikit-learn-0.20.3", {"scikit-learn", "pandas"}),
        ("AzureML-sklearn-1.5", {"scikit-learn", "joblib"}),
        ("AzureML-PyTorch-1.6-GPU", {"torch", "torchvision"}),
        ("AzureML-ACPT-pytorch-1.13-py38-cuda11.7-gpu", {"torch"}),
        ("AzureML-tensorflow-2.4-ubuntu18.04-py37-cpu-inference", {"tensorflow"}),
        ("azureml-lightgbm-3.2", {"lightgbm"}),
    ],
)
def test_a_curated_name_stands_for_packages(ws: Workspace, name: str, packages: set[str]) -> None:
    spec = lower_environment(Environment.get(ws, name))
    assert (spec.name, packages <= set(spec.pip_requirements)) == (name, True)
    assert spec.image is None


def test_curated_environments_are_listed_and_a_registered_one_goes_before(ws: Workspace) -> None:
    assert "AzureML-Tutorial" in Environment.list(ws)
    assert all(lower_environment(item).name == name for name, item in Environment.list(ws).items())
    clone = Environment.get(ws, "AzureML-Tutorial").clone("mine")
    clone.register(ws)
    mine = Environment("AzureML-Tutorial")
    mine.python.conda_dependencies = CondaDependencies.create(pip_packages=["numpy"])
    mine.register(ws)
    assert lower_environment(Environment.get(ws, "AzureML-Tutorial")).pip_requirements == ("numpy",)
    assert set(ws.environments) == {"AzureML-Tutorial", "mine"}


def test_a_version_is_found_by_its_labels(ws: Workspace) -> None:
    for package in ("numpy", "pandas"):
        environment = Environment("e")
        environment.python.conda_dependencies = CondaDependencies.create(pip_packages=[package])
        environment.register(ws)
    Environment.label(ws, "e", "1", ["prod", "old"])
    Environment.label(ws, "e", "2", ["prod"])
    assert [Environment.get(ws, "e", label=label).version for label in ("prod", "old", "latest")] == ["2", "1", "2"]
    with pytest.raises(UserErrorException, match="environment 'e' has no label 'nope'; its labels are: old, prod"):
        Environment.get(ws, "e", label="nope")
    with pytest.raises(UserErrorException, match="has no version '9'"):
        Environment.label(ws, "e", "9", ["x"])


def test_a_build_context_gives_its_dockerfile_unless_that_copies_files(ws: Workspace, project: Path) -> None:
    (project / "image").mkdir()
    (project / "image" / "Dockerfile").write_text("FROM python:3.12\nCOPY --from=builder /a /b\nRUN true\n")
    context = DockerBuildContext.from_local_directory(ws, "image")
    assert (
        lower_environment(Environment.from_docker_build_context("e", context)).dockerfile == (project / "image" / "Dockerfile").read_text()
    )
    (project / "image" / "Dockerfile").write_text("FROM python:3.12\nCOPY requirements.txt .\n")
    with pytest.raises(UserErrorException, match="line 2: 'COPY requirements.txt .' copies a file of the folder"):
        Environment.from_docker_build_context("e", context)
    for wrong, problem in ((DockerBuildContext(), "has to be a local folder"), ("image", "from_local_directory")):
        with pytest.raises(UserErrorException, match=problem):
            Environment.from_docker_build_context("e", wrong)  # type: ignore[arg-type]
    with pytest.raises(UserErrorException, match="is no folder"):
        DockerBuildContext.from_local_directory(ws, "nowhere")


@pytest.mark.parametrize(
    ("given", "installed", "noticed"),
    [
        (["azureml-defaults", "numpy"], ("numpy",), "azureml-defaults not installed"),
        (["azureml-dataprep[pandas,fuse]"], ("pandas",), "installed in their place: pandas"),
        (["azureml-dataset-runtime[fuse,pandas]~=1.61.0"], ("pandas", "pyarrow"), "installed in their place: pandas, pyarrow"),
        (["azureml-mlflow", "azureml-core==1.61"], ("mlflow-skinny",), "azureml-mlflow, azureml-core==1.61 not installed"),
        (["azureml-dataprep[pandas]", "pandas==2.2.0"], ("pandas==2.2.0",), "azureml-dataprep[pandas] not installed"),
        (["azureml_like"], ("azureml_like",), ""),
    ],
)
def test_packages_of_sdk_v1_are_replaced_and_that_is_said_once(
    given: list[str], installed: tuple[str, ...], noticed: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(azureml_requirements, "_told", set())
    environment = Environment("training")
    environment.python.conda_dependencies = CondaDependencies.create(pip_packages=given)
    for _ in range(2):
        assert lower_environment(environment).pip_requirements == installed
    said = capsys.readouterr().err
    assert (noticed in said, said.count("environment 'training'")) == (True, 1 if noticed else 0)


def test_a_specification_file_can_be_set(project: Path) -> None:
    (project / "env.yml").write_text(CONDA)
    environment = Environment("e")
    environment.python.conda_dependencies_file = "env.yml"
    assert environment.python.conda_dependencies is not None
    assert environment.python.conda_dependencies.get_python_version() == "3.11"


def test_an_environment_that_is_printed_shows_its_packages_and_no_login() -> None:
    environment = Environment("e")
    packages = environment.python.conda_dependencies
    packages.add_pip_package("numpy==1.0")
    packages.add_pip_package("git+https://me:hush@git.example/a.git")
    packages.set_pip_option("--extra-index-url https://me:hush@index.example/simple")
    shown = str(environment)
    assert "'numpy==1.0'" in shown
    assert "index.example/simple" in shown
    assert "hush" not in shown
    assert " object at 0x" not in shown
