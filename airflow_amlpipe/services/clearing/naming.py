"""What does a record name, whatever kind of record it is?"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from airflow_amlpipe.fingerprint.pattern import split_pattern

__all__ = ["Named", "hashes_in", "named_in"]

_HASH = re.compile(rb"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_DATASET = re.compile(rb"(?<![0-9a-f-])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9a-f-])")


@dataclass(frozen=True, slots=True)
class Named:
    """What one record names, or several do.

    :ivar hashes: what could be the names of manifests, specifications and snapshots
    :ivar places: datastores and paths
    :ivar datasets: what could be ids of datasets
    """

    hashes: frozenset[str] = frozenset()
    places: frozenset[tuple[str, str]] = frozenset()
    datasets: frozenset[str] = frozenset()

    def with_all(self, others: Iterable[Named]) -> Named:
        every = (self, *others)
        return Named(
            frozenset().union(*(item.hashes for item in every)),
            frozenset().union(*(item.places for item in every)),
            frozenset().union(*(item.datasets for item in every)),
        )


def named_in(body: bytes) -> Named:
    """Return everything that ``body`` names."""
    datasets = frozenset(match.group().decode() for match in _DATASET.finditer(body))
    return Named(hashes_in(body), frozenset(_places_in(body)), datasets)


def hashes_in(body: bytes) -> frozenset[str]:
    """Return everything in ``body`` that could be the name of a manifest, specification or snapshot."""
    return frozenset(match.group().decode() for match in _HASH.finditer(body))


def _places_in(body: bytes) -> Iterator[tuple[str, str]]:
    """Yield every datastore and path that a JSON document names together, whatever it is; nothing for what is no JSON."""
    try:
        waiting: list[object] = [json.loads(body)]
    except (ValueError, RecursionError):
        return
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            datastore, path = value.get("datastore"), value.get("path")
            if isinstance(datastore, str) and isinstance(path, str):
                yield datastore, split_pattern(path.strip("/"))[0]
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
