"""Which folders of this machine may be the root of a datastore?"""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_amlpipe.exceptions import DefinitionError
from airflow_amlpipe.storage.local_roots import LocalRoots


@pytest.fixture
def airflow(tmp_path: Path) -> Path:
    home = tmp_path / "airflow"
    (home / "dags").mkdir(parents=True)
    return home


@pytest.mark.parametrize(
    "folder", ["/", "/etc", "/etc/ssl", "/proc/self", "/usr", "/usr/bin", "/home", "/tmp", "/srv/../etc", "/dev", "//"]
)
def test_a_folder_of_the_system_is_refused(folder: str) -> None:
    """S17."""
    with pytest.raises(
        DefinitionError, match=r"datastore 'lake': .* is a folder of the system; use another folder, or let an administrator"
    ):
        LocalRoots().check(folder, "datastore 'lake'")


@pytest.mark.parametrize(
    "folder", ["/srv/data", "/mnt/lake", "/home/me/data", "/data", "/dev/shm/x", "/usr/local/airflow/data", "/etcetera"]
)
def test_a_folder_of_data_may_be_one(folder: str) -> None:
    LocalRoots(airflow_home="/nowhere/airflow").check(folder, "datastore 'lake'")


@pytest.mark.parametrize(
    ("below", "trouble"),
    [
        (".", "holds Airflow's configuration"),
        ("airflow", "holds Airflow's configuration"),
        ("airflow/dags", "is read by Airflow itself"),
        ("airflow/dags/x", "is read by Airflow itself"),
        ("airflow/plugins", "is read by Airflow itself"),
        ("airflow/logs/x", "is read by Airflow itself"),
    ],
)
def test_what_airflow_reads_is_refused(airflow: Path, tmp_path: Path, below: str, trouble: str) -> None:
    """S17."""
    with pytest.raises(DefinitionError, match=trouble):
        LocalRoots(airflow_home=str(airflow)).check(str(tmp_path / below), "x")


def test_other_folders_of_airflows_may_be_one(airflow: Path, tmp_path: Path) -> None:
    roots = LocalRoots(airflow_home=str(airflow))
    for folder in (airflow / "data", tmp_path / "data", tmp_path / "airflow2"):
        roots.check(str(folder), "x")


def test_a_link_is_followed_first(airflow: Path, tmp_path: Path) -> None:
    """S17."""
    for name, target in {"a": Path("/etc"), "b": airflow}.items():
        (tmp_path / name).symlink_to(target)
        with pytest.raises(DefinitionError, match=rf"through a link: {target}"):
            LocalRoots(airflow_home=str(airflow)).check(str(tmp_path / name), "x")


def test_a_list_of_folders_allows_these_and_no_others(airflow: Path, tmp_path: Path) -> None:
    """S17."""
    (tmp_path / "out").symlink_to("/srv")
    roots = LocalRoots(allowed=(str(tmp_path), "/etc/data"), airflow_home=str(airflow))
    for folder in (tmp_path, tmp_path / "x/y", Path("/etc/data"), airflow / "dags"):
        roots.check(str(folder), "x")
    for folder in (tmp_path.parent, Path(f"{tmp_path}2"), Path("/srv"), tmp_path / "out/x", tmp_path / "..", Path("/etc/data2")):
        with pytest.raises(DefinitionError, match="is below none of the allowed folders"):
            roots.check(str(folder), "x")
