"""What becomes of a store on an SFTP server when the server, the wire or the login fails?"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from paramiko import sftp

from airflow_amlpipe.exceptions import CommitUnknownError, DatastoreUnavailableError, DefinitionError, SourceChangedError
from airflow_amlpipe.fingerprint.local_tree import identify_tree
from airflow_amlpipe.fingerprint.scan import UNFINISHED
from airflow_amlpipe.storage.sftp_session import SftpSession
from airflow_amlpipe.storage.unfinished import UnfinishedWrite, unfinished_writes
from tests.sftp_server import PASSWORD, SftpTestServer, Wire, asyncssh_server, openssh_server

LARGE = 6_000_000


@pytest.fixture
def server() -> SftpTestServer:
    return openssh_server() or asyncssh_server()


@pytest.fixture
def wire(server: SftpTestServer) -> Iterator[Wire]:
    wire = Wire(server.port)
    yield wire
    wire.close()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder of the store, as the server sees it."""
    folder = tmp_path / "store"
    folder.mkdir()
    return folder


def left_behind(root: Path) -> list[str]:
    return [path.name for path in root.rglob(f"{UNFINISHED}*")]


# ---- connections


def test_nobody_connects_before_the_first_use(server: SftpTestServer, wire: Wire, root: Path) -> None:
    store = server.open(root, wire=wire)
    assert (store.url, wire.connections) == (f"sftp://127.0.0.1:{wire.port}{root}", 0)
    assert store.list_names("") == []
    assert wire.connections == 1


def test_a_connection_that_was_dropped_while_idle_is_made_again(server: SftpTestServer, wire: Wire, root: Path) -> None:
    store = server.open(root, wire=wire)
    store.put("a", b"1")
    for _ in range(3):
        wire.cut()
        assert store.read("a") == b"1"
        wire.cut()
        store.put("a", b"1")
        wire.cut()
        assert store.list_names("") == ["a"]
    assert left_behind(root) == []


def test_threads_share_a_few_connections(server: SftpTestServer, wire: Wire, root: Path) -> None:
    store = server.open(root, wire=wire)
    failed: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(10):
                body = b"%d" % number * (turn * 9_000 + 1)
                store.put(f"{number}/{turn}", body)
                assert store.read(f"{number}/{turn}") == body
                assert store.create_exclusive(f"once/{number}-{turn}", body)
        except BaseException as error:  # noqa: BLE001
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(store.list_names("once")) == 80
    assert 1 <= wire.connections <= 4


def test_a_forked_process_has_connections_of_its_own(server: SftpTestServer, wire: Wire, root: Path) -> None:
    """R57."""
    store = server.open(root, wire=wire)
    store.put("parent", b"1")
    assert wire.connections == 1
    child = os.fork()
    if not child:
        try:
            store.put("child", store.read("parent") + b"2")
            del store
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert store.read("child") == b"12"
    assert wire.connections == 2


# ---- the one winner


@pytest.mark.parametrize("flags", [(), ("bare",), None])
def test_of_many_processes_that_create_one_object_one_wins(root: Path, flags: tuple[str, ...] | None) -> None:
    """R14."""
    server = openssh_server() if flags is None else asyncssh_server(*flags)
    if server is None:
        pytest.skip("sshd is not installed: apt-get install openssh-server")
    start = time.time() + 4
    program = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from tests.sftp_server import SftpTestServer\n"
        f"server = SftpTestServer({server.port}, {server.user!r}, {server.host_key!r}, Path({str(server.key_file)!r}))\n"
        f"store = server.open(Path({str(root)!r}))\n"
        "store.exists('warm')\n"
        f"time.sleep(max(0, {start} - time.time()))\n"
        "for number in range(25):\n"
        "    print(int(store.create_exclusive(f'race/{number}', sys.argv[1].encode())), end='', flush=True)\n"
    )
    command = [sys.executable, "-c", program]
    processes = [subprocess.Popen([*command, str(number)], stdout=subprocess.PIPE, text=True) for number in range(5)]
    said = [process.communicate(timeout=300)[0] for process in processes]
    assert [len(line) for line in said] == [25] * 5
    assert [sum(int(line[number]) for line in said) for number in range(25)] == [1] * 25
    for number in range(25):
        (winner,) = (index for index, line in enumerate(said) if line[number] == "1")
        assert (root / f"race/{number}").read_text() == str(winner)
    assert left_behind(root) == []


