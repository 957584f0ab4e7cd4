"""Is what git keeps fit for every machine, and is all of the package in what is shipped?"""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.architecture.source_tree import PACKAGE, REPOSITORY, kept_files, package_modules

# "me", "x" and "hidden" are nobody's folders: tests of what a home may be called use them.
MACHINE_FOLDERS = re.compile(r"(?<![\w./~}-])/(?:work|root|home|Users|farm|private/tmp)/(?!(?:me|x|hidden)\b)[\w.]")
# Written apart, so that this file may be read by its own test.
REGISTRIES = re.compile("|".join((r"pypi\.o" + "rg", r"python" + r"hosted\.org", r"registry\.np" + "mjs", r"deb\.deb" + "ian")))
MERGE_MARKS = re.compile(r"^(?:<{7}|>{7}|={7})(?: |$)")
TEXT = {".py", ".md", ".toml", ".txt", ".yaml", ".yml", ".json", ".csv", ""}


def text_files() -> list[Path]:
    return [path for path in kept_files() if path.suffix in TEXT and path.name != "LICENSE"]


def found(pattern: re.Pattern[str]) -> list[str]:
    hits = []
    for path in text_files():
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if pattern.search(line):
                hits.append(f"{path.relative_to(REPOSITORY)}:{number}: {line.strip()}")
    return hits


def test_no_file_names_a_folder_of_somebodys_machine() -> None:
    assert found(MACHINE_FOLDERS) == []


def test_no_file_holds_what_a_merge_left() -> None:
    assert found(MERGE_MARKS) == []


def test_every_decision_has_a_number_of_its_own() -> None:
    numbers = [path.name[:4] for path in kept_files() if path.parent.name == "decisions"]
    assert sorted(numbers) == sorted(set(numbers))


def test_no_file_names_the_host_of_a_package_registry() -> None:
    assert found(REGISTRIES) == []


def test_constraints_are_pinned_versions_and_nothing_else() -> None:
    lines = (REPOSITORY / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*==[^\s;@/]+", line)] == []
    assert any(line.startswith("apache-airflow==3.") for line in lines)


def test_every_kept_file_is_small() -> None:
    assert [str(path) for path in kept_files() if path.stat().st_size > 256 * 1024] == []


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-d", str(folder)], cwd=REPOSITORY, check=True, capture_output=True)
    return folder


def test_the_wheel_holds_every_module_and_no_test(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = {str(module) for module in package_modules()}
    wanted |= {path.relative_to(REPOSITORY).as_posix() for path in PACKAGE.rglob("*.toml")}
    assert "airflow_amlpipe/sdk/coverage/azureml.core.toml" in wanted
    assert wanted <= names
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"airflow_amlpipe"}
    assert "airflow_amlpipe/py.typed" in names


def test_the_wheel_holds_what_a_step_finds_under_the_name_azureml(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    shim = {path.relative_to(PACKAGE.parent).as_posix() for path in (PACKAGE / "runtime" / "shim").rglob("*.py")}
    assert shim
    assert shim <= set(zipfile.ZipFile(wheel).namelist())
    assert not [name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("azureml")], "no azureml package is ever installed"


def test_the_wheel_tells_airflow_what_it_brings(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    archive = zipfile.ZipFile(wheel)
    (name,) = [name for name in archive.namelist() if name.endswith("entry_points.txt")]
    entry_points = archive.read(name).decode()
    assert "provider_info = airflow_amlpipe.get_provider_info:get_provider_info" in entry_points
    assert "amlpipe = airflow_amlpipe.plugins.amlpipe_plugin:AmlPipePlugin" in entry_points
    assert "amlpipe = airflow_amlpipe.cli:main" in entry_points


def test_the_source_archive_can_be_tested(built: Path) -> None:
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
    for wanted in ("Makefile", "constraints.txt", "dags/digits_training.py", "dags/digits/train/.amlignore", ".azureml/config.json"):
        assert wanted in names
    assert any(name.startswith("tests/") for name in names)
