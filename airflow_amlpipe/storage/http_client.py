"""How is a web server asked for one file, and what does its answer mean?

By httpx, which Airflow brings: fsspec's own file system for the web follows redirects wherever they lead and keeps the validators of what
it reads to itself, and obstore does the former too. Here every hop is checked, and a login goes to the server it is for and no further.
"""

from __future__ import annotations

import logging
import random
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from airflow_amlpipe.exceptions import DatastoreUnavailableError, DefinitionError, shorten
from airflow_amlpipe.storage.http_hosts import HttpHosts
from airflow_amlpipe.storage.login import Login

if TYPE_CHECKING:
    import httpx

__all__ = ["HttpClient"]

_SECONDS = 30.0
_TRIES = 3
_MOST_HOPS = 5
_REDIRECTS = {301, 302, 303, 307, 308}
_NOT_THERE = {404, 410}
_PASSING = {408, 425, 429, 500, 502, 503, 504}
_CONN_TYPES = ("http", "generic")

Result = TypeVar("Result")


class HttpClient:
    """Asks for what is below ``url``, as ``login`` says: user and password, and headers from the extra of the connection.

    :param pause_seconds: how long to wait before the second try; longer before the third
    """

    def __init__(self, url: str, login: Login | None, hosts: HttpHosts, *, pause_seconds: float = 0.5) -> None:
        self.url = url
        self._login = login
        self._hosts = hosts
        self._pause_seconds = pause_seconds
        self._headers = _headers(url, login)
        self._made: httpx.Client | None = None
        self._lock = threading.Lock()

    def ask(self, method: str, url: str, doing: str, path: str, take: Callable[[httpx.Response], Result]) -> Result:
        """Return what ``take`` makes of the answer, whose body has not been read; again from the beginning if it is cut off.

        :param doing: completes "could not ...", for the message
        :raises FileNotFoundError: the server says that nothing is there
        :raises DatastoreUnavailableError: any other answer than yes, or none
        :raises DefinitionError: a server that may not be asked
        """
        import httpx

        trouble = ""
        for attempt in range(_TRIES):
            if attempt:
                time.sleep(self._pause_seconds * attempt * (1 + random.random()))  # noqa: S311  # so that not all come back at once
            try:
                with self._answer(method, url, doing, path) as answer:
                    if answer.is_success:
                        return take(answer)
                    if answer.status_code in _NOT_THERE:
                        raise FileNotFoundError(path)
                    trouble = f"the server answered {answer.status_code} {shorten(answer.reason_phrase, 60)}".rstrip()
                    if answer.status_code not in _PASSING:
                        break
            except httpx.TransportError as error:
                trouble = shorten(str(error) or type(error).__name__, 120)
            except (httpx.InvalidURL, httpx.DecodingError) as error:
                trouble = type(error).__name__
                break
        raise self._unavailable(doing, path, trouble, "run again later" if attempt == _TRIES - 1 else self._what_to_check())

    @contextmanager
    def _answer(self, method: str, url: str, doing: str, path: str) -> Iterator[httpx.Response]:
        import httpx

        origin = place = httpx.URL(url)
        for _ in range(_MOST_HOPS):
            is_home = (place.scheme, place.host, place.port) == (origin.scheme, origin.host, origin.port)
            answer = self._sent(method, place, is_home=is_home)
            try:
                if answer.status_code not in _REDIRECTS or "location" not in answer.headers:
                    yield answer
                    return
                following = place.join(answer.headers["location"])
            finally:
                answer.close()
            if following.scheme not in {"http", "https"} or (place.scheme == "https" and following.scheme == "http"):
                raise self._unavailable(
                    doing, path, f"the server sends us on from {place.scheme!r} to {shorten(repr(following.scheme), 40)}", "correct the URL"
                )
            place = following
        raise self._unavailable(doing, path, f"the server sends us on more than {_MOST_HOPS} times", "correct the URL")

    def _sent(self, method: str, place: httpx.URL, *, is_home: bool) -> httpx.Response:
        import httpx

        port = place.port or (443 if place.scheme == "https" else 80)
        what = f"datastore {shorten(self.url)}"
        if urllib.request.getproxies().get(place.scheme) and not urllib.request.proxy_bypass(place.host):
            # Only the proxy knows where the name leads.
            self._hosts.check(place.host, port, what)
            addresses = [place.host]
        else:
            addresses = self._hosts.addresses(place.host, port, what)
        headers = {"Accept-Encoding": "identity", **(self._headers if is_home else {}), "Host": place.netloc.decode("ascii")}
        auth = (self._login.login or "", self._login.password or "") if is_home and self._login and self._login.login else None
        for address in addresses:
            # The address that was looked at; the name is what the certificate is for.
            request = self._client().build_request(
                method, place.copy_with(host=address), headers=headers, extensions={"sni_hostname": place.host}
            )
            try:
                return self._client().send(request, auth=auth, stream=True)
            except httpx.ConnectError:
                if address == addresses[-1]:
                    raise
        raise httpx.ConnectError("the name has no address")

    def _client(self) -> httpx.Client:
        import httpx

        _hide_queries()
        with self._lock:
            if self._made is None:
                # A connection for each request: one that was kept is one to an address, whatever name its certificate is for, and would
                # be shared over a fork.
                limits = httpx.Limits(max_keepalive_connections=0)
                self._made = httpx.Client(timeout=_SECONDS, follow_redirects=False, limits=limits)
            return self._made

    def _unavailable(self, doing: str, path: str, trouble: str, advice: str) -> DatastoreUnavailableError:
        return DatastoreUnavailableError(
            f"datastore {shorten(self.url)}: could not {doing} {shorten(repr(path))}: {trouble}; nothing was recorded as done; {advice}"
        )

    def _what_to_check(self) -> str:
        if self._login is None:
            return "correct the URL, or name a connection with a login (conn_id)"
        return f"correct the URL, or the login in the connection {shorten(repr(self._login.conn_id))}"


def _headers(url: str, login: Login | None) -> Mapping[str, str]:
    if login is None:
        return {}
    if login.conn_type not in _CONN_TYPES:
        raise DefinitionError(
            f"connection {shorten(repr(login.conn_id))} is of type {shorten(repr(login.conn_type))}, but {shorten(url)} takes one of: "
            f"{', '.join(_CONN_TYPES)}"
        )
    # As in Airflow's http connections, whatever is in the extra is a header.
    found = {name: login.text(name) for name in login.extra}
    return {name: text for name, text in found.items() if text is not None}


class _WithoutQueries(logging.Filter):
    """httpx logs every URL it asks for, and the query of one that a server sends us on to may be a signature."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(str(part).partition("?")[0] if hasattr(part, "query") else part for part in record.args)
        return True


@cache
def _hide_queries() -> None:
    logging.getLogger("httpx").addFilter(_WithoutQueries())
