"""What does a store's client see when the network or the server fails? A proxy in front of a real server that fails as it is told.

A test gives it what shall happen to the next requests that a rule fits; all others are passed on.
"""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

__all__ = ["Fault", "FaultyServer", "faulty"]

_SKIPPED = {"connection", "transfer-encoding", "content-length", "keep-alive"}


@dataclass
class Fault:
    """What happens to ``times`` requests of ``method`` whose path has ``part`` in it.

    :ivar how: ``refuse`` (answer ``status`` without asking the server), ``lose`` (the server does it, its answer is dropped), ``cut`` (half of
        the answer's body arrives), ``flip`` (one byte of it is another)
    """

    method: str
    part: str
    how: str
    status: int = 503
    code: str = "SlowDown"
    times: int = 1


@dataclass
class FaultyServer:
    """The proxy: its address, the faults still to come, and what was asked of it."""

    url: str = ""
    faults: list[Fault] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fault_for(self, method: str, path: str) -> Fault | None:
        """Return what shall happen to a request, which is noted."""
        with self._lock:
            self.asked.append((method, path))
            for fault in self.faults:
                if fault.times and fault.method == method and fault.part in path:
                    fault.times -= 1
                    return fault
        return None


@contextmanager
def faulty(server: str) -> Iterator[FaultyServer]:
    """Stand in front of ``server`` (``http://127.0.0.1:port``) for as long as the block lasts."""
    state = FaultyServer()
    proxy = ThreadingHTTPServer(("127.0.0.1", 0), _handler(state, urlsplit(server).netloc))
    proxy.daemon_threads = True
    state.url = f"http://127.0.0.1:{proxy.server_address[1]}"
    thread = threading.Thread(target=proxy.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        proxy.shutdown()
        proxy.server_close()
        thread.join()


def _handler(state: FaultyServer, server: str) -> Callable[..., BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            fault = state.fault_for(self.command, self.path)
            if fault is not None and fault.how == "refuse":
                text = f"<Error><Code>{fault.code}</Code><Message>told to</Message></Error>".encode()
                self._answer(fault.status, {"Content-Type": "application/xml"}, b"" if self.command == "HEAD" else text, len(text))
                return
            connection = http.client.HTTPConnection(server, timeout=60)
            try:
                headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
                connection.request(self.command, self.path, body or None, headers)
                answer = connection.getresponse()
                content = answer.read()
            finally:
                connection.close()
            if fault is not None and fault.how == "lose":
                self.close_connection = True
                return
            if fault is not None and fault.how == "flip":
                content = bytes([content[0] ^ 1]) + content[1:]
            size = int(answer.headers.get("Content-Length") or len(content)) if self.command == "HEAD" else len(content)
            if fault is not None and fault.how == "cut":
                content = content[: len(content) // 2]
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in _SKIPPED}
            self._answer(answer.status, kept, content, size)

        def _answer(self, status: int, headers: dict[str, str], content: bytes, size: int) -> None:
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(size))
            self.end_headers()
            self.wfile.write(content)
            self.close_connection = True

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _pass_on  # the server's names

    return Handler
