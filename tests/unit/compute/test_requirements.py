"""Which lines may an author hand to an installer?"""

from __future__ import annotations

import pytest

from airflow_amlpipe.compute.requirements import parse_conda_packages, parse_requirements
from airflow_amlpipe.exceptions import DefinitionError, EnvironmentBuildError
from airflow_amlpipe.spec.environment import EnvironmentSpec


def of(*lines: str, options: tuple[str, ...] = ()) -> EnvironmentSpec:
    return EnvironmentSpec(name="train-env", pip_requirements=lines, pip_options=options)


@pytest.mark.parametrize(
    "line",
    [
        "numpy",
        "scikit-learn==1.5.0",
        "scikit-learn ~= 1.5",
        "a>=1.2,<2,!=1.5.*",
        "a (>=1.2)",
        "ruamel.yaml<0.18",
        "A_b.c-d[x,y]==1.0+local.1",
        "a===weird-version_1",
        "numpy; python_version < '3.9'",
        'numpy==1.2 ; sys_platform == "linux" and python_version >= "3.8"',
        "numpy; (python_version<'3.9' or os_name=='nt') and extra == 'x'",
        "a @ https://example.com/a-1.0-py3-none-any.whl",
        "a[x] @ git+https://github.com/o/r@v1.0#subdirectory=x",
        "git+https://github.com/o/r.git@main",
        "https://example.com/a-1.0-py3-none-any.whl",
        "a @ file:///wheels/a-1.0-py3-none-any.whl",
    ],
)
def test_a_requirement_is_taken_as_it_is(line: str) -> None:
    assert parse_requirements(of(line)).lines == (line,)


@pytest.mark.parametrize(
    "line",
    [
        "-r other.txt",
        "--index-url http://evil",
        "-e .",
        "--pre",
        "a --hash=sha256:00",
        "a; rm -rf /",
        "a; $(id)",
        "a && b",
        "a | b",
        "a b",
        "a\n--index-url http://evil",
        "a\x00",
        "a \\",
        ".",
        "./wheels/a.whl",
        "/wheels/a.whl",
        "~/a",
        "..",
        "a==",
        "a=1.0",
        "a @ ssh://x",
        "a @ https://x y",
        "[x]",
        "$HOME",
        "a;",
        "é",
        "a; python_version < '3\u20289'",
    ],
)
def test_what_is_no_requirement_is_refused(line: str) -> None:
    """S32."""
    with pytest.raises(EnvironmentBuildError, match="environment 'train-env': the pip requirement") as caught:
        parse_requirements(of(line))
    assert isinstance(caught.value, DefinitionError)


def test_comments_and_empty_lines_are_passed_over() -> None:
    assert parse_requirements(of("", "  ", "# all of it", "numpy  # the array one", "a @ https://x/y#egg=a")).lines == (
        "numpy",
        "a @ https://x/y#egg=a",
    )


def test_azureml_packages_are_left_out_because_the_runtime_serves_them() -> None:
    found = parse_requirements(
        of("azureml-core==1.61", "azureml_defaults", "AzureML.SDK", "azureml", "azureml-dataset-runtime[fuse]", "numpy")
    )
    assert found.lines == ("numpy",)
    assert len(found.left_out) == 5


def test_the_extra_azureml_of_others_is_left_out() -> None:
    found = parse_requirements(of("mlflow[azureml]==2", "tool[azureml,pandas]", "azuremlish==1"))
    assert found.lines == ("mlflow==2", "tool[pandas]", "azuremlish==1")
    assert found.left_out == ("[azureml] of mlflow", "[azureml] of tool")


def test_options_of_the_list_are_taken() -> None:
    given = ("--index-url https://a/simple", "-f /wheels", "--extra-index-url=https://b/simple", "--pre", "--no-index", "--trusted-host b")
    assert parse_requirements(of("numpy", options=given)).options == (
        ("--index-url", "https://a/simple"),
        ("--find-links", "/wheels"),
        ("--extra-index-url", "https://b/simple"),
        ("--pre", ""),
        ("--no-index", ""),
        ("--trusted-host", "b"),
    )


@pytest.mark.parametrize(
    "option",
    [
        "--target /usr",
        "--config-settings x",
        "-r x",
        "--index-url",
        "--pre yes",
        "--index-url https://a --target /usr",
        "--index-url --pre",
        "--no-index=",
        "--find-links wheels",
        "numpy",
        "",
        "--index-url https://a\n--target /usr",
    ],
)
def test_every_other_option_is_refused(option: str) -> None:
    """S32."""
    with pytest.raises(EnvironmentBuildError, match="environment 'train-env': "):
        parse_requirements(of("numpy", options=(option,)))


def test_credentials_are_not_repeated_in_messages() -> None:
    with pytest.raises(EnvironmentBuildError) as caught:
        parse_requirements(of("numpy", options=("--index https://user:canary@host/simple",)))
    assert "canary" not in str(caught.value)


def test_conda_packages_name_the_version_of_python() -> None:
    spec = EnvironmentSpec(
        conda_packages=("python=3.9.7", "pip", "conda-forge::numpy=1.21", "scipy >=1.7", "azureml-core"), conda_channels=("conda-forge",)
    )
    conda = parse_conda_packages(spec)
    assert conda.python_version == "3.9.7"
    assert conda.packages == ("conda-forge::numpy=1.21", "scipy>=1.7")
    assert conda.as_requirements() == ("numpy==1.21.*", "scipy>=1.7")


@pytest.mark.parametrize(
    ("package", "requirement"),
    [
        ("numpy", "numpy"),
        ("numpy=1.21", "numpy==1.21.*"),
        ("numpy=1.21.*", "numpy==1.21.*"),
        ("numpy==1.21.0", "numpy==1.21.0"),
        ("numpy=1.21.0=py39_0", "numpy==1.21.0.*"),
        ("numpy==1.21.0=py39_0", "numpy==1.21.0"),
        ("numpy>=1.2,<2", "numpy>=1.2,<2"),
    ],
)
def test_a_conda_package_becomes_a_requirement(package: str, requirement: str) -> None:
    assert parse_conda_packages(EnvironmentSpec(conda_packages=(package,))).as_requirements() == (requirement,)


@pytest.mark.parametrize("package", ["--file x", "-c evil", "a b", "a; rm", "", "a\nb", "::a", "$(id)"])
def test_what_is_no_conda_package_is_refused(package: str) -> None:
    """S32."""
    with pytest.raises(EnvironmentBuildError, match="the conda package"):
        parse_conda_packages(EnvironmentSpec(conda_packages=(package,)))


@pytest.mark.parametrize("channel", ["--override", "a b", ""])
def test_what_is_no_conda_channel_is_refused(channel: str) -> None:
    """S32."""
    with pytest.raises(EnvironmentBuildError, match="the conda channel"):
        parse_conda_packages(EnvironmentSpec(conda_packages=("numpy",), conda_channels=(channel,)))
