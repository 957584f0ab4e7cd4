"""How does code that may ask Airflow open a workspace: as whom, and where may it?

The one way to a workspace for operators, services and the SDK. Airflow is asked for connections where it runs already, and never started for
it: a script that only uses the SDK has the connections of its environment. What a script itself gave (``account_key=...``) goes before
either; it stays in the memory of the process.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from airflow_amlpipe.exceptions import BackendUnavailableError, shorten
from airflow_amlpipe.hooks.databases import SqlOpener
from airflow_amlpipe.settings import Settings
from airflow_amlpipe.storage.access import StoreAccess
from airflow_amlpipe.storage.environment_logins import environment_login
from airflow_amlpipe.storage.http_hosts import HttpHosts
from airflow_amlpipe.storage.local_roots import LocalRoots
from airflow_amlpipe.storage.login import Login
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["find_login", "give_login", "given_logins", "open_workspace", "store_access", "use_connection", "workspace_connection"]

_given: dict[str, dict[str, Login]] = {}
_conn_ids: dict[str, str] = {}


def open_workspace(url: str, *, home: Path, conn_id: str | None = None, settings: Settings | None = None) -> WorkspaceStore:
    """Return the workspace at ``url``; nothing in it is contacted.

    :param conn_id: id of the connection to log in with; without it, what :func:`use_connection` said, or the setting ``workspace_conn_id``
    :param settings: those in force, where the caller has read them already: Airflow takes milliseconds to tell them
    :raises DefinitionError: the URL, the connection or a setting cannot be used
    :raises UnknownNameError: there is no such connection
    """
    settings = settings or Settings.load()
    conn_id = conn_id or _conn_ids.get(_key(url)) or settings.workspace_conn_id
    return WorkspaceStore.open(url, home=home, access=store_access(settings, workspace=url), conn_id=conn_id)


def store_access(settings: Settings, *, workspace: str | None = None) -> StoreAccess:
    """Return as whom, and where, this process may open stores.

    :param workspace: root of the workspace whose script may have given logins of its own
    """

    def logins(conn_id: str) -> Login | None:
        given = _given.get(_key(workspace), {}) if workspace else {}
        found = given.get(conn_id) or find_login(conn_id)
        if found is None and (backend := _secrets_backend()):
            raise BackendUnavailableError(
                f"Airflow has no connection {shorten(repr(conn_id))}, or its secrets backend {backend} did not answer: Airflow does not tell which; "
                "try again, or correct the name"
            )
        return found

    airflow_home = os.environ.get("AIRFLOW_HOME") or "~/airflow"
    roots = LocalRoots(allowed=settings.allowed_local_roots, airflow_home=os.path.expanduser(airflow_home))
    return StoreAccess(logins=logins, local_roots=roots, http_hosts=HttpHosts(settings.allowed_http_hosts), databases=SqlOpener())


def find_login(conn_id: str) -> Login | None:
    """Return what a connection says, of Airflow where it runs, else of the environment; ``None`` if there is none of this id.

    Airflow masks its secrets in logs from then on.

    :raises BackendUnavailableError: Airflow did not say
    """
    if "airflow.sdk" not in sys.modules and "airflow.configuration" not in sys.modules:
        return environment_login(conn_id)
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowException, AirflowNotFoundException

    try:
        found = BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        return None
    except AirflowException as error:
        # "from None": Airflow quotes a connection that it cannot read, with its password.
        raise BackendUnavailableError(
            f"Airflow did not say what the connection {shorten(repr(conn_id))} is ({type(error).__name__}); try again"
        ) from None
    return Login(
        conn_id,
        found.conn_type or "generic",
        host=found.host or None,
        port=found.port,
        schema=found.schema or None,
        login=found.login or None,
        password=found.password or None,
        extra=found.extra_dejson,
    )


def _secrets_backend() -> str | None:
    """Return the class of the secrets backend that Airflow was given, which it passes over in silence when it fails."""
    if "airflow.sdk" not in sys.modules and "airflow.configuration" not in sys.modules:
        return None
    from airflow.sdk.configuration import conf

    return conf.get("workers", "secrets_backend", fallback="") or conf.get("secrets", "backend", fallback="") or None


def use_connection(workspace: str, conn_id: str) -> None:
    """Log in with ``conn_id`` whenever this process opens the workspace: its config.json says so."""
    _conn_ids[_key(workspace)] = conn_id


def workspace_connection(workspace: str) -> dict[str, str]:
    """Return the environment variable that tells another process of this machine which connection the workspace is opened with."""
    conn_id = _conn_ids.get(_key(workspace)) or Settings.load().workspace_conn_id
    return {"AMLPIPE_WORKSPACE_CONN_ID": conn_id} if conn_id else {}


def give_login(workspace: str, login: Login) -> None:
    """Use ``login`` for the connection of its id, in this workspace and process, whatever else is known of that connection."""
    _given.setdefault(_key(workspace), {})[login.conn_id] = login
    if "airflow.sdk" in sys.modules:
        from airflow.sdk.log import mask_secret

        mask_secret(login.password)
        mask_secret(dict(login.extra))


def given_logins(workspace: str) -> tuple[Login, ...]:
    """Return the logins that this process was given for a workspace."""
    return tuple(_given.get(_key(workspace), {}).values())


def _key(workspace: str) -> str:
    return workspace.rstrip("/")
