"""What does a local store do when the system refuses, and what do readers see meanwhile?"""

from __future__ import annotations

import errno
import os
import threading
import time
from pathlib import Path

import pytest

from airflow_amlpipe.exceptions import AmlPipeError, DatastoreUnavailableError
from airflow_amlpipe.storage import exclusive, local, transfer
from airflow_amlpipe.storage.local import LocalStore

TROUBLE = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "quota",
    errno.EACCES: "access",
    errno.EROFS: "read-only",
    errno.ENAMETOOLONG: "shorter names",
    errno.EMFILE: "ulimit",
    errno.EIO: "run again",
}


def refusing(code: int):  # type: ignore[no-untyped-def]
    def refuse(*arguments: object, **_: object) -> None:
        raise OSError(code, os.strerror(code))

    return refuse


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    found = LocalStore(tmp_path / "store")
    for path in ("data/a", "data/d/b"):
        found.put(path, path.encode(), durable=False)
    return found


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "source").mkdir()
    (tmp_path / "source/x").write_text("x")
    return tmp_path / "source"


@pytest.mark.parametrize("code", TROUBLE, ids=errno.errorcode.get)
@pytest.mark.parametrize("operation", ["create", "write", "copy", "replace", "lay over", "read", "list", "look for"])
def test_trouble_names_the_store_the_path_and_what_to_do(
    store: LocalStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, operation: str, code: int
) -> None:
    """R24, R25."""
    before = sorted(str(path) for path in tmp_path.rglob("*"))
    with monkeypatch.context() as patched:
        patched.setattr(exclusive, "write_all", refusing(code))
        patched.setattr(transfer, "_transfer", refusing(code))
        patched.setattr("builtins.open" if operation == "read" else "airflow_amlpipe.storage.local.os.listdir", refusing(code))
        if operation == "look for":
            patched.setattr(local.os, "stat", refusing(code))
        with pytest.raises(DatastoreUnavailableError, match=TROUBLE[code]) as caught:
            {
                "create": lambda: store.create_exclusive("data/new", b"x"),
                "write": lambda: store.put("data/a", b"x"),
                "copy": lambda: store.fetch("data", tmp_path / "copy"),
                "replace": lambda: store.replace("data", "fixed"),
                "lay over": lambda: store.overlay("data", "fixed", overwrite=True),
                "read": lambda: store.read("data/a"),
                "list": lambda: store.list_names("data"),
                "look for": lambda: store.exists("data/a"),
            }[operation]()
    message = str(caught.value)
    assert message.startswith(f"datastore {store.url}: could not {operation} ") or operation in {"copy", "replace", "lay over"}
    assert os.strerror(code) in message
    assert "nothing was recorded as done" in message
    left = sorted(str(path) for path in tmp_path.rglob("*") if path.name != "fixed" and path != tmp_path / "store/fixed/d")
    assert left == before, "no temporary file is left"
    assert store.read("data/a") == b"data/a"


def test_a_name_that_is_too_long_is_refused_by_the_system_itself(store: LocalStore) -> None:
    """R25, R49."""
    with pytest.raises(DatastoreUnavailableError, match="shorter names"):
        store.create_exclusive("x" * 300, b"")


def test_a_file_where_a_folder_is_needed(store: LocalStore) -> None:
    with pytest.raises(DatastoreUnavailableError, match="a file is where a folder is needed"):
        store.create_exclusive("data/a/below", b"")
    with pytest.raises(DatastoreUnavailableError, match=r"could not lay 'data/d' over 'data/a' .*a file is where a folder is needed"):
        store.overlay("data/d", "data/a", overwrite=True)
    assert store.read("data/a") == b"data/a"


def test_data_comes_over_from_another_file_system(store: LocalStore, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rename = local.rename_exclusive

    def across(start: str, end: str) -> None:
        if start == str(source):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), start, None, end)
        rename(start, end)

    monkeypatch.setattr(local, "rename_exclusive", across)
    store.ingest(source, "in")
    assert store.read("in/x") == b"x"
    assert not source.exists()
    assert store.list_names("") == ["data", "in"]


@pytest.mark.skipif(not os.path.isdir("/dev/shm"), reason="there is no second file system")
def test_data_comes_over_from_a_real_other_file_system(store: LocalStore) -> None:
    import tempfile

    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        (Path(folder) / "out/d").mkdir(parents=True)
        (Path(folder) / "out/d/x").write_text("x")
        store.ingest(Path(folder) / "out", "in", durable=True)
        assert os.listdir(folder) == []
    assert store.match("in/**") == ["in/d/x"]


