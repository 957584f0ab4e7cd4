"""How does an installer get a package's URL with the login that is kept out of the workspace?

A definition is stored with ``***`` where its author wrote a password or token. The URL itself is remembered in this process, and below
``<home>/package-logins/``, where only the user who runs this can read it: an engine, and the workers of the same machine, find it there.
On another machine the installer logs in by itself (``~/.netrc``, a keyring), or somebody runs the script that has the URL once there.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from airflow_amlpipe.exceptions import InfrastructureError, shorten
from airflow_amlpipe.spec.environment import EnvironmentSpec
from airflow_amlpipe.spec.secret_urls import given_url, hidden_urls, without_login
from airflow_amlpipe.storage.exclusive import temporary_name, write_all

__all__ = ["PackageLogins"]


class PackageLogins:
    """The URLs with logins that the machine's ``home`` knows."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "package-logins"

    def keep(self, environments: Iterable[EnvironmentSpec]) -> None:
        """Write down the URLs of ``environments`` that this process has hidden something of; a newer login takes the place of an older one.

        :raises InfrastructureError: they could not be written
        """
        lines = {line for item in environments for line in (*item.pip_options, *item.pip_requirements, *item.conda_channels)}
        for hidden in sorted({url for line in lines for url in hidden_urls(line)}):
            given, place = given_url(hidden), self._place(hidden)
            if given is None:
                continue
            try:
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                _write_private(place, given)
            except OSError as error:
                raise InfrastructureError(
                    f"{shorten(str(place))} could not be written ({error.strerror}); it keeps the login of a package's URL out of the workspace, "
                    "set AMLPIPE_HOME to a folder that can be written to"
                ) from error

    def restore(self, line: str) -> tuple[str, list[str]]:
        """Return ``line`` as an installer needs it, and those of its URLs whose login nobody here knows."""
        unknown = []
        for hidden in hidden_urls(line):
            given = self._find(hidden)
            if given is None:
                unknown.append(hidden)
            line = line.replace(hidden, given or without_login(hidden))
        return line, unknown

    def _find(self, hidden: str) -> str | None:
        given = given_url(hidden)
        if given is None:
            with suppress(OSError, UnicodeDecodeError):
                return self._place(hidden).read_text(encoding="utf-8")
        return given

    def _place(self, hidden: str) -> Path:
        return self._folder / hashlib.sha256(hidden.encode()).hexdigest()


def _write_private(place: Path, text: str) -> None:
    aside = temporary_name(str(place))
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        write_all(descriptor, text.encode())
    finally:
        os.close(descriptor)
    os.replace(aside, place)
