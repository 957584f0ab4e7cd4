"""Which models are registered, and where are their files?

A version of a model is its files and what its author said of it. Files are kept by their content, each once, however many models and versions have
it. The log of a name has an entry for each change: a new version, new tags, a removal. Versions are 1, 2, ...; the number of one that was
removed is not given again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Literal

from airflow_amlpipe.exceptions import DatastoreUnavailableError, DefinitionError, ProtocolError, UnknownNameError, shorten
from airflow_amlpipe.fingerprint.canonical import digest
from airflow_amlpipe.fingerprint.content import hash_file
from airflow_amlpipe.fingerprint.memo import HashMemo
from airflow_amlpipe.spec.model import SpecModel, added_later
from airflow_amlpipe.spec.names import check_record_name
from airflow_amlpipe.storage.copies import checked
from airflow_amlpipe.storage.log import AppendLog
from airflow_amlpipe.storage.store import Store
from airflow_amlpipe.workspace.ids import now_text
from airflow_amlpipe.workspace.layout import log_folder, model_file_path
from airflow_amlpipe.workspace.model_files import ModelFiles, files_of
from airflow_amlpipe.workspace.record_text import parse_record, record_body
from airflow_amlpipe.workspace.tags import changed_tags

__all__ = ["ModelEntry", "ModelRegistry", "ModelVersion"]

_KIND = "models"


class ModelVersion(SpecModel):
    """One version of a model as it stands.

    :ivar files: SHA-256 of each file by its path
    :ivar is_file: whether the model is one file, not a folder of files
    :ivar datasets: what it was made with: (what for, id of the dataset)
    :ivar run_id: the run that made it, a step's where a step did
    :ivar token: which call of which step registered it, so that trying the step again does not register it twice
    :ivar asked: the question by which it was registered, so that answering it again does not either
    """

    name: str
    version: int
    created_at: str
    files: dict[str, str]
    is_file: bool
    size_bytes: int
    description: str | None = None
    tags: dict[str, str] = {}
    properties: dict[str, str] = {}
    framework: str | None = None
    framework_version: str | None = None
    resources: dict[str, Any] | None = None
    sample_inputs: str | None = None
    sample_outputs: str | None = None
    datasets: tuple[tuple[str, str], ...] = ()
    experiment: str | None = None
    run_id: str | None = None
    token: str | None = None
    asked: str | None = None

    @property
    def id(self) -> str:
        return f"{self.name}:{self.version}"

    @property
    def digest(self) -> str:
        """Identity of the model's files."""
        return digest("amlpipe/model/v1", sorted([path, sha256] for path, sha256 in self.files.items()))


class ModelEntry(SpecModel):
    """An entry of a name's log: how a version stands from now on; ``None``: it is removed.

    :ivar writer: the step of a run that wrote it (``StepResult.writer``), if one did
    """

    format: Literal["amlpipe/model/v1"] = "amlpipe/model/v1"
    at: str
    version: int
    model: ModelVersion | None = None
    writer: str | None = added_later(None)


