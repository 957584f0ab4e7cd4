"""Is a copy what it should be, however it was made?"""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import pytest

from airflow_amlpipe.exceptions import SourceChangedError
from airflow_amlpipe.fingerprint.content import stat_token
from airflow_amlpipe.fingerprint.scan import UNFINISHED, scan_tree
from airflow_amlpipe.storage import transfer
from airflow_amlpipe.storage.transfer import FileCopy, copies_of_scan, copy_files, open_unchanged

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
    (source.parent / "outside").write_text("mine")
    (source.parent / "below/target").symlink_to(source.parent / "outside")
    copy_files([a_copy(source)])
    assert (source.parent / "outside").read_text() == "mine"
    assert not (source.parent / "below/target").is_symlink()


def test_a_copy_that_is_not_finished_has_not_its_name(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """R03."""
    seen: list[list[str]] = []
    real = transfer._transfer

    def look(*arguments: object, **options: object) -> object:
        seen.append([path.name[: len(UNFINISHED)] for path in (source.parent / "below").iterdir()])
        return real(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(transfer, "_transfer", look)
    copy_files([a_copy(source)])
    assert seen == [[UNFINISHED]]
    assert [path.name for path in (source.parent / "below").iterdir()] == ["target"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_copy_that_fails_leaves_nothing_behind(source: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """R24."""

    def refuse(*_: object, **__: object) -> str:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(transfer, "_transfer", refuse)
    with pytest.raises(OSError, match=os.strerror(number)):
        copy_files([a_copy(source)])
    assert not list((source.parent / "below").iterdir())


def test_a_copy_is_never_a_second_name_of_the_original(source: Path) -> None:
    copy_files([a_copy(source), a_copy(source, sha256=None, target=str(source.parent / "unchecked"))])
    assert source.stat().st_nlink == 1
    assert len({path.stat().st_ino for path in (source, source.parent / "below/target", source.parent / "unchecked")}) == 3


def swapped_for_a_link(tree: Path, above: bool) -> None:
    """Let ``tree/d/x`` be bytes of another place: the file a link now, or the folder it is in."""
    outside = tree.parent / "outside"
    outside.mkdir()
    (outside / "x").write_text("secret")
    if above:
        (tree / "d").rename(tree.parent / "d-before")
        (tree / "d").symlink_to(outside)
    else:
        (tree / "d/x").unlink()
        (tree / "d/x").symlink_to(outside / "x")


@pytest.mark.parametrize("above", [False, True], ids=["the file", "the folder above it"])
def test_what_takes_the_place_of_a_file_after_it_was_looked_at_is_neither_copied_nor_opened(tmp_path: Path, above: bool) -> None:
    """S23."""
    (tmp_path / "tree/d").mkdir(parents=True)
    (tmp_path / "tree/d/x").write_text("public")
    scan = scan_tree(tmp_path / "tree")
    ((_, real, token),) = (file for folder in scan.folders for file in folder.files())
    swapped_for_a_link(tmp_path / "tree", above)
    with pytest.raises(SourceChangedError, match="is not the file that it was"):
        copy_files(*copies_of_scan(scan, str(tmp_path / "copy")))
    assert not list((tmp_path / "copy").rglob("x"))
    with pytest.raises(SourceChangedError, match="is not the file that it was"), open_unchanged(real, token):
        pytest.fail("it was opened")


@pytest.mark.parametrize("kind", ["fifo", "gone", "written to"])
def test_a_file_that_is_another_now_is_not_opened(tmp_path: Path, kind: str) -> None:
    """R51, S23."""
    place = tmp_path / "x"
    place.write_text("public")
    token = stat_token(place.stat())
    if kind != "written to":
        place.unlink()
    if kind == "fifo":
        os.mkfifo(place)
    elif kind == "written to":
        place.write_text("PUBLIC")
    with pytest.raises(SourceChangedError, match="is not the file that it was"), open_unchanged(str(place), token):
        pytest.fail("it was opened")
