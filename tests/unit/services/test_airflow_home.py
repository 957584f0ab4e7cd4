"""What of the person's own Airflow does a local run see, and what does its own home hold?"""

from __future__ import annotations

import configparser
import sys
from pathlib import Path

import pytest

from airflow_amlpipe.exceptions import BackendUnavailableError
from airflow_amlpipe.services import airflow_home
from airflow_amlpipe.services.airflow_home import airflow_environment, airflow_version, create_airflow_home, ensure_template


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(airflow_home, "_has_bytecode", lambda: True)


def test_settings_of_another_airflow_are_left_out_and_connections_stay(tmp_path: Path, compiled: None) -> None:
    given = {
        "AIRFLOW_HOME": "/home/me/airflow",
        "AIRFLOW_CONFIG": "/home/me/airflow.cfg",
        "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
        "_AIRFLOW__AS_LIBRARY": "1",
        "_AIRFLOW_PARSING_CONTEXT_DAG_ID": "x",
        "AIRFLOW_CONN_LAKE": "s3://",
        "AIRFLOW_VAR_NAME": "value",
        "PATH": "/usr/bin",
    }

    found = airflow_environment(tmp_path / "airflow", tmp_path, given)

    assert {name: found[name] for name in found if name.startswith(("AIRFLOW", "_AIRFLOW"))} == {
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "AIRFLOW_CONFIG": str(tmp_path / "airflow" / "airflow.cfg"),
        "AIRFLOW_CONN_LAKE": "s3://",
        "AIRFLOW_VAR_NAME": "value",
    }
    assert (found["PATH"], found["AMLPIPE_HOME"]) == ("/usr/bin", str(tmp_path))


def test_the_engine_finds_our_package_first_and_the_persons_path_after_it(tmp_path: Path, compiled: None) -> None:
    found = airflow_environment(tmp_path, tmp_path, {"PYTHONPATH": "/mine:/yours"})

    assert found["PYTHONPATH"] == f"{airflow_home.package_folder()}:/mine:/yours"


def test_bytecode_is_kept_below_our_home_where_it_may_not_be_kept_beside_the_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(airflow_home, "_has_bytecode", lambda: False)

    found = airflow_environment(tmp_path / "airflow", tmp_path, {"PYTHONDONTWRITEBYTECODE": "1"})

    assert found["PYTHONPYCACHEPREFIX"] == str(tmp_path / "bytecode")
    assert "PYTHONDONTWRITEBYTECODE" not in found


def test_bytecode_that_is_there_is_used_and_the_persons_wish_respected(tmp_path: Path, compiled: None) -> None:
    found = airflow_environment(tmp_path / "airflow", tmp_path, {"PYTHONDONTWRITEBYTECODE": "1"})

    assert found["PYTHONDONTWRITEBYTECODE"] == "1"
    assert "PYTHONPYCACHEPREFIX" not in found


def test_a_home_has_its_own_copy_of_the_template_and_settings_that_name_it(tmp_path: Path) -> None:
    template = tmp_path / "airflow-template" / airflow_version() / "airflow.db"
    template.parent.mkdir(parents=True)
    template.write_bytes(b"a migrated database")
    home = tmp_path / "100% mine" / "airflow"

    create_airflow_home(home, tmp_path)

    assert (home / "airflow.db").read_bytes() == b"a migrated database"
    assert (home / "airflow.db").stat().st_ino != template.stat().st_ino
    settings = configparser.ConfigParser()
    settings.read(home / "airflow.cfg")
    assert settings["database"]["sql_alchemy_conn"] == f"sqlite:///{home}/airflow.db"
    assert settings["core"]["dags_folder"] == f"{home}/dags"
    assert settings["usage_data_collection"]["enabled"] == "False"


def test_a_template_that_cannot_be_built_says_why_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho 'no such table: ab_user'\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))

    with pytest.raises(BackendUnavailableError, match=r"exit code 3\): no such table: ab_user"):
        ensure_template(tmp_path)

    assert list(tmp_path.rglob("airflow.db")) == []


def test_an_interpreter_without_airflow_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise airflow_home.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(airflow_home.metadata, "version", missing)

    with pytest.raises(BackendUnavailableError, match=r"install apache-airflow 3\.3"):
        airflow_version()
