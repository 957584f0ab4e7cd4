"""Which Airflow do the tests run? A private one: its home is made before anything can import Airflow, and deleted at the end.

Engines that tests start have homes of their own, and a migrated database of all of them: making one takes as long as three runs.

Airflow reads its settings when it is first imported, so importing this module after that is an error and not a surprise.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

__all__ = ["AIRFLOW_HOME", "copy_database", "migrate_database", "share_database"]

_TEMPLATE_OF_ALL = "PYTEST_AIRFLOW_TEMPLATE"

_CONFIG = """\
[core]
dags_folder = {home}/dags
plugins_folder = {home}/plugins
load_examples = False
unit_test_mode = False
fernet_key =
[database]
sql_alchemy_conn = sqlite:///{home}/airflow.db
[logging]
base_log_folder = {home}/logs
logging_level = WARNING
[dag_processor]
dag_bundle_storage_path = {home}/bundles
[api]
base_url = http://airflow.example
[usage_data_collection]
enabled = False
"""


def _make_home() -> Path:
    if "airflow" in sys.modules:
        raise ImportError("Airflow was imported before tests/airflow_home.py, so it uses somebody's own home; import this module first")
    home = Path(tempfile.mkdtemp(prefix="amlpipe-tests-airflow-")).resolve()
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    (home / "dags").mkdir()
    (home / "airflow.cfg").write_text(_CONFIG.format(home=home))
    for name in [name for name in os.environ if re.fullmatch(r"_?AIRFLOW_.*", name)]:
        del os.environ[name]
    os.environ |= {"AIRFLOW_HOME": str(home), "AIRFLOW_CONFIG": str(home / "airflow.cfg")}
    return home


def _make_template_folder() -> Path:
    """Return the folder of the database that is copied; the workers of pytest-xdist are children of the process that makes it."""
    if _TEMPLATE_OF_ALL not in os.environ:
        made = os.environ[_TEMPLATE_OF_ALL] = tempfile.mkdtemp(prefix="amlpipe-tests-template-")
        atexit.register(shutil.rmtree, made, ignore_errors=True)
        (Path(made) / "airflow-template").mkdir()
    return Path(os.environ[_TEMPLATE_OF_ALL])


AIRFLOW_HOME = _make_home()
_TEMPLATE_HOME = _make_template_folder()


def migrate_database() -> None:
    """Create the database of this Airflow, and let it know its DAGs folder; takes about two seconds."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.utils.db import initdb

    initdb()
    DagBundlesManager().sync_bundles_to_db()


def share_database(home: Path) -> None:
    """Let the engines of a new $AMLPIPE_HOME copy the database of all tests; the first one that needs it makes it."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "airflow-template").symlink_to(_TEMPLATE_HOME / "airflow-template")


def copy_database(airflow_home: Path) -> None:
    """Give a new $AIRFLOW_HOME what ``airflow db migrate`` would make there."""
    from airflow_amlpipe.services.airflow_home import ensure_template

    airflow_home.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(ensure_template(_TEMPLATE_HOME), airflow_home / "airflow.db")
