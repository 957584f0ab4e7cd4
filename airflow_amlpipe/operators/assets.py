"""Which Airflow asset stands for a dataset of a workspace?"""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from airflow.sdk import Asset

__all__ = ["dataset_asset"]


def dataset_asset(workspace: str, dataset: str) -> Asset:
    """Return the asset that gets an event whenever a step registers a new version of ``dataset``.

    The same two names always give the same asset, so another DAG can wait for it: ``schedule=[dataset_asset(workspace, "prepared")]``.
    A workspace is known to Airflow by the last part of its URL; no path of a machine becomes part of an asset.

    :param workspace: root URL of the workspace, or its name
    :param dataset: name that the dataset is registered under
    """
    name = urlsplit(workspace).path.rstrip("/").rsplit("/", 1)[-1] or "workspace"
    return Asset(name=f"{name}/{dataset}", uri=f"amlpipe://{quote(name, safe='')}/datasets/{quote(dataset, safe='')}", group="amlpipe")
