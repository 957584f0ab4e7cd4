"""One home for all tests that start engines: the template of Airflow's database and the bytecode in it are made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.airflow_home import share_database


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    share_database(folder)
    return folder
