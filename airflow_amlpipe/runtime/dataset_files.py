"""Which files of a dataset are taken, and in which order?

The same on the host, which hands only these files over, and in a script that goes on choosing.
"""

from __future__ import annotations

import os
import re

from airflow_amlpipe.runtime.expressions import file_matches
from airflow_amlpipe.runtime.partitions import PartitionFormat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Mapping, Sequence, Tuple, TypeVar

    ItemT = TypeVar("ItemT")

__all__ = ["choose_files", "chooses_files", "draw", "find_files", "take_part"]


def chooses_files(definition: Mapping[str, Any]) -> bool:
    """Return whether a dataset may be only some of the files that its paths name."""
    return bool(definition.get("path_glob") or (definition["kind"] == "file" and definition.get("operations")))


def choose_files(definition: Mapping[str, Any], files: Sequence[Tuple[str, int]]) -> List[int]:
    """Return the positions of the files that a dataset takes, in its order.

    :param files: (path on the datastore with a leading ``/``, size in bytes), in the order that the dataset's paths name them
    :raises UserErrorException: a filter asks for what is not known of a file
    """
    chosen = list(range(len(files)))
    glob = definition.get("path_glob")
    if glob:
        chosen = [index for index in chosen if _names(glob, files[index][0])]
    if definition["kind"] != "file":
        return chosen
    for step in definition.get("operations") or ():
        if step["operation"] == "filter":
            chosen = [index for index in chosen if file_matches(step["expression"], _facts(definition, files[index]))]
        else:
            chosen = take_part(step, chosen)
    return chosen


def take_part(step: Mapping[str, Any], items: List[ItemT]) -> List[ItemT]:
    """Return what is left of ``items`` after one of the operations that look at positions only."""
    name = step["operation"]
    if name == "take":
        return items[: step["count"]]
    if name == "skip":
        return items[step["count"] :]
    if name == "sample":
        return [item for item, number in zip(items, draw(step["seed"], len(items))) if number < step["probability"]]
    is_first = step["part"] == "first"
    return [item for item, number in zip(items, draw(step["seed"], len(items))) if (number < step["percentage"]) is is_first]


def draw(seed: int, count: int) -> List[float]:
    """Return the first ``count`` numbers from 0 to 1 that belong to a seed: the same on every machine and in every version of Python."""
    import random

    source = random.Random(seed)  # noqa: S311  no secret is made of it
    return [source.random() for _ in range(count)]


def find_files(folder: str, roots: Sequence[Sequence[str]] = (("", ""),), ordered: Sequence[Sequence[str]] = ()) -> List[Tuple[str, str]]:
    """Return every file of a dataset that lies in a local folder, or is one local file, as (local path, path on its datastore), in order.

    :param roots: where each part of the dataset is below ``folder`` and on the datastore; looked at if there is one part
    :param ordered: (path below ``folder``, path on its datastore) of each file of several parts
    """
    if ordered:
        return [(os.path.join(folder, *below.split("/")), shown) for below, shown in ordered]
    root = roots[0][1] if roots else ""
    if os.path.isfile(folder):
        return [(folder, _joined(root, os.path.basename(folder)))]
    found: List[Tuple[str, str]] = []
    for above, _, names in os.walk(folder):
        for name in names:
            local = os.path.join(above, name)
            found.append((local, _joined(root, os.path.relpath(local, folder).replace(os.sep, "/"))))
    return sorted(found, key=lambda item: item[1])


def _joined(root: str, below: str) -> str:
    return "/" + (root.strip("/") + "/" + below).strip("/")


def _names(glob: str, path: str) -> bool:
    """Whether SDK v1's ``path_glob``, which is a glob by its name and was a regular expression in fact, names a file."""
    from fnmatch import fnmatchcase

    if any(fnmatchcase(text, glob) for text in (path, path.lstrip("/"), path.rpartition("/")[2])):
        return True
    try:
        return re.fullmatch(glob, path.lstrip("/")) is not None or re.fullmatch(glob, path.rpartition("/")[2]) is not None
    except re.error:
        return False


def _facts(definition: Mapping[str, Any], file: Tuple[str, int]) -> Dict[Any, Any]:
    facts: Dict[Any, Any] = {("file", "Size"): file[1]}
    if definition.get("partition_format"):
        facts.update(PartitionFormat(definition["partition_format"]).values(file[0]))
    return facts
