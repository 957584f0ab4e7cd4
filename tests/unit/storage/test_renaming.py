"""Does one name take the place of another in one step?"""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_amlpipe.storage import renaming
from airflow_amlpipe.storage.renaming import exchange, rename_exclusive


@pytest.mark.parametrize("has_renameat2", [True, False])
def test_nothing_is_renamed_over_something(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_renameat2: bool) -> None:
    if not has_renameat2:
        monkeypatch.setattr(renaming, "_system_call", lambda: None)
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").mkdir()
    with pytest.raises(FileExistsError):
        rename_exclusive(str(tmp_path / "a"), str(tmp_path / "b"))
    rename_exclusive(str(tmp_path / "a"), str(tmp_path / "c"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b", "c"]


def test_two_names_change_places(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").mkdir()
    assert exchange(str(tmp_path / "a"), str(tmp_path / "b"))
    assert (tmp_path / "a").is_dir()
    assert (tmp_path / "b").read_text() == "a"


def test_names_that_are_not_there_cannot_change_places(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        exchange(str(tmp_path / "a"), str(tmp_path / "b"))


def test_a_system_that_cannot_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renaming, "_system_call", lambda: None)
    assert not exchange(str(tmp_path / "a"), str(tmp_path / "b"))