def test_a_server_whose_rename_replaces_is_refused_for_records_and_fine_for_data(root: Path, tmp_path: Path) -> None:
    """R22."""
    store = asyncssh_server("bare", "overwriting").open(root)
    for _ in range(2):
        with pytest.raises(DefinitionError, match="cannot hold a workspace: .* data on it is fine"):
            store.create_exclusive("a", b"1")
    assert not store.exists("a")
    (tmp_path / "source").write_text("1")
    store.ingest(tmp_path / "source", "data/x")
    assert store.read("data/x") == b"1"


def test_hard_links_make_up_for_a_rename_that_replaces(root: Path) -> None:
    """R22."""
    store = asyncssh_server("overwriting").open(root)
    assert store.create_exclusive("a", b"1")
    assert not store.create_exclusive("a", b"2")
    assert store.read("a") == b"1"


def losing_the_answer(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, *, then: Callable[[], None] = lambda: None, is_done: bool = True
) -> list[str]:
    """Have the first request that gives a name lose its answer; done by the server before that, or not even heard."""
    asked: list[str] = []

    def losing(command: Callable[[str, str], tuple[object, ...]], usual: Callable[[SftpSession, str, str], object]) -> object:
        def ask(session: SftpSession, source: str, target: str) -> object:
            asked.append(target)
            if len(asked) > 1:
                return usual(session, source, target)
            if is_done:
                wire.lose_answers()
                number = session._async_request(type(None), *command(source, target))
                while not os.path.lexists(target):
                    time.sleep(0.01)
            then()
            wire.cut()
            if not is_done:
                return usual(session, source, target)
            return session._read_response(number)

        return ask

    link = losing(lambda source, target: (sftp.CMD_EXTENDED, "hardlink@openssh.com", source, target), SftpSession.link)
    rename = losing(lambda source, target: (sftp.CMD_RENAME, source, target), SftpSession.rename)
    monkeypatch.setattr(SftpSession, "link", link)
    monkeypatch.setattr(SftpSession, "rename", rename)
    return asked


@pytest.mark.parametrize("by", ["link", "rename"])
@pytest.mark.parametrize("is_done", [True, False])
def test_a_lost_answer_to_our_own_creation_is_recognised(root: Path, monkeypatch: pytest.MonkeyPatch, by: str, is_done: bool) -> None:
    """R19."""
    server = (openssh_server() or asyncssh_server()) if by == "link" else asyncssh_server("bare")
    wire = Wire(server.port)
    store = server.open(root, wire=wire)
    assert store.create_exclusive("known", b"")  # the server was probed
    asked = losing_the_answer(wire, monkeypatch, is_done=is_done)
    if by == "rename":
        monkeypatch.setattr(SftpSession, "link", lambda *_: False)
    assert store.create_exclusive("a/b", b"ours")
    assert (root / "a/b").read_bytes() == b"ours"
    assert len(asked) == (1 if is_done else 2)
    assert left_behind(root) == []
    assert not store.create_exclusive("a/b", b"again")
    wire.close()


@pytest.mark.parametrize("by", ["link", "rename"])
@pytest.mark.parametrize("body", [b"theirs", b"ours"])
def test_a_lost_answer_is_not_taken_for_ours_when_somebody_else_was_first(
    root: Path, monkeypatch: pytest.MonkeyPatch, by: str, body: bytes
) -> None:
    """R19."""
    server = (openssh_server() or asyncssh_server()) if by == "link" else asyncssh_server("bare")
    wire = Wire(server.port)
    store = server.open(root, wire=wire)
    assert store.create_exclusive("known", b"")  # the server was probed
    losing_the_answer(wire, monkeypatch, is_done=False, then=lambda: (root / "a").write_bytes(body) and None)
    if by == "rename":
        monkeypatch.setattr(SftpSession, "link", lambda *_: False)
    assert not store.create_exclusive("a", b"ours")
    assert (root / "a").read_bytes() == body
    assert left_behind(root) == []
    wire.close()


