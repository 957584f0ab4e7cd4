"""What can something of a script be, and what can it hold? Of what nobody can tell, nothing is known: an empty tuple."""

from __future__ import annotations

from collections.abc import Iterable

from airflow_amlpipe.migration.places import Thing
from airflow_amlpipe.migration.results import any_of

__all__ = ["Things", "elements", "held", "merged"]

Things = tuple[Thing, ...]


def merged(many: Iterable[Things]) -> Things:
    """Put together what can be; of something that may be anything else too, only that is known."""
    return tuple(dict.fromkeys(thing for things in many for thing in things))


def elements(things: Things) -> Things:
    """Return what iterating over something gives; the keys of a mapping are nothing of SDK v1."""
    return held(tuple(thing for thing in things if thing.kind != "mapping"))


def held(things: Things) -> Things:
    """Return what something holds: its items, or the values of a mapping."""
    return merged(_held(thing) for thing in things)


def _held(thing: Thing) -> Things:
    if thing.kind == "row":
        return merged(thing.target)
    if thing.kind not in {"many", "mapping"} or thing.target is None:
        return ()
    return any_of(thing.target) if isinstance(thing.target, Thing) else tuple(thing.target)
