"""Can the installed Airflow be started the fast way, and is the slow way still there when it cannot?"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_amlpipe.services.airflow_home import airflow_environment, create_airflow_home

pytestmark = pytest.mark.e2e

Run = Callable[[str], str]


@pytest.fixture
def run(tmp_path: Path, home: Path) -> Run:
    """Run a program with an Airflow home of its own and return the last line it prints."""
    create_airflow_home(tmp_path, home)
    environment = airflow_environment(tmp_path, home, os.environ)

    def call(program: str) -> str:
        done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()[-1]

    return call


def test_the_execution_api_of_the_installed_airflow_is_served_in_its_latest_version_alone(run: Run) -> None:
    # The application is built as dag.test() builds it; a route that only an old version has would be refused here.
    program = """
from airflow_amlpipe.services.engine_startup import import_airflow, serve_latest_version_only
import_airflow()
from airflow.api_fastapi.execution_api import versions
from airflow.api_fastapi.execution_api.app import InProcessExecutionAPI
app = InProcessExecutionAPI().app
print(len(list(versions.bundle.versions)), len(app.router.versioned_routers))
"""
    assert run(program) == "1 1"


def test_an_airflow_whose_private_parts_have_moved_is_left_as_it_is(run: Run) -> None:
    program = """
import airflow
import cadwyn.route_generation as moved
from airflow.api_fastapi.execution_api import versions
del moved._DELETED_ROUTE_TAG
from airflow_amlpipe.services.engine_startup import serve_latest_version_only
before = versions.bundle
print(serve_latest_version_only(), versions.bundle is before)
"""
    assert run(program) == "False True"


def test_garbage_is_collected_again_once_everything_is_imported(run: Run) -> None:
    program = """
import gc
from airflow_amlpipe.services.engine_startup import import_airflow
import_airflow()
print(gc.isenabled(), gc.get_freeze_count() > 100_000)
"""
    assert run(program) == "True True"