def test_what_nobody_can_find_out_is_unknown_and_nothing_is_deleted(
    server: SftpTestServer, wire: Wire, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R20."""
    store = server.open(root, wire=wire)
    assert store.create_exclusive("known", b"")  # the server was probed
    losing_the_answer(wire, monkeypatch, then=wire.close)
    with pytest.raises(CommitUnknownError, match="nobody can say whether 'a' was created .* nothing was deleted"):
        store.create_exclusive("a", b"ours")
    assert (root / "a").read_bytes() == b"ours"
    assert len(left_behind(root)) == 1


def test_a_server_that_is_gone_before_it_was_asked_has_certainly_stored_nothing(server: SftpTestServer, root: Path) -> None:
    wire = Wire(server.port)
    store = server.open(root, wire=wire)
    wire.close()
    for call in (
        lambda: store.create_exclusive("a", b"1"),
        lambda: store.put("a", b"1"),
        lambda: store.read("a"),
        lambda: store.exists("a"),
    ):
        with pytest.raises(DatastoreUnavailableError, match="no connection to 127.0.0.1:.* nothing was recorded as done"):
            call()
    assert list(root.iterdir()) == []


# ---- transfers


def test_an_upload_that_is_cut_off_is_sent_again(server: SftpTestServer, wire: Wire, root: Path, tmp_path: Path) -> None:
    """R26."""
    source = tmp_path / "source"
    source.mkdir()
    for name in "ab":
        (source / name).write_bytes(os.urandom(LARGE))
    expected = identify_tree(source)
    store = server.open(root, wire=wire)
    store.list_names("")
    wire.cut_when(lambda up, down: up > LARGE // 3)
    store.ingest(source, "x")
    assert identify_tree(root / "x") == expected
    assert left_behind(root) == []


def test_an_upload_that_cannot_be_finished_shows_nothing(server: SftpTestServer, wire: Wire, root: Path, tmp_path: Path) -> None:
    """R26."""
    (tmp_path / "source").write_bytes(os.urandom(LARGE))
    store = server.open(root, wire=wire)
    for _ in range(2):
        wire.cut_when(lambda up, down: up > LARGE // 3)
    with pytest.raises(DatastoreUnavailableError, match="could not store 'x': .*, twice; nothing was recorded as done"):
        store.ingest(tmp_path / "source", "x")
    assert (store.exists("x"), store.match("**"), (tmp_path / "source").exists()) == (False, [], True)
    store.ingest(tmp_path / "source", "x")
    assert store.exists("x")


def test_a_download_that_is_cut_off_is_read_again(server: SftpTestServer, wire: Wire, root: Path, tmp_path: Path) -> None:
    """R27."""
    for name in "ab":
        (root / name).write_bytes(os.urandom(LARGE))
    store = server.open(root, wire=wire)
    wire.cut_when(lambda up, down: down > LARGE // 3)
    identity = store.identify("")
    assert identity == identify_tree(root)
    wire.cut_when(lambda up, down: down > LARGE // 3)
    store.fetch("", tmp_path / "copy", identity.manifest())
    assert identify_tree(tmp_path / "copy") == identity


def test_a_download_that_cannot_be_finished_leaves_nothing(server: SftpTestServer, wire: Wire, root: Path, tmp_path: Path) -> None:
    """R27."""
    (root / "a").write_bytes(os.urandom(LARGE))
    store = server.open(root, wire=wire)
    for _ in range(2):
        wire.cut_when(lambda up, down: down > LARGE // 3)
    with pytest.raises(DatastoreUnavailableError, match="could not read 'a': .*, twice"):
        store.fetch("", tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_files_that_arrived_before_an_outage_are_not_fetched_again(server: SftpTestServer, wire: Wire, root: Path, tmp_path: Path) -> None:
    for name in "abc":
        (root / name).write_bytes(os.urandom(LARGE))
    store = server.open(root, wire=wire)
    identity = store.identify("")
    (tmp_path / "copy").mkdir()
    for name in "ab":
        (tmp_path / "copy" / name).write_bytes((root / name).read_bytes())
    wire.cut_when(lambda up, down: False)
    progress: list[tuple[int, int]] = []
    store.fetch("", tmp_path / "copy", identity.manifest(), on_progress=lambda files, size: progress.append((files, size)))
    assert LARGE < wire.carried_down < 2 * LARGE
    assert [told for told in progress if told != (0, 0)] == [(1, LARGE)] * 3
    assert identify_tree(tmp_path / "copy") == identity


@pytest.mark.parametrize("flag", ["full", "full-at-close"])
def test_a_full_disk_is_noticed_whenever_the_server_says_so(root: Path, tmp_path: Path, flag: str) -> None:
    """R24."""
    store = asyncssh_server(flag).open(root)
    (tmp_path / "source").write_bytes(b"x" * 300_000)
    for call in (lambda: store.put("a", b"x" * 300_000), lambda: store.create_exclusive("a", b"x" * 300_000)):
        with pytest.raises(DatastoreUnavailableError, match="the server refused .* look there for a full disk"):
            call()
    with pytest.raises(DatastoreUnavailableError, match="the server refused .* look there for a full disk"):
        store.ingest(tmp_path / "source", "a")
    assert not store.exists("a")


def test_a_file_that_changes_while_it_is_read_is_not_identified(
    server: SftpTestServer, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R44."""
    (root / "a").write_bytes(b"1" * 100)
    store = server.open(root)
    usual = SftpSession._read_blocks

    def changing(self: SftpSession, handle: bytes, size: int, sink: Callable[[bytes], object]) -> int:
        with open(root / "a", "ab") as file:
            file.write(b"2")
        return usual(self, handle, size, sink)

    monkeypatch.setattr(SftpSession, "_read_blocks", changing)
    with pytest.raises(SourceChangedError, match="changed while it was being read"):
        store.identify("a")


# ---- who may, and who is there


def test_a_password_logs_in(root: Path) -> None:
    store = asyncssh_server().open(root, password=PASSWORD)
    store.put("a", b"1")
    assert store.read("a") == b"1"


@pytest.mark.parametrize("spelling", ["whole line", "key alone"])
def test_a_private_key_in_the_connection_logs_in(server: SftpTestServer, root: Path, spelling: str) -> None:
    host_key = server.host_key if spelling == "whole line" else server.host_key.split()[1]
    store = server.open(root, key_file=None, private_key=server.key_file.read_text(), host_key=host_key)
    assert store.list_names("") == []


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({"password": "planted-wrong"}, "did not let user 'tester' in with the connection 'files'; correct its login, password or key"),
        ({"key_file": None, "private_key": "planted-wrong"}, "'private_key' in the extra of the connection 'files' is no private key"),
        ({"host_key": "planted wrong"}, "'host_key' in the extra of the connection 'files' is no public key"),
        ({"key_file": "/no/such/key"}, "'key_file' in the extra of the connection 'files': '/no/such/key' could not be read"),
        ({"host_key": None, "known_hosts": "/no/such/file"}, "'/no/such/file' could not be read"),
        ({"host_key": None, "known_hosts": "/dev/null"}, "nothing vouches for the SFTP server .* host key 'ssh-ed25519 .*nothing was sent"),
    ],
)
def test_a_login_that_fails_names_the_connection_and_no_secret(root: Path, extra: dict[str, str], message: str) -> None:
    """S11, R23."""
    (root / "a").write_bytes(b"1")
    store = asyncssh_server().open(root, **extra)
    for call in (lambda: store.read("a"), lambda: store.exists("a"), lambda: store.create_exclusive("b", b"")):
        with pytest.raises(DatastoreUnavailableError, match=message) as caught:
            call()
        error: BaseException | None = caught.value
        while error is not None:
            assert "planted" not in str(error)
            error = error.__cause__


