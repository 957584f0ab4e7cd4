"""Does a web server keep what of a store's promise it can keep, and say of the rest that it cannot?"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from airflow_amlpipe.exceptions import DatastoreUnavailableError, DefinitionError, SourceChangedError, UnsupportedFeatureError
from airflow_amlpipe.fingerprint.local_tree import identify_tree
from airflow_amlpipe.fingerprint.memo import HashMemo
from airflow_amlpipe.fingerprint.pattern import PathPattern
from airflow_amlpipe.fingerprint.tree import TreeFile, TreeManifest
from airflow_amlpipe.storage.http import HttpStore
from airflow_amlpipe.storage.http_client import HttpClient
from airflow_amlpipe.storage.http_hosts import HttpHosts
from airflow_amlpipe.storage.login import Login
from airflow_amlpipe.storage.open import open_store
from tests.web_server import Answer, WebServer, web_server

CANARY = "planted-secret"
HERE = HttpHosts(("127.0.0.1",))
LOGIN = Login("web", "http", login="me", password=CANARY, extra={"X-Token": CANARY})


@pytest.fixture
def web() -> Iterator[WebServer]:
    with web_server() as server:
        yield server


def store_of(web: WebServer, *, login: Login | None = None, hosts: HttpHosts = HERE) -> HttpStore:
    return HttpStore(HttpClient(f"{web.url}/data", login, hosts, pause_seconds=0))


@pytest.fixture
def store(web: WebServer) -> HttpStore:
    return store_of(web)


# ---- what it can


def test_a_file_is_read_as_it_is(web: WebServer, store: HttpStore) -> None:
    for number, body in enumerate([b"", b"x", os.urandom(300_000)]):
        web.files[f"/data/a/{number}"] = Answer(body)
        assert store.read(f"a/{number}") == body
    assert store.local_path("a/0") is None


@pytest.mark.parametrize("status", [200, 404])
def test_a_server_that_answers_can_be_reached_whatever_is_at_the_root(web: WebServer, store: HttpStore, status: int) -> None:
    web.files["/data"] = Answer(status=status)
    assert store.look_at_root() == "answers; which files it has, a web server does not say"


def test_a_server_that_is_gone_or_lets_nobody_in_cannot_be_reached(web: WebServer, store: HttpStore) -> None:
    web.files["/data"] = Answer(status=401)
    with pytest.raises(DatastoreUnavailableError, match="the server answered 401 Unauthorized.*name a connection with a login"):
        store.look_at_root()
    gone = HttpStore(HttpClient("http://127.0.0.1:1/data", None, HERE, pause_seconds=0))
    with pytest.raises(DatastoreUnavailableError, match="run again later"):
        gone.look_at_root()


@pytest.mark.parametrize("status", [404, 410])
def test_nothing_is_there_only_if_the_server_says_so(web: WebServer, store: HttpStore, tmp_path: Path, status: int) -> None:
    web.files["/data/a"] = Answer(status=status)
    assert not store.exists("a")
    assert store.match("a") == []
    for call in (lambda: store.read("a"), lambda: store.identify("a"), lambda: store.fetch("a", tmp_path / "copy")):
        with pytest.raises(FileNotFoundError):
            call()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("status", "tries"), [(401, 1), (403, 1), (400, 1), (500, 3), (503, 3), (429, 3), (304, 1)])
def test_trouble_is_not_absence_and_only_what_may_pass_is_asked_again(web: WebServer, tmp_path: Path, status: int, tries: int) -> None:
    """R21, R23."""
    web.files["/data/a"] = Answer(CANARY.encode(), status)
    store = store_of(web, login=LOGIN)
    for call in (
        lambda: store.read("a"),
        lambda: store.exists("a"),
        lambda: store.identify("a"),
        lambda: store.fetch("a", tmp_path / "copy"),
        lambda: store.match("a"),
    ):
        web.asked.clear()
        with pytest.raises(DatastoreUnavailableError, match=f"'a': the server answered {status}.* nothing was recorded as done") as caught:
            call()
        assert len(web.asked) == tries
        assert CANARY not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_who_may_not_read_is_told_which_connection_to_correct(web: WebServer) -> None:
    web.files["/data/a"] = Answer(status=403)
    with pytest.raises(DatastoreUnavailableError, match="403 Forbidden; .* or the login in the connection 'web'$"):
        store_of(web, login=LOGIN).read("a")
    with pytest.raises(DatastoreUnavailableError, match=r"or name a connection with a login \(conn_id\)$"):
        store_of(web).read("a")


def test_a_server_that_recovers_is_asked_again(web: WebServer, store: HttpStore) -> None:
    answers = [Answer(status=503), Answer(b"12345", cut=2), Answer(b"12345")]
    web.files["/data/a"] = lambda: answers.pop(0)
    assert store.read("a") == b"12345"


def test_a_server_that_is_gone_is_named(store: HttpStore, tmp_path: Path) -> None:
    store = HttpStore(HttpClient("http://127.0.0.1:9/data", None, HERE, pause_seconds=0))
    for call in (lambda: store.read("a"), lambda: store.exists("a"), lambda: store.fetch("a", tmp_path / "copy")):
        with pytest.raises(DatastoreUnavailableError, match="datastore http://127.0.0.1:9/data: could not .* 'a': .*refused"):
            call()


@pytest.mark.parametrize("etag", ['"v1"', 'W/"v1"', None])
def test_identity_is_content_whether_remembered_or_not(web: WebServer, store: HttpStore, tmp_path: Path, etag: str | None) -> None:
    memo = HashMemo(tmp_path / "memo")
    headers = {} if etag is None else {"ETag": etag}
    (tmp_path / "a.csv").write_bytes(b"1")
    web.files["/data/a.csv"] = Answer(b"1", headers=headers)
    expected = identify_tree(tmp_path / "a.csv")
    assert store.identify("a.csv", memo) == store.identify("a.csv", memo) == store.identify("a.csv") == expected
    assert store.identify("a.csv", memo).manifest() == expected.manifest()
    # Only a strong validator saves reading again.
    is_strong = etag == '"v1"'
    assert web.methods == (["GET", "HEAD", "GET", "HEAD"] if is_strong else ["GET", "GET", "GET", "GET"])
    web.files["/data/a.csv"] = Answer(b"2", headers={"ETag": '"v2"'} if is_strong else headers)
    assert store.identify("a.csv", memo).digest != expected.digest


@pytest.mark.parametrize(
    ("written", "is_kept"), [("Wed, 25 Nov 2026 10:00:00 GMT", True), ("Wed, 25 Nov 2126 10:00:00 GMT", False), ("soon", False)]
)
def test_an_etag_as_young_as_its_file_is_not_remembered(
    web: WebServer, store: HttpStore, tmp_path: Path, written: str, is_kept: bool
) -> None:
    """R46: servers make ETags of times in whole seconds."""
    memo = HashMemo(tmp_path / "memo")
    web.files["/data/a"] = Answer(b"1", headers={"ETag": '"v1"', "Last-Modified": written})
    store.identify("a", memo)
    web.files["/data/a"] = Answer(b"2", headers={"ETag": '"v1"', "Last-Modified": written})
    assert (store.identify("a", memo) == store.identify("a")) is not is_kept


def test_a_memo_is_no_use_where_only_get_is_allowed(web: WebServer, store: HttpStore, tmp_path: Path) -> None:
    memo = HashMemo(tmp_path / "memo")
    web.files["/data/a"] = Answer(b"1", headers={"ETag": '"v1"'})
    before = store.identify("a", memo)
    answers = [Answer(status=405), Answer(b"1")]
    web.files["/data/a"] = lambda: answers.pop(0)
    assert store.identify("a", memo) == before


@pytest.mark.parametrize("checked", [True, False])
def test_a_fetched_file_is_a_private_copy(web: WebServer, store: HttpStore, tmp_path: Path, checked: bool) -> None:
    body = os.urandom(3_000_000)
    web.files["/data/d/a.bin"] = Answer(body)
    progress: list[tuple[int, int]] = []
    manifest = store.identify("d/a.bin").manifest() if checked else None
    for _ in range(2):
        store.fetch("d/a.bin", tmp_path / "new/copy", manifest, on_progress=lambda files, size: progress.append((files, size)))
        assert (tmp_path / "new/copy").read_bytes() == body
    assert [told for told in progress if told != (0, 0)] == [(1, 3_000_000)] * 2
    # What is there and is right is not fetched again.
    assert len(web.asked) == 2
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["copy"]


@pytest.mark.parametrize("body", [b"2", b"22", b""])
def test_a_file_that_changed_after_it_was_identified_is_not_handed_on(
    web: WebServer, store: HttpStore, tmp_path: Path, body: bytes
) -> None:
    """R45."""
    web.files["/data/a"] = Answer(b"1")
    manifest = store.identify("a").manifest()
    web.files["/data/a"] = Answer(body)
    with pytest.raises(SourceChangedError, match="'a' is not what it was"):
        store.fetch("a", tmp_path / "copy", manifest)
    assert list(tmp_path.iterdir()) == []


def test_a_download_that_is_cut_off_is_begun_again(web: WebServer, store: HttpStore, tmp_path: Path) -> None:
    """R27."""
    body = os.urandom(500_000)
    answers = [Answer(body, cut=100_000), Answer(body)]
    web.files["/data/a"] = lambda: answers.pop(0)
    store.fetch("a", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == body


def test_a_download_that_cannot_be_finished_leaves_nothing(web: WebServer, store: HttpStore, tmp_path: Path) -> None:
    """R27."""
    web.files["/data/a"] = Answer(os.urandom(500_000), cut=100_000)
    for call in (lambda: store.fetch("a", tmp_path / "copy"), lambda: store.identify("a"), lambda: store.read("a")):
        with pytest.raises(DatastoreUnavailableError, match="'a': .*nothing was recorded as done"):
            call()
    assert list(tmp_path.iterdir()) == []


def test_a_file_whose_end_nobody_can_see_is_not_believed(web: WebServer, store: HttpStore, tmp_path: Path) -> None:
    """R27."""
    web.files["/data/a"] = Answer(b"half of i", says_length=False)
    for call in (lambda: store.read("a"), lambda: store.identify("a"), lambda: store.fetch("a", tmp_path / "copy")):
        with pytest.raises(DatastoreUnavailableError, match="neither how long the file is nor where it ends"):
            call()


def test_the_url_itself_may_be_the_file(web: WebServer) -> None:
    web.files["/data/a%20b.csv"] = Answer(b"1")
    store = HttpStore(HttpClient(f"{web.url}/data/a%20b.csv", None, HERE))
    assert store.read("") == b"1"
    assert store.identify("").manifest().files[0].path == "a b.csv"


@pytest.mark.parametrize(
    ("name", "asked"), [("a b", "a%20b"), ("%20", "%2520"), ("é", "%C3%A9"), ("#x", "%23x"), ("[ab]", "%5Bab%5D"), ("a+b;c", "a%2Bb%3Bc")]
)
def test_names_are_only_themselves(web: WebServer, store: HttpStore, name: str, asked: str) -> None:
    """R49, R50."""
    web.files[f"/data/{asked}"] = Answer(b"1")
    assert store.read(name) == b"1"
    assert store.match(name) == [name]
    assert store.identify(name).manifest().files[0].path == name


# ---- what it cannot


def test_nothing_can_be_written(web: WebServer, store: HttpStore, tmp_path: Path) -> None:
    (tmp_path / "source").write_text("1")
    for call in (
        lambda: store.create_exclusive("a", b""),
        lambda: store.put("a", b""),
        lambda: store.ingest(tmp_path / "source", "a"),
        lambda: store.replace("a", "b"),
        lambda: store.overlay("a", "b", overwrite=True),
        lambda: store.remove_tree("a"),
    ):
        with pytest.raises(UnsupportedFeatureError, match="a datastore on a web server is read-only"):
            call()
    assert (web.asked, (tmp_path / "source").read_text()) == ([], "1")


def test_what_is_not_named_cannot_be_found(web: WebServer, store: HttpStore, tmp_path: Path) -> None:
    folder = TreeManifest((TreeFile("a", 1, "0" * 64),))
    for call in (
        lambda: store.list_names("d"),
        lambda: store.match("d/*.csv"),
        lambda: store.identify("d", pattern=PathPattern("*.csv")),
        lambda: store.fetch("d", tmp_path / "copy", folder),
    ):
        with pytest.raises(UnsupportedFeatureError, match="does not say which files it has; name each file"):
            call()
    assert web.asked == []


@pytest.mark.parametrize("path", ["../a", "/a", "a/../../b", "a/..", "..", "a\0b"])
def test_no_path_leaves_the_store(web: WebServer, store: HttpStore, tmp_path: Path, path: str) -> None:
    """S01."""
    calls: list[Callable[[], object]] = [
        lambda: store.read(path),
        lambda: store.exists(path),
        lambda: store.identify(path),
        lambda: store.match(path),
        lambda: store.fetch(path, tmp_path / "copy"),
        lambda: store.list_names(path),
        lambda: store.local_path(path),
        lambda: store.put(path, b""),
    ]
    for call in calls:
        with pytest.raises(DefinitionError, match="must be relative and stay below the root"):
            call()
    assert web.asked == []


# ---- who is asked, and told what


def test_a_redirect_is_followed_without_the_login(web: WebServer) -> None:
    """S16."""
    with web_server() as other:
        other.files["/moved?sig=x"] = Answer(b"1")
        web.files["/data/a"] = Answer(status=302, headers={"Location": "/data/b"})
        web.files["/data/b"] = Answer(status=307, headers={"Location": f"{other.url}/moved?sig=x"})
        assert store_of(web, login=LOGIN).read("a") == b"1"
        sent = [{name.lower(): value for name, value in headers.items()} for _, _, headers in (*web.asked, *other.asked)]
    assert [("authorization" in headers, headers.get("x-token")) for headers in sent] == [(True, CANARY), (True, CANARY), (False, None)]


@pytest.mark.parametrize("place", ["file:///etc/passwd", "ftp://host/x", "gopher://host"])
def test_a_redirect_leads_to_the_web_only(web: WebServer, store: HttpStore, place: str) -> None:
    """S16."""
    web.files["/data/a"] = Answer(status=302, headers={"Location": place})
    for call in (lambda: store.read("a"), lambda: store.exists("a"), lambda: store.identify("a")):
        with pytest.raises(DatastoreUnavailableError, match="the server sends us on from 'http' to"):
            call()


@pytest.mark.parametrize(
    "place", ["http://169.254.169.254/latest/meta-data", "http://[fe80::1]/", "http://localhost:9/x", "http://0.0.0.0/x"]
)
def test_a_redirect_does_not_reach_what_a_url_may_not(web: WebServer, store: HttpStore, place: str) -> None:
    """S16."""
    web.files["/data/a"] = Answer(status=302, headers={"Location": place})
    with pytest.raises(DefinitionError, match="is none of the allowed servers"):
        store.read("a")


def test_a_redirect_without_end_is_left(web: WebServer, store: HttpStore) -> None:
    web.files["/data/a"] = Answer(status=302, headers={"Location": "a"})
    with pytest.raises(DatastoreUnavailableError, match="sends us on more than 5 times"):
        store.read("a")
    assert len(web.asked) == 5


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://127.0.0.1:9/x", "is this machine"),
        ("http://localhost:9/x", "is this machine"),
        ("http://0.0.0.0:9/x", "which is no server's"),
        ("http://169.254.169.254/x", "where clouds hand out credentials"),
        ("http://2852039166/x", "where clouds hand out credentials"),
        ("http://[0:0:0:0:0:ffff:a9fe:a9fe]/x", "where clouds hand out credentials"),
        ("http://[fe80:0:0:0:0:0:0:1]/x", "where clouds hand out credentials"),
    ],
)
def test_this_machine_and_its_cloud_are_not_asked(url: str, message: str) -> None:
    """S16."""
    with pytest.raises(DefinitionError, match=message):
        open_store(url)
    store = HttpStore(HttpClient(url, None, HttpHosts()))
    for call in (lambda: store.read("a"), lambda: store.exists("a"), lambda: store.identify("a")):
        with pytest.raises(DefinitionError, match=message):
            call()


def test_only_servers_on_the_list_are_asked(web: WebServer) -> None:
    """S16."""
    web.files["/data/a"] = Answer(b"1")
    port = web.url.rpartition(":")[2]
    assert store_of(web, hosts=HttpHosts((f"127.0.0.1:{port}",))).read("a") == b"1"
    for allowed in ("127.0.0.1:1", "files.example.com"):
        with pytest.raises(DefinitionError, match="127.0.0.1 is none of the allowed servers; .* allowed_http_hosts"):
            store_of(web, hosts=HttpHosts((allowed,))).read("a")
    with pytest.raises(DefinitionError, match="where clouds hand out credentials"):
        HttpHosts(("169.254.169.254",)).check("169.254.169.254", 80, "datastore")


def test_a_name_leads_where_it_was_seen_to_lead(web: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """S16: the name is resolved once, and that address is asked."""
    web.files["/data/a"] = Answer(b"1")
    port = int(web.url.rpartition(":")[2])
    answers = [["127.0.0.1"], ["169.254.169.254"]]
    usual = socket.getaddrinfo

    def resolve(host: str, *given: object, **named: object) -> object:
        return usual(answers.pop(0)[0] if host == "files.example" else host, *given, **named)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    store = HttpStore(HttpClient(f"http://files.example:{port}/data", None, HttpHosts(("files.example",)), pause_seconds=0))
    assert store.read("a") == b"1"
    assert web.asked[0][2]["Host"] == f"files.example:{port}"
    with pytest.raises(DefinitionError, match="where clouds hand out credentials"):
        store.read("a")


def test_a_login_is_sent_and_never_told(web: WebServer, caplog: pytest.LogCaptureFixture) -> None:
    """S11."""
    web.files["/data/a"] = Answer(status=302, headers={"Location": f"/data/b?sig={CANARY}"})
    web.files[f"/data/b?sig={CANARY}"] = Answer(b"1", says_length=False)
    store = store_of(web, login=LOGIN)
    logger = logging.getLogger("httpx")
    logger.addHandler(caplog.handler)
    try:
        with caplog.at_level(logging.INFO, logger="httpx"), pytest.raises(DatastoreUnavailableError) as caught:
            store.read("a")
    finally:
        logger.removeHandler(caplog.handler)
    assert CANARY not in repr(store) + store.url + str(caught.value) + caplog.text
    assert "GET" in caplog.text


def test_a_login_of_another_service_is_refused() -> None:
    with pytest.raises(DefinitionError, match="connection 'x' is of type 'aws', but https://host/x takes one of: http, generic"):
        open_store("https://host/x", login=Login("x", "aws", password=CANARY))


def test_a_forked_process_has_a_client_of_its_own(web: WebServer, store: HttpStore, tmp_path: Path) -> None:
    """R57."""
    web.files["/data/a"] = Answer(b"1")
    assert store.read("a") == b"1"
    child = os.fork()
    if not child:
        try:
            store.fetch("a", tmp_path / "child")
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert (tmp_path / "child").read_bytes() == store.read("a") == b"1"


@pytest.mark.parametrize(("name", "is_right"), [("localhost", True), ("other.example", False)])
def test_a_certificate_has_to_be_for_the_name_that_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, is_right: bool
) -> None:
    """S16: though the address is what is connected to."""
    certificate = a_certificate(tmp_path / "certificate.pem", name)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with web_server(certificate=certificate) as web:
        web.files["/data/a"] = Answer(b"1")
        port = web.url.rpartition(":")[2]
        store = HttpStore(HttpClient(f"https://localhost:{port}/data", None, HttpHosts(("localhost",)), pause_seconds=0))
        if is_right:
            assert store.read("a") == b"1"
            return
        with pytest.raises(DatastoreUnavailableError, match="[Cc]ertificate|CERTIFICATE"):
            store.read("a")
        assert web.asked == []


def a_certificate(place: Path, name: str) -> Path:
    """Write a certificate for ``name`` that vouches for itself, and its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    place.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return place
