"""What do the connections of this provider say: which root, and which other connection to log in with?"""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseHook

from airflow_amlpipe.exceptions import DefinitionError

__all__ = ["root_of_connection"]


def root_of_connection(conn_id: str) -> tuple[str, str | None]:
    """Return the fields ``url`` and ``credentials_conn_id`` of a connection.

    :raises DefinitionError: it names no root, or a field is no text
    """
    fields: dict[str, Any] = BaseHook.get_connection(conn_id).extra_dejson
    url, credentials = fields.get("url"), fields.get("credentials_conn_id") or None
    if not isinstance(url, str) or not url.strip():
        raise DefinitionError(
            f'connection {conn_id!r} names no root URL; fill in its field \'url\' (in its extra: {{"url": "file:///..."}})'
        )
    if credentials is not None and not isinstance(credentials, str):
        raise DefinitionError(f"connection {conn_id!r}: its field 'credentials_conn_id' is the id of another connection; write it as text")
    return url.strip(), credentials
