"""Is a frozen source folder unpacked as it was, and never as something else?"""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from airflow_amlpipe.exceptions import AmlPipeError, DatastoreUnavailableError, ProtocolError, SourceChangedError
from airflow_amlpipe.fingerprint.source import SourceEntry, SourceSnapshot, snapshot_source
from airflow_amlpipe.storage.local import LocalStore
from airflow_amlpipe.storage.snapshots import extract_snapshot, put_snapshot
from airflow_amlpipe.storage.store import Store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "source"
    (found / "lib").mkdir(parents=True)
    (found / "empty").mkdir()
    (found / "train.py").write_text("print(1)\n" * 1000)
    (found / "lib/run.sh").write_text("#!/bin/sh")
    (found / "lib/run.sh").chmod(0o755)
    (found / "lib/link").symlink_to("../train.py")
    (found / "big").write_bytes(os.urandom(3_000_000))
    return found


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "store")


class FarStore(LocalStore):
    """A local store that cannot be read directly."""

    def local_path(self, path: str) -> Path | None:
        return None


@pytest.mark.parametrize("kind", [LocalStore, FarStore])
def test_what_is_unpacked_is_what_was_frozen(folder: Path, tmp_path: Path, kind: type[Store]) -> None:
    store = kind(tmp_path / "store")  # type: ignore[call-arg]
    snapshot = snapshot_source(folder)
    put_snapshot(store, "s/1.zip", folder, snapshot)
    target = tmp_path / "unpacked"
    assert extract_snapshot(store, "s/1.zip", target) == SourceSnapshot(snapshot.entries)
    assert snapshot_source(target).digest == snapshot.digest
    assert os.readlink(target / "lib/link") == "../train.py"
    assert os.access(target / "lib/run.sh", os.X_OK)
    assert not (target / ".amlpipe").exists()


def test_the_same_folder_gives_the_same_file(folder: Path, store: LocalStore) -> None:
    put_snapshot(store, "1.zip", folder, snapshot_source(folder))
    for path in folder.rglob("*"):
        os.utime(path, (1, 1), follow_symlinks=False)
    moved = folder.rename(folder.parent / "moved")
    put_snapshot(store, "2.zip", moved, snapshot_source(moved))
    assert store.read("1.zip") == store.read("2.zip")


def test_storing_again_does_nothing(folder: Path, store: LocalStore) -> None:
    snapshot = snapshot_source(folder)
    put_snapshot(store, "1.zip", folder, snapshot)
    stored = store.read("1.zip")
    (folder / "train.py").unlink()
    put_snapshot(store, "1.zip", folder, snapshot)
    assert store.read("1.zip") == stored


@pytest.mark.parametrize("change", ["content", "gone"])
def test_a_folder_that_changed_since_is_not_stored(folder: Path, store: LocalStore, change: str) -> None:
    """R45."""
    snapshot = snapshot_source(folder)
    (folder / "train.py").unlink()
    if change == "content":
        (folder / "train.py").write_text("other")
    with pytest.raises(SourceChangedError, match=r"'train.py' changed while the folder was being stored; nothing was stored"):
        put_snapshot(store, "1.zip", folder, snapshot)
    assert not store.exists("1.zip")


def test_no_snapshot_is_not_a_damaged_one(store: LocalStore, tmp_path: Path) -> None:
    for kind in (store, FarStore(tmp_path / "store")):
        with pytest.raises(FileNotFoundError):
            extract_snapshot(kind, "1.zip", tmp_path / "unpacked")


def test_a_torn_or_altered_file_is_never_unpacked_as_if_it_were_whole(folder: Path, store: LocalStore, tmp_path: Path) -> None:
    """R31, S06."""
    (folder / "big").unlink()
    snapshot = snapshot_source(folder)
    put_snapshot(store, "1.zip", folder, snapshot)
    content = store.read("1.zip")
    damaged = [content[:keep] for keep in range(0, len(content), 97)]
    damaged += [content[:at] + bytes([content[at] ^ 255]) + content[at + 1 :] for at in range(0, len(content), 13)]
    for number, body in enumerate(damaged):
        store.put("2.zip", body, durable=False)
        target = tmp_path / f"unpacked{number}"
        try:
            extract_snapshot(store, "2.zip", target)
        except AmlPipeError:
            continue
        assert snapshot_source(target).digest == snapshot.digest, "a byte that does not matter"


def forged(store: LocalStore, snapshot: SourceSnapshot, members: dict[str, bytes]) -> str:
    place = store.local_path("forged.zip")
    assert place is not None
    place.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(".amlpipe/snapshot.json", snapshot.encode())
        for name, body in members.items():
            archive.writestr(name, body)
    return "forged.zip"


def test_members_that_the_list_does_not_name_are_not_unpacked(store: LocalStore, tmp_path: Path) -> None:
    """S05."""
    path = forged(store, SourceSnapshot(()), {"../escaped": b"x", "/tmp/escaped": b"x", "more": b"x"})
    extract_snapshot(store, path, tmp_path / "a/unpacked")
    assert list((tmp_path / "a").rglob("*")) == [tmp_path / "a/unpacked"]


@pytest.mark.parametrize(
    ("entry", "members", "message"),
    [
        (SourceEntry("../escaped", "file", sha256="0" * 64, size=1), {"../escaped": b"x"}, "cannot be part of a source folder"),
        (SourceEntry("a", "link", target="../../escaped"), {}, "leads out"),
        (SourceEntry("a", "file", sha256="0" * 64, size=1), {"a": b"x"}, "is not what the list says"),
        (SourceEntry("a", "file", sha256="0" * 64, size=1), {"a": b"\0" * 50_000_000}, "is not what the list says"),
        (SourceEntry("a", "file", sha256="0" * 64, size=1), {}, "is damaged"),
    ],
    ids=["escape", "link out", "other content", "bomb", "missing"],
)
def test_a_forged_snapshot_is_refused(
    store: LocalStore, tmp_path: Path, entry: SourceEntry, members: dict[str, bytes], message: str
) -> None:
    """S05, S06."""
    path = forged(store, SourceSnapshot((entry,)), members)
    with pytest.raises(ProtocolError, match=message):
        extract_snapshot(store, path, tmp_path / "unpacked")


def test_nothing_is_written_through_a_link_of_the_same_snapshot(store: LocalStore, tmp_path: Path) -> None:
    # "d" is a link and a folder at once; links come last, so the link finds the folder in its way.
    """S05."""
    snapshot = SourceSnapshot(
        (
            SourceEntry("d", "link", target="e"),
            SourceEntry("d/a", "file", sha256="2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881", size=1),
        )
    )
    path = forged(store, snapshot, {"d/a": b"x"})
    with pytest.raises(AmlPipeError):
        extract_snapshot(store, path, tmp_path / "unpacked")
    assert not (tmp_path / "unpacked/e").exists()


def test_a_source_that_cannot_be_read_says_what_to_do(folder: Path, store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = snapshot_source(folder)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", "train.py")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(DatastoreUnavailableError, match=r"could not be packed: Permission denied \(train.py\)"):
        put_snapshot(store, "1.zip", folder, snapshot)
