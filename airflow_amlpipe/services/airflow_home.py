"""Which Airflow does one local run have for itself?

Each run gets an Airflow home of its own with a private copy of a migrated SQLite database, so that any number of runs started at once
neither migrate nor lock each other. The template they copy is built once for each Airflow version, in a child process, under a file lock.

Settings are written to the home's ``airflow.cfg``; the user's own ``AIRFLOW__*`` variables and ``airflow.cfg`` belong to another Airflow
and are left out. ``AIRFLOW_CONN_*`` and ``AIRFLOW_VAR_*`` stay: datastores may be reached through them.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib import metadata, util
from pathlib import Path

from airflow_amlpipe.exceptions import BackendUnavailableError, shorten

__all__ = ["airflow_environment", "airflow_version", "create_airflow_home", "ensure_template", "package_folder"]

_SETTINGS_OF_ANOTHER_AIRFLOW = re.compile(r"_?AIRFLOW__.*|_AIRFLOW_.*|AIRFLOW_HOME|AIRFLOW_CONFIG")
_TEMPLATE_SECONDS = 300

# One line an option. Plugins and examples are other people's; namespace_levels keeps engine.log to what a reader looks for.
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
colored_console_log = False
logging_level = WARNING
namespace_levels = airflow_amlpipe=INFO airflow.task.operators=INFO
[dag_processor]
dag_bundle_storage_path = {home}/bundles
[usage_data_collection]
enabled = False
"""


def airflow_version() -> str:
    """Return the version of the installed Airflow without importing it.

    :raises BackendUnavailableError: this interpreter has no Airflow
    """
    try:
        return metadata.version("apache-airflow-core")
    except metadata.PackageNotFoundError as error:
        raise BackendUnavailableError(
            f"the engine cannot start: {sys.executable} has no Airflow; install apache-airflow 3.3 or newer beside airflow-amlpipe"
        ) from error


def airflow_environment(airflow_home: Path, home: Path, given: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a process that uses ``airflow_home``: ``given`` without the settings of another Airflow.

    Where Python may not keep bytecode beside its packages and nobody has compiled them, it is kept under ``home``:
    compiling Airflow's modules at every start takes longer (2.5 s) than everything else a start does.
    """
    environment = {name: value for name, value in given.items() if not _SETTINGS_OF_ANOTHER_AIRFLOW.fullmatch(name)}
    environment["AIRFLOW_HOME"] = str(airflow_home)
    environment["AIRFLOW_CONFIG"] = str(airflow_home / "airflow.cfg")
    environment["AMLPIPE_HOME"] = str(home)
    environment["PYTHONPATH"] = os.pathsep.join([str(package_folder()), *filter(None, [given.get("PYTHONPATH")])])
    may_write = not environment.get("PYTHONDONTWRITEBYTECODE") and os.access(_airflow_folder(), os.W_OK)
    if not may_write and not _has_bytecode():
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        environment["PYTHONPYCACHEPREFIX"] = str(home / "bytecode")
    return environment


def create_airflow_home(airflow_home: Path, home: Path) -> None:
    """Make ``airflow_home`` ready for one run.

    :raises BackendUnavailableError: no Airflow is installed, or its database could not be made
    """
    template = ensure_template(home)
    (airflow_home / "dags").mkdir(parents=True, exist_ok=True)
    _write_config(airflow_home)
    shutil.copyfile(template, airflow_home / "airflow.db")


def ensure_template(home: Path) -> Path:
    """Return a migrated, empty database of the installed Airflow, built first if need be; others who need it meanwhile wait.

    :raises BackendUnavailableError: it could not be built; nothing half-done is left where it is looked for
    """
    import fcntl

    folder = home / "airflow-template" / airflow_version()
    template = folder / "airflow.db"
    if template.exists():
        return template
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not template.exists():
            _build_template(template, home)
    return template


def package_folder() -> Path:
    """Return the folder that holds the package ``airflow_amlpipe``, which a child process must find whatever its working folder is."""
    return Path(__file__).resolve().parents[2]


def _build_template(template: Path, home: Path) -> None:
    with tempfile.TemporaryDirectory(dir=template.parent) as folder:
        scratch = Path(folder)
        _write_config(scratch)
        try:
            done = subprocess.run(
                [sys.executable, "-P", "-m", "airflow_amlpipe.services.airflow_template"],
                env=airflow_environment(scratch, home, os.environ),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                timeout=_TEMPLATE_SECONDS,
            )
        except subprocess.TimeoutExpired as error:
            raise BackendUnavailableError(f"Airflow's database could not be made in {_TEMPLATE_SECONDS} seconds; submit again") from error
        if done.returncode != 0 or not (scratch / "airflow.db").exists():
            last_words = " | ".join(done.stdout.strip().splitlines()[-5:])
            raise BackendUnavailableError(
                f"Airflow's database could not be made (exit code {done.returncode}): {shorten(last_words, 1000)}; "
                f"check the Airflow of {sys.executable} with 'airflow version'"
            )
        os.replace(scratch / "airflow.db", template)


def _write_config(airflow_home: Path) -> None:
    # '%' starts an interpolation in airflow.cfg.
    (airflow_home / "airflow.cfg").write_text(_CONFIG.format(home=str(airflow_home).replace("%", "%%")))


def _airflow_folder() -> Path:
    spec = util.find_spec("airflow")  # does not import it
    places = spec.submodule_search_locations if spec else None
    return Path(next(iter(places))) if places else Path()


def _has_bytecode() -> bool:
    return Path(util.cache_from_source(str(_airflow_folder() / "configuration.py"))).exists()
