"""What becomes of the keys and passwords that a script registers a datastore with?

SDK v1 kept them in the workspace's key vault. Here a record names an Airflow connection, ``amlpipe_<datastore>``, and holds no secret: what the
script gave is used by its own process and by the runs that it submits, and one line says which connection to make for everybody else.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import DefinitionError
from airflow_amlpipe.sdk._arguments import check_text
from airflow_amlpipe.sdk._workspace_store import open_workspace
from airflow_amlpipe.sdk.exceptions import UserErrorException

if TYPE_CHECKING:
    from airflow_amlpipe.spec.datastores import DatastoreType

__all__ = ["default_conn_id", "register"]

_NOT_IN_ID = re.compile(r"[^A-Za-z0-9_]")


def default_conn_id(name: str) -> str:
    """Return the id of the connection that a datastore of SDK v1 logs in with: ``amlpipe_my_lake`` for ``my-lake``."""
    return f"amlpipe_{_NOT_IN_ID.sub('_', name)}"


def register(
    workspace: Any,
    what: str,
    name: str,
    url: str,
    *,
    sdk_type: DatastoreType = "AzureBlob",
    conn_id: str | None = None,
    conn_type: str = "generic",
    login: str | None = None,
    password: str | None = None,
    host: str | None = None,
    extra: Mapping[str, Any] | None = None,
    details: Mapping[str, Any] | None = None,
    overwrite: bool = False,
    validate: bool = False,
) -> None:
    """Register a datastore.

    :param conn_id: a connection that there is, or will be
    :param password: a secret that the script gave, as ``extra`` may hold one; with one, the connection is :func:`default_conn_id`
    :param details: what SDK v1's class shows; ``None`` is left out
    :raises UserErrorException: the name is taken, or something given cannot be used
    :raises DatastoreUnavailableError: ``validate``, and it could not be listed
    """
    datastores = open_workspace(workspace, what).datastores
    from airflow_amlpipe.services.datastores import add_datastore, store_root
    from airflow_amlpipe.services.workspace import find_login, give_login
    from airflow_amlpipe.spec.datastores import DATABASE_TYPES
    from airflow_amlpipe.storage.login import Login
    from airflow_amlpipe.workspace.datastores import DatastoreRecord

    check_text(f"{what}: the name of a datastore", name)
    given: Login | None = None
    extra = {key: value for key, value in (extra or {}).items() if value is not None}
    if password is not None or "sas_token" in extra:
        conn_id = default_conn_id(name)
        given = Login(conn_id, conn_type, host=host, login=login, password=password, extra=extra)
    try:
        record = DatastoreRecord(
            name=name,
            url=url if sdk_type in DATABASE_TYPES else store_root(name, url),
            conn_id=conn_id,
            sdk_type=sdk_type,
            details={key: value for key, value in (details or {}).items() if value is not None},
        )
        add_datastore(datastores, record, overwrite=overwrite, login=given, validate=validate)
    except DefinitionError as error:
        raise UserErrorException(str(error)) from error
    if given is not None:
        if find_login(given.conn_id) is None:
            _tell(name, given.conn_id, conn_type, login, sorted({*extra, *(["password"] if password is not None else [])}))
        give_login(workspace._url, given)
        datastores.forget(name)


def _tell(name: str, conn_id: str, conn_type: str, login: str | None, fields: list[str]) -> None:
    # Names of fields only: none of them is shown with what it holds.
    sys.stderr.write(
        f"NOTE: datastore {name!r} is registered, but what it is logged in to with is known to this process and the runs it submits alone. For "
        f"everything else make the Airflow connection {conn_id!r} (type {conn_type}, login {login or 'empty'}, and: {', '.join(fields)}), or set "
        f"AIRFLOW_CONN_{conn_id.upper()} (docs/how-to/datastores.md)\n"
    )
