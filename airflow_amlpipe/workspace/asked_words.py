"""What is the thing called that a script asks for?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.workspace.datasets import DatasetRecord, SavedDataset

__all__ = ["dataset_words", "place_words", "words_of"]


def words_of(verb: str, arguments: Mapping[str, Any]) -> str:
    """Return what a question asks for, in the author's words."""
    name, version, kind = arguments.get("name"), arguments.get("version"), arguments.get("kind")
    versioned = (
        f"the latest version of {verb} {shorten(repr(name))}" if version is None else f"{verb} {shorten(repr(name))} version {version}"
    )
    versions_of_model = (
        f"the versions of model {shorten(repr(name))}" if version is None else f"model {shorten(repr(name))} version {version}"
    )
    words = {
        "names": f"the list of {kind}" if name is None else f"whether there is {shorten(repr(name))} among the {kind}",
        "dataset": f"the dataset {arguments.get('id')}" if arguments.get("id") is not None else versioned,
        "dataset-data": f"the data of dataset {arguments.get('id')}",
        "datastore": "the default datastore" if name is None else f"datastore {shorten(repr(name))}",
        "datastore-download": f"the files of {place_words(str(arguments.get('datastore')), str(arguments.get('prefix') or ''))}",
        "models": "the list of models" if name is None else versions_of_model,
        "model-data": f"the files of model {shorten(repr(name))} version {version}",
        "environment": versioned,
    }
    return words[verb]


def dataset_words(record: DatasetRecord | SavedDataset) -> str:
    """Return a dataset as people know it."""
    if isinstance(record, SavedDataset):
        return f"the dataset without a name {record.id}"
    return f"dataset {record.name!r} version {record.version}"


def place_words(datastore: str, path: str) -> str:
    """Return a place on a datastore as people know it."""
    return f"{shorten(repr(path)) if path else 'everything'} on datastore {datastore!r}"
