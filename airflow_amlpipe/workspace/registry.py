"""How are named, versioned things kept? (datastores, compute targets, environments, datasets)

Every name is an append log; the entry's number is its version. Removing a thing appends an entry too, so a version once given out
always means the same.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from airflow_amlpipe.exceptions import DefinitionError, UnknownNameError, did_you_mean, shorten
from airflow_amlpipe.spec.model import SpecModel
from airflow_amlpipe.spec.names import check_record_name
from airflow_amlpipe.storage.log import AppendLog
from airflow_amlpipe.storage.store import Store
from airflow_amlpipe.workspace.layout import log_folder
from airflow_amlpipe.workspace.record_text import parse_record, record_body

__all__ = ["REMOVED", "Registry", "is_removal"]

RecordT = TypeVar("RecordT", bound=SpecModel)
REMOVED = b'{"removed":true}'


def is_removal(body: bytes) -> bool:
    """Whether a log entry says that the thing was removed."""
    return body == REMOVED


class Registry(Generic[RecordT]):
    """The things of one kind in one workspace, each a frozen model.

    :param kind: the folder of their logs, for example ``datastores``
    :param noun: what messages call one of them, for example ``datastore``
    :param built_in: things that are there without having been registered
    """

    def __init__(self, store: Store, *, kind: str, noun: str, model: type[RecordT], built_in: dict[str, RecordT] | None = None) -> None:
        self._store = store
        self._kind = kind
        self._noun = noun
        self._model = model
        self._built_in = built_in or {}

    def names(self) -> list[str]:
        """Return every name that has a record now, sorted."""
        registered = [name for name in self._store.list_names(log_folder(self._kind)) if self.find(name) is not None]
        return sorted({*registered, *self._built_in})

    def find(self, name: str, version: int | None = None) -> RecordT | None:
        """Return the record of ``name``, the latest or an exact version; ``None`` if there is none or it was removed."""
        if version is None:
            latest = self._log(name).latest()
            return self._built_in.get(name) if latest is None else self._parse(name, latest[1])
        for number, body in self._log(name).entries():
            if number == version:
                return self._parse(name, body)
        return None

    def get(self, name: str, version: int | None = None) -> RecordT:
        """Like :meth:`find`, but there has to be one.

        :raises UnknownNameError: there is none; the message lists what there is
        """
        record = self.find(name, version)
        if record is not None:
            return record
        if version is not None and (versions := self.versions(name)):
            raise UnknownNameError(
                f"{self._noun} {shorten(repr(name))} has no version {version}; its versions are: {', '.join(map(str, versions))}"
            )
        names = self.names()
        known = ", ".join(names) or "none"
        raise UnknownNameError(
            f"{self._noun} {shorten(repr(name))} is not registered in the workspace; registered are: {shorten(known, 600)}{did_you_mean(name, names)}"
        )

    def versions(self, name: str) -> list[int]:
        """Return the numbers of the records under ``name``, oldest first; removed ones are left out."""
        return [number for number, body in self._log(name).entries() if not is_removal(body)]

    def register(self, name: str, record: RecordT) -> int:
        """Append ``record`` and return its number. A record equal to the latest is not written again.

        :raises DefinitionError: the name cannot be used
        """
        body = record_body(record)
        latest = self._log(name).latest()
        if latest is not None and latest[1] == body:
            return latest[0]
        return self._log(name).append(body)

    def remove(self, name: str) -> None:
        """Take ``name`` out; its versions stay readable for runs that used them.

        :raises UnknownNameError: there is no such thing
        :raises DefinitionError: it is built in
        """
        if name in self._built_in and self._log(name).latest() is None:
            raise DefinitionError(f"{self._noun} {name!r} is built in and cannot be removed")
        self.get(name)
        self._log(name).append(REMOVED)

    def _log(self, name: str) -> AppendLog:
        return AppendLog(self._store, log_folder(self._kind, check_record_name(self._noun, name)))

    def _parse(self, name: str, body: bytes) -> RecordT | None:
        return None if is_removal(body) else parse_record(self._model, body, f"{self._noun} {name!r}")
