"""What has to go so that outputs take no more room than they may?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from airflow_amlpipe.reuse.result import StoredOutput
from airflow_amlpipe.services.clearing.known import KnownResult
from airflow_amlpipe.services.clearing.places import Places, Roots
from airflow_amlpipe.services.clearing.reach import Reach
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["Written", "over_size"]


@dataclass(frozen=True, slots=True)
class Written:
    """A place that a step run of this workspace wrote to, with the record that proves it."""

    output: StoredOutput
    owner: str
    at: datetime
    place: str
    known: KnownResult | None
    run_id: str
    is_measured: bool = True


def over_size(
    workspace: WorkspaceStore, roots: Roots, limits: Mapping[str, int], present: list[Written], written: list[Written], reach: Reach
) -> dict[str, str]:
    """Return the step runs whose outputs have to go so that no datastore is over its limit, with the reason.

    :param limits: in bytes, by datastore
    :param present: every place that is there
    :param written: those of them that may go
    """
    going: dict[str, str] = {}
    by_owner: defaultdict[str, list[Written]] = defaultdict(list)
    for item in written:
        if reach.soft.touches(item.place):
            by_owner[item.owner].append(item)
    oldest_first = sorted(by_owner.items(), key=lambda pair: (min(item.at for item in pair[1]), pair[0]))
    for datastore, limit in sorted(limits.items()):
        workspace.datastores.get(datastore)  # a name that nobody knows is the author's mistake
        here = [item for item in present if item.output.datastore == datastore and reach.needs(item.place)]
        used = sum(item.output.size_bytes for item in here if item.owner not in going)
        for owner, items in oldest_first:
            size = sum(item.output.size_bytes for item in items if item.output.datastore == datastore)
            if used > limit and size and owner not in going:
                why = f"outputs take more than {limit} bytes on {datastore!r}, and these are the oldest"
                for name, reason in {owner: why, **_linked_to(items, written, roots)}.items():
                    if name not in going:
                        going[name] = reason
                        used -= sum(item.output.size_bytes for item in by_owner[name] if item.output.datastore == datastore)
    return going


def _linked_to(items: list[Written], written: list[Written], roots: Roots) -> dict[str, str]:
    """Return the step runs whose outputs are linked to one of these, or to what those wrote."""
    links = [item for item in written if item.output.linked]
    found: dict[str, str] = {}
    while items:
        gone = Places(item.place for item in items)
        items = [item for item in links if item.owner not in found and any(map(gone.touches, roots.targets_of(item.output)))]
        found |= {item.owner: "what an output is linked to takes too much room" for item in items}
    return found
