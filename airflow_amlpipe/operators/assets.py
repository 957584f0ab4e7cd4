"""Which Airflow asset stands for a dataset of a workspace?"""

from __future__ import annotations

import hashlib
from posixpath import normpath
from urllib.parse import quote

from airflow.sdk import Asset

__all__ = ["dataset_asset"]

_DIGITS = 8


def dataset_asset(workspace: str, dataset: str) -> Asset:
    """Return the asset that gets an event whenever a step hands on a version of ``dataset``.

    The same workspace and name always give the same asset, so another DAG can wait for it:
    ``schedule=[dataset_asset(ws.discovery_url, "prepared")]``. A workspace is known to Airflow by the last part of its URL, which people
    read, and the beginning of a digest of the whole, which keeps ``/a/digits`` and ``/b/digits`` apart; no path of a machine becomes part of
    an asset. A workspace that is reached by another URL, or was moved, has other assets.

    :param workspace: root URL of the workspace, or its folder
    :param dataset: name that the dataset is registered under
    """
    place = _place(workspace)
    name = f"{place.rpartition('/')[2] or 'workspace'}-{hashlib.sha256(place.encode()).hexdigest()[:_DIGITS]}"
    # Both are made unique: Airflow takes two active assets of one name or of one URI for a mistake.
    return Asset(name=f"{name}/{dataset}", uri=f"amlpipe://{quote(name, safe='')}/datasets/{quote(dataset, safe='')}", group="amlpipe")


def _place(workspace: str) -> str:
    """Return the URL in one spelling, without credentials."""
    protocol, _, rest = workspace.rpartition("://")
    host, _, path = rest.partition("/")
    return f"{protocol.lower() or 'file'}://{host.rpartition('@')[2].lower()}{normpath(f'/{path}').rstrip('/')}"
