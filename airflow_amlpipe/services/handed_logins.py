"""How do the logins and secrets that a script gave reach the engine of its run?

A script of SDK v1 registers a datastore with its key, or sets a secret of its key vault. They stay in memory: they go through the pipe that also tells the engine to begin,
and are in no file, no argument and no environment, where the processes of steps could read it.
"""

from __future__ import annotations

import json

from airflow_amlpipe.hooks.opening import give_login, given_logins
from airflow_amlpipe.hooks.secrets import given_secrets, use_secrets
from airflow_amlpipe.storage.environment_logins import VARIABLE_PREFIX, environment_login, login_as_json

__all__ = ["pack_logins", "unpack_logins"]


def pack_logins(workspace: str) -> bytes:
    """Return the logins that this process was given for a workspace, and the secrets; ``b""`` if there are none."""
    logins = {login.conn_id: login_as_json(login) for login in given_logins(workspace)}
    secrets = given_secrets()
    return json.dumps({"logins": logins, "secrets": secrets}).encode() if logins or secrets else b""


def unpack_logins(workspace: str, body: bytes) -> None:
    """Use what :func:`pack_logins` wrote."""
    handed = json.loads(body or b"{}")
    use_secrets(handed.get("secrets", {}))
    for conn_id, text in handed.get("logins", {}).items():
        login = environment_login(conn_id, {f"{VARIABLE_PREFIX}{conn_id.upper()}": text})
        if login is not None:
            give_login(workspace, login)
