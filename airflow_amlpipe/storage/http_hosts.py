"""Which web servers may a datastore be on?

A name that somebody registers must not become a way into what only this machine can reach: itself, and the services that hand out its
credentials. What a name leads to is known when it is resolved, so that is when it is asked again, for every redirect too; and the
connection goes to the address that was looked at, not to what the name may lead to a moment later.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from typing import Final

from airflow_amlpipe.exceptions import DatastoreUnavailableError, DefinitionError, shorten

__all__ = ["HttpHosts"]

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Metadata services of clouds that are not on the link: Azure, Alibaba Cloud, Amazon over IPv6.
_METADATA: Final = frozenset(map(ipaddress.ip_address, ("168.63.129.16", "100.100.100.200", "fd00:ec2::254")))


@dataclass(frozen=True, slots=True)
class HttpHosts:
    """The rule of this process.

    :ivar allowed: only these, each ``host`` or ``host:port``; empty: every server but this machine
    """

    allowed: tuple[str, ...] = ()

    def check(self, host: str, port: int, what: str) -> None:
        """Check a server by its name; nothing is resolved.

        :raises DefinitionError: it may not be asked; the message says what to do
        """
        name = host.strip("[]").lower().rstrip(".")
        if self.allowed and not self._is_listed(name, port):
            raise _refused(host, what, "is none of the allowed servers")
        address = _address(name)
        if address is not None:
            self._check_address(host, port, address, what)
        elif not self.allowed and (name == "localhost" or name.endswith(".localhost")):
            raise _refused(host, what, "is this machine")

    def addresses(self, host: str, port: int, what: str) -> list[str]:
        """Return the addresses of a server, every one of which may be asked.

        :raises DefinitionError: the server, or one of its addresses, may not be asked
        :raises DatastoreUnavailableError: the name leads nowhere now
        """
        self.check(host, port, what)
        try:
            found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise DatastoreUnavailableError(
                f"{what}: the server {shorten(host)} could not be found ({error.strerror or error}); check its name, or try again"
            ) from error
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        for text in addresses:
            address = _address(text)
            if address is None:
                raise _refused(host, what, "leads to no address that is known")
            self._check_address(host, port, address, what)
        return addresses

    def _check_address(self, host: str, port: int, address: _Address, what: str) -> None:
        if address.is_link_local or address in _METADATA:
            raise DefinitionError(
                f"{what}: the server {shorten(host)} is at {address}, where clouds hand out credentials; no datastore can be there, name another server"
            )
        if address.is_loopback:
            if not self._is_listed(host.strip("[]").lower().rstrip("."), port):
                raise _refused(host, what, f"is at {address}, which is this machine")
        elif address.is_multicast or address.is_unspecified or address.is_reserved:
            raise _refused(host, what, f"is at {address}, which is no server's")

    def _is_listed(self, name: str, port: int) -> bool:
        listed = {entry.lower() for entry in self.allowed}
        return bool(listed & {name, f"{name}:{port}", f"[{name}]", f"[{name}]:{port}"})


def _address(text: str) -> _Address | None:
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return _old_style(text)
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found


def _old_style(text: str) -> _Address | None:
    """Return the address that "127.1", "0x7f000001" and "2130706433" are to the system's resolver."""
    if not text or set(text) - set("0123456789abcdefx."):
        return None
    try:
        return ipaddress.IPv4Address(socket.inet_aton(text))
    except OSError:
        return None


def _refused(host: str, what: str, why: str) -> DefinitionError:
    return DefinitionError(
        f"{what}: the server {shorten(host)} {why}; name another server, or let an administrator add it to the setting allowed_http_hosts"
    )
