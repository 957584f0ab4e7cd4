"""Which data is in a local folder, and is every change to it seen?"""

from __future__ import annotations

import os
import socket
import threading
import time
from pathlib import Path

import pytest

from airflow_amlpipe.exceptions import DatastoreUnavailableError, DefinitionError, SourceChangedError
from airflow_amlpipe.fingerprint import content, local_tree
from airflow_amlpipe.fingerprint import memo as memo_module
from airflow_amlpipe.fingerprint import scan as scan_module
from airflow_amlpipe.fingerprint.content import stat_token
from airflow_amlpipe.fingerprint.local_tree import identify_tree
from airflow_amlpipe.fingerprint.memo import HashMemo
from airflow_amlpipe.fingerprint.pattern import PathPattern
from airflow_amlpipe.fingerprint.scan import scan_tree


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    for path in ("a", "d/b", "d/c", "e/f/g"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(f"content of {path}")
    return folder


@pytest.fixture
def memo(tmp_path: Path) -> HashMemo:
    return HashMemo(tmp_path / "memo")


@pytest.fixture
def settled(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are trusted as soon as they are written, so that a test need not wait for two seconds, only for a tick of an old kernel."""
    time.sleep(0.05)
    monkeypatch.setattr(memo_module, "TICK_GUARD_NS", 0)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files whose content was read."""
    seen: list[str] = []

    def counted(path: str) -> tuple[str, str]:
        seen.append(os.path.basename(path))
        return content.hash_file(path)

    monkeypatch.setattr(local_tree, "hash_file", counted)
    return seen


def test_an_unchanged_folder_is_not_read_again(root: Path, memo: HashMemo, settled: None, reads: list[str]) -> None:
    first = identify_tree(root, memo)
    assert sorted(reads) == ["a", "b", "c", "g"]
    reads.clear()
    second = identify_tree(root, memo)
    assert (second, second.manifest()) == (first, first.manifest())
    assert not reads


def test_only_changed_files_are_read_again(root: Path, memo: HashMemo, settled: None, reads: list[str]) -> None:
    identify_tree(root, memo)
    reads.clear()
    (root / "d/b").write_text("other")
    (root / "d/new").write_text("new")
    changed = identify_tree(root, memo)
    assert sorted(reads) == ["b", "new"]
    assert changed.digest == identify_tree(root).digest


def test_touching_every_file_changes_nothing(root: Path, memo: HashMemo, settled: None) -> None:
    first = identify_tree(root, memo)
    for folder, _, names in os.walk(root):
        for name in names:
            os.utime(os.path.join(folder, name))
            os.chmod(os.path.join(folder, name), 0o600)
    assert identify_tree(root, memo) == first


@pytest.mark.parametrize("with_memo", [True, False])
def test_same_size_and_mtime_with_other_bytes_is_noticed(root: Path, memo: HashMemo, settled: None, with_memo: bool) -> None:
    """R46."""
    known = memo if with_memo else None
    first = identify_tree(root, known)
    before = (root / "a").stat()
    (root / "a").write_text("CONTENT OF a")
    os.utime(root / "a", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (root / "a").stat().st_mtime_ns == before.st_mtime_ns
    assert identify_tree(root, known).digest != first.digest


def test_a_file_put_in_the_place_of_another_with_all_its_times_is_noticed(root: Path, memo: HashMemo, settled: None) -> None:
    """R46."""
    first = identify_tree(root, memo)
    before = (root / "a").stat()
    (root / "x").write_text("CONTENT OF a")
    os.utime(root / "x", ns=(before.st_atime_ns, before.st_mtime_ns))
    os.replace(root / "x", root / "a")
    assert identify_tree(root, memo).digest != first.digest


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "a").unlink(),
        lambda root: (root / "a").rename(root / "b"),
        lambda root: (root / "d").rename(root / "dd"),
        lambda root: (root / "empty").mkdir(),
        lambda root: (root / "e/f/g").unlink(),
        lambda root: (root / "d/b").rename(root / "e/b"),
        lambda root: os.truncate(root / "a", 0),
    ],
    ids=["removed", "renamed", "folder renamed", "empty folder", "folder emptied", "moved", "truncated"],
)
def test_every_change_of_the_folder_is_noticed(root: Path, memo: HashMemo, settled: None, change: object) -> None:
    first = identify_tree(root, memo)
    change(root)  # type: ignore[operator]
    second = identify_tree(root, memo)
    assert second.digest != first.digest
    assert second.digest == identify_tree(root).digest


def test_files_written_less_than_two_seconds_ago_are_read_again(root: Path, memo: HashMemo, reads: list[str]) -> None:
    """R46."""
    identify_tree(root, memo)
    reads.clear()
    identify_tree(root, memo)
    assert sorted(reads) == ["a", "b", "c", "g"]


def test_a_file_from_the_future_is_never_trusted_and_the_others_are(root: Path, memo: HashMemo, settled: None, reads: list[str]) -> None:
    """R46."""
    os.utime(root / "a", (time.time() + 10**6, time.time() + 10**6))
    first = identify_tree(root, memo)
    for _ in range(2):
        reads.clear()
        assert identify_tree(root, memo) == first
        assert reads == ["a"]


