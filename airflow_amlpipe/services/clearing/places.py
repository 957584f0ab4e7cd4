"""Does one place on a datastore lie within another? (also when two datastores share a folder)"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from posixpath import normpath

from airflow_amlpipe.exceptions import DatastoreUnavailableError, DefinitionError
from airflow_amlpipe.fingerprint.pattern import split_pattern
from airflow_amlpipe.reuse.result import LinkedPlace, StoredOutput
from airflow_amlpipe.spec.datastores import is_web_folder
from airflow_amlpipe.workspace.layout import records_root
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["Places", "Roots"]


class Roots:
    """Where the datastores of a workspace begin, so that places on different ones can be compared."""

    def __init__(self, workspace: WorkspaceStore) -> None:
        self._workspace = workspace
        self._known: dict[str, str | None] = {}
        self._targets: dict[LinkedPlace, tuple[str, ...]] = {}
        self.records = f"{workspace.store.whereabouts}/{records_root().partition('/')[0]}"

    def absolute(self, datastore: str, path: str) -> str | None:
        """Return a place as text that is the same for the same place; ``None`` if its datastore is a database, a folder of the web, where nothing
        is ever cleared away, or not registered any more.

        :raises DefinitionError: it cannot be opened here, so that nobody can say what lies on it
        """
        if datastore not in self._known:
            record = None if is_web_folder(datastore) else self._workspace.datastores.find(datastore)
            has_files = record is not None and not record.is_database
            self._known[datastore] = self._workspace.datastores.open(datastore).whereabouts if has_files else None
        root = self._known[datastore]
        if root is None:
            return None
        below = normpath(path) if path else "."
        return root if below == "." else f"{root}/{below}"

    def targets_of(self, output: StoredOutput) -> Iterator[str]:
        """Yield the places that an output is linked to. Of a glob those are its files: at the root of a datastore its folder would be everything."""
        for target in output.linked:
            if target not in self._targets:
                self._targets[target] = tuple(self._find_targets(target))
            yield from self._targets[target]

    def _find_targets(self, target: LinkedPlace) -> Iterator[str]:
        path = target.path.strip("/")
        folder, pattern = split_pattern(path)
        if self.absolute(target.datastore, folder) is None:
            return
        found = [folder]
        if pattern is not None:
            # Where nobody can say which files those are, all of the folder is needed.
            with suppress(DefinitionError, DatastoreUnavailableError):
                found = self._workspace.datastores.open(target.datastore).match(path)
        yield from filter(None, (self.absolute(target.datastore, name) for name in found))


class Places:
    """A set of places; what lies within one of them, or around one of them, touches it."""

    def __init__(self, places: Iterable[str] = ()) -> None:
        self._places: set[str] = set()
        self._around: set[str] = set()
        for place in places:
            self.add(place)

    def add(self, place: str) -> None:
        self._places.add(place)
        self._around |= set(_ancestors(place))

    def touches(self, place: str) -> bool:
        """Whether deleting ``place`` would delete something of one of these, or ``place`` belongs to one."""
        return place in self._around or any(above in self._places for above in (place, *_ancestors(place)))


def _ancestors(place: str) -> Iterable[str]:
    above = place
    while "/" in above:
        above = above.rpartition("/")[0]
        yield above
