"""Does a bucket keep its promise when requests fail, answers are lost and many create at once?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from airflow_amlpipe.exceptions import CommitUnknownError, DatastoreUnavailableError, SourceChangedError
from airflow_amlpipe.fingerprint.local_tree import identify_tree
from airflow_amlpipe.storage.object_client import ObjectPlace
from airflow_amlpipe.storage.objects import ObjectStore
from tests.faulty_server import Fault, FaultyServer, faulty
from tests.servers import azure_place, s3_place

_ALWAYS = 10**6
_PLACES: dict[str, Callable[..., ObjectPlace]] = {"s3": s3_place, "azure": azure_place}


@pytest.fixture(params=sorted(_PLACES))
def place(request: pytest.FixtureRequest) -> ObjectPlace:
    return _PLACES[request.param](prefix="ws", patience_seconds=4)


@pytest.fixture
def server(place: ObjectPlace) -> Iterator[FaultyServer]:
    with faulty(place.config["endpoint"].removesuffix("/devstoreaccount1")) as started:
        yield started
        # A fault that did not happen would have tested nothing.
        assert not [fault for fault in started.faults if 0 < fault.times < _ALWAYS // 2]


@pytest.fixture
def store(place: ObjectPlace, server: FaultyServer) -> ObjectStore:
    """The store as seen through the network that fails."""
    endpoint = server.url + ("/devstoreaccount1" if "devstoreaccount1" in place.config["endpoint"] else "")
    seen = ObjectStore(replace(place, config={**place.config, "endpoint": endpoint}))
    assert seen.create_exclusive("first", b"")  # the probe is behind us
    return seen


@pytest.fixture
def clear(place: ObjectPlace) -> ObjectStore:
    """The same store without the proxy."""
    return ObjectStore(place)


def test_a_lost_answer_is_not_taken_for_somebody_elses_object(store: ObjectStore, clear: ObjectStore, server: FaultyServer) -> None:
    """R19."""
    server.faults.append(Fault("PUT", "a/1", "lose"))
    assert store.create_exclusive("a/1", b"mine")
    assert clear.read("a/1") == b"mine"
    assert not clear.create_exclusive("a/1", b"mine")


def test_somebody_elses_object_is_not_taken_for_ours_after_a_lost_answer(
    store: ObjectStore, clear: ObjectStore, server: FaultyServer
) -> None:
    """R19."""
    assert clear.create_exclusive("a/1", b"same body")
    server.faults.append(Fault("PUT", "a/1", "lose"))
    assert not store.create_exclusive("a/1", b"same body")


@pytest.mark.parametrize(
    ("status", "code"), [(409, "ConditionalRequestConflict"), (429, "TooManyRequests"), (503, "SlowDown"), (500, "InternalError")]
)
def test_a_refusal_for_the_moment_is_tried_again_and_is_no_loss(
    store: ObjectStore, clear: ObjectStore, server: FaultyServer, status: int, code: str
) -> None:
    """R21."""
    server.faults.append(Fault("PUT", "a/1", "refuse", status, code, times=2))
    assert store.create_exclusive("a/1", b"mine")
    assert clear.read("a/1") == b"mine"


def test_a_creation_of_which_nobody_can_say_whether_it_happened_is_neither_won_nor_lost(
    store: ObjectStore, clear: ObjectStore, server: FaultyServer
) -> None:
    """R20: nothing is deleted, and a later attempt finds out."""
    server.faults += [Fault("PUT", "a/1", "lose", times=1), Fault("HEAD", "a/1", "refuse", 503, times=_ALWAYS)]
    server.faults += [Fault("PUT", "a/1", "refuse", 503, times=_ALWAYS), Fault("GET", "a/1", "refuse", 503, times=_ALWAYS)]
    with pytest.raises(CommitUnknownError, match="nobody can say whether 'a/1' was created.*nothing was deleted, run again to find out"):
        store.create_exclusive("a/1", b"mine")
    assert clear.read("a/1") == b"mine"


def test_a_store_that_refuses_for_too_long_has_stored_nothing(store: ObjectStore, clear: ObjectStore, server: FaultyServer) -> None:
    """R21."""
    server.faults.append(Fault("PUT", "a/1", "refuse", 503, times=_ALWAYS))
    with pytest.raises(DatastoreUnavailableError, match="could not create 'a/1' in 4 s; the last answer was HTTP 503 SlowDown"):
        store.create_exclusive("a/1", b"mine")
    assert not clear.exists("a/1")


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(
    "call", ["read", "exists", "list_names", "create_exclusive", "put", "identify", "match", "fetch", "ingest", "remove_tree"]
)
def test_credentials_that_expire_are_no_absence(
    store: ObjectStore, clear: ObjectStore, server: FaultyServer, tmp_path: Path, call: str, status: int
) -> None:
    """R23."""
    clear.put("d/a", b"1")
    (tmp_path / "file").write_text("1")
    server.faults += [Fault(method, "", "refuse", status, "Denied", times=_ALWAYS) for method in ("GET", "HEAD", "PUT", "POST", "DELETE")]
    arguments = {"create_exclusive": ("d/b", b""), "put": ("d/b", b""), "match": ("d/*",), "fetch": ("d", tmp_path / "copy")}
    given = arguments.get(call) or ((tmp_path / "file", "d/b") if call == "ingest" else ("d",))
    with pytest.raises(
        DatastoreUnavailableError, match=r"datastore .*could not .*HTTP 40[13].*nothing was recorded as done; the credentials"
    ):
        getattr(store, call)(*given)
    assert not clear.exists("d/b")
    assert clear.exists("d/a")


def test_what_arrives_altered_is_fetched_once_more(store: ObjectStore, clear: ObjectStore, server: FaultyServer, tmp_path: Path) -> None:
    """R27."""
    (tmp_path / "source").mkdir()
    (tmp_path / "source/a").write_bytes(os.urandom(1000))
    written = identify_tree(tmp_path / "source")
    manifest = written.manifest()
    clear.ingest(tmp_path / "source", "d")
    server.faults.append(Fault("GET", "d/a", "flip"))
    store.fetch("d", tmp_path / "copy", manifest)
    assert identify_tree(tmp_path / "copy") == written
    server.faults.append(Fault("GET", "d/a", "flip", times=2))
    with pytest.raises(SourceChangedError, match="^'a' does not have the content"):
        store.fetch("d", tmp_path / "other", manifest)
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("size", [1000, 20 << 20])
def test_an_answer_that_is_cut_off_is_never_handed_on(
    store: ObjectStore, clear: ObjectStore, server: FaultyServer, tmp_path: Path, size: int
) -> None:
    """R27: of small files and of the parts of large ones."""
    (tmp_path / "source").write_bytes(os.urandom(size))
    expected = (tmp_path / "source").read_bytes()
    clear.ingest(tmp_path / "source", "d/a")
    server.faults.append(Fault("GET", "d/a", "cut"))
    store.fetch("d/a", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == expected


def test_an_upload_that_breaks_off_is_sent_again(store: ObjectStore, clear: ObjectStore, server: FaultyServer, tmp_path: Path) -> None:
    """R26."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "large").write_bytes(os.urandom(20 << 20))
    (source / "small").write_text("1")
    expected = identify_tree(source)
    server.faults += [Fault("PUT", "d/large", "lose"), Fault("PUT", "d/small", "lose"), Fault("PUT", "d/large", "refuse", 500)]
    found = store.ingest(source, "d")
    assert found == clear.identify("d")
    clear.fetch("d", tmp_path / "copy")
    assert identify_tree(tmp_path / "copy") == expected


