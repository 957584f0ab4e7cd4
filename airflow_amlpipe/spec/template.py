"""Where does an output land below its datastore's root?"""

from __future__ import annotations

import re

from airflow_amlpipe.exceptions import DefinitionError, shorten
from airflow_amlpipe.spec.names import check_relative_path

__all__ = ["DEFAULT_DESTINATION", "check_destination", "is_unique_destination", "resolve_destination"]

# What SDK v1 really used for outputs of pipeline steps (``OutputFileDatasetConfig`` without a ``destination``), and not the /dataset/... of its documentation.
DEFAULT_DESTINATION = "azureml/{run-id}/{output-name}"

_PLACE_HOLDER = re.compile(r"\{([^{}]*)\}|[{}]")


def check_destination(where: str, destination: str | None) -> None:
    """Check a destination template as its author wrote it.

    :raises DefinitionError: an unknown place-holder, or a path that leaves the datastore
    """
    if destination is not None:
        resolve_destination(where, destination, run_id="run", output_name="output")


def is_unique_destination(destination: str | None) -> bool:
    """Whether every try of a step gets a place of its own from this template."""
    return destination is None or "{run-id}" in destination


def resolve_destination(where: str, destination: str | None, *, run_id: str, output_name: str) -> str:
    """Return the path of an output below its datastore's root.

    Only ``{run-id}`` (the step run's id) and ``{output-name}`` are replaced, by plain text: nothing else in a template is ever evaluated.

    :raises DefinitionError: an unknown place-holder, or a path that leaves the datastore
    """
    values = {"run-id": run_id, "output-name": output_name}

    def replace(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in values:
            raise DefinitionError(
                f"{where}: destination {shorten(repr(destination))} has the place-holder {shorten(match.group(0))}; only {{run-id}} and {{output-name}} are known"
            )
        return values[name]

    # A leading slash means the datastore's root in SDK v1's own documentation ('/dataset/...'), so it is taken as that.
    template = (DEFAULT_DESTINATION if destination is None else destination).lstrip("/")
    path = check_relative_path(f"{where}: destination", _PLACE_HOLDER.sub(replace, template))
    if "*" in path or "?" in path:
        raise DefinitionError(f"{where}: destination {shorten(repr(destination))} has '*' or '?', which name many places; name one folder")
    if not path:
        raise DefinitionError(f"{where}: destination {shorten(repr(destination))} is the root of the datastore; name a folder below it")
    return path
