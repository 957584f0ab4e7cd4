"""Is every unfinished write found, or is it said that not everything could be looked at?"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_amlpipe.exceptions import DatastoreUnavailableError
from airflow_amlpipe.fingerprint.scan import UNFINISHED
from airflow_amlpipe.storage.local import LocalStore
from airflow_amlpipe.storage.unfinished import unfinished_writes

Refuse = Callable[[str, int], None]


@pytest.fixture
def refuse(monkeypatch: pytest.MonkeyPatch) -> Refuse:
    """Let the system refuse to list folders of a name; who is root may list them all."""
    list_folder = os.scandir

    def refuse_it(name: str, number: int) -> None:
        def scandir(folder: str = ".") -> object:
            if os.path.basename(folder) == name:
                raise OSError(number, os.strerror(number), folder)
            return list_folder(folder)

        monkeypatch.setattr(os, "scandir", scandir)

    return refuse_it


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "closed").mkdir()
    (tmp_path / "open").mkdir()
    (tmp_path / "open" / f"{UNFINISHED}x").write_bytes(b"half")
    return tmp_path


def test_a_folder_that_may_not_be_listed_is_trouble_and_not_clean(root: Path, refuse: Refuse) -> None:
    refuse("closed", errno.EACCES)
    with pytest.raises(DatastoreUnavailableError, match=r"could not list '?.*closed'?: Permission denied; let this user read the folder"):
        unfinished_writes(LocalStore(root))


def test_a_folder_that_went_away_holds_nothing(root: Path, refuse: Refuse) -> None:
    refuse("closed", errno.ENOENT)
    assert [left.path for left in unfinished_writes(LocalStore(root))] == [f"open/{UNFINISHED}x"]
    assert unfinished_writes(LocalStore(root), "nowhere") == []
