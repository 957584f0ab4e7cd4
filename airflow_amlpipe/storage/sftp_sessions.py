"""How do the threads of a process share connections to one SFTP server, and what happens when one is lost?

A connection has one user at a time; a few are open at most, each made when there is need. A lost one is never used again: what was asked
over it is asked once more over a new one, then given up. A process forked from this one starts with none, and leaves the parent's alone.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from airflow_amlpipe.exceptions import AmlPipeError, DatastoreUnavailableError, UnsupportedFeatureError, shorten
from airflow_amlpipe.storage.sftp_server import SftpServer

if TYPE_CHECKING:
    from airflow_amlpipe.storage.sftp_connect import SftpFileSystem
    from airflow_amlpipe.storage.sftp_session import SftpSession

__all__ = ["ConnectionLostError", "SftpSessions"]

Result = TypeVar("Result")


class ConnectionLostError(Exception):
    """No answer came, and none will: what was asked last may have been done or not."""


class SftpSessions:
    """At most ``most`` connections to ``server``.

    :param url: the store, as messages name it
    """

    def __init__(self, server: SftpServer, url: str, *, most: int = 4) -> None:
        self.url = url
        self.most = most
        self._server = server
        self._idle: list[SftpFileSystem] = []
        self._open: set[SftpFileSystem] = set()
        self._free = threading.Condition()
        self._busy = 0
        _ALL.add(self)

    def run(self, doing: str, path: str, action: Callable[[SftpSession], Result]) -> Result:
        """Return what ``action`` does with a session; once more from its beginning, on a new connection, if that one is lost.

        :param doing: completes "could not ...", for the message
        :raises DatastoreUnavailableError: lost again, or no connection came about
        """
        try:
            with self.one() as session:
                return action(session)
        except ConnectionLostError:
            # What idles was opened to the same server before.
            self.close_idle()
        try:
            with self.one() as session:
                return action(session)
        except ConnectionLostError as error:
            raise self.unavailable(doing, path, error) from error

    def unavailable(self, doing: str, path: str, error: Exception) -> DatastoreUnavailableError:
        """Return the error for an operation that was given up because no connection lasted."""
        return DatastoreUnavailableError(
            f"datastore {shorten(self.url)}: could not {doing} {shorten(repr(path))}: {shorten(str(error))}, twice; "
            "nothing was recorded as done; run again when the server answers"
        )

    @contextmanager
    def one(self) -> Iterator[SftpSession]:
        """Lend a session to this thread, which must not ask for a second one meanwhile.

        :raises ConnectionLostError: it was lost, or did not come about
        """
        connection = self._taken()
        is_sound = False
        try:
            yield connection.session
            is_sound = True
        except (OSError, AmlPipeError):
            # Answers and what became of them. Anything else, a signal too, may have cut a request in two.
            is_sound = True
            raise
        finally:
            self._given_back(connection, is_sound=is_sound)

    def close_idle(self) -> None:
        """End the connections that nobody uses now."""
        with self._free:
            idle, self._idle = self._idle, []
            self._open.difference_update(idle)
        for connection in idle:
            connection.close()

    def _taken(self) -> SftpFileSystem:
        with self._free:
            self._free.wait_for(lambda: self._busy < self.most)
            self._busy += 1
            if self._idle:
                return self._idle.pop()
        try:
            connection = _connect(self._server)
        except BaseException:
            with self._free:
                self._busy -= 1
                self._free.notify()
            raise
        with self._free:
            self._open.add(connection)
        return connection

    def _given_back(self, connection: SftpFileSystem, *, is_sound: bool) -> None:
        with self._free:
            self._busy -= 1
            if is_sound:
                self._idle.append(connection)
            else:
                self._open.discard(connection)
            self._free.notify()
        if not is_sound:
            connection.close()

    def forget(self) -> None:
        """Start anew in a process that was forked; see :func:`_leave_to_parent`."""
        for connection in self._open:
            transport = connection.client.get_transport()
            if transport is not None:
                # Our copy of the socket only; and no word over it, whoever drops the objects.
                transport.active = False
                transport.sock.close()
        _LEFT_TO_PARENT.extend(self._open)
        self._idle, self._open, self._busy, self._free = [], set(), 0, threading.Condition()


_ALL: weakref.WeakSet[SftpSessions] = weakref.WeakSet()
# Kept for ever: paramiko says goodbye when its objects are collected, which would reach the parent's server in the parent's name.
_LEFT_TO_PARENT: list[SftpFileSystem] = []


def _leave_to_parent() -> None:
    for sessions in list(_ALL):
        sessions.forget()


os.register_at_fork(after_in_child=_leave_to_parent)


def _connect(server: SftpServer) -> SftpFileSystem:
    # Here, because a script or DAG file that only names a datastore must not pay for it.
    try:
        from airflow_amlpipe.storage.sftp_connect import SftpFileSystem
    except ModuleNotFoundError as error:
        raise UnsupportedFeatureError(f"datastores on SFTP need the package {error.name!r}; install airflow-amlpipe[sftp]") from error
    return SftpFileSystem(server)