def test_a_copy_that_failed_leaves_nothing_to_be_taken_for_data(store: LocalStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """R24."""
    transfer_one = transfer._transfer
    calls: list[int] = []

    def fail_second(*arguments: object, **options: object) -> object:
        calls.append(1)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return transfer_one(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(transfer, "_transfer", fail_second)
    with pytest.raises(DatastoreUnavailableError):
        store.fetch("data", tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


@pytest.mark.parametrize("can_exchange", [True, False])
def test_a_folder_is_replaced_with_and_without_exchange(store: LocalStore, monkeypatch: pytest.MonkeyPatch, can_exchange: bool) -> None:
    if not can_exchange:
        monkeypatch.setattr(local, "exchange", lambda first, second: False)
    store.put("fixed/old", b"")
    store.replace("data", "fixed")
    assert store.match("fixed/**") == ["fixed/a", "fixed/d/b"]
    assert sorted(os.listdir(store.local_path("") or "")) == ["data", "fixed"]


def test_a_reader_sees_the_old_folder_or_the_new_one(store: LocalStore) -> None:
    for version in ("1", "2"):
        for name in ("x", "y"):
            store.put(f"v{version}/{name}", version.encode(), durable=False)
    store.replace("v1", "fixed")
    stop = threading.Event()
    wrong: list[object] = []

    def look() -> None:
        while not stop.is_set():
            folder = os.open(store.local_path("fixed") or "", os.O_RDONLY)  # one folder, whatever its name leads to next
            try:
                seen = set()
                for name in ("x", "y"):
                    descriptor = os.open(name, os.O_RDONLY, dir_fd=folder)
                    seen.add(os.read(descriptor, 10))
                    os.close(descriptor)
                if len(seen) != 1:
                    wrong.append(seen)
            except FileNotFoundError:
                pass  # the old folder, opened just before it was deleted
            finally:
                os.close(folder)

    reader = threading.Thread(target=look)
    reader.start()
    for turn in range(30):
        store.replace(f"v{turn % 2 + 1}", "fixed")
    stop.set()
    reader.join()
    assert not wrong


def test_a_reader_of_a_single_file_always_finds_it(store: LocalStore) -> None:
    for version in ("1", "2"):
        store.put(f"v{version}", version.encode() * 100_000, durable=False)
    store.replace("v1", "fixed")
    stop = threading.Event()
    seen: set[bytes] = set()

    def look() -> None:
        while not stop.is_set():
            seen.add(store.read("fixed"))

    reader = threading.Thread(target=look)
    reader.start()
    for turn in range(100):
        store.replace(f"v{turn % 2 + 1}", "fixed")
    stop.set()
    reader.join()
    assert seen <= {b"1" * 100_000, b"2" * 100_000}


def test_a_link_is_removed_and_not_what_it_leads_to(store: LocalStore, source: Path) -> None:
    os.symlink(source, store.local_path("link") or "")
    store.remove_tree("link")
    assert not store.exists("link")
    assert (source / "x").exists()


def test_what_cannot_be_removed_is_said(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local.os, "rename", refusing(errno.EACCES))
    with pytest.raises(DatastoreUnavailableError, match="could not delete 'data'"):
        store.remove_tree("data")
    assert store.exists("data/a")


def test_an_unreadable_folder_is_not_an_empty_one(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """R23."""
    monkeypatch.setattr("airflow_amlpipe.fingerprint.scan.os.scandir", refusing(errno.EACCES))
    for call in (lambda: store.match("data/**"), lambda: store.identify("data"), lambda: store.replace("data", "fixed")):
        with pytest.raises(AmlPipeError, match="Permission denied"):
            call()


def test_a_crash_in_the_middle_of_a_write_is_not_seen(store: LocalStore) -> None:
    """R05."""
    leftover = Path(store.local_path("data") or "") / ".amlpipe-tmp-0123"
    leftover.write_bytes(b"half")
    assert store.list_names("data") == ["a", "d"]
    assert store.match("data/*") == ["data/a"]
    assert store.identify("data").file_count == 2


def test_an_object_that_is_referred_to_again_counts_as_written_now(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    place = store.local_path("data/a")
    os.utime(place, (1000, 1000))
    assert store.freshen("data/a")
    assert place.stat().st_mtime == 1000, "what was written or changed within the last day is left as it is"
    later = time.time() + 2 * 24 * 3600
    monkeypatch.setattr(local.time, "time", lambda: later)

    assert store.freshen("data/a")

    assert place.stat().st_mtime > 1000
    assert not store.freshen("data/none")


def test_an_object_that_belongs_to_somebody_else_is_written_again(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    inode = store.local_path("data/a").stat().st_ino
    later = time.time() + 2 * 24 * 3600
    monkeypatch.setattr(local.time, "time", lambda: later)
    monkeypatch.setattr(local.os, "utime", refusing(errno.EPERM))
    assert store.freshen("data/a")
    assert (store.read("data/a"), store.local_path("data/a").stat().st_ino != inode) == (b"data/a", True)
