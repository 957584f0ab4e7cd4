"""Which pipeline stands behind a name that callers keep?

An endpoint has versions ``'0'``, ``'1'``, ..., each a published pipeline, and one of them is the default. Two logs say so:

- ``endpoint-names``, one for the workspace: an entry creates an endpoint with its first version, renames, archives or brings it back. Each of
  these is right only for what all the names are then, so they share a log: of two that want one name, one gets it.
- ``endpoints/<id>``: an entry adds a version, makes one the default, enables or disables.

Each change is one entry, so a crash leaves it done or not done.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Literal

from airflow_amlpipe.exceptions import DefinitionError, ProtocolError, UnknownNameError, did_you_mean, shorten
from airflow_amlpipe.spec.model import SpecModel
from airflow_amlpipe.storage.log import AppendLog
from airflow_amlpipe.storage.store import Store
from airflow_amlpipe.workspace.ids import is_uuid, now_text
from airflow_amlpipe.workspace.layout import log_folder
from airflow_amlpipe.workspace.published import PublishedStatus
from airflow_amlpipe.workspace.record_text import parse_record, record_body

__all__ = ["EndpointEntry", "EndpointNameEntry", "EndpointRegistry", "PipelineEndpoint"]

Entries = list[tuple[int, bytes]]


class PipelineEndpoint(SpecModel):
    """One endpoint as it stands.

    :ivar pipelines: ids of the published pipelines behind it; the place in the tuple is the version
    :ivar default_version: the version that is run when none is asked for
    """

    id: str
    name: str
    description: str | None = None
    pipelines: tuple[str, ...]
    default_version: str
    status: PublishedStatus = "Active"
    is_archived: bool = False
    created_at: str

    @property
    def versions(self) -> dict[str, str]:
        """The published pipelines' ids by version."""
        return {str(number): pipeline_id for number, pipeline_id in enumerate(self.pipelines)}

    def pipeline_of(self, version: str | None = None) -> tuple[str, str]:
        """Return a version, the default if none is named, and the id of the published pipeline behind it.

        :raises UnknownNameError: there is no such version
        """
        wanted = self.default_version if version is None else version
        if not isinstance(wanted, str) or wanted not in self.versions:
            shown = shorten(repr(wanted)) if isinstance(wanted, str) else f"{shorten(repr(wanted))} of type {type(wanted).__name__}"
            raise UnknownNameError(
                f"pipeline endpoint {shorten(repr(self.name))} has no version {shown}; "
                f"its versions are texts: {shorten(', '.join(map(repr, self.versions)), 300)}"
            )
        return wanted, self.versions[wanted]


class EndpointNameEntry(SpecModel):
    """An entry of the log of names: from here on the endpoint ``id`` is called ``name``.

    :ivar first: id of the first version's published pipeline, in the entry that creates the endpoint
    """

    format: Literal["amlpipe/endpoint-name/v1"] = "amlpipe/endpoint-name/v1"
    at: str
    id: str
    name: str
    is_archived: bool = False
    first: str | None = None
    description: str | None = None


class EndpointEntry(SpecModel):
    """An entry of an endpoint's log: a version, a new default, a new status, or several of them at once."""

    format: Literal["amlpipe/endpoint/v1"] = "amlpipe/endpoint/v1"
    at: str
    added: str | None = None
    default_version: str | None = None
    status: PublishedStatus | None = None


