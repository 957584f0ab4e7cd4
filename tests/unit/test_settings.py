"""Where does a setting come from, and what is said when it cannot be read?"""

from __future__ import annotations

import sys
from dataclasses import FrozenInstanceError
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from airflow_amlpipe.exceptions import DefinitionError
from airflow_amlpipe.settings import Settings


@pytest.fixture
def airflow_options(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The section [amlpipe] of an Airflow that this process has imported."""
    options: dict[str, str] = {}
    module = ModuleType("airflow.sdk.configuration")
    module.conf = SimpleNamespace(get=lambda section, name, fallback: options.get(name, fallback) if section == "amlpipe" else fallback)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "airflow.sdk.configuration", module)
    return options


def test_without_any_setting_the_defaults_hold(airflow_options: dict[str, str]) -> None:
    settings = Settings.load({})
    assert settings.home == Path.home() / ".amlpipe"
    assert settings.workspace is None
    assert (settings.source_limit_bytes, settings.source_limit_files) == (2 * 1024**3, 100_000)
    assert settings.conda_packages_from_pypi is False


def test_airflows_section_is_read(airflow_options: dict[str, str]) -> None:
    airflow_options |= {"poll_interval_seconds": "1.5", "conda_packages_from_pypi": "True", "workspace": "file:///srv/ws"}
    settings = Settings.load({})
    assert (settings.poll_interval_seconds, settings.conda_packages_from_pypi, settings.workspace) == (1.5, True, "file:///srv/ws")


def test_the_environment_comes_before_airflows_section(airflow_options: dict[str, str]) -> None:
    airflow_options["source_limit_files"] = "10"
    assert Settings.load({"AMLPIPE_SOURCE_LIMIT_FILES": "20"}).source_limit_files == 20


def test_an_empty_variable_is_no_setting(airflow_options: dict[str, str]) -> None:
    airflow_options["source_limit_files"] = "10"
    assert Settings.load({"AMLPIPE_SOURCE_LIMIT_FILES": ""}).source_limit_files == 10


@pytest.mark.parametrize(("text", "size"), [("300000000", 300_000_000), ("300M", 300 * 1024**2), ("4g", 4 * 1024**3)])
def test_sizes_may_have_a_unit(airflow_options: dict[str, str], text: str, size: int) -> None:
    assert Settings.load({"AMLPIPE_SOURCE_LIMIT_BYTES": text}).source_limit_bytes == size


def test_home_is_made_absolute(airflow_options: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert Settings.load({"AMLPIPE_HOME": ".amlpipe"}).home == tmp_path / ".amlpipe"
    assert Settings.load({"AMLPIPE_HOME": "~/here"}).home == Path.home() / "here"


@pytest.mark.parametrize(
    ("variable", "text", "advice"),
    [
        ("AMLPIPE_SOURCE_LIMIT_FILES", "many", "give a whole number"),
        ("AMLPIPE_SOURCE_LIMIT_FILES", "10k", "give a whole number"),
        ("AMLPIPE_SOURCE_LIMIT_FILES", "0", "give at least 1"),
        ("AMLPIPE_SOURCE_LIMIT_BYTES", "-1", "give at least 1"),
        ("AMLPIPE_POLL_INTERVAL_SECONDS", "often", "give a number"),
        ("AMLPIPE_POLL_INTERVAL_SECONDS", "nan", "give at least 0.01"),
        ("AMLPIPE_POLL_INTERVAL_SECONDS", "inf", "give at least 0.01"),
        ("AMLPIPE_TERMINATE_GRACE_SECONDS", "-0.1", "give at least 0"),
        ("AMLPIPE_CONDA_PACKAGES_FROM_PYPI", "maybe", "give true or false"),
    ],
)
def test_a_value_that_cannot_be_read_is_refused_where_it_was_written(
    airflow_options: dict[str, str], variable: str, text: str, advice: str
) -> None:
    with pytest.raises(DefinitionError, match=f"environment variable {variable}: '{text}' cannot be used; {advice}"):
        Settings.load({variable: text})


def test_a_wrong_option_of_airflow_is_named_as_such(airflow_options: dict[str, str]) -> None:
    airflow_options["poll_interval_seconds"] = "often"
    with pytest.raises(DefinitionError, match=r"Airflow option \[amlpipe\] poll_interval_seconds: 'often'"):
        Settings.load({})


def test_settings_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().workspace = "elsewhere"  # type: ignore[misc]
