"""How do the logins that a script gave reach the engine of its run?

A script of SDK v1 registers a datastore with its key. The key stays in memory: it goes through the pipe that also tells the engine to begin,
and is in no file, no argument and no environment, where the processes of steps could read it.
"""

from __future__ import annotations

import json

from airflow_amlpipe.hooks.opening import give_login, given_logins
from airflow_amlpipe.storage.environment_logins import VARIABLE_PREFIX, environment_login, login_as_json

__all__ = ["pack_logins", "unpack_logins"]


def pack_logins(workspace: str) -> bytes:
    """Return the logins that this process was given for a workspace; ``b""`` if there are none."""
    given = given_logins(workspace)
    return json.dumps({login.conn_id: login_as_json(login) for login in given}).encode() if given else b""


def unpack_logins(workspace: str, body: bytes) -> None:
    """Use the logins that :func:`pack_logins` wrote."""
    for conn_id, text in json.loads(body or b"{}").items():
        login = environment_login(conn_id, {f"{VARIABLE_PREFIX}{conn_id.upper()}": text})
        if login is not None:
            give_login(workspace, login)
