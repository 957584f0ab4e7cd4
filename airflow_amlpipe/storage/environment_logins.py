"""What do the variables ``AIRFLOW_CONN_<ID>`` say, where no Airflow reads them?

A script that only uses the SDK never starts Airflow; its connections are the ones that its process was given, in the two forms that Airflow
reads: JSON (``{"conn_type": "aws", ...}``) and URI (``aws://key:secret@/?region_name=eu-west-1``).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from airflow_amlpipe.exceptions import DefinitionError
from airflow_amlpipe.storage.login import Login

__all__ = ["VARIABLE_PREFIX", "environment_login", "login_as_json"]

VARIABLE_PREFIX = "AIRFLOW_CONN_"
_FIELDS = ("host", "schema", "login", "password")


def environment_login(conn_id: str, environ: Mapping[str, str] | None = None) -> Login | None:
    """Return the connection that ``AIRFLOW_CONN_<CONN_ID>`` describes, ``None`` if it is not set.

    :raises DefinitionError: it can be read in neither form; its value is not repeated
    """
    name = f"{VARIABLE_PREFIX}{conn_id.upper()}"
    text = (os.environ if environ is None else environ).get(name, "").strip()
    if not text:
        return None
    try:
        return _from_json(conn_id, text) if text.startswith("{") else _from_uri(conn_id, text)
    except (ValueError, TypeError, AttributeError, RecursionError):
        # "from None": the cause quotes the text, and with it the password.
        raise DefinitionError(
            f"environment variable {name} is no connection; write it as JSON: "
            '{"conn_type": "aws", "login": "...", "password": "...", "extra": {"region_name": "eu-west-1"}}'
        ) from None


def login_as_json(login: Login) -> str:
    """Return a login as the value of its variable; it holds the secrets, so it belongs into the environment of a process and nowhere else."""
    fields = {name: getattr(login, name) for name in ("conn_type", "port", *_FIELDS)}
    return json.dumps({**{name: value for name, value in fields.items() if value is not None}, "extra": dict(login.extra)})


def _from_json(conn_id: str, text: str) -> Login:
    fields = json.loads(text)
    values = {name: None if fields.get(name) in (None, "") else str(fields[name]) for name in _FIELDS}
    port = fields.get("port")
    return Login(
        conn_id,
        _type(str(fields["conn_type"])) if fields.get("conn_type") else "generic",
        port=int(port) if port not in (None, "") else None,
        extra=_extra(fields.get("extra")),
        **values,
    )


def _from_uri(conn_id: str, text: str) -> Login:
    # airflow/sdk/definitions/connection.py (Connection.from_uri): "aws://http://host" keeps the second protocol with the host.
    conn_type, separator, rest = text.partition("://")
    if not separator or not conn_type:
        raise ValueError
    protocol, inner, below = rest.partition("://")
    has_protocol = bool(inner) and not set(protocol) & set("@:/?")
    parts = urlsplit(f"//{below if has_protocol else rest}")
    host = unquote(parts.netloc.rpartition("@")[2].partition(":")[0]) or None
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    return Login(
        conn_id,
        _type(conn_type),
        host=f"{protocol}://{host}" if has_protocol and host else host,
        port=parts.port,
        schema=unquote(parts.path[1:]) or None,
        login=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        extra=_extra(query["__extra__"]) if "__extra__" in query else query,
    )


def _extra(value: Any) -> dict[str, Any]:
    found = json.loads(value) if isinstance(value, str) and value else value or {}
    if not isinstance(found, dict):
        raise TypeError
    return found


def _type(conn_type: str) -> str:
    # As Airflow has it: a URI's scheme cannot hold "_".
    return "postgres" if conn_type == "postgresql" else conn_type.replace("-", "_")