def test_staging_again_fetches_only_what_is_missing(store: ObjectStore, clear: ObjectStore, server: FaultyServer, tmp_path: Path) -> None:
    """R03: also where versions are all that is known of the files."""
    for name in ("a", "b", "c"):
        clear.put(f"d/{name}", name.encode())
    manifest = clear.identify("d").manifest()
    copy = tmp_path / "copy"
    copy.mkdir()
    server.faults.append(Fault("GET", "d/b", "refuse", 403, times=1))
    with pytest.raises(DatastoreUnavailableError):
        store.fetch("d", copy, manifest)
    kept = {path.name for path in copy.iterdir()}
    assert "b" not in kept
    server.asked.clear()
    store.fetch("d", copy, manifest)
    assert {path.name: path.read_text() for path in copy.iterdir()} == {"a": "a", "b": "b", "c": "c"}
    assert {path.rpartition("/")[2].partition("?")[0] for method, path in server.asked if method == "GET"} == {"a", "b", "c"} - kept
    if not kept:
        pytest.skip("this file system keeps no notes beside files")


_RACER = """
import json, sys
from airflow_amlpipe.storage.object_client import ObjectPlace
from airflow_amlpipe.storage.objects import ObjectStore
from airflow_amlpipe.storage.store_url import Service
place = json.loads(sys.argv[1])
store = ObjectStore(ObjectPlace(Service(place.pop("service")), **place))
sys.stdin.readline()
print([store.create_exclusive(f"race/{number}", sys.argv[2].encode()) for number in range(25)])
"""


def test_of_many_processes_that_create_one_object_one_wins(place: ObjectPlace, clear: ObjectStore) -> None:
    """R14."""
    fields = asdict(place) | {"service": place.service.value}
    command = [sys.executable, "-c", _RACER, json.dumps({name: value for name, value in fields.items() if value is not None})]
    racers = [
        subprocess.Popen([*command, f"racer {number}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for number in range(4)
    ]
    answers = []
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    for racer in racers:
        answers.append(json.loads(racer.communicate(timeout=120)[0].lower()))
        assert racer.returncode == 0
    assert [sum(won) for won in zip(*answers, strict=True)] == [1] * 25
    for number, won in enumerate(zip(*answers, strict=True)):
        assert clear.read(f"race/{number}") == f"racer {won.index(True)}".encode()


def test_a_forked_process_does_not_wait_for_its_parents_threads(place: ObjectPlace, clear: ObjectStore) -> None:
    """R57: the store was opened and used before the fork."""
    clear.put("a", b"1")
    child = os.fork()
    if child == 0:
        try:
            clear.put("b", clear.read("a") + b"2")
            os._exit(0 if clear.create_exclusive("c", b"") and not clear.create_exclusive("a", b"") else 1)
        except BaseException:  # noqa: BLE001  # whatever it is, this process must not go on as pytest
            os._exit(2)
    watch = threading.Timer(60, os.kill, (child, 9))
    watch.start()
    try:
        status = os.waitpid(child, 0)[1]
    finally:
        watch.cancel()
    assert status == 0
    assert clear.read("b") == b"12"
