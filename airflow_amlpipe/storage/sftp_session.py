"""What is spoken with an SFTP server, beyond what paramiko speaks?

Paramiko's client forgets which extensions the server offered, has no words for two that we need (a link that fails if its name
exists, a file forced to disk), tells all refusals but two apart by their text only, throws away the answers to the last writes of a
pipelined file and does not look at the answer to closing it, so that a full disk can go unnoticed. All of that is here, over paramiko's
own requests; one request after another, since its client hands an answer to the wrong thread when two wait at once.
"""

from __future__ import annotations

import errno
import stat
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Self

import paramiko
from paramiko import sftp
from paramiko.sftp_attr import SFTPAttributes

from airflow_amlpipe.exceptions import DatastoreUnavailableError, DefinitionError, SourceChangedError, shorten
from airflow_amlpipe.storage.sftp_sessions import ConnectionLostError

__all__ = ["Entry", "RefusedError", "RemoteFile", "SftpSession"]

# What every server takes; larger ones need an agreement that few servers offer.
_BLOCK = 32768
# How many requests may wait for their answers: 2 MiB, enough for a network of 100 Mbit/s and 160 ms.
_WINDOW = 64
# A server that copies says nothing before it is done.
_COPIED_AT_ONCE = 1 << 28
_HARDLINK, _FSYNC, _POSIX_RENAME, _COPY = "hardlink@openssh.com", "fsync@openssh.com", "posix-rename@openssh.com", "copy-data"


class RefusedError(OSError):
    """The server answered that it did not do what it was asked.

    :ivar is_unsupported: because it never does
    """

    def __init__(self, code: int, text: str) -> None:
        number = {sftp.SFTP_PERMISSION_DENIED: errno.EACCES, sftp.SFTP_OP_UNSUPPORTED: errno.EOPNOTSUPP}.get(code, errno.EREMOTEIO)
        super().__init__(number, f"the server refused ({shorten(text, 80) or f'status {code}'})")
        self.is_unsupported = code == sftp.SFTP_OP_UNSUPPORTED


@dataclass(frozen=True, slots=True)
class Entry:
    """What a server says of a name; of a link, not of what it leads to."""

    name: str
    mode: int
    size: int
    mtime: int


