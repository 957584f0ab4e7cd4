"""Which files does a step run with, and what changes their digest?"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_amlpipe.exceptions import DefinitionError, ProtocolError, SourceChangedError
from airflow_amlpipe.fingerprint import memo as memo_module
from airflow_amlpipe.fingerprint import source as source_module
from airflow_amlpipe.fingerprint.memo import HashMemo
from airflow_amlpipe.fingerprint.source import SourceEntry, SourceSnapshot, snapshot_source

HASH = "a" * 64


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "source"
    for path in ("train.py", "lib/model.py", "data/raw.csv", "README.md"):
        (found / path).parent.mkdir(parents=True, exist_ok=True)
        (found / path).write_text(f"# {path}")
    return found


def paths(folder: Path) -> list[str]:
    return [entry.path for entry in snapshot_source(folder).entries]


def test_without_an_ignore_file_everything_is_kept(folder: Path) -> None:
    (folder / ".hidden").write_text("")
    assert paths(folder) == [".hidden", "README.md", "data/raw.csv", "lib/model.py", "train.py"]


def test_amlignore_replaces_gitignore(folder: Path) -> None:
    (folder / ".gitignore").write_text("lib/\n")
    assert paths(folder) == ["README.md", "data/raw.csv", "train.py"]
    (folder / ".amlignore").write_text("# data is mounted\ndata\n*.md\n")
    assert paths(folder) == ["lib/model.py", "train.py"]


def test_only_the_ignore_file_of_the_folder_itself_counts(folder: Path) -> None:
    (folder / "lib/.gitignore").write_text("*")
    assert paths(folder) == ["README.md", "data/raw.csv", "lib/.gitignore", "lib/model.py", "train.py"]


def test_a_later_line_brings_a_file_back(folder: Path) -> None:
    (folder / "data/keep.csv").write_text("")
    (folder / ".amlignore").write_text("data/\n!data/keep.csv\n")
    assert paths(folder) == ["README.md", "data/keep.csv", "lib/model.py", "train.py"]


def test_what_is_never_source_is_left_out(folder: Path) -> None:
    for path in (".git/HEAD", "lib/__pycache__/model.pyc", ".amlpipe/state", "sub/.git"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("")
    assert paths(folder) == ["README.md", "data/raw.csv", "lib/model.py", "train.py"]


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: os.utime(folder / "train.py", (1, 1)),
        lambda folder: (folder / "train.py").chmod(0o600),
        lambda folder: (folder / "ignored.log").write_text("more"),
        lambda folder: (folder / ".amlignore").write_text("# comment\n*.log\nlogs/\n"),
        lambda folder: (folder / ".gitignore").write_text("*"),
        lambda folder: (folder / "logs").mkdir(),
        lambda folder: (folder / "outputs").mkdir(),
        lambda folder: ((folder / "new").mkdir(), (folder / "new/a.log").write_text("")),
        lambda folder: (folder / "lib/__pycache__").mkdir(),
    ],
    ids=[
        "time",
        "mode",
        "ignored file",
        "comment in .amlignore",
        "unused .gitignore",
        "ignored folder",
        "empty outputs",
        "folder of ignored",
        "bytecode",
    ],
)
def test_what_does_not_change_the_digest(folder: Path, change: object) -> None:
    (folder / ".amlignore").write_text("*.log\nlogs/\n")
    before = snapshot_source(folder).digest
    change(folder)  # type: ignore[operator]
    assert snapshot_source(folder).digest == before


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "train.py").write_text("#"),
        lambda folder: (folder / "train.py").chmod(0o755),
        lambda folder: (folder / "train.py").rename(folder / "Train.py"),
        lambda folder: (folder / "README.md").unlink(),
        lambda folder: (folder / "empty").mkdir(),
        lambda folder: (folder / "link").symlink_to("train.py"),
        lambda folder: (folder / ".amlignore").write_text("README.md"),
    ],
    ids=["content", "executable", "renamed", "removed", "empty folder", "link", "ignored now"],
)
def test_what_changes_the_digest(folder: Path, change: object) -> None:
    before = snapshot_source(folder).digest
    change(folder)  # type: ignore[operator]
    assert snapshot_source(folder).digest != before


def test_the_place_does_not_matter(folder: Path) -> None:
    before = snapshot_source(folder).digest
    assert snapshot_source(folder.rename(folder.parent / "elsewhere")).digest == before


def test_links_are_text_and_absolute_ones_are_made_relative(folder: Path) -> None:
    (folder / "lib/one").symlink_to("../train.py")
    (folder / "lib/two").symlink_to(folder / "train.py")
    (folder / "three").symlink_to("lib")
    (folder / "lib/four").symlink_to("../../source/train.py")
    targets = {entry.path: entry.target for entry in snapshot_source(folder).entries if entry.kind == "link"}
    assert targets == {"lib/one": "../train.py", "lib/two": "../train.py", "three": "lib", "lib/four": "../train.py"}


def test_a_link_to_the_empty_folder_of_outputs_is_text_too(folder: Path) -> None:
    (folder / "outputs").mkdir()
    (folder / "results").symlink_to("outputs")
    assert SourceEntry("results", "link", target="outputs") in snapshot_source(folder).entries


def test_a_link_to_the_folder_itself_is_text_too(folder: Path) -> None:
    (folder / "lib/up").symlink_to("..")
    assert SourceEntry("lib/up", "link", target="..") in snapshot_source(folder).entries


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("../../outside", "leads out of the source folder"),
        ("/etc/hostname", "leads out of the source folder"),
        ("nothing", "leads nowhere"),
        ("bad", "leads back to itself"),
        ("../data/raw.csv", "which is left out of the source"),
    ],
)
def test_a_link_that_cannot_be_kept_is_named(folder: Path, target: str, message: str) -> None:
    """R51, S23."""
    (folder.parent / "outside").write_text("secret")
    (folder / ".amlignore").write_text("data\n")
    (folder / "lib/bad").symlink_to(target)
    with pytest.raises(DefinitionError, match=rf"lib/bad.*{message}"):
        snapshot_source(folder)


def test_a_link_that_is_left_out_may_lead_anywhere(folder: Path) -> None:
    (folder / ".amlignore").write_text("bad\n")
    (folder / "bad").symlink_to("/etc")
    assert "bad" not in paths(folder)


def test_a_fifo_is_refused_without_being_opened(folder: Path) -> None:
    """R51."""
    os.mkfifo(folder / "pipe")
    with pytest.raises(DefinitionError, match=r"pipe' is no file.*\.amlignore"):
        snapshot_source(folder)


def test_a_name_that_is_no_text_is_refused(folder: Path) -> None:
    """R49."""
    Path(os.fsdecode(os.fsencode(folder) + b"/bad\xff")).write_text("")
    with pytest.raises(DefinitionError, match=r"b'bad\\xff'.*is not UTF-8; rename it"):
        snapshot_source(folder)


def test_a_missing_folder_and_a_file_are_refused(folder: Path) -> None:
    """R47."""
    with pytest.raises(DefinitionError, match="does not exist"):
        snapshot_source(folder / "nothing")
    with pytest.raises(DefinitionError, match="is a file; name the folder"):
        snapshot_source(folder / "train.py")


def test_an_ignore_file_that_is_no_text_is_refused(folder: Path) -> None:
    (folder / ".amlignore").write_bytes(b"\xff")
    with pytest.raises(DefinitionError, match=r"amlignore' is not UTF-8"):
        snapshot_source(folder)


@pytest.mark.parametrize("name", [".amlignore", ".gitignore"])
@pytest.mark.parametrize(
    ("make", "found"),
    [
        (os.mkfifo, "no plain file"),
        (os.mkdir, "a folder"),
        (lambda path: os.symlink("nowhere", path), "a link that leads to no file"),
        (lambda path: os.symlink("/dev/null", path), "a link that leads to no file"),
    ],
)
def test_an_ignore_file_that_is_no_file_is_refused_without_being_opened(
    folder: Path, name: str, make: Callable[[Path], None], found: str
) -> None:
    make(folder / name)
    with pytest.raises(DefinitionError, match=f"the ignore file '.*/{name}' is {found}; remove it, or write"):
        snapshot_source(folder)


def test_an_ignore_file_may_be_a_link_to_a_file(folder: Path) -> None:
    (folder / "ignored.txt").write_text("*.md\nlib\nignored.txt")
    (folder / ".amlignore").symlink_to("ignored.txt")
    assert paths(folder) == ["data/raw.csv", "train.py"]


def test_an_unreadable_file_says_what_to_do(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str) -> tuple[str, str]:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(source_module, "hash_file", refuse)
    with pytest.raises(DefinitionError, match=r"could not be read \(Permission denied\); make it readable, or leave it out"):
        snapshot_source(folder)


def test_a_file_that_goes_away_meanwhile_is_an_error_that_may_pass(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """R47."""

    def gone(path: str) -> tuple[str, str]:
        raise FileNotFoundError(2, "No such file or directory", path)

    monkeypatch.setattr(source_module, "hash_file", gone)
    with pytest.raises(SourceChangedError, match="went away"):
        snapshot_source(folder)


@pytest.mark.parametrize("limits", [{"limit_files": 3}, {"limit_bytes": 30}], ids=["files", "bytes"])
def test_above_a_hard_limit_the_largest_part_is_named(folder: Path, limits: dict[str, int]) -> None:
    """R48."""
    (folder / "data/raw.csv").write_text("x" * 1000)
    with pytest.raises(DefinitionError, match=r"holds more than .*\.amlignore, or raise source_limit"):
        snapshot_source(folder, **limits)
    assert snapshot_source(folder, limit_files=4, limit_bytes=2000).file_count == 4


def test_above_the_limits_of_azure_ml_there_is_a_warning(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not snapshot_source(folder).warnings
    monkeypatch.setattr(source_module, "_WARN_FILES", 3)
    (warning,) = snapshot_source(folder).warnings
    assert "4 files" in warning


@pytest.mark.parametrize(("one", "two"), [("A.py", "a.py"), ("\u00e9.py", "e\u0301.py"), ("Lib/x", "lib/x")])
def test_names_that_some_file_systems_cannot_hold_together_are_a_warning(folder: Path, one: str, two: str) -> None:
    """R53."""
    for name in (one, two):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("")
    assert "differ only in case" in snapshot_source(folder).warnings[0]


def test_an_unchanged_folder_is_not_read_again(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memo = HashMemo(tmp_path / "memo")
    first = snapshot_source(folder, memo)
    assert memo.recall("source", str(folder)) is None, "just written: not to be trusted yet"
    monkeypatch.setattr(memo_module, "TICK_GUARD_NS", 0)
    time.sleep(0.05)  # a tick of an old kernel
    snapshot_source(folder, memo)
    with monkeypatch.context() as patched:
        patched.setattr(source_module, "hash_file", None)
        assert snapshot_source(folder, memo) == first
    before = (folder / "train.py").stat()
    (folder / "train.py").write_text("# TRAIN.py")
    os.utime(folder / "train.py", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert snapshot_source(folder, memo).digest == snapshot_source(folder).digest != first.digest


def test_the_encoding_is_frozen() -> None:
    entries = (SourceEntry("b", "link", target="a"), SourceEntry("a", "file", True, HASH, 3), SourceEntry("c", "folder"))
    snapshot = SourceSnapshot(entries)
    assert snapshot.encode() == (
        b'{"entries":[["a","file",true,3,"' + b"a" * 64 + b'"],["b","link","a"],["c","folder"]],"format":"amlpipe/source/v1"}'
    )
    assert SourceSnapshot.decode(snapshot.encode()).digest == snapshot.digest
    assert (snapshot.size_bytes, snapshot.file_count) == (3, 1)


def encoded(*entries: list[object], **changes: object) -> bytes:
    return json.dumps({"entries": entries, "format": "amlpipe/source/v1", **changes}, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"[" * 100_000,
        encoded(format="amlpipe/source/v2"),
        encoded(["../a", "file", False, 1, HASH]),
        encoded(["/a", "file", False, 1, HASH]),
        encoded(["", "file", False, 1, HASH]),
        encoded([".amlpipe/snapshot.json", "file", False, 1, HASH]),
        encoded(["a", "file", False, -1, HASH]),
        encoded(["a", "file", False, 1, "short"]),
        encoded(["a", "file", 0, 1, HASH]),
        encoded(["a", "device"]),
        encoded(["a", "link", "/etc"]),
        encoded(["a", "link", "../b"]),
        encoded(["d/a", "link", "../../b"]),
        encoded(["a", "link", ""]),
        encoded(["b", "folder"], ["a", "folder"]),
        encoded(["a"]),
        encoded(["a", "folder", 1]),
    ],
)
def test_a_damaged_or_foreign_snapshot_is_not_believed(content: bytes) -> None:
    """R31."""
    with pytest.raises(ProtocolError, match="source snapshot"):
        SourceSnapshot.decode(content)
