"""As what does a specification hold a text, a number or a path that an author wrote?"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from airflow_amlpipe.exceptions import DefinitionError, shorten
from airflow_amlpipe.runtime.dataset_methods import plain_definition
from airflow_amlpipe.sdk._arguments import check_encodable
from airflow_amlpipe.sdk.data.abstract_dataset import AbstractDataset
from airflow_amlpipe.spec.data import DatasetSource, DatastorePath
from airflow_amlpipe.spec.dataset import DatasetDefinition
from airflow_amlpipe.spec.document import parse_model
from airflow_amlpipe.spec.names import check_relative_path

__all__ = ["dataset_source", "lower_definition", "lower_paths", "plain_text", "plain_value"]

_MARKER = re.compile(
    r"PipelineParameter_Name:(?P<parameter>.*?)(?:_Default:|$)"
    r"|(?:DatasetConsumptionConfig:|DatasetOutputConfig:|\$AZUREML_DATAREFERENCE_)(?P<data>\w*)",
    re.DOTALL,
)


def lower_paths(where: str, paths: Iterable[tuple[str, str]]) -> tuple[DatastorePath, ...]:
    """Return paths on datastores, each relative to its datastore's root.

    :raises DefinitionError: one leaves its datastore
    """
    return tuple(
        DatastorePath(datastore=store, path=check_relative_path(where, plain_text(where, path).lstrip("/"))) for store, path in paths
    )


def dataset_source(where: str, dataset: AbstractDataset) -> DatasetSource:
    """Return what a dataset stands for: its name and version, if it has them, and its paths, unless they are to be looked up at each run."""
    if dataset._deferred is not None:
        return DatasetSource(name=dataset._deferred[0], version=dataset._deferred[1])
    definition = lower_definition(where, dataset._described())
    return DatasetSource(paths=lower_paths(where, dataset._paths()), name=dataset.name, version=dataset.version, definition=definition)


def lower_definition(where: str, definition: dict[str, Any]) -> DatasetDefinition | None:
    """Return what a dataset is beside its paths; ``None``: the files.

    :raises DefinitionError: something in it cannot be kept
    """
    if definition == plain_definition("file"):
        return None
    return parse_model(DatasetDefinition, json.dumps(definition, allow_nan=False), where)


def plain_value(where: str, value: Any) -> bool | int | float | str:
    """Return ``value`` as one of the four plain types: what NumPy and enums derive from them is not their equal in JSON."""
    for plain in (bool, int, float):
        if isinstance(value, plain):
            number = plain(value)
            if number in {float("inf"), float("-inf")} or number != number:
                raise DefinitionError(f"{where} is {value!r}, which is no number; use a finite one, or text")
            return number
    return plain_text(where, value)


def plain_text(where: str, text: str, instead: str | None = None) -> str:
    """Return ``text`` if it is the author's own.

    :param instead: what to do with a PipelineParameter here, where it is not to be an argument of its own
    :raises DefinitionError: an object of the SDK was turned into text, which SDK v1 handed to the script literally
    """
    found = _MARKER.search(text)
    if found is None:
        return check_encodable(where, str(text))
    if found["parameter"] is not None:
        what = f"PipelineParameter {shorten(repr(found['parameter']), 80)}, turned into text (by an f-string, str() or +)"
        advice = instead or "give the PipelineParameter itself as an argument of its own, and put the text together in the script"
    else:
        what = f"the input or output {found['data']!r}, turned into text (by an f-string or str(), or because one list of arguments was given to two steps)"
        advice = "give the object itself as an argument of its own, and each step a list of its own, or add it to inputs=[...] or outputs=[...] of the step"
    raise DefinitionError(f"{where} is {shorten(repr(str(text)))}, which holds {what}; {advice}")
