"""Which web servers may a datastore be on?"""

from __future__ import annotations

import socket

import pytest

from airflow_amlpipe.exceptions import DatastoreUnavailableError, DefinitionError
from airflow_amlpipe.storage.http_hosts import HttpHosts
from airflow_amlpipe.storage.open import open_store

ALL_LISTED = HttpHosts(
    (
        "169.254.169.254",
        "169.254.170.2:80",
        "metadata.example",
        "168.63.129.16",
        "100.100.100.200",
        "fd00:ec2::254",
        "fe80::1",
        "2852039166",
    )
)


def answering(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Let every name lead to ``addresses``."""
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, port, **_: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in addresses]
    )


@pytest.mark.parametrize(
    "host",
    ["169.254.169.254", "169.254.170.2", "[fe80::1]", "168.63.129.16", "100.100.100.200", "[fd00:ec2::254]", "2852039166", "0xa9fea9fe"],
)
@pytest.mark.parametrize("hosts", [HttpHosts(), ALL_LISTED])
def test_services_that_hand_out_credentials_are_always_refused(hosts: HttpHosts, host: str) -> None:
    """S16."""
    with pytest.raises(DefinitionError, match="where clouds hand out credentials|is none of the allowed servers"):
        hosts.check(host, 80, "datastore 'lake'")


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST.", "a.localhost", "127.0.0.1", "127.1", "0x7f000001", "2130706433", "[::1]", "[::ffff:127.0.0.1]"]
)
def test_this_machine_is_refused_unless_it_is_listed(host: str) -> None:
    """S16."""
    with pytest.raises(
        DefinitionError, match="this machine; name another server, or let an administrator add it to the setting allowed_http_hosts"
    ):
        HttpHosts().check(host, 8080, "datastore 'lake'")
    HttpHosts((host.strip("[]").lower().rstrip("."),)).check(host, 8080, "datastore 'lake'")


@pytest.mark.parametrize("host", ["0.0.0.0", "224.0.0.1", "255.255.255.255", "[::]"])
def test_what_is_no_server_is_refused(host: str) -> None:
    with pytest.raises(DefinitionError, match="is no server's"):
        HttpHosts().check(host, 80, "x")


@pytest.mark.parametrize("host", ["files.example.com", "10.0.0.7", "192.168.1.2", "8.8.8.8", "[2001:4860::1]", "localhost.example.com"])
def test_other_servers_may_be_asked(host: str) -> None:
    HttpHosts().check(host, 443, "x")


def test_a_list_allows_these_and_no_others() -> None:
    """S16."""
    hosts = HttpHosts(("Files.example.com", "other.example.com:8443", "[::1]:80"))
    for host, port in (("files.example.com", 1), ("FILES.EXAMPLE.COM.", 443), ("other.example.com", 8443), ("[::1]", 80)):
        hosts.check(host, port, "x")
    for host, port in (
        ("example.com", 443),
        ("files.example.com.evil.example", 443),
        ("other.example.com", 443),
        ("[::1]", 81),
        ("8.8.8.8", 443),
    ):
        with pytest.raises(DefinitionError, match="is none of the allowed servers"):
            hosts.check(host, port, "x")


@pytest.mark.parametrize(
    "addresses", [("127.0.0.1",), ("8.8.8.8", "127.0.0.1"), ("::1",), ("169.254.169.254",), ("::ffff:169.254.169.254",), ("fe80::1%eth0",)]
)
def test_a_name_that_leads_to_such_an_address_is_refused(monkeypatch: pytest.MonkeyPatch, addresses: tuple[str, ...]) -> None:
    """S16."""
    answering(monkeypatch, *addresses)
    with pytest.raises(DefinitionError, match="this machine|hand out credentials"):
        HttpHosts().addresses("innocent.example.com", 443, "x")


def test_a_listed_name_may_lead_to_this_machine_but_never_to_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """S16."""
    hosts = HttpHosts(("files.example.com",))
    answering(monkeypatch, "127.0.0.1")
    assert hosts.addresses("files.example.com", 443, "x") == ["127.0.0.1"]
    answering(monkeypatch, "169.254.169.254")
    with pytest.raises(DefinitionError, match="hand out credentials"):
        hosts.addresses("files.example.com", 443, "x")


def test_the_addresses_that_were_looked_at_are_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    """S16."""
    answering(monkeypatch, "8.8.8.8", "8.8.4.4", "8.8.8.8")
    assert HttpHosts().addresses("dns.example.com", 443, "x") == ["8.8.8.8", "8.8.4.4"]


def test_a_name_that_leads_nowhere_is_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(DatastoreUnavailableError, match=r"x: the server a\.example could not be found \(Name or service not known\)"):
        HttpHosts().addresses("a.example", 443, "x")


@pytest.mark.parametrize("url", ["http://169.254.169.254/latest/meta-data", "http://localhost:8080/x", "http://2130706433/x"])
def test_a_store_is_not_opened_there(url: str) -> None:
    """S16."""
    with pytest.raises(DefinitionError, match="the server .* is"):
        open_store(url, what="datastore 'lake'")