class EndpointRegistry:
    """The pipeline endpoints of one workspace."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._names = AppendLog(store, log_folder("endpoint-names", "all"))

    def create(self, name: str, pipeline_id: str, *, description: str | None = None) -> PipelineEndpoint:
        """Create an endpoint whose version ``'0'``, the default, is a published pipeline.

        :raises DefinitionError: there is one of this name
        """
        endpoint_id = str(uuid.uuid4())

        def decide(entries: Entries) -> bytes:
            _check_free(_named(entries), name)
            return record_body(
                EndpointNameEntry(at=now_text(), id=endpoint_id, name=name, first=pipeline_id, description=description or None)
            )

        self._names.append_decided(decide)
        return self.get(endpoint_id)

    def all(self) -> list[PipelineEndpoint]:
        """Return every endpoint, the newest first."""
        return [self._fold(created) for created in reversed(_named(self._names.entries()).values())]

    def get(self, endpoint_id: str) -> PipelineEndpoint:
        """:raises UnknownNameError: there is none; the message lists those there are."""
        return self._fold(_created(_named(self._names.entries()), endpoint_id))

    def get_by_name(self, name: str) -> PipelineEndpoint:
        """:raises UnknownNameError: there is none; the message lists those there are."""
        named = _named(self._names.entries())
        for endpoint in named.values():
            if endpoint.name == name:
                return self._fold(endpoint)
        near = did_you_mean(name, [endpoint.name for endpoint in named.values() if not endpoint.is_archived])
        raise UnknownNameError(f"no pipeline endpoint is called {shorten(repr(name))}; there are: {_known(named)}{near}")

    def add_version(self, endpoint_id: str, pipeline_id: str, *, is_default: bool = False) -> PipelineEndpoint:
        """Add a published pipeline as the next version, and make that the default if asked.

        :raises DefinitionError: it is a version already
        """

        def change(endpoint: PipelineEndpoint) -> EndpointEntry:
            for version, known in endpoint.versions.items():
                if known == pipeline_id:
                    raise DefinitionError(
                        f"published pipeline {pipeline_id} is version {version!r} of pipeline endpoint {shorten(repr(endpoint.name))} already; "
                        "publish the pipeline anew, or use set_default"
                    )
            version = str(len(endpoint.pipelines))
            return EndpointEntry(at=now_text(), added=pipeline_id, default_version=version if is_default else None)

        return self._change(endpoint_id, change)

    def set_default(self, endpoint_id: str, version: str) -> PipelineEndpoint:
        """Make a version the default.

        :raises UnknownNameError: there is no such version
        """
        return self._change(endpoint_id, lambda endpoint: EndpointEntry(at=now_text(), default_version=endpoint.pipeline_of(version)[0]))

    def set_status(self, endpoint_id: str, status: PublishedStatus) -> PipelineEndpoint:
        """Enable or disable it.

        :raises DefinitionError: it is archived, and is to be enabled
        """

        def change(endpoint: PipelineEndpoint) -> EndpointEntry | None:
            if endpoint.is_archived and status == "Active":
                raise DefinitionError(f"pipeline endpoint {endpoint.id} is archived; give it a name with reactivate(name)")
            return None if endpoint.status == status else EndpointEntry(at=now_text(), status=status)

        return self._change(endpoint_id, change)

    def rename(self, endpoint_id: str, name: str) -> PipelineEndpoint:
        """Give it another name; its id stays.

        :raises DefinitionError: another has that name
        """
        return self._name(endpoint_id, lambda _: name, is_archived=None)

    def archive(self, endpoint_id: str) -> PipelineEndpoint:
        """Disable it and give its name back: it is called by a UUID from then on. Twice is fine."""
        return self._name(endpoint_id, lambda known: known.name if known.is_archived else str(uuid.uuid4()), is_archived=True)

    def reactivate(self, endpoint_id: str, name: str) -> PipelineEndpoint:
        """Enable it, archived or not, under ``name``.

        :raises DefinitionError: another has that name
        """
        # The name first: if it is taken, nothing has changed.
        self._name(endpoint_id, lambda _: name, is_archived=False)
        return self.set_status(endpoint_id, "Active")

    def _change(self, endpoint_id: str, change: Callable[[PipelineEndpoint], EndpointEntry | None]) -> PipelineEndpoint:
        created = _created(_named(self._names.entries()), endpoint_id)

        def decide(entries: Entries) -> bytes | None:
            entry = change(_folded(created, entries))
            return None if entry is None else record_body(entry)

        self._log(endpoint_id).append_decided(decide)
        return self.get(endpoint_id)

    def _name(self, endpoint_id: str, choose: Callable[[PipelineEndpoint], str], *, is_archived: bool | None) -> PipelineEndpoint:
        def decide(entries: Entries) -> bytes | None:
            named = _named(entries)
            known = _created(named, endpoint_id)
            name = choose(known)
            archived = known.is_archived if is_archived is None else is_archived
            if (name, archived) == (known.name, known.is_archived):
                return None
            _check_free({other: item for other, item in named.items() if other != endpoint_id}, name)
            return record_body(EndpointNameEntry(at=now_text(), id=endpoint_id, name=name, is_archived=archived))

        self._names.append_decided(decide)
        return self.get(endpoint_id)

    def _fold(self, created: PipelineEndpoint) -> PipelineEndpoint:
        return _folded(created, self._log(created.id).entries())

    def _log(self, endpoint_id: str) -> AppendLog:
        return AppendLog(self._store, log_folder("endpoints", endpoint_id))


def _named(entries: Entries) -> dict[str, PipelineEndpoint]:
    """Return every endpoint by id, as the log of names alone knows it: with its first version."""
    found: dict[str, PipelineEndpoint] = {}
    for number, body in entries:
        entry = parse_record(EndpointNameEntry, body, f"names of pipeline endpoints, entry {number}")
        if entry.first is not None and is_uuid(entry.id):
            found[entry.id] = PipelineEndpoint(
                id=entry.id,
                name=entry.name,
                description=entry.description,
                pipelines=(entry.first,),
                default_version="0",
                created_at=entry.at,
            )
        elif entry.id in found:
            found[entry.id] = found[entry.id].model_copy(update={"name": entry.name, "is_archived": entry.is_archived})
        else:
            raise ProtocolError(f"names of pipeline endpoints, entry {number}: it names an endpoint that no entry before it creates")
    return found


def _folded(created: PipelineEndpoint, entries: Entries) -> PipelineEndpoint:
    """Return the endpoint after the entries of its own log."""
    pipelines, default, status = list(created.pipelines), created.default_version, created.status
    for number, body in entries:
        entry = parse_record(EndpointEntry, body, f"pipeline endpoint {created.id}, entry {number}")
        if entry.added is not None:
            pipelines.append(entry.added)
        default = entry.default_version or default
        status = entry.status or status
    return created.model_copy(
        update={"pipelines": tuple(pipelines), "default_version": default, "status": "Disabled" if created.is_archived else status}
    )


def _created(named: dict[str, PipelineEndpoint], endpoint_id: str) -> PipelineEndpoint:
    if endpoint_id not in named:
        raise UnknownNameError(f"no pipeline endpoint has the id {shorten(repr(endpoint_id))}; there are: {_known(named)}")
    return named[endpoint_id]


def _check_free(named: dict[str, PipelineEndpoint], name: str) -> None:
    for endpoint in named.values():
        if endpoint.name == name:
            raise DefinitionError(
                f"a pipeline endpoint is called {shorten(repr(name))} already ({endpoint.id}); choose another name, "
                "or add a version to it: PipelineEndpoint.get(workspace, name=...).add_default(pipeline)"
            )


def _known(named: dict[str, PipelineEndpoint]) -> str:
    return shorten(", ".join(repr(item.name) for item in named.values() if not item.is_archived), 600) or "none"
