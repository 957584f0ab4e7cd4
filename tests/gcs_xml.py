"""What does the emulator of Google Cloud Storage lack that obstore asks for? The XML API: here it is, on top of the JSON API that it has.

Like the emulator, it ignores the condition of a creation (``x-goog-if-generation-match``): the store that lies. With ``enforces`` it keeps it.
"""

from __future__ import annotations

import http.client
import json
import threading
import uuid
from collections.abc import Callable
from datetime import datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit
from xml.sax.saxutils import escape

__all__ = ["serve_xml"]

_META = "x-goog-meta-"


def serve_xml(emulator: str, *, enforces: bool) -> ThreadingHTTPServer:
    """Return the running server in front of ``emulator`` (``host:port``)."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(_Json(emulator), enforces))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class _Json:
    """The emulator's own API."""

    def __init__(self, server: str) -> None:
        self._server = server
        self.lock = threading.RLock()
        self.parts: dict[str, tuple[dict[str, str], dict[int, bytes]]] = {}

    def ask(self, method: str, path: str, body: bytes | None = None, content_type: str = "application/json") -> tuple[int, bytes]:
        # The emulator answers one request at a time.
        with self.lock:
            connection = http.client.HTTPConnection(self._server, timeout=60)
            try:
                connection.request(method, path, body, {"Content-Type": content_type})
                answer = connection.getresponse()
                return answer.status, answer.read()
            finally:
                connection.close()

    def find(self, bucket: str, key: str) -> dict[str, Any] | None:
        status, body = self.ask("GET", f"/storage/v1/b/{bucket}/o/{quote(key, safe='')}")
        return json.loads(body) if status == 200 else None

    def has_bucket(self, bucket: str) -> bool:
        return self.ask("GET", f"/storage/v1/b/{bucket}")[0] == 200

    def store(self, bucket: str, key: str, body: bytes, metadata: dict[str, str]) -> dict[str, Any]:
        boundary = uuid.uuid4().hex
        described = json.dumps({"name": key, "metadata": metadata, "etag": uuid.uuid4().hex})
        content = (
            f"--{boundary}\r\nContent-Type: application/json\r\n\r\n{described}\r\n"
            f"--{boundary}\r\nContent-Type: application/octet-stream\r\n\r\n"
        ).encode() + body
        path = f"/upload/storage/v1/b/{bucket}/o?uploadType=multipart&name={quote(key, safe='')}"
        status, answer = self.ask("POST", path, content + f"\r\n--{boundary}--".encode(), f"multipart/related; boundary={boundary}")
        assert status == 200, answer
        found: dict[str, Any] = json.loads(answer)
        return found