def test_files_of_the_epoch_are_trusted_by_their_ctime_alone(root: Path, memo: HashMemo, settled: None, reads: list[str]) -> None:
    """R46."""
    for path in ("a", "d/b", "d/c", "e/f/g"):
        os.utime(root / path, (0, 0))
    first = identify_tree(root, memo)
    reads.clear()
    assert identify_tree(root, memo) == first
    assert not reads


def test_a_clock_set_back_makes_everything_be_read_again(
    root: Path, memo: HashMemo, settled: None, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """R46, R17."""
    now = time.time_ns()
    monkeypatch.setattr(local_tree.time, "time_ns", lambda: now - 3600 * 10**9)
    identify_tree(root, memo)
    identify_tree(root, memo)
    assert len(reads) == 8


def test_a_manifest_asked_for_after_the_memo_went_is_read_from_the_files(root: Path, memo: HashMemo, settled: None) -> None:
    first = identify_tree(root, memo)
    recalled = identify_tree(root, memo)
    for path in memo.folder.iterdir():
        path.unlink()
    assert recalled.manifest() == first.manifest()


def test_a_manifest_asked_for_after_the_files_changed_is_refused(root: Path, memo: HashMemo, settled: None) -> None:
    identify_tree(root, memo)
    recalled = identify_tree(root, memo)
    for path in memo.folder.iterdir():
        path.unlink()
    (root / "a").write_text("other")
    with pytest.raises(SourceChangedError, match="after they were identified"):
        recalled.manifest()


def test_processes_may_share_a_memo(root: Path, memo: HashMemo, settled: None) -> None:
    expected = identify_tree(root).digest
    found: set[str] = set()
    threads = [threading.Thread(target=lambda: found.update(identify_tree(root, memo).digest for _ in range(20))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {expected}


def test_a_file_that_keeps_changing_while_it_is_read_is_an_error(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """R44."""
    read = os.read

    def rewriting(descriptor: int, size: int) -> bytes:
        found = read(descriptor, size)
        with (root / "a").open("a") as file:
            file.write("more")
        return found

    monkeypatch.setattr(content.os, "read", rewriting)
    with pytest.raises(SourceChangedError, match=r"data/a' changed while it was being read.*run again"):
        identify_tree(root)


def test_a_file_that_changed_once_while_it_was_read_is_read_again(
    root: Path, memo: HashMemo, settled: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R44."""
    read = os.read
    changes = ["changed"]

    def rewriting(descriptor: int, size: int) -> bytes:
        found = read(descriptor, size)
        if changes and found == b"content of a":
            (root / "a").write_text(changes.pop())
        return found

    monkeypatch.setattr(content.os, "read", rewriting)
    found = identify_tree(root, memo)
    monkeypatch.undo()
    assert not changes
    assert found.digest == identify_tree(root).digest == identify_tree(root, memo).digest


def test_a_short_read_is_not_taken_for_the_end(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """R27."""
    expected = identify_tree(root)
    read = os.read
    monkeypatch.setattr(content.os, "read", lambda descriptor, size: read(descriptor, min(size, 3)))
    assert identify_tree(root) == expected


def test_a_file_that_goes_away_before_it_is_read_is_not_missed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """R47."""

    def gone(path: str) -> tuple[str, str]:
        (root / "a").unlink(missing_ok=True)
        return content.hash_file(path)

    monkeypatch.setattr(local_tree, "hash_file", gone)
    found = identify_tree(root)
    assert [file.path for file in found.manifest().files] == ["d/b", "d/c", "e/f/g"]


def test_large_files_are_hashed_as_small_ones_are(root: Path) -> None:
    body = os.urandom(3 << 20)
    for name in ("x", "y"):
        (root / name).write_bytes(body)
    hashes = {file.path: file.sha256 for file in identify_tree(root).manifest().files}
    assert hashes["x"] == hashes["y"] == content.hashlib.sha256(body).hexdigest()


def test_one_file_is_known_by_its_name_and_content(root: Path, memo: HashMemo) -> None:
    found = identify_tree(root / "a", memo)
    assert (found.file_count, found.size_bytes) == (1, 12)
    assert found.manifest().is_file
    assert [file.path for file in found.manifest().files] == ["a"]
    os.symlink("a", root / "z")
    assert [file.path for file in identify_tree(root / "z", memo).manifest().files] == ["z"]


def test_an_empty_folder_is_data_too(tmp_path: Path, memo: HashMemo) -> None:
    """R52."""
    found = identify_tree(tmp_path, memo)
    assert (found.file_count, found.size_bytes, found.manifest().empty_folders) == (0, 0, ("",))


def test_nothing_there_is_not_an_empty_folder(tmp_path: Path, memo: HashMemo) -> None:
    with pytest.raises(FileNotFoundError):
        identify_tree(tmp_path / "nothing", memo)


def test_a_pattern_chooses_files_below_the_folder(root: Path, memo: HashMemo, settled: None) -> None:
    (root / "empty").mkdir()
    os.mkfifo(root / "fifo")
    for _ in range(2):
        found = identify_tree(root, memo, pattern=PathPattern("d/*"))
        assert ([file.path for file in found.manifest().files], found.manifest().empty_folders) == (["d/b", "d/c"], ())
    assert identify_tree(root, memo, pattern=PathPattern("e/**")).digest != found.digest


def test_unfinished_writes_of_ours_are_no_data(root: Path) -> None:
    expected = identify_tree(root)
    (root / ".amlpipe-tmp-1").write_text("half")
    (root / "d/.amlpipe-tmp-2").mkdir()
    (root / "d/.amlpipe-tmp-2/x").write_text("half")
    assert identify_tree(root) == expected


def test_a_link_inside_stands_for_its_content(root: Path, memo: HashMemo, settled: None) -> None:
    os.symlink("../a", root / "d/link")
    os.symlink(root / "e", root / "folder")
    found = identify_tree(root, memo)
    files = {file.path: file.sha256 for file in found.manifest().files}
    assert files["d/link"] == files["a"]
    assert files["folder/f/g"] == files["e/f/g"]
    (root / "a").write_text("other")
    changed = {file.path: file.sha256 for file in identify_tree(root, memo).manifest().files}
    assert changed["d/link"] == changed["a"] != files["a"]


def test_a_link_led_elsewhere_is_noticed(root: Path, memo: HashMemo, settled: None) -> None:
    os.symlink("b", root / "d/link")
    first = identify_tree(root, memo)
    (root / "d/link").unlink()
    os.symlink("c", root / "d/link")
    assert identify_tree(root, memo).digest != first.digest


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("../../outside", "leads out of"),
        ("/etc/hostname", "leads out of"),
        ("nothing", "leads nowhere"),
        ("link", "leads back to itself"),
        (".", "leads back to a folder it is in"),
        ("..", "leads back to a folder it is in"),
        ("../fifo", "a link to a FIFO"),
    ],
)
def test_a_link_that_cannot_be_followed_is_named(root: Path, target: str, message: str) -> None:
    """R51."""
    (root.parent / "outside").write_text("secret")
    os.symlink(target, root / "d/link")
    if target == "../fifo":
        os.mkfifo(root / "fifo")
        message = "FIFO"
    with pytest.raises(DefinitionError, match=message) as caught:
        identify_tree(root)
    assert "d/link" in str(caught.value) or target == "../fifo"


def test_two_folders_that_link_to_each_other_end_in_an_error(root: Path) -> None:
    """R51."""
    os.symlink("../e", root / "d/link")
    os.symlink("../d", root / "e/link")
    with pytest.raises(DefinitionError, match="leads back to a folder it is in"):
        identify_tree(root)


def test_links_that_multiply_end_in_an_error(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """R51."""
    monkeypatch.setattr(scan_module, "_MOST_FOLLOWED", 50)
    for level in range(20):
        (root / f"l{level}").mkdir()
        for name in "xy":
            os.symlink(f"../l{level + 1}", root / f"l{level}" / name)
    (root / "l20").mkdir()
    with pytest.raises(DefinitionError, match="more than 50 links"):
        identify_tree(root)


def test_a_fifo_is_refused_without_being_opened(root: Path) -> None:
    """R51."""
    os.mkfifo(root / "d/pipe")
    with pytest.raises(DefinitionError, match=r"d/pipe' is a FIFO.*remove it"):
        identify_tree(root)
    with pytest.raises(DefinitionError, match="is a FIFO"):
        identify_tree(root / "d/pipe")


def test_a_socket_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """R51."""
    monkeypatch.chdir(root)  # the path of a socket may not be long
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        with pytest.raises(DefinitionError, match="socket' is a socket"):
            identify_tree(root)


def test_a_fifo_put_in_the_place_of_a_file_does_not_hold_us_up(root: Path) -> None:
    """R51, S23."""
    path = root / "a"
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(SourceChangedError):
        content.hash_file(str(path))


@pytest.mark.parametrize("make", [lambda place: open(place, "wb").close(), os.mkdir], ids=["file", "folder"])
def test_a_name_that_is_no_text_is_refused_by_its_bytes(root: Path, make: object) -> None:
    """R49."""
    make(os.path.join(os.fsencode(root), b"bad\xff"))  # type: ignore[operator]
    with pytest.raises(DefinitionError, match=r"b'bad\\xff' in folder b'.*data' is not UTF-8; rename it"):
        identify_tree(root)


def test_trouble_is_not_absence(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """R23."""

    def refuse(path: str) -> tuple[str, str]:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(local_tree, "hash_file", refuse)
    with pytest.raises(DatastoreUnavailableError, match=r"data/a' could not be read: Permission denied; make it readable"):
        identify_tree(root)


def test_a_deep_folder_is_no_trouble(tmp_path: Path) -> None:
    """R48."""
    folder = tmp_path / "/".join(["d"] * 500)
    folder.mkdir(parents=True)
    (folder / "x").write_text("deep")
    assert identify_tree(tmp_path).file_count == 1


def test_the_walk_writes_stats_down_as_everywhere_else(root: Path) -> None:
    ((_, _, token),) = scan_tree(root).folders[0].files()
    assert token == stat_token((root / "a").stat())
