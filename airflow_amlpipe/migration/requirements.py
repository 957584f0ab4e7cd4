"""Which lines of a list of packages ask for SDK v1 itself?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from airflow_amlpipe.sdk._yaml import parse_yaml

__all__ = ["asks_for_azureml", "conda_lines", "requirement_lines"]

_DEPENDENCIES = re.compile(r"^dependencies\s*:", re.MULTILINE)
_ENTRY = re.compile(r"azureml(?:[-_.][A-Za-z0-9._-]+)?(?=$|[\s\[=<>!~;,@])", re.IGNORECASE)


def asks_for_azureml(entry: str) -> bool:
    """Whether one requirement is a package of SDK v1: ``azureml-core==1.61``."""
    return _ENTRY.match(entry.strip().strip("'\"")) is not None


def requirement_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines of a requirements file that ask for SDK v1, by number."""
    for number, line in enumerate(text.splitlines(), 1):
        if asks_for_azureml(line):
            yield number, line.strip()


def conda_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines of a conda specification that ask for SDK v1; nothing of YAML files that are none.

    :raises UserErrorException: it is a conda specification, or was meant to be one, and cannot be read
    """
    if "azureml" not in text or _DEPENDENCIES.search(text) is None:
        return
    wanted = {entry for entry in _packages(parse_yaml(text, "it")) if asks_for_azureml(entry)}
    for number, line in enumerate(text.splitlines(), 1):
        entry = line.strip().removeprefix("-").split(" #")[0].strip().strip("'\"")
        if entry in wanted:
            yield number, entry


def _packages(document: dict[str, Any]) -> Iterable[str]:
    found = document.get("dependencies")
    for entry in found if isinstance(found, list) else ():
        if isinstance(entry, str):
            yield entry
        elif isinstance(entry, dict):
            yield from (each for each in entry.get("pip") or () if isinstance(each, str))