class ModelRegistry:
    """The models of one workspace."""

    def __init__(self, store: Store, memo: HashMemo | None) -> None:
        self._store = store
        self._files = ModelFiles(store, memo)

    # ``without`` a writer: as if that step of that run had registered, changed and removed nothing.

    def names(self, *, without: str | None = None) -> list[str]:
        """Return the names that have a version, sorted."""
        return [name for name in self._store.list_names(log_folder(_KIND)) if self.versions(name, without=without)]

    def versions(self, name: str, *, without: str | None = None) -> list[ModelVersion]:
        """Return the versions of a name, oldest first; removed ones are left out."""
        return list(self._fold(name, self._log(name).entries(), without).values())

    def all(self, *, without: str | None = None) -> list[ModelVersion]:
        """Return every version of every model, the newest first."""
        found = [model for name in self._store.list_names(log_folder(_KIND)) for model in self.versions(name, without=without)]
        return sorted(found, key=lambda model: (model.created_at, model.version), reverse=True)

    def get(self, name: str, version: int | None = None, *, without: str | None = None) -> ModelVersion:
        """Return a version of a model, the latest without ``version``.

        :raises UnknownNameError: there is none; the message lists those there are
        """
        versions = self.versions(name, without=without)
        found = [model for model in versions if version in {None, model.version}]
        if found:
            return found[-1]
        if versions:
            known = ", ".join(str(model.version) for model in versions)
            raise UnknownNameError(f"model {shorten(repr(name))} has no version {version}; its versions are: {known}")
        known = ", ".join(self.names()) or "none"
        raise UnknownNameError(f"model {shorten(repr(name))} is not registered in the workspace; registered are: {shorten(known, 600)}")

    def register(
        self,
        name: str,
        path: Path,
        *,
        token: str | None = None,
        asked: str | None = None,
        failed: Collection[str] = (),
        within: Path | None = None,
        writer: str | None = None,
        **said: Any,
    ) -> ModelVersion:
        """Store the file or folder at ``path`` and register it as a new version of ``name``. ``path`` stays as it is.

        :param asked: of the question that is answered; one that was answered before gets the version that it got then
        :param token: of an earlier call by another try of the same step, too; it gets that one's version if the files are the same
        :param failed: runs of tries that ended badly: what one of them registered under ``token`` is removed if the files are others
        :param within: see ``storage/copies.py``, for files that a stranger can exchange
        :param writer: the step of a run that asks for it, if one does
        :param said: further fields of :class:`ModelVersion`
        :raises DefinitionError: nothing is there, a link leads out of it, or the name cannot be used
        :raises DatastoreUnavailableError: it could not be stored
        """
        check_record_name("model", name)
        sources = files_of(name, path)
        files, size_bytes = {}, 0
        for file, below in sources:
            files[below], size = self._files.keep(file, within)
            size_bytes += size
        made = {"name": name, "files": files, "is_file": path.is_file(), "size_bytes": size_bytes, "token": token, "asked": asked, **said}
        found: list[ModelVersion] = []

        def decide(entries: list[tuple[int, bytes]]) -> bytes | None:
            found.clear()
            for known in self._fold(name, entries).values():
                is_earlier = token is not None and known.token == token and known.run_id != made.get("run_id")
                if (asked is not None and known.asked == asked) or (is_earlier and known.files == files):
                    found.append(known)
                    return None
                if is_earlier and known.run_id in failed:
                    return record_body(ModelEntry(at=now_text(), version=known.version, writer=writer))
            version = max((self._entry(name, body).version for _, body in entries), default=0) + 1
            found.append(ModelVersion.model_validate({**made, "version": version, "created_at": now_text()}))
            return record_body(ModelEntry(at=now_text(), version=version, model=found[0], writer=writer))

        while not found:
            self._log(name).append_decided(decide)
        # What was about to be cleared away while it was not named yet is stored once more.
        for file, below in sources:
            if not self._files.has(files[below]) and self._files.keep(file, within)[0] != files[below]:
                raise DatastoreUnavailableError(
                    f"model {found[0].id}: the file {shorten(repr(below))} was cleared away in this very moment, and is another by now; "
                    "remove this version, and register the model again"
                )
        return found[0]

    def change(
        self,
        name: str,
        version: int,
        *,
        tags: Mapping[str, str] | None = None,
        removed_tags: Collection[str] = (),
        replaces_tags: bool = False,
        properties: Mapping[str, str] | None = None,
        description: str | None = None,
        datasets: Collection[tuple[str, str]] = (),
        writer: str | None = None,
    ) -> ModelVersion:
        """Say something else of a version as it stands, whoever changed it meanwhile, and return it as it stands then.

        :param tags: with ``removed_tags`` and ``replaces_tags``, see ``workspace/tags.py``
        :param properties: that are added
        :param description: ``None``: it stays
        :param datasets: that are added to those it was made with
        :param writer: the step of a run that asks for it, if one does
        :raises UnknownNameError: there is no such version
        :raises DefinitionError: a property has another value already
        """
        self.get(name, version)
        changed: list[ModelVersion] = []

        def decide(entries: list[tuple[int, bytes]]) -> bytes | None:
            changed.clear()
            known = self._fold(name, entries).get(version)
            if known is None:
                return None
            for key, value in (properties or {}).items():
                if known.properties.get(key, value) != value:
                    has = shorten(repr(known.properties[key]))
                    raise DefinitionError(f"model {known.id}: property {shorten(repr(key))} is {has} already; properties are set once")
            said = {
                "tags": changed_tags(known.tags, tags, removed=removed_tags, replaces=replaces_tags),
                "properties": {**known.properties, **(properties or {})},
                "description": known.description if description is None else description,
                "datasets": (*known.datasets, *(pair for pair in datasets if pair not in known.datasets)),
            }
            changed.append(ModelVersion.model_validate({**known.model_dump(), **said}))
            return None if changed[0] == known else record_body(ModelEntry(at=now_text(), version=version, model=changed[0], writer=writer))

        self._log(name).append_decided(decide)
        return changed[0] if changed else self.get(name, version)

    def remove(self, name: str, version: int, *, writer: str | None = None) -> None:
        """Remove a version; its number is not given again.

        :param writer: the step of a run that asks for it, if one does
        :raises UnknownNameError: there is no such version
        """
        self.get(name, version)
        self._log(name).append(record_body(ModelEntry(at=now_text(), version=version, writer=writer)))

    def fetch(self, model: ModelVersion, target: Path, *, check: Callable[[], None] | None = None) -> Path:
        """Put a copy of the model's files below the folder ``target`` and return its path: of the one file, or of the folder.

        :param check: see ``storage/copies.py``
        :raises ProtocolError: a file is gone, or is not what was registered
        :raises DatastoreUnavailableError: it could not be read
        """
        for below, sha256 in model.files.items():
            place = target.joinpath(*below.split("/"))
            place.parent.mkdir(parents=True, exist_ok=True)
            place.unlink(missing_ok=True)
            try:
                self._store.fetch(model_file_path(sha256), place, on_progress=checked(check))
            except FileNotFoundError as error:
                raise ProtocolError(f"model {model.id}: the file {shorten(repr(below))} is not in the workspace any more") from error
            if hash_file(str(place))[0] != sha256:
                place.unlink()
                raise ProtocolError(f"model {model.id}: the file {shorten(repr(below))} in the workspace was altered or cut")
        return target.joinpath(*next(iter(model.files)).split("/")) if model.is_file else target / _top_of(model)

    def _log(self, name: str) -> AppendLog:
        return AppendLog(self._store, log_folder(_KIND, check_record_name("model", name)))

    def _entry(self, name: str, body: bytes) -> ModelEntry:
        return parse_record(ModelEntry, body, f"model {name!r}")

    def _fold(self, name: str, entries: list[tuple[int, bytes]], without: str | None = None) -> Mapping[int, ModelVersion]:
        known: dict[int, ModelVersion] = {}
        registered: dict[int, str | None] = {}
        for _, body in entries:
            entry = self._entry(name, body)
            registered.setdefault(entry.version, entry.writer)
            if without is not None and without in {entry.writer, registered[entry.version]}:
                continue
            if entry.model is None:
                known.pop(entry.version, None)
            else:
                known[entry.version] = entry.model
        return dict(sorted(known.items()))


def _top_of(model: ModelVersion) -> str:
    return next(iter(model.files)).partition("/")[0]
