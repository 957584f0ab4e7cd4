"""What becomes of staging that fails half way, and what does it refuse to begin?"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_amlpipe.exceptions import DatastoreUnavailableError, DefinitionError
from airflow_amlpipe.spec.data import DatasetSource, DatastorePath, InputSpec
from airflow_amlpipe.storage import transfer
from airflow_amlpipe.storage.local import LocalStore
from airflow_amlpipe.workspace import WorkspaceStore, staging
from airflow_amlpipe.workspace.inputs import ResolvedInput, resolve_input
from airflow_amlpipe.workspace.staging import fetch_input

FILES = {f"raw/{name}.csv": name * 1000 for name in "abcdefghij"}


@pytest.fixture
def raw(workspace: WorkspaceStore, put_data: Callable[..., None]) -> ResolvedInput:
    put_data(FILES)
    source = DatasetSource(paths=(DatastorePath(datastore="workspaceblobstore", path="raw"),))
    return resolve_input(workspace, "step 'prepare'", InputSpec(name="raw", mode="download", source=source), {})


@pytest.fixture
def fail_after(workspace: WorkspaceStore, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Let copying fail with an error of the system after some files, each time or once; returns the names of what was copied."""

    def arm(files: int, number: int, *, times: int = 100) -> list[str]:
        if not isinstance(workspace.store, LocalStore):
            pytest.skip("what fails here is the system's copying, which a store that is no folder does not do")
        real, copied, failed = transfer._copy, [], [0]

        def copy(file: Any, *more: Any) -> None:
            if len(copied) >= files and failed[0] < times:
                failed[0] += 1
                raise OSError(number, os.strerror(number), file.target)
            real(file, *more)
            copied.append(file.name)

        monkeypatch.setattr(transfer, "_copy", copy)
        return copied

    return arm


def test_an_outage_is_waited_out_and_staging_goes_on_where_it_stopped(
    workspace: WorkspaceStore, raw: ResolvedInput, tmp_path: Path, fail_after: Callable[..., list[str]]
) -> None:
    copied = fail_after(4, errno.EIO, times=2)
    said: list[str] = []
    pauses: list[float] = []
    fetch_input(workspace, raw, tmp_path / "in", say=said.append, pause=pauses.append)
    assert sorted(copied) == sorted(name.removeprefix("raw/") for name in FILES)  # each once
    assert {path.name: path.read_text() for path in (tmp_path / "in").iterdir()} == {f"{name}.csv": name * 1000 for name in "abcdefghij"}
    assert len(pauses) == 2
    assert all("input 'raw': datastore" in sentence and "is asked for again" in sentence for sentence in said)


def test_an_outage_that_lasts_ends_the_try_and_leaves_nothing_staged(
    workspace: WorkspaceStore, raw: ResolvedInput, tmp_path: Path, fail_after: Callable[..., list[str]]
) -> None:
    """R03."""
    fail_after(4, errno.EIO)
    with pytest.raises(DatastoreUnavailableError, match="Input/output error"):
        fetch_input(workspace, raw, tmp_path / "in", pause=lambda _: None)
    assert not (tmp_path / "in").exists()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_says_what_is_needed_and_gives_back_what_it_took(
    workspace: WorkspaceStore, raw: ResolvedInput, tmp_path: Path, fail_after: Callable[..., list[str]], number: int
) -> None:
    """R24."""
    fail_after(4, number)
    pauses: list[float] = []
    with pytest.raises(
        DatastoreUnavailableError, match=r"input 'raw' needs 10000 bytes \(10 kB\) at .*/in, where .* are free.*AMLPIPE_HOME"
    ):
        fetch_input(workspace, raw, tmp_path / "in", pause=pauses.append)
    assert not (tmp_path / "in").exists()
    assert pauses == []


def test_an_outage_does_not_make_the_log_count_a_file_twice(
    workspace: WorkspaceStore, raw: ResolvedInput, tmp_path: Path, fail_after: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_after(4, errno.EIO, times=1)
    told: list[tuple[int, int]] = []
    monkeypatch.setattr("airflow_amlpipe.workspace.progress.TransferProgress.add", lambda _, files, size: told.append((files, size)))
    fetch_input(workspace, raw, tmp_path / "in", say=lambda _: None, pause=lambda _: None)
    assert (sum(files for files, _ in told), sum(size for _, size in told)) == (10, 10_000)


@pytest.mark.parametrize("names", [("A.csv", "a.csv"), ("Deep/x", "deep/y"), ("caf\u00e9", "cafe\u0301")])
def test_names_that_the_staging_disk_cannot_tell_apart_are_refused_before_anything_is_copied(
    workspace: WorkspaceStore, put_data: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: tuple[str, str]
) -> None:
    """R53."""
    put_data({f"raw/{name}": name for name in names})
    source = DatasetSource(paths=(DatastorePath(datastore="workspaceblobstore", path="raw"),))
    raw = resolve_input(workspace, "step 'prepare'", InputSpec(name="raw", mode="mount", source=source), {})
    fetch_input(workspace, raw, tmp_path / "kept")
    assert sorted(str(path.relative_to(tmp_path / "kept")) for path in (tmp_path / "kept").rglob("*") if path.is_file()) == sorted(names)
    monkeypatch.setattr(staging, "_are_one", lambda folder, first, second: True)
    with pytest.raises(DefinitionError, match="input 'raw': .* differ only in case or accents' encoding"):
        fetch_input(workspace, raw, tmp_path / "in")
    assert not list(tmp_path.glob("in/*"))


def test_whether_two_names_are_one_is_asked_of_the_file_system_itself(tmp_path: Path) -> None:
    """R53."""
    assert not staging._are_one(tmp_path, "A", "a")
    assert staging._are_one(tmp_path, "a", "a")
    assert not list(tmp_path.iterdir())


def test_what_is_staged_is_as_private_as_the_umask_and_nobody_elses(workspace: WorkspaceStore, raw: ResolvedInput, tmp_path: Path) -> None:
    """S25."""
    before = os.umask(0o077)
    try:
        fetch_input(workspace, raw, tmp_path / "in")
    finally:
        os.umask(before)
    modes = {stat.S_IMODE(path.lstat().st_mode) for path in (tmp_path / "in").iterdir()}
    assert (stat.S_IMODE((tmp_path / "in").lstat().st_mode), modes) == (0o700, {0o600})
