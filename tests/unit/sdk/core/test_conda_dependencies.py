"""Which packages does a specification name after it was changed?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from azureml.core.conda_dependencies import CondaDependencies
from azureml.exceptions import UserErrorException


def test_no_python_version_is_asked_for_unless_its_author_did() -> None:
    assert CondaDependencies().get_python_version() is None
    assert CondaDependencies.create(pip_packages=["numpy"]).get_python_version() is None
    assert CondaDependencies.create(python_version="3.10.18").get_python_version() == "3.10.18"
    assert CondaDependencies.create(conda_packages=["python=3.9"]).get_python_version() == "3.9"


@pytest.mark.parametrize(
    ("package", "version"), [("python=3.9", "3.9"), ("python==3.9.1", "3.9.1"), ("python>=3.9,<4", ">=3.9,<4"), ("python", None)]
)
def test_python_is_a_version_and_not_a_package(package: str, version: str | None) -> None:
    dependencies = CondaDependencies.create(conda_packages=[package, "git"])
    assert (dependencies.get_python_version(), list(dependencies.conda_packages)) == (version, ["git"])


def test_a_package_of_the_same_name_is_replaced() -> None:
    dependencies = CondaDependencies.create(pip_packages=["scikit-learn==1", "numpy"], conda_packages=["git=2"])
    dependencies.add_pip_package("scikit_learn[extra]>=2")
    dependencies.add_conda_package("conda-forge::git")
    assert list(dependencies.pip_packages) == ["scikit_learn[extra]>=2", "numpy"]
    assert list(dependencies.conda_packages) == ["conda-forge::git"]


def test_what_was_added_can_be_removed() -> None:
    dependencies = CondaDependencies.create(pip_packages=["numpy==2"], conda_packages=["git=2"])
    dependencies.add_channel("mine")
    dependencies.set_pip_option("--pre")
    dependencies.remove_pip_package("NumPy")
    dependencies.remove_conda_package("git")
    dependencies.remove_channel("mine")
    dependencies.remove_pip_option("--pre")
    assert dependencies.as_dict() == {"name": "project_environment", "dependencies": [], "channels": ["anaconda", "conda-forge"]}


def test_an_index_replaces_the_one_before() -> None:
    dependencies = CondaDependencies.create(pip_indexurl="https://a")
    dependencies.set_pip_index_url("https://b")
    assert list(dependencies.pip_options) == ["--index-url https://b"]


def test_requirements_of_one_package_are_merged() -> None:
    assert CondaDependencies.merge_requirements(["a>=1", "b", "a<2", "b"]) == ["a>=1,<2", "b"]


def test_what_is_saved_is_read_again(project: Path) -> None:
    dependencies = CondaDependencies.create(pip_packages=["numpy"], conda_packages=["git"], python_version="3.11")
    relative = dependencies.save_to_file(str(project), "env/mine.yml")
    assert CondaDependencies(str(project / relative)).as_dict() == dependencies.as_dict()
    assert CondaDependencies(dependencies.save()).as_dict() == dependencies.as_dict()
    assert "numpy" in dependencies.serialize_to_string()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"pip_packages": "numpy"}, r"pip_packages must be a list of packages, not the text 'numpy'; write \['numpy'\]"),
        ({"pip_packages": [3]}, "3 is no package"),
        ({"conda_packages": ["a\nb"]}, "is no package"),
        ({"python_version": "three"}, "python version 'three' cannot be used"),
    ],
)
def test_what_is_no_package_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(UserErrorException, match=message):
        CondaDependencies.create(**arguments)


def test_a_file_and_a_structure_are_refused() -> None:
    with pytest.raises(UserErrorException, match="not both"):
        CondaDependencies("a", {})