class SftpSession(paramiko.SFTPClient):  # type: ignore[misc]  # paramiko has no types
    """One conversation, for one thread at a time.

    Every method raises :class:`FileNotFoundError` for what is definitely not there, :class:`RefusedError` for any other answer than
    yes, and :class:`ConnectionLostError` where none came; after that the session is of no use.

    :ivar offered: the names of the extensions that the server offers
    """

    offered: frozenset[str]

    # ---- names

    def entry(self, path: str) -> Entry:
        """Return what is at ``path``; of a link, what it leads to."""
        return _entry(path, self.stat(path))

    def own_entry(self, path: str) -> Entry:
        """Return what is at ``path``, which may be a link."""
        return _entry(path, self.lstat(path))

    def entries(self, path: str) -> list[Entry]:
        """Return what is in the folder ``path``, in no order.

        :raises DefinitionError: a name is no UTF-8
        """
        handle = self._handle(sftp.CMD_OPENDIR, path)
        found = []
        try:
            while True:
                kind, answer = self._request(sftp.CMD_READDIR, handle)
                if kind != sftp.CMD_NAME:
                    raise ConnectionLostError(f"the server answered a listing with {kind}")
                for _ in range(answer.get_int()):
                    name = answer.get_binary()
                    answer.get_binary()
                    attributes = SFTPAttributes._from_msg(answer)
                    if name not in {b".", b".."}:
                        found.append(_entry(_text(name, path), attributes))
        except EOFError:
            return found
        finally:
            self._let_go(handle)

    def link(self, existing: str, new: str) -> bool:
        """Give the file ``existing`` the further name ``new``, which must be free; ``False``: the server never does that."""
        if _HARDLINK not in self.offered:
            return False
        try:
            self._request(sftp.CMD_EXTENDED, _HARDLINK, existing, new)
        except RefusedError as error:
            if error.is_unsupported:
                return False
            raise
        return True

    def replace(self, source: str, target: str) -> bool:
        """Let the file ``source`` take the place of ``target`` in one step; ``False``: the server never does that."""
        if _POSIX_RENAME not in self.offered:
            return False
        self.posix_rename(source, target)
        return True

    def remove_files(self, paths: Iterable[str]) -> None:
        """Delete files and links, many at a time; those that are gone are no error."""
        answers = _Answers(self)
        for path in paths:
            answers.ask(sftp.CMD_REMOVE, path)
            if len(answers) >= _WINDOW:
                answers.confirm(or_gone=True)
        while answers:
            answers.confirm(or_gone=True)

    # ---- content

    def read_file(self, path: str, sink: Callable[[bytes], object]) -> int:
        """Hand the file ``path`` to ``sink`` block by block and return its size.

        :raises IsADirectoryError: it is no file
        :raises SourceChangedError: its size or time changed meanwhile
        """
        handle = self._handle(sftp.CMD_OPEN, path, sftp.SFTP_FLAG_READ, SFTPAttributes())
        try:
            before = self._status(path, handle)
            if not stat.S_ISREG(before.mode):
                raise IsADirectoryError(errno.EISDIR, "no file", path)
            size = self._read_blocks(handle, before.size, sink)
            after = self._status(path, handle)
        except FileNotFoundError as error:
            # It was there when it was opened. What the server says now is trouble, not absence.
            raise RefusedError(sftp.SFTP_FAILURE, str(error.strerror)) from error
        finally:
            self._let_go(handle)
        if after != before or size != before.size:
            raise SourceChangedError(
                f"{shorten(repr(path))} changed while it was being read; nothing was recorded, run again when nobody writes to it"
            )
        return size

    def new_file(self, path: str) -> RemoteFile:
        """Make the file ``path``, which must not be there, and return it for writing."""
        flags = sftp.SFTP_FLAG_WRITE | sftp.SFTP_FLAG_CREATE | sftp.SFTP_FLAG_EXCL
        return RemoteFile(self, path, self._handle(sftp.CMD_OPEN, path, flags, SFTPAttributes()))

    def copy_file(self, source: str, target: str) -> None:
        """Make the file ``target``, which must not be there, a copy of ``source``; on the server, where it can."""
        with self.new_file(target) as copy:
            if _COPY not in self.offered:
                self.read_file(source, copy.write)
                return
            handle = self._handle(sftp.CMD_OPEN, source, sftp.SFTP_FLAG_READ, SFTPAttributes())
            try:
                before = self._status(source, handle)
                for start in range(0, before.size, _COPIED_AT_ONCE):
                    length = min(_COPIED_AT_ONCE, before.size - start)
                    self._request(sftp.CMD_EXTENDED, _COPY, handle, sftp.int64(start), sftp.int64(length), copy.handle, sftp.int64(start))
                if self._status(source, handle) != before:
                    raise SourceChangedError(
                        f"{shorten(repr(source))} changed while it was being copied; run again when nobody writes to it"
                    )
                copy.size = before.size
            finally:
                self._let_go(handle)

    def _handle(self, command: int, path: str, *more: object) -> bytes:
        kind, answer = self._request(command, path, *more)
        if kind != sftp.CMD_HANDLE:
            raise ConnectionLostError(f"the server answered an opening with {kind}")
        return bytes(answer.get_binary())

    def _status(self, path: str, handle: bytes) -> Entry:
        _, answer = self._request(sftp.CMD_FSTAT, handle)
        return _entry(path, SFTPAttributes._from_msg(answer))

    def _let_go(self, handle: bytes) -> None:
        # Of what was only read. Nobody waits for the answer; it is dropped when it comes.
        self._async_request(type(None), sftp.CMD_CLOSE, handle)

    def _read_blocks(self, handle: bytes, size: int, sink: Callable[[bytes], object]) -> int:
        answers = _Answers(self)
        asked: deque[tuple[int, int]] = deque()
        begun = done = 0
        while done < size:
            while begun < size and len(answers) < _WINDOW:
                length = min(_BLOCK, size - begun)
                asked.append((begun, length))
                answers.ask(sftp.CMD_READ, handle, sftp.int64(begun), length)
                begun += length
            start, length = asked.popleft()
            try:
                block = answers.data()
            except EOFError:
                break
            sink(block)
            done += len(block)
            # A server may answer with less than it was asked for; what is missing has to be asked for before what follows is used.
            while len(block) < length:
                start, length = start + len(block), length - len(block)
                try:
                    kind, answer = self._request(sftp.CMD_READ, handle, sftp.int64(start), length)
                except EOFError:
                    return done
                block = answer.get_binary() if kind == sftp.CMD_DATA else b""
                if not block:
                    raise ConnectionLostError("the server answered a reading with nothing")
                sink(block)
                done += len(block)
        return done

    # ---- what paramiko would do otherwise

    def _send_version(self) -> int:
        hello = paramiko.Message()
        hello.add_int(3)
        self._send_packet(sftp.CMD_INIT, hello)
        kind, data = self._read_packet()
        if kind != sftp.CMD_VERSION:
            raise ConnectionLostError("it does not speak SFTP")
        answer = paramiko.Message(data)
        version = int(answer.get_int())
        offered = set()
        while answer.get_remainder():
            offered.add(answer.get_binary().decode("ascii", "replace"))
            answer.get_binary()
        self.offered = frozenset(offered)
        return version

    def _send_packet(self, kind: int, packet: paramiko.Message) -> None:
        try:
            super()._send_packet(kind, packet)
        except (OSError, EOFError, paramiko.SSHException) as error:
            raise ConnectionLostError(_told(error)) from error

    def _read_packet(self) -> tuple[int, bytes]:
        try:
            kind, data = super()._read_packet()
        except (OSError, EOFError, paramiko.SSHException, sftp.SFTPError) as error:
            raise ConnectionLostError(_told(error)) from error
        return kind, data

    def _convert_status(self, answer: paramiko.Message) -> None:
        code, text = answer.get_int(), answer.get_binary().decode("utf-8", "replace")
        if code == sftp.SFTP_OK:
            return
        if code == sftp.SFTP_EOF:
            raise EOFError
        if code == sftp.SFTP_NO_SUCH_FILE:
            raise FileNotFoundError(errno.ENOENT, text or "no such file")
        raise RefusedError(code, text)


