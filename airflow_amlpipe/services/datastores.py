"""Which datastores does a workspace know, how does it come to know one, and can it be reached?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from airflow_amlpipe.exceptions import AmlPipeError, DefinitionError, shorten
from airflow_amlpipe.hooks.opening import open_workspace, store_access
from airflow_amlpipe.settings import Settings
from airflow_amlpipe.spec.names import check_record_name
from airflow_amlpipe.storage.login import Login
from airflow_amlpipe.storage.store import Store
from airflow_amlpipe.storage.store_url import Service, parse_store_url
from airflow_amlpipe.storage.urls import folder_url
from airflow_amlpipe.workspace.datastores import DatastoreRecord, DatastoreRegistry

__all__ = ["add_datastore", "list_datastores", "open_web_folder", "register_datastore", "show_datastore", "store_root", "test_datastore"]


def list_datastores(workspace: str, *, home: Path) -> list[dict[str, Any]]:
    """Return the datastores of a workspace by name, also those that are there without having been registered."""
    datastores = open_workspace(workspace, home=home).datastores
    default = datastores.default_name()
    return [_shown(datastores.get(name), default) for name in datastores.names()]


def show_datastore(workspace: str, name: str, *, home: Path) -> dict[str, Any]:
    """Return one datastore.

    :raises UnknownNameError: it is not registered
    """
    datastores = open_workspace(workspace, home=home).datastores
    return _shown(datastores.get(name), datastores.default_name())


def register_datastore(
    workspace: str, name: str, url: str, *, home: Path, conn_id: str | None = None, overwrite: bool = False, default: bool = False
) -> dict[str, Any]:
    """Register a folder or URL as a datastore and return it.

    :raises DefinitionError: the name is taken by something else and ``overwrite`` is ``False``; or the name or the URL cannot be used
    """
    datastores = open_workspace(workspace, home=home).datastores
    record = DatastoreRecord(name=name, url=store_root(name, url), conn_id=conn_id)
    add_datastore(datastores, record, overwrite=overwrite)
    if default:
        datastores.set_default(name)
    return _shown(record, datastores.default_name())


def add_datastore(
    datastores: DatastoreRegistry, record: DatastoreRecord, *, overwrite: bool, login: Login | None = None, validate: bool = False
) -> None:
    """Register ``record``; what is registered already in the same words is left as it is.

    :param login: what its connection says, where only the caller knows
    :param validate: list its root first
    :raises DefinitionError: the name is taken by something else and ``overwrite`` is ``False``, or the connection is of another service
    :raises DatastoreUnavailableError: ``validate``, and it could not be listed
    """
    known = datastores.find(check_record_name("datastore", record.name))
    if known is not None and known != record and not overwrite:
        raise DefinitionError(
            f"datastore {record.name!r} is registered already, with another URL or connection; use overwrite=True (--overwrite), or another name"
        )
    store = None if record.is_database else _opened(record, login)
    if validate and store is not None:
        store.look_at_root()
    datastores.register(record.name, record)


def store_root(name: str, url: str) -> str:
    """Return the URL that a folder or URL is registered by.

    :raises DefinitionError: it cannot be the root of a datastore; a secret in it is not repeated
    """
    what = f"datastore {shorten(repr(name))}"
    if not url.strip() or not url.isprintable():
        raise DefinitionError(f"{what}: {shorten(repr(url))} is no folder or URL")
    place = parse_store_url(url if len(urlsplit(url).scheme) > 1 else folder_url(Path(url).expanduser()), what)
    return place.text


def test_datastore(workspace: str, name: str, *, home: Path) -> dict[str, Any]:
    """Return whether a datastore can be reached from here, as ``{"name", "url", "reached", "message"}``. Nothing is written.

    :raises UnknownNameError: it is not registered
    """
    opened = open_workspace(workspace, home=home)
    record = opened.datastores.get(name)
    try:
        found = opened.datastores.open_database(name).test() if record.is_database else opened.datastores.open(name).look_at_root()
    except AmlPipeError as error:
        return {"name": name, "url": record.url, "reached": False, "message": str(error)}
    return {"name": name, "url": record.url, "reached": True, "message": f"it {found}"}


def open_web_folder(url: str) -> Store:
    """Return the files of a folder of a web server, for data that is of no workspace. Nothing is contacted.

    :raises DefinitionError: the server may not be asked
    """
    return store_access(Settings.load()).open(url, conn_id=None, what="a file of the web")


def _opened(record: DatastoreRecord, login: Login | None) -> Store | None:
    """Return the store, if it can be known here how to log in; elsewhere the connection may be there although it is not here."""
    access = store_access(Settings.load())
    if login is not None:
        access = replace(access, logins=lambda _: login)
    service = parse_store_url(record.url).service
    if service is not Service.FILE and record.conn_id is not None and access.logins(record.conn_id) is None:
        return None
    try:
        return access.open_datastore(record.name, record.url, conn_id=record.conn_id)
    except DefinitionError:
        # The environment of a step's machine may say what this one's does not.
        if service is Service.FILE or record.conn_id is not None:
            raise
        return None


def _shown(record: DatastoreRecord, default: str) -> dict[str, Any]:
    return {**record.model_dump(mode="json"), "is_default": record.name == default}
