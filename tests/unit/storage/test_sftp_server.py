"""Which SFTP server does a URL name, and as whom does one log in there?"""

from __future__ import annotations

from typing import Any

import pytest

from airflow_amlpipe.exceptions import DefinitionError
from airflow_amlpipe.storage.login import Login
from airflow_amlpipe.storage.sftp_server import SftpServer, sftp_server
from airflow_amlpipe.storage.store_url import parse_store_url

CANARY = "planted-secret"


def server_of(url: str, login: Login | None = None) -> tuple[SftpServer, str]:
    return sftp_server(parse_store_url(url), login)


@pytest.mark.parametrize(
    ("url", "host", "port", "user", "root"),
    [
        ("sftp://host", "host", 22, None, "/"),
        ("sftp://me@host/a/b/", "host", 22, "me", "/a/b"),
        ("sftp://me@host.example:2222/a b", "host.example", 2222, "me", "/a b"),
        ("ssh://[fe80:0:0:0:0:0:0:1]:23/x", "fe80:0:0:0:0:0:0:1", 23, None, "/x"),
        ("sftp://host/%20", "host", 22, None, "/%20"),
    ],
)
def test_a_url_says_where_and_who(url: str, host: str, port: int, user: str | None, root: str) -> None:
    server, found = server_of(url)
    assert (server.host, server.port, server.user, found) == (host, port, user, root)
    assert (server.checks_host_key, server.conn_id, server.password) == (True, None, None)


@pytest.mark.parametrize("url", ["sftp://host:0/x", "sftp://host:99999/x", "sftp://ho st/x", "sftp://@/x", "sftp://me@:22/x"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(DefinitionError, match="write it as sftp://"):
        server_of(url)


def test_the_connection_says_what_the_url_leaves_out() -> None:
    extra = {
        "key_file": "~/key",
        "private_key": CANARY,
        "private_key_passphrase": CANARY,
        "host_key": "ssh-ed25519 AAAA",
        "known_hosts": "/etc/known",
        "conn_timeout": "3",
    }
    server, _ = server_of("sftp://host/x", Login("files", "sftp", "host", 2222, login="me", password=CANARY, extra=extra))
    assert server == SftpServer(
        "host", 2222, "me", "files", CANARY, CANARY, "~/key", CANARY, "ssh-ed25519 AAAA", "/etc/known", connect_seconds=3.0
    )
    assert CANARY not in repr(server)


@pytest.mark.parametrize(
    ("extra", "checks"),
    [
        ({}, True),
        ({"no_host_key_check": True}, False),
        ({"no_host_key_check": "true"}, False),
        ({"no_host_key_check": "false"}, True),
        ({"no_host_key_check": True, "host_key": "AAAA"}, True),
    ],
)
def test_the_host_key_is_checked_unless_the_connection_says_not_to(extra: dict[str, Any], checks: bool) -> None:
    server, _ = server_of("sftp://host/x", Login("files", "sftp", extra=extra))
    assert server.checks_host_key is checks


@pytest.mark.parametrize(("url", "word"), [("sftp://evil/x", "host"), ("sftp://host:99/x", "port"), ("sftp://you@host/x", "user")])
def test_nobodys_password_goes_to_another_server_than_its_connection_names(url: str, word: str) -> None:
    """S16."""
    with pytest.raises(DefinitionError, match=f"names the {word} .* and the connection 'files' another one") as caught:
        server_of(url, Login("files", "sftp", "host", 22, login="me", password=CANARY))
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    ("login", "message"),
    [
        (Login("files", "aws", password=CANARY), "is of type 'aws', but an SFTP server takes one of: sftp, ssh, generic"),
        (Login("files", "sftp", password=CANARY, extra={"private_key": 1}), "extra 'private_key' must be text"),
        (Login("files", "sftp", password=CANARY, extra={"conn_timeout": "soon"}), "extra 'conn_timeout' must be a number"),
    ],
)
def test_a_connection_that_cannot_be_used_is_named(login: Login, message: str) -> None:
    """S11."""
    with pytest.raises(DefinitionError, match=message) as caught:
        server_of("sftp://host/x", login)
    assert "'files'" in str(caught.value)
    assert CANARY not in str(caught.value)