class RemoteFile:
    """A new file that is being written: whole and closed without an error when the ``with`` ends well.

    :ivar size: the bytes it should have
    """

    def __init__(self, session: SftpSession, path: str, handle: bytes) -> None:
        self.handle = handle
        self.size = 0
        self._session = session
        self._path = path
        self._answers = _Answers(session)

    def write(self, data: bytes) -> None:
        """Append ``data``; whether the server took it, the end of the ``with`` tells at the latest."""
        for start in range(0, len(data), _BLOCK):
            block = data[start : start + _BLOCK]
            if len(self._answers) >= _WINDOW:
                self._answers.confirm()
            self._answers.ask(sftp.CMD_WRITE, self.handle, sftp.int64(self.size), block)
            self.size += len(block)

    def force_to_disk(self) -> None:
        """Have everything written so far outlive a power cut there, if the server offers that; SFTP has no way to do so for a folder."""
        self._confirm_all()
        if _FSYNC in self._session.offered:
            self._session._request(sftp.CMD_EXTENDED, _FSYNC, self.handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is not None:
            if not isinstance(error, ConnectionLostError):
                self._session._let_go(self.handle)
            return
        self._confirm_all()
        status = self._session._status(self._path, self.handle)
        # Not all servers write before they say so: the answer to closing counts too.
        self._session._request(sftp.CMD_CLOSE, self.handle)
        if status.size != self.size:
            raise RefusedError(sftp.SFTP_FAILURE, f"it has {status.size} bytes of {self.size}")

    def _confirm_all(self) -> None:
        while self._answers:
            self._answers.confirm()


class _Answers:
    """Requests under way, in the order in which their answers are wanted."""

    def __init__(self, session: SftpSession) -> None:
        self._session = session
        self._asked: deque[int] = deque()
        self._come: dict[int, tuple[int, Any]] = {}

    def __len__(self) -> int:
        return len(self._asked)

    def ask(self, command: int, *arguments: object) -> None:
        self._asked.append(self._session._async_request(self, command, *arguments))

    def confirm(self, *, or_gone: bool = False) -> None:
        """Take the next answer, which must be yes; or, with ``or_gone``, that nothing is there."""
        kind, answer = self._next()
        if kind != sftp.CMD_STATUS:
            raise ConnectionLostError(f"the server answered a request with {kind}")
        try:
            self._session._convert_status(answer)
        except FileNotFoundError:
            if not or_gone:
                raise

    def data(self) -> bytes:
        """Take the next answer, which must be bytes.

        :raises EOFError: the file ended before
        """
        kind, answer = self._next()
        if kind == sftp.CMD_STATUS:
            self._session._convert_status(answer)
        block = bytes(answer.get_binary()) if kind == sftp.CMD_DATA else b""
        if not block:
            raise ConnectionLostError("the server answered a reading with nothing")
        return block

    def _next(self) -> tuple[int, Any]:
        number = self._asked.popleft()
        while number not in self._come:
            self._session._read_response()
        return self._come.pop(number)

    def _async_response(self, kind: int, answer: paramiko.Message, number: int) -> None:
        # Paramiko calls this of whoever asked.
        self._come[number] = (kind, answer)


def _entry(name: str, attributes: SFTPAttributes) -> Entry:
    if attributes.st_mode is None or (attributes.st_size is None and stat.S_ISREG(attributes.st_mode)):
        raise DatastoreUnavailableError(
            f"the SFTP server does not say whether {shorten(repr(name))} is a file, or how large; use a server that sends sizes and modes"
        )
    return Entry(name, attributes.st_mode, attributes.st_size or 0, attributes.st_mtime or 0)


def _text(name: bytes, folder: str) -> str:
    if b"/" in name or b"\0" in name or not name:
        raise DatastoreUnavailableError(
            f"the SFTP server lists the name {shorten(repr(name))} in folder {shorten(repr(folder))}, which can be none; do not trust it"
        )
    try:
        return name.decode()
    except UnicodeDecodeError:
        raise DefinitionError(f"the name {shorten(repr(name))} in folder {shorten(repr(folder))} is not UTF-8; rename it") from None


def _told(error: BaseException) -> str:
    return shorten(str(error) or type(error).__name__, 120)
