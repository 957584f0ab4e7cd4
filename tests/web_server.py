"""Which web server do tests talk to? One of this process, whose answers a test decides."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

__all__ = ["Answer", "WebServer", "web_server"]


@dataclass
class Answer:
    """What the server says to one request.

    :ivar cut: of the body only so many bytes are sent before the connection ends
    """

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    says_length: bool = True


@dataclass
class WebServer:
    """``files`` by path; ``asked`` are the requests so far: method, path, headers."""

    url: str
    files: dict[str, Answer | Callable[[], Answer]] = field(default_factory=dict)
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)

    @property
    def methods(self) -> list[str]:
        return [method for method, _, _ in self.asked]


@contextmanager
def web_server(*, certificate: Path | None = None) -> Iterator[WebServer]:
    """Serve until the end of the ``with``, on a free port of this machine.

    :param certificate: file with a certificate and its key, to speak ``https``
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.asked.append((self.command, self.path, dict(self.headers)))
            answer = server.files.get(self.path, Answer(b"nothing here", 404))
            if callable(answer):
                answer = answer()
            self.send_response(answer.status)
            if answer.says_length:
                self.send_header("Content-Length", str(len(answer.body)))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(answer.body[: answer.cut])
            if answer.cut is not None:
                self.close_connection = True

        do_HEAD = do_GET

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    service = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server = WebServer(f"{'https' if certificate else 'http'}://127.0.0.1:{service.server_port}")
    if certificate is not None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
        service.socket = tls.wrap_socket(service.socket, server_side=True)
    threading.Thread(target=service.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        service.shutdown()
        service.server_close()
