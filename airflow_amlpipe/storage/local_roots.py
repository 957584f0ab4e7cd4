"""Which folders of this machine may be the root of a datastore?

A datastore is read and written by everybody who may use the workspace, so its root must not be a folder by which they would take over the
machine, or Airflow: its configuration, its DAG files, its logs.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final

from airflow_amlpipe.exceptions import DefinitionError, shorten

__all__ = ["LocalRoots"]

# Nobody's data: with what is below them, and by themselves.
_SYSTEM: Final = ("/bin", "/boot", "/etc", "/lib", "/lib64", "/proc", "/sbin", "/sys", "/usr/bin", "/usr/lib", "/usr/lib64", "/usr/sbin")
_TOO_WIDE: Final = ("/", "/dev", "/home", "/root", "/run", "/tmp", "/usr", "/var")  # noqa: S108  # no file is made there
_OF_AIRFLOW: Final = ("config", "dags", "logs", "plugins")


@dataclass(frozen=True, slots=True)
class LocalRoots:
    """The rule of this process.

    :ivar allowed: only these folders and what is below them; empty: every folder but those of the system and Airflow's own
    :ivar airflow_home: Airflow's folder on this machine, if it has one
    """

    allowed: tuple[str, ...] = ()
    airflow_home: str | None = None

    def check(self, folder: str, what: str) -> None:
        """Check that ``folder`` may be a root; links on the way to it are followed first.

        :raises DefinitionError: it may not; the message says what to do
        """
        real = os.path.realpath(folder)
        trouble = self._trouble(real)
        if trouble:
            through = "" if real == os.path.normpath(folder) else f" (through a link: {shorten(real)})"
            raise DefinitionError(
                f"{what}: {shorten(folder)}{through} {trouble}; use another folder, or let an administrator add it to the setting "
                "allowed_local_roots"
            )

    def _trouble(self, real: str) -> str | None:
        if self.allowed:
            roots = [os.path.realpath(root) for root in self.allowed]
            return None if any(_is_below(real, root) for root in roots) else "is below none of the allowed folders"
        if real in _TOO_WIDE or any(_is_below(real, folder) for folder in _SYSTEM):
            return "is a folder of the system"
        if self.airflow_home is None:
            return None
        airflow = os.path.realpath(self.airflow_home)
        if _is_below(airflow, real):
            return "holds Airflow's configuration"
        return "is read by Airflow itself" if any(_is_below(real, f"{airflow}/{name}") for name in _OF_AIRFLOW) else None


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")
