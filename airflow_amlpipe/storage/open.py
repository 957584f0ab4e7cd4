"""Which store does a URL name?"""

from __future__ import annotations

from urllib.parse import urlsplit

from airflow_amlpipe.storage.http_hosts import HttpHosts
from airflow_amlpipe.storage.local import LocalStore
from airflow_amlpipe.storage.login import Login
from airflow_amlpipe.storage.object_client import ObjectPlace
from airflow_amlpipe.storage.object_login import object_login
from airflow_amlpipe.storage.objects import ObjectStore
from airflow_amlpipe.storage.store import Store
from airflow_amlpipe.storage.store_url import Service, StoreUrl, parse_store_url

__all__ = ["open_store"]


def open_store(url: str, *, what: str = "datastore", login: Login | None = None, http_hosts: HttpHosts | None = None) -> Store:
    """Return the store at ``url``, which need not exist yet. Nothing is contacted.

    :param what: what is kept there, as people know it: it is in the messages
    :param login: as whom; without one, what the environment of the process says. Nobody logs in to a folder: there it is not looked at
    :param http_hosts: which web servers may be asked
    :raises UnsupportedFeatureError: another protocol
    :raises DefinitionError: it cannot be the URL of a store, the login does not fit, or a package is missing
    """
    place = parse_store_url(url, what)
    if place.service is Service.FILE:
        return LocalStore(place.path)
    if place.service is Service.SFTP:
        return _open_sftp(place, login)
    if place.service is Service.HTTP:
        return _open_http(place, what, login, http_hosts or HttpHosts())
    return _open_objects(place, login)


def _open_objects(place: StoreUrl, login: Login | None) -> Store:
    found = object_login(place, login)
    return ObjectStore(
        ObjectPlace(
            place.service,
            place.text,
            place.root,
            place.path,
            config=found.config,
            client_options=found.client_options,
            credential_provider=found.credential_provider,
        )
    )


def _open_sftp(place: StoreUrl, login: Login | None) -> Store:
    from airflow_amlpipe.storage.sftp import open_sftp_store

    return open_sftp_store(place, login)


def _open_http(place: StoreUrl, what: str, login: Login | None, hosts: HttpHosts) -> Store:
    from airflow_amlpipe.storage.http import open_http_store

    parts = urlsplit(place.text)
    hosts.check(parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80), what)
    return open_http_store(place, login, hosts)
