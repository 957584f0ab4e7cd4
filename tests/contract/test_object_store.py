"""What does a bucket do with names, folders and settings that are peculiar to buckets?"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from airflow_amlpipe.exceptions import DatastoreUnavailableError, DefinitionError
from airflow_amlpipe.fingerprint.local_tree import identify_tree
from airflow_amlpipe.storage import object_client
from airflow_amlpipe.storage.object_client import ObjectPlace
from airflow_amlpipe.storage.objects import ObjectStore
from tests.servers import azure_place, put_s3_object, s3_place

_PLACES: dict[str, Callable[..., ObjectPlace]] = {"s3": s3_place, "azure": azure_place}


@pytest.fixture(params=sorted(_PLACES))
def place(request: pytest.FixtureRequest) -> ObjectPlace:
    return _PLACES[request.param](prefix="ws", patience_seconds=5)


@pytest.fixture
def store(place: ObjectPlace) -> ObjectStore:
    return ObjectStore(place)


@pytest.mark.parametrize("call", ["read", "exists", "list_names", "create_exclusive", "put", "identify", "fetch", "ingest", "replace"])
def test_a_missing_bucket_is_named_and_is_no_absence(place: ObjectPlace, tmp_path: Path, call: str) -> None:
    store = ObjectStore(replace(place, bucket="nobody-made-this"))
    (tmp_path / "file").write_text("1")
    arguments = {"create_exclusive": ("a", b""), "put": ("a", b""), "fetch": ("a", tmp_path / "copy"), "replace": ("a", "b")}
    given = arguments.get(call) or ((tmp_path / "file", "a") if call == "ingest" else ("a",))
    with pytest.raises(DatastoreUnavailableError, match="there is no bucket or container 'nobody-made-this'; make it, or correct the URL"):
        getattr(store, call)(*given)


def test_a_server_that_does_not_answer_is_no_absence(place: ObjectPlace) -> None:
    store = ObjectStore(replace(place, config={**place.config, "endpoint": "http://127.0.0.1:9/devstoreaccount1"}, patience_seconds=1))
    for call in (store.read, store.exists, store.list_names, store.identify):
        with pytest.raises(DatastoreUnavailableError, match="nothing was recorded as done; run again when the store answers"):
            call("a")


@pytest.mark.parametrize("name", ["a\nb", "a\tb", "a\x7fb", "\ud800", "x" * 1100])
def test_a_name_that_no_bucket_keeps_is_refused_before_anything_is_stored(store: ObjectStore, tmp_path: Path, name: str) -> None:
    """R49."""
    for call in (lambda: store.put(f"d/{name}", b""), lambda: store.create_exclusive(name, b""), lambda: store.read(name)):
        with pytest.raises(DefinitionError, match="cannot be kept on .*; rename it"):
            call()
    if name in {"a\nb", "a\tb"}:
        source = tmp_path / "source"
        source.mkdir()
        (source / "good").write_text("1")
        (source / name).write_text("2")
        with pytest.raises(DefinitionError, match="the name has the control character"):
            store.ingest(source, "d")
    assert not store.exists("d")


def test_azure_never_takes_one_name_for_another(tmp_path: Path) -> None:
    r"""R49: Azure would store ``a\b`` as ``a/b``."""
    store = ObjectStore(azure_place())
    store.put("a/b", b"1")
    with pytest.raises(DefinitionError, match="Azure takes"):
        store.put("a\\b", b"2")
    assert store.read("a/b") == b"1"


@pytest.mark.parametrize("name", ["x/../../y", "x/..", "a//b", "./a"])
def test_names_that_would_leave_a_folder_are_refused_and_named(tmp_path: Path, name: str) -> None:
    """S01: somebody else put them there."""
    place = s3_place()
    store = ObjectStore(place)
    put_s3_object(place, f"d/{name}", b"1")
    for call in (lambda: store.identify("d"), lambda: store.match("d/**"), lambda: store.fetch("d", tmp_path / "copy")):
        with pytest.raises(DefinitionError, match=r"there is an object 'd/.*rename or delete it"):
            call()
    assert list(tmp_path.iterdir()) == []


def test_an_object_that_is_called_as_a_folder_is_refused(store: ObjectStore) -> None:
    store.put("d/a", b"1")
    store.put("d/a/b", b"2")
    with pytest.raises(DefinitionError, match="'d/a' is an object, and other objects lie below it as in a folder"):
        store.identify("d")
    assert store.identify("d/a").manifest().files[0].path == "b"


def test_what_a_console_makes_to_show_a_folder_is_no_file(tmp_path: Path) -> None:
    place = s3_place()
    store = ObjectStore(place)
    for key in ("d/", "d/sub/", "d/empty/"):
        put_s3_object(place, key, b"")
    store.put("d/sub/a", b"1")
    store.put("d/nothing", b"")
    store.fetch("d", tmp_path / "copy")
    found = {str(path.relative_to(tmp_path / "copy")): path.is_file() for path in (tmp_path / "copy").rglob("*")}
    assert found == {"sub": False, "sub/a": True, "empty": False, "nothing": True}


def test_our_unfinished_writes_are_no_data(store: ObjectStore) -> None:
    for path in ("d/a", "d/.amlpipe-tmp-1", "d/.amlpipe-tmp-2/b"):
        store.put(path, b"1")
    assert store.list_names("d") == ["a"]
    assert store.match("d/**") == ["d/a"]
    assert [file.path for file in store.identify("d").manifest().files] == ["a"]


def test_data_that_is_written_again_has_another_identity(store: ObjectStore) -> None:
    """R29, R46: no time and no size is believed."""
    store.put("d/a", b"1")
    before = store.identify("d")
    store.put("d/a", b"2")
    assert store.identify("d").digest != before.digest
    assert [file.size for file in store.identify("d").manifest().files] == [1]


def test_nothing_is_read_to_identify_data(store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(20):
        store.put(f"d/{number}", b"1")
    monkeypatch.setattr(type(store._client), "read", None)
    monkeypatch.setattr(type(store._client), "find", None)
    assert store.identify("d").file_count == 20


def test_more_objects_than_one_answer_lists_are_all_found(tmp_path: Path) -> None:
    """R42."""
    store = ObjectStore(s3_place())
    source = tmp_path / "source"
    source.mkdir()
    for number in range(1100):
        (source / f"{number}").write_bytes(b"")
    assert store.ingest(source, "d").file_count == 1100
    assert len(store.list_names("d")) == len(store.match("d/*")) == 1100
    store.remove_tree("d")
    assert not store.exists("d")


@pytest.mark.parametrize("checked", [True, False])
def test_large_files_go_in_parts_and_arrive_whole(store: ObjectStore, tmp_path: Path, checked: bool) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name, size in {"four": 4 << 20, "more": (4 << 20) + 1, "parts": 16 << 20, "odd": (17 << 20) + 3}.items():
        (source / name).write_bytes(os.urandom(size))
    written = identify_tree(source)
    manifest = written.manifest()
    found = store.ingest(source, "d")
    assert found == store.identify("d")
    store.fetch("d", tmp_path / "copy", manifest if checked else found.manifest())
    assert identify_tree(tmp_path / "copy") == written


def test_objects_too_large_to_be_copied_inside_a_store_are_copied_through_here(store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_client, "_LARGEST_COPY", 5)
    store.put("one/small", b"12345")
    store.put("one/large", b"123456")
    store.replace("one", "two")
    store.put("three/large", b"kept")
    store.overlay("one", "three", overwrite=False)
    assert {path: store.read(path) for path in store.match("t*/*")} == {
        "two/small": b"12345",
        "two/large": b"123456",
        "three/small": b"12345",
        "three/large": b"kept",
    }


def test_the_file_system_of_fsspec_sees_the_same_files(store: ObjectStore) -> None:
    store.put("d/a", b"1")
    files, root = store.filesystem()
    assert files.find(f"{root}/d") == [f"{root}/d/a"]
    assert files.cat_file(f"{root}/d/a") == b"1"
    store.put("d/b", b"2")
    assert len(files.find(f"{root}/d")) == 2


def test_two_stores_of_one_bucket_are_apart(place: ObjectPlace) -> None:
    one, two, whole = (ObjectStore(replace(place, prefix=prefix)) for prefix in ("a", "ab", ""))
    one.put("x", b"1")
    two.put("y", b"2")
    assert (one.match("**"), two.match("**"), whole.match("**")) == (["x"], ["y"], ["a/x", "ab/y"])
    one.remove_tree("x")
    assert whole.match("**") == ["ab/y"]


def test_without_obstore_it_is_said_what_to_install(place: ObjectPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(DatastoreUnavailableError, match=r"need obstore, which is not installed; run pip install 'airflow-amlpipe\[s3\]'"):
        ObjectStore(replace(place, prefix="other")).read("a")


def test_no_secret_is_in_a_message_or_what_is_shown(place: ObjectPlace) -> None:
    """S11: also not in what a traceback says of the cause."""
    canary = "c2VjcmV0LWNhbmFyeQ=="
    for name in ("access_key_id", "secret_access_key", "account_key"):
        if name in place.config:
            place = replace(place, config={**place.config, name: canary})
    store = ObjectStore(replace(place, bucket="nobody-made-this"))
    with pytest.raises(DatastoreUnavailableError) as caught:
        store.read("a")
    shown = repr(store) + repr(place) + str(caught.value)
    assert caught.value.__suppress_context__
    assert canary not in shown
