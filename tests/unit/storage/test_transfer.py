"""Is a copy what it should be, however it was made?"""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import pytest

from airflow_amlpipe.exceptions import SourceChangedError
from airflow_amlpipe.storage import transfer
from airflow_amlpipe.storage.transfer import FileCopy, copy_files

BODY = os.urandom(2_500_000)
SHA256 = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "source").write_bytes(BODY)
    return tmp_path / "source"


def a_copy(source: Path, **changes: object) -> FileCopy:
    return FileCopy(
        **{"source": str(source), "target": str(source.parent / "below/target"), "size": len(BODY), "sha256": SHA256, **changes}
    )  # type: ignore[arg-type]


@pytest.fixture(params=["as it is", "clones", "refuses to copy in the kernel", "short writes"])
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """What the system can do."""
    if request.param == "clones":

        def clone(source: int, target: int, device: int) -> bool:
            os.pwrite(target, os.pread(source, len(BODY) + 1, 0), 0)
            return True

        monkeypatch.setattr(transfer, "_clone", clone)
    elif request.param == "refuses to copy in the kernel":

        def refuse(*_: object) -> int:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

        monkeypatch.setattr(transfer.os, "copy_file_range", refuse)
    elif request.param == "short writes":
        write = os.write
        monkeypatch.setattr(transfer.os, "write", lambda descriptor, body: write(descriptor, bytes(body[:100_000])))
    return str(request.param)


@pytest.mark.parametrize("sha256", [SHA256, None], ids=["checked", "unchecked"])
def test_every_byte_arrives(source: Path, system: str, sha256: str | None) -> None:
    copy_files([a_copy(source, sha256=sha256)])
    assert (source.parent / "below/target").read_bytes() == BODY


@pytest.mark.parametrize("changes", [{"sha256": "0" * 64}, {"size": 1}, {"size": len(BODY) + 1}])
def test_other_bytes_than_expected_are_refused(source: Path, system: str, changes: dict[str, object]) -> None:
    """R27."""
    with pytest.raises(SourceChangedError, match="run again when nobody writes to it"):
        copy_files([a_copy(source, **changes)])


def test_a_file_that_is_written_to_while_it_is_copied_is_refused(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """R45."""
    real = transfer._transfer

    def rewriting(*arguments: object, **options: object) -> object:
        found = real(*arguments, **options)  # type: ignore[arg-type]
        with source.open("r+b") as file:
            file.write(b"other")
        return found

    monkeypatch.setattr(transfer, "_transfer", rewriting)
    with pytest.raises(SourceChangedError, match="is not what it was"):
        copy_files([a_copy(source, sha256=None)])


def test_a_copy_can_be_written_to_whatever_the_original_allows(source: Path) -> None:
    """R55."""
    source.chmod(0o444)
    copy_files([a_copy(source)])
    assert (source.parent / "below/target").stat().st_mode & 0o600 == 0o600


def test_a_fifo_does_not_hold_us_up(tmp_path: Path) -> None:
    """R51."""
    os.mkfifo(tmp_path / "source")
    with pytest.raises(SourceChangedError):
        copy_files([a_copy(tmp_path / "source", size=0)])


def test_nothing_is_written_through_a_link_in_the_target(source: Path) -> None:
    """S24."""
    (source.parent / "below").mkdir()
    (source.parent / "below/target").symlink_to(source.parent / "outside")
    with pytest.raises(OSError, match="symbolic"):
        copy_files([a_copy(source)])
    assert not (source.parent / "outside").exists()
