"""How does a connection to an SFTP server come about?

fsspec's own file system class, with three things done otherwise: a server whose host key nothing vouches for is refused (fsspec's default
trusts whoever answers first), a login by password does not try every key of the machine before, and what is spoken over the
connection is :class:`SftpSession`. Constructed by its class, never by the protocol's name: packages beside us re-register ``sftp://``.
"""

from __future__ import annotations

import base64
import binascii
import io
import os

import paramiko
from fsspec.implementations.sftp import SFTPFileSystem

from airflow_amlpipe.exceptions import DatastoreUnavailableError, shorten
from airflow_amlpipe.storage.sftp_server import SftpServer
from airflow_amlpipe.storage.sftp_session import SftpSession
from airflow_amlpipe.storage.sftp_sessions import ConnectionLostError

__all__ = ["SftpFileSystem"]

_KEY_TYPES = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)
_KEEPALIVE_SECONDS = 30
# How long a server may take for one answer: it may have to force a large file to its disk.
_ANSWER_SECONDS = 180.0


class SftpFileSystem(SFTPFileSystem):  # type: ignore[misc]  # fsspec has no types
    """One connection to ``server`` as fsspec sees it; made when constructed, shared with nobody.

    :raises DatastoreUnavailableError: the server is not the one that is meant, or lets nobody in with this login
    :raises ConnectionLostError: the network or the server failed; another try may do
    """

    cachable = False
    # Two connections to one server are two.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __init__(self, server: SftpServer) -> None:
        self.server = server
        super().__init__(server.host)

    @property
    def session(self) -> SftpSession:
        return self.ftp

    def close(self) -> None:
        """End the connection; what is asked of it now fails."""
        self.client.close()

    def _connect(self) -> None:
        self.client = _logged_in(self.server)
        try:
            channel = self.client.get_transport().open_session(timeout=self.server.connect_seconds)
            channel.settimeout(_ANSWER_SECONDS)
            channel.invoke_subsystem("sftp")
            self.ftp = SftpSession(channel)
        except (OSError, EOFError, paramiko.SSHException, ConnectionLostError) as error:
            self.client.close()
            raise ConnectionLostError(
                f"{self.server.address} let {self.server.login} in, but opened no SFTP session ({_told(error)})"
            ) from error


def _logged_in(server: SftpServer) -> paramiko.SSHClient:
    client = paramiko.SSHClient()
    _vouch(client, server)
    key = _private_key(server)
    has_secret = bool(server.password or server.private_key or server.key_file)
    try:
        client.connect(
            server.host,
            server.port,
            server.user,
            server.password,
            pkey=key,
            timeout=server.connect_seconds,
            banner_timeout=server.connect_seconds,
            auth_timeout=server.connect_seconds,
            allow_agent=not has_secret,
            look_for_keys=not has_secret,
        )
        client.get_transport().set_keepalive(_KEEPALIVE_SECONDS)
    except (OSError, EOFError, paramiko.SSHException, _UnknownHostKeyError) as error:
        transport = client.get_transport()
        was_cut = transport is not None and not transport.is_active()
        client.close()
        raise _explained(error, server, was_cut=was_cut) from error
    except BaseException:
        client.close()
        raise
    return client


def _explained(error: Exception, server: SftpServer, *, was_cut: bool) -> Exception:
    where = f"the SFTP server {shorten(server.address, 80)}"
    if isinstance(error, paramiko.BadHostKeyException):
        return DatastoreUnavailableError(
            f"{where} showed the host key {_line(error.key)}, and {_line(error.expected_key)} was expected: it was set up anew, or "
            "somebody is in between; nothing was sent to it. If its administrator confirms the new key, write it into 'host_key' in the "
            "extra of the connection, or into known_hosts"
        )
    if isinstance(error, _UnknownHostKeyError):
        return DatastoreUnavailableError(
            f"nothing vouches for {where}, which showed the host key {_line(error.key)}; nothing was sent to it. If that is its key, write "
            "it into 'host_key' in the extra of the connection, or into known_hosts"
        )
    # Paramiko says the same of a server that refused and of one that was gone before it answered.
    if isinstance(error, paramiko.AuthenticationException) and not was_cut:
        user = "the user of this process" if server.user is None else f"user {shorten(repr(server.user), 60)}"
        return DatastoreUnavailableError(
            f"{where} did not let {user} in with {server.login}; correct its login, password or key, or the account on the server"
        )
    return ConnectionLostError(f"no connection to {server.address} ({_told(error)})")


class _UnknownHostKeyError(Exception):
    def __init__(self, key: paramiko.PKey) -> None:
        super().__init__(key.get_name())
        self.key = key


class _Refuse(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]  # paramiko has no types
    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:  # noqa: ARG002  # paramiko's
        raise _UnknownHostKeyError(key)


def _vouch(client: paramiko.SSHClient, server: SftpServer) -> None:
    """Tell ``client`` which host keys to believe; paramiko then asks the server for one of a type that it can check."""
    if not server.checks_host_key:
        client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        return
    client.set_missing_host_key_policy(_Refuse())
    if server.host_key is not None:
        key = _host_key(server)
        name = server.host if server.port == 22 else f"[{server.host}]:{server.port}"
        client.get_host_keys().add(name, key.get_name(), key)
        return
    for path in ("/etc/ssh/ssh_known_hosts", "~/.ssh/known_hosts") if server.known_hosts is None else (server.known_hosts,):
        try:
            client.load_system_host_keys(os.path.expanduser(path))
        except OSError as error:
            if server.known_hosts is not None:
                raise DatastoreUnavailableError(
                    f"'known_hosts' in the extra of {server.login}: {shorten(repr(path))} could not be read ({error.strerror}); correct the path"
                ) from error


def _host_key(server: SftpServer) -> paramiko.PKey:
    words = (server.host_key or "").split()
    try:
        blob = base64.b64decode(words[1] if len(words) > 1 else words[0], validate=True)
        return paramiko.PKey.from_type_string(paramiko.Message(blob).get_text(), blob)
    except (IndexError, ValueError, binascii.Error, paramiko.SSHException, paramiko.UnknownKeyType) as error:
        raise DatastoreUnavailableError(
            f"'host_key' in the extra of {server.login} is no public key; write it as known_hosts has it: ssh-ed25519 AAAA..."
        ) from error


def _private_key(server: SftpServer) -> paramiko.PKey | None:
    field, text = "private_key", server.private_key
    if text is None:
        if server.key_file is None:
            return None
        field, text = "key_file", _key_file(server, server.key_file)
    for kind in _KEY_TYPES:
        try:
            return kind.from_private_key(io.StringIO(text), server.passphrase)
        except paramiko.PasswordRequiredException as error:
            raise DatastoreUnavailableError(
                f"{field!r} in the extra of {server.login} needs a passphrase; write it into 'private_key_passphrase' there"
            ) from error
        except (paramiko.SSHException, ValueError):
            continue
    raise DatastoreUnavailableError(
        f"{field!r} in the extra of {server.login} is no private key that its passphrase opens; give the whole file, in JSON with line "
        "breaks as \\n, and write the passphrase into 'private_key_passphrase'"
    )


def _key_file(server: SftpServer, path: str) -> str:
    try:
        with open(os.path.expanduser(path), encoding="ascii") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise DatastoreUnavailableError(
            f"'key_file' in the extra of {server.login}: {shorten(repr(path))} could not be read ({_told(error)}); correct the path"
        ) from error


def _line(key: paramiko.PKey) -> str:
    return f"'{key.get_name()} {key.get_base64()}'"


def _told(error: BaseException) -> str:
    return shorten(str(error) or type(error).__name__, 120)
