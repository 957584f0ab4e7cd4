"""As whom does one log in to a store? What an Airflow connection says, without Airflow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_amlpipe.exceptions import DefinitionError, shorten

__all__ = ["Login", "LoginSource"]


@dataclass(frozen=True, slots=True)
class Login:
    """The fields of the connection ``conn_id``; secrets are left out of its ``repr``.

    Never written into a workspace: a record holds the id of the connection, and whoever opens the store asks for it anew.

    :ivar conn_type: Airflow's word for the service: ``aws``, ``wasb``, ``adls``, ``google_cloud_platform``, ``sftp``, ``generic``
    :ivar extra: the connection's JSON, as that type of connection has it
    """

    conn_id: str
    conn_type: str
    host: str | None = None
    port: int | None = None
    schema: str | None = None
    login: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def text(self, *keys: str) -> str | None:
        """Return the first of ``keys`` that ``extra`` has as text.

        :raises DefinitionError: one of them is there and is no text; the message names the key alone
        """
        for key in keys:
            value = self.extra.get(key)
            if value is None or value == "":
                continue
            if not isinstance(value, str):
                raise DefinitionError(f"connection {shorten(repr(self.conn_id))}: its extra {key!r} must be text; write it in quotes")
            return value
        return None


LoginSource = Callable[[str], Login | None]
"""Returns the login that a connection id stands for; ``None`` if there is no such connection."""