def _handler(emulator: _Json, enforces: bool) -> Callable[..., BaseHTTPRequestHandler]:  # noqa: C901  # one class
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def _place(self) -> tuple[str, str, dict[str, str]]:
            url = urlsplit(self.path)
            bucket, _, key = unquote(url.path).lstrip("/").partition("/")
            return bucket, key, {name: values[0] for name, values in parse_qs(url.query, keep_blank_values=True).items()}

        def _answer(self, status: int, headers: dict[str, str] | None = None, body: bytes = b"", size: int | None = None) -> None:
            self.send_response_only(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body) if size is None else size))
            self.end_headers()
            self.wfile.write(body)

        def _refuse(self, status: int, code: str) -> None:
            text = f"<?xml version='1.0'?><Error><Code>{code}</Code></Error>".encode()
            self._answer(status, {"Content-Type": "application/xml"}, b"" if self.command == "HEAD" else text, len(text))

        def _facts(self, found: dict[str, Any]) -> dict[str, str]:
            kept = {_META + name: value for name, value in (found.get("metadata") or {}).items()}
            return {
                **kept,
                "ETag": f'"{found["generation"]}"',
                "x-goog-generation": found["generation"],
                "Last-Modified": format_datetime(datetime.fromisoformat(found["updated"]), usegmt=True),
                "Content-Type": "application/octet-stream",
            }

        def do_HEAD(self) -> None:  # the server's name
            self.do_GET()

        def do_GET(self) -> None:
            bucket, key, query = self._place()
            if not key:
                self._list(bucket, query)
                return
            found = emulator.find(bucket, key)
            if found is None:
                self._refuse(404, "NoSuchKey" if emulator.has_bucket(bucket) else "NoSuchBucket")
                return
            wanted = self.headers.get("If-Match")
            if wanted and wanted.strip('"') != found["generation"]:
                self._refuse(412, "PreconditionFailed")
                return
            size = int(found["size"])
            if self.command == "HEAD":
                self._answer(200, self._facts(found), size=size)
                return
            body = emulator.ask("GET", f"/storage/v1/b/{bucket}/o/{quote(key, safe='')}?alt=media")[1]
            part = self.headers.get("Range")
            if part is None:
                self._answer(200, self._facts(found), body)
                return
            first, _, last = part.removeprefix("bytes=").partition("-")
            start, end = int(first), min(int(last or size - 1), size - 1)
            self._answer(206, {**self._facts(found), "Content-Range": f"bytes {start}-{end}/{size}"}, body[start : end + 1])

        def do_PUT(self) -> None:
            bucket, key, query = self._place()
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if not emulator.has_bucket(bucket):
                self._refuse(404, "NoSuchBucket")
                return
            if "uploadId" in query:
                emulator.parts[query["uploadId"]][1][int(query["partNumber"])] = body
                self._answer(200, {"ETag": f'"{query["partNumber"]}"'})
                return
            with emulator.lock:
                if enforces and self.headers.get("x-goog-if-generation-match") == "0" and emulator.find(bucket, key) is not None:
                    self._refuse(412, "PreconditionFailed")
                    return
                metadata = {name.lower()[len(_META) :]: value for name, value in self.headers.items() if name.lower().startswith(_META)}
                if source := self.headers.get("x-goog-copy-source"):
                    from_bucket, _, from_key = unquote(source).lstrip("/").partition("/")
                    copied = emulator.find(from_bucket, from_key)
                    if copied is None:
                        self._refuse(404, "NoSuchKey")
                        return
                    body = emulator.ask("GET", f"/storage/v1/b/{from_bucket}/o/{quote(from_key, safe='')}?alt=media")[1]
                    metadata = copied.get("metadata") or {}
                found = emulator.store(bucket, key, body, metadata)
            text = b"<CopyObjectResult></CopyObjectResult>" if self.headers.get("x-goog-copy-source") else b""
            self._answer(200, self._facts(found), text)

        def do_POST(self) -> None:
            bucket, key, query = self._place()
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if "uploads" in query:
                upload = uuid.uuid4().hex
                emulator.parts[upload] = ({}, {})
                self._xml("InitiateMultipartUploadResult", f"<UploadId>{upload}</UploadId>")
                return
            parts = emulator.parts.pop(query["uploadId"])[1]
            found = emulator.store(bucket, key, b"".join(parts[number] for number in sorted(parts)), {})
            self._xml("CompleteMultipartUploadResult", f"<ETag>&quot;{found['generation']}&quot;</ETag>", self._facts(found))

        def do_DELETE(self) -> None:
            bucket, key, query = self._place()
            if "uploadId" in query:
                emulator.parts.pop(query["uploadId"], None)
                self._answer(204)
                return
            status, _ = emulator.ask("DELETE", f"/storage/v1/b/{bucket}/o/{quote(key, safe='')}")
            self._answer(204) if status < 300 else self._refuse(404, "NoSuchKey")

        def _list(self, bucket: str, query: dict[str, str]) -> None:
            if not emulator.has_bucket(bucket):
                self._refuse(404, "NoSuchBucket")
                return
            asked = {"prefix": query.get("prefix", ""), "delimiter": query.get("delimiter", ""), "maxResults": "10000"}
            given = "&".join(f"{name}={quote(value, safe='')}" for name, value in asked.items() if value)
            answer = json.loads(emulator.ask("GET", f"/storage/v1/b/{bucket}/o?{given}")[1])
            objects = "".join(
                f"<Contents><Key>{escape(item['name'])}</Key><LastModified>{item['updated']}</LastModified>"
                f"<ETag>&quot;{item['generation']}&quot;</ETag><Size>{item['size']}</Size><Generation>{item['generation']}</Generation></Contents>"
                for item in answer.get("items", ())
            )
            folders = "".join(f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>" for name in answer.get("prefixes", ()))
            self._xml("ListBucketResult", f"<IsTruncated>false</IsTruncated>{objects}{folders}")

        def _xml(self, name: str, content: str, headers: dict[str, str] | None = None) -> None:
            text = f"<?xml version='1.0' encoding='UTF-8'?><{name}>{content}</{name}>"
            self._answer(200, {**(headers or {}), "Content-Type": "application/xml"}, text.encode())

    return Handler
