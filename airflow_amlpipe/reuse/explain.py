"""Why does this step not have the key that an earlier one had?

Pure comparison of two key manifests, component by component, down to the file or the argument.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.fingerprint.canonical import Json, canonical_bytes
from airflow_amlpipe.fingerprint.step import COMPONENTS, KeyManifest

__all__ = ["Difference", "Listing", "compare_keys", "nearest"]

# A digest of a snapshot or of data -> what is below it, path by path; None when the listing is not kept any more.
Listing = Callable[[str], "Mapping[str, str] | None"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that changed.

    :ivar component: the part of the key it belongs to
    :ivar where: the file, argument, input or field, in the author's words; ``""`` for the component as a whole
    :ivar change: ``added``, ``removed`` or ``changed``
    """

    component: str
    where: str
    change: str
    before: Json = None
    after: Json = None

    @property
    def sentence(self) -> str:
        """The difference as people read it."""
        place = f"{self.component.replace('_', ' ')}: {shorten(self.where, 160)}" if self.where else self.component.replace("_", " ")
        if self.change != "changed" or (self.before is None and self.after is None):
            return f"{place} {self.change}"
        return f"{place} changed from {shorten(repr(self.before), 80)} to {shorten(repr(self.after), 80)}"


def compare_keys(before: KeyManifest, after: KeyManifest, listing: Listing) -> tuple[Difference, ...]:
    """Return what differs, in the order of the components; nothing when the keys are equal."""
    found: list[Difference] = []
    for name in COMPONENTS:
        old, new = before.components[name], after.components[name]
        if old.digest == new.digest:
            continue
        if name == "code":
            found += _below(name, "", old.readable, new.readable, listing)
        elif name == "inputs":
            found += _inputs(old.readable, new.readable, listing)
        else:
            found += _fields(name, "", old.readable, new.readable)
    return tuple(found)


def nearest(current: KeyManifest, earlier: Iterable[KeyManifest]) -> KeyManifest | None:
    """Return the earlier manifest that shares the most components with ``current``; among equals the first one given."""
    best, most = None, -1
    for manifest in earlier:
        shared = sum(manifest.components[name].digest == current.components[name].digest for name in COMPONENTS)
        if shared > most:
            best, most = manifest, shared
    return best


def _inputs(before: Json, after: Json, listing: Listing) -> list[Difference]:
    old, new = _mapping(before), _mapping(after)
    found: list[Difference] = []
    for name, change in _changes(old, new):
        if change != "changed":
            found.append(Difference("inputs", name, change))
            continue
        was, now = _mapping(old[name]), _mapping(new[name])
        if was.get("data") != now.get("data"):
            found += _below("inputs", name, was.get("data"), now.get("data"), listing)
        found += _fields("inputs", name, {**was, "data": None}, {**now, "data": None})
    return found


def _below(component: str, where: str, before: Json, after: Json, listing: Listing) -> list[Difference]:
    """Compare what two digests stand for, file by file where both listings are still kept."""
    old, new = listing(str(before)), listing(str(after))
    if old is None or new is None:
        return [Difference(component, where, "changed")]
    prefix = f"{where}/" if where else ""
    return [Difference(component, prefix + path, change) for path, change in _changes(old, new)] or [
        Difference(component, where, "changed")
    ]


def _fields(component: str, where: str, before: Json, after: Json) -> list[Difference]:
    """Compare two readable forms, descending into mappings and sequences."""
    if _is_same(before, after):
        return []
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        found: list[Difference] = []
        for name, change in _changes(before, after):
            place = f"{where}{name}" if name.startswith("[") or not where else f"{where}.{name}"
            if change == "changed":
                found += _fields(component, place, before[name], after[name])
            else:
                found.append(Difference(component, place, change, before.get(name), after.get(name)))
        return found
    if _is_list(before) and _is_list(after):
        numbered_before = {f"[{index}]": item for index, item in enumerate(before)}  # type: ignore[arg-type]
        numbered_after = {f"[{index}]": item for index, item in enumerate(after)}  # type: ignore[arg-type]
        return _fields(component, where, numbered_before, numbered_after)
    return [Difference(component, where, "changed", before, after)]


def _changes(before: Mapping[str, Json], after: Mapping[str, Json]) -> list[tuple[str, str]]:
    changes = []
    for name in [*before, *(name for name in after if name not in before)]:
        if name not in after:
            changes.append((name, "removed"))
        elif name not in before:
            changes.append((name, "added"))
        elif not _is_same(before[name], after[name]):
            changes.append((name, "changed"))
    return changes


def _is_same(before: Json, after: Json) -> bool:
    # As a key sees them: Python says that 1, 1.0 and True are equal, also deep inside.
    return canonical_bytes(before) == canonical_bytes(after)


def _mapping(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}


def _is_list(value: Json) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)