def test_a_server_with_another_host_key_is_told_nothing(root: Path) -> None:
    expected = asyncssh_server("bare").host_key
    store = asyncssh_server().open(root, host_key=expected, password=PASSWORD)
    with pytest.raises(DatastoreUnavailableError, match="showed the host key .* was expected: .*nothing was sent to it") as caught:
        store.read("a")
    assert expected.split()[1] in str(caught.value)
    assert PASSWORD not in str(caught.value)


def test_known_hosts_vouch_for_a_server(server: SftpTestServer, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh/known_hosts").write_text(f"[127.0.0.1]:{server.port} {server.host_key}\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert server.open(root, host_key=None).list_names("") == []


def test_the_host_key_is_not_checked_where_the_connection_says_so(server: SftpTestServer, root: Path) -> None:
    assert server.open(root, host_key=None, no_host_key_check=True).list_names("") == []


# ---- what servers have


def test_a_link_on_the_server_is_no_data_but_may_lead_there(server: SftpTestServer, root: Path) -> None:
    """R51."""
    (root / "real").mkdir()
    (root / "real/a").write_text("1")
    (root / "way").symlink_to("real")
    (root / "folder").mkdir()
    (root / "folder/link").symlink_to("../real/a")
    store = server.open(root)
    assert store.identify("way") == store.identify("real")
    assert store.read("way/a") == store.read("folder/link") == b"1"
    for call in (lambda: store.identify("folder"), lambda: store.match("folder/*"), lambda: store.replace("folder", "x")):
        with pytest.raises(DefinitionError, match="'.*folder/link' is a link on an SFTP server; data must be plain files and folders"):
            call()
    store.remove_tree("way")
    assert (root / "real/a").read_text() == "1"
    assert store.list_names("") == ["folder", "real"]


@pytest.mark.parametrize("kind", ["fifo", "link to nowhere", "loop"])
def test_what_is_no_data_is_refused_without_waiting_for_it(server: SftpTestServer, root: Path, kind: str) -> None:
    """R51."""
    if kind == "fifo":
        os.mkfifo(root / "odd")
    else:
        (root / "odd").symlink_to("odd" if kind == "loop" else "nowhere")
    store = server.open(root)
    with pytest.raises(DefinitionError, match="'.*odd' is a (FIFO|link)"):
        store.identify("")
    if kind != "fifo":
        with pytest.raises(FileNotFoundError):
            store.read("odd")


def test_a_name_that_is_no_text_is_refused_with_its_bytes(server: SftpTestServer, root: Path) -> None:
    """R49."""
    os.mkdir(os.fsencode(root) + b"/d")
    with open(os.fsencode(root) + b"/d/\xff", "wb"):
        pass
    store = server.open(root)
    for call in (lambda: store.identify(""), lambda: store.list_names("d"), lambda: store.match("d/*")):
        with pytest.raises(DefinitionError, match=r"the name b'\\\\?xff' in folder '.*d' is not UTF-8; rename it"):
            call()
    with pytest.raises(DefinitionError, match="is not UTF-8; rename it"):
        store.read("d/\udcff")


@pytest.mark.parametrize("server_of", [asyncssh_server, lambda: asyncssh_server("bare"), openssh_server])
def test_a_folder_that_may_not_be_read_is_trouble_and_not_absence(
    server_of: Callable[[], SftpTestServer | None], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R23."""
    server = server_of()
    if server is None:
        pytest.skip("sshd is not installed: apt-get install openssh-server")
    store = server.open(root)

    def refused(self: SftpSession, *given: object) -> tuple[int, object]:
        raise PermissionError(13, "Permission denied")

    store.put("a", b"1")
    monkeypatch.setattr(SftpSession, "_request", refused)
    for call in (lambda: store.read("a"), lambda: store.exists("a"), lambda: store.list_names(""), lambda: store.identify("a")):
        with pytest.raises(DatastoreUnavailableError, match="Permission denied"):
            call()


@pytest.mark.parametrize("passphrase", ["planted-right", "planted-wrong", None])
@pytest.mark.parametrize("field", ["private_key", "key_file"])
def test_a_key_with_a_passphrase_needs_the_right_one(
    server: SftpTestServer, root: Path, tmp_path: Path, passphrase: str | None, field: str
) -> None:
    """S11."""
    import asyncssh

    locked = tmp_path / "locked"
    asyncssh.read_private_key(str(server.key_file)).write_private_key(str(locked), passphrase="planted-right")
    store = server.open(
        root,
        **{"key_file": None, field: locked.read_text() if field == "private_key" else str(locked)},
        private_key_passphrase=passphrase,
    )
    if passphrase == "planted-right":
        assert store.list_names("") == []
        return
    with pytest.raises(DatastoreUnavailableError, match=f"'{field}' in the extra of the connection 'files' .* passphrase") as caught:
        store.list_names("")
    assert "planted" not in str(caught.value)


@pytest.mark.parametrize("received", [10, 500, 1500, 2200, 2600, 3000])
def test_a_connection_that_is_cut_while_it_comes_about_is_made_again(server: SftpTestServer, wire: Wire, root: Path, received: int) -> None:
    """R23: no outage is taken for a refused login."""
    (root / "a").write_bytes(b"1")
    store = server.open(root, wire=wire)
    wire.cut_when(lambda up, down: down >= received)
    assert store.read("a") == b"1"


def test_what_killed_processes_left_half_written_is_found_with_its_age(server: SftpTestServer, root: Path) -> None:
    """R05."""
    store = server.open(root)
    store.put("a/b", b"1")
    assert unfinished_writes(store) == unfinished_writes(store, "nothing/there") == []
    folder = root / "a" / f"{UNFINISHED}folder"
    (folder / "d").mkdir(parents=True)
    (folder / "d/half").write_bytes(b"12")
    (root / f"{UNFINISHED}file").write_bytes(b"1")
    for path, age in ((folder / "d/half", 100), (folder / "d", 300), (folder, 300), (root / f"{UNFINISHED}file", 200)):
        os.utime(path, (age, age))
    expected = [UnfinishedWrite(f"{UNFINISHED}file", 1, 200.0), UnfinishedWrite(f"a/{UNFINISHED}folder", 2, 300.0)]
    assert unfinished_writes(store) == expected
    assert unfinished_writes(store, "a") == expected[1:]
    for left in expected:
        store.remove_tree(left.path)
    assert unfinished_writes(store) == []
