"""What is the answer to a question that a script asks of its workspace, and what identifies it?

The one place where that is said: the host looks here when it answers a script, and the decision about reuse looks here again, so that what is
compared is made in one way. Nothing is copied; files that are asked for are named, and identified. Secrets have no identity: nothing of
them is written down.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from airflow_amlpipe.exceptions import DefinitionError, UnknownNameError, shorten
from airflow_amlpipe.fingerprint.canonical import digest
from airflow_amlpipe.fingerprint.pattern import split_pattern
from airflow_amlpipe.fingerprint.tree import TreeManifest
from airflow_amlpipe.reuse.told import NOTHING, Told
from airflow_amlpipe.runtime.questions import find_fault
from airflow_amlpipe.spec.names import check_relative_path
from airflow_amlpipe.storage.store import Store
from airflow_amlpipe.workspace.datasets import DatasetRecord, SavedDataset
from airflow_amlpipe.workspace.direct import described_part
from airflow_amlpipe.workspace.inputs import ResolvedInput, resolve_dataset
from airflow_amlpipe.workspace.models import ModelVersion
from airflow_amlpipe.workspace.telling_runs import find_run
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = [
    "Found",
    "FoundData",
    "FoundFiles",
    "FoundModel",
    "dataset_words",
    "find_again",
    "find_data",
    "find_dataset",
    "find_datastore",
    "find_environment",
    "find_files",
    "find_model",
    "find_models",
    "find_names",
    "find_other_run",
    "model_told",
    "nothing_found",
    "path_below",
    "place_words",
]

_KINDS: Final = ("computes", "datasets", "datastores", "environments", "models")


@dataclass(frozen=True, slots=True)
class Found:
    """An answer.

    :ivar told: the question, and what identifies the answer
    :ivar value: what the script is told
    """

    told: Told
    value: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FoundData(Found):
    """The data of a dataset: which it is, and where it lies."""

    record: DatasetRecord | SavedDataset = field(kw_only=True)
    resolved: ResolvedInput = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class FoundFiles(Found):
    """Files of a datastore that a script downloads."""

    store: Store = field(kw_only=True)
    prefix: str = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class FoundModel(Found):
    """The files of a registered model."""

    model: ModelVersion = field(kw_only=True)


def find_names(workspace: WorkspaceStore, arguments: Mapping[str, Any]) -> Found:
    """Return which things of a kind the workspace has."""
    kind = arguments["kind"]
    if kind not in _KINDS:
        raise UnknownNameError(f"a workspace has no {shorten(repr(kind))}; it has: {', '.join(_KINDS)}")
    names = getattr(workspace, kind).names()
    return _found("names", arguments, f"the list of {kind}", shorten(", ".join(names), 200) or "none", {"names": names})


def find_dataset(workspace: WorkspaceStore, arguments: Mapping[str, Any]) -> Found:
    """Return what a registered dataset is; not its data.

    :raises UnknownNameError: there is none
    """
    name, version, dataset_id = (arguments[key] for key in ("name", "version", "id"))
    record = workspace.datasets.find_id(dataset_id) if dataset_id is not None else workspace.datasets.get(name or "", version)
    part = described_part(workspace, record, ResolvedInput("", "", (), record.definition), "")
    what = _words_of("dataset", arguments) if dataset_id is None else dataset_words(record)
    answer = f"version {record.version}" if isinstance(record, DatasetRecord) else "there"
    return _found("dataset", arguments, what, answer, {"dataset": part})


def find_data(workspace: WorkspaceStore, arguments: Mapping[str, Any]) -> FoundData:
    """Return which bytes a dataset stands for now.

    :raises UnknownNameError: there is no such dataset
    :raises DefinitionError: nothing lies at one of its paths, or its query is wrong
    """
    record = workspace.datasets.find_id(arguments["id"])
    words = dataset_words(record)
    # Named like a file of the script's: a dataset's name may have spaces.
    resolved = resolve_dataset(workspace, words, "data", record.paths, record.definition)
    if resolved.rows is not None:
        answer = f"{resolved.rows.count:,} rows"
    else:
        answer = _size(sum(part.file_count for part in resolved.parts), sum(part.size_bytes for part in resolved.parts))
    told = Told(verb="dataset-data", arguments=dict(arguments), what=f"the data of {words}", answer=answer, digest=resolved.digest)
    return FoundData(told, record=record, resolved=resolved)


def find_datastore(workspace: WorkspaceStore, arguments: Mapping[str, Any]) -> Found:
    """Return what a datastore is, the default one without a name.

    :raises UnknownNameError: there is none
    """
    record = workspace.datastores.get(arguments["name"] or workspace.datastores.default_name())
    value = {"name": record.name, "type": record.sdk_type, "details": dict(record.details)}
    return _found("datastore", arguments, _words_of("datastore", arguments), repr(record.name), value)


def find_files(workspace: WorkspaceStore, arguments: Mapping[str, Any]) -> FoundFiles:
    """Return which files lie at a place of a datastore, and what is in them.

    :raises UnknownNameError: there is no such datastore
    :raises DefinitionError: the path leaves it
    """
    name = arguments["datastore"]
    prefix = path_below(f"datastore {shorten(repr(name))}: download: prefix", arguments["prefix"])
    store = workspace.datastores.open(name)
    folder, pattern = split_pattern(prefix)
    try:
        files = store.identify(folder, workspace.memo, pattern=pattern).manifest().files
    except FileNotFoundError:
        files = ()
    listing = TreeManifest(files)
    told = Told(
        verb="datastore-download",
        arguments=dict(arguments),
        what=f"the files of {place_words(name, prefix)}",
        answer=_size(len(files), listing.size_bytes),
        digest=listing.digest,
    )
    return FoundFiles(told, store=store, prefix=prefix)


def find_models(workspace: WorkspaceStore, arguments: Mapping[str, Any]) -> Found:
    """Return every version of a model, or of all."""
    name = arguments["name"]
    found = workspace.models.all() if name is None else workspace.models.versions(name)
    answer = ", ".join(model.id if name is None else str(model.version) for model in found)
    value = {"models": [model_told(model) for model in found]}
    return _found("models", arguments, _words_of("models", arguments), shorten(answer, 200) or "none", value)


def find_model(workspace: WorkspaceStore, arguments: Mapping[str, Any]) -> FoundModel:
    """Return which files a version of a model is.

    :raises UnknownNameError: there is none
    """
    model = workspace.models.get(arguments["name"], arguments["version"])
    told = Told(
        verb="model-data",
        arguments=dict(arguments),
        what=_words_of("model-data", arguments),
        answer=_size(len(model.files), model.size_bytes),
        digest=model.digest,
    )
    return FoundModel(told, model=model)


def find_environment(workspace: WorkspaceStore, arguments: Mapping[str, Any]) -> Found:
    """Return a registered environment, the latest version without one.

    :raises UnknownNameError: there is none
    """
    name, version = arguments["name"], arguments["version"]
    registry = workspace.environments
    numbers = registry.versions(name)
    found = [(number, record) for number in numbers if (record := registry.find(name, number)) is not None]
    if version is not None:
        found = [(number, record) for number, record in found if version in {record.version, str(number)}]
    if not found:
        registry.get(name)  # says which there are
        known = ", ".join(str(number) for number in numbers)
        raise UnknownNameError(f"environment {name!r} has no version {shorten(repr(version))}; its versions are: {known}")
    number, record = found[-1]
    shown = record.version or str(number)
    value = {"version": shown, "record": record.model_dump(mode="json")}
    return _found("environment", arguments, _words_of("environment", arguments), f"version {shown}", value)


def find_other_run(
    workspace: WorkspaceStore, arguments: Mapping[str, Any], *, experiment: str | None = None, within: str | None = None
) -> Found:
    """Return what a run logged: a pipeline's, or that of one of its steps.

    :param experiment: whose runs are searched for that of a step
    :param within: the pipeline's run, where it is known
    :raises UnknownNameError: there is none
    """
    value = find_run(workspace, arguments["id"], experiment=experiment, within=within)
    status, metrics = value["status"], len(value["metrics"])
    parent = value.get("parent")
    answer = f"{status}, {metrics} metric{'' if metrics == 1 else 's'}"
    return _found("run", arguments, f"what run {arguments['id']} logged", answer, value, within=parent)


def find_again(workspace: WorkspaceStore, told: Told) -> Told:
    """Return what the question of ``told`` is answered now.

    :raises InfrastructureError: nobody can say now
    """
    # The journal of a try lies where its script can write, and another version may have known other questions.
    fault = find_fault(told.verb, told.arguments)
    if fault or told.verb not in {*_FINDERS, "run"}:
        return told.model_copy(update={"answer": f"{NOTHING} ({shorten(fault or told.verb, 200)} cannot be asked again)", "digest": ""})
    try:
        if told.verb == "run":
            return find_other_run(workspace, told.arguments, within=told.within).told
        return _FINDERS[told.verb](workspace, told.arguments).told
    except DefinitionError as error:
        return told.model_copy(update={"answer": f"{NOTHING} ({shorten(str(error), 300)})", "digest": ""})


def nothing_found(verb: str, arguments: Mapping[str, Any]) -> Told | None:
    """Return what identifies the answer that there is no such thing; ``None`` of a question that is not compared.

    A run that is not there will not be: nobody chooses the id of one.
    """
    if verb not in _FINDERS:
        return None
    return Told(verb=verb, arguments=dict(arguments), what=_words_of(verb, arguments), answer=NOTHING, digest="")


def dataset_words(record: DatasetRecord | SavedDataset) -> str:
    """Return a dataset as people know it."""
    if isinstance(record, SavedDataset):
        return f"the dataset without a name {record.id}"
    return f"dataset {record.name!r} version {record.version}"


def place_words(datastore: str, path: str) -> str:
    """Return a place on a datastore as people know it."""
    return f"{shorten(repr(path)) if path else 'everything'} on datastore {datastore!r}"


def path_below(what: str, path: str | None) -> str:
    """Return a path of a datastore that a script gave, ``""`` for its root.

    :raises DefinitionError: it leaves the datastore.
    """
    clean = (path or "").strip("/")
    return check_relative_path(what, clean) if clean and clean != "." else ""


def model_told(model: ModelVersion) -> dict[str, object]:
    """Return what a script is told of a version of a model."""
    return model.model_dump(mode="json", exclude={"token", "asked"})


_FINDERS: Final[Mapping[str, Callable[[WorkspaceStore, Mapping[str, Any]], Found]]] = {
    "names": find_names,
    "dataset": find_dataset,
    "dataset-data": find_data,
    "datastore": find_datastore,
    "datastore-download": find_files,
    "models": find_models,
    "model-data": find_model,
    "environment": find_environment,
}


def _found(verb: str, arguments: Mapping[str, Any], what: str, answer: str, value: dict[str, Any], *, within: str | None = None) -> Found:
    told = Told(verb=verb, arguments=dict(arguments), what=what, answer=answer, digest=digest("amlpipe/answer/v1", value), within=within)
    return Found(told, value)


def _words_of(verb: str, arguments: Mapping[str, Any]) -> str:
    """Return what a question asks for, in the author's words."""
    name, version = arguments.get("name"), arguments.get("version")
    versioned = (
        f"the latest version of {verb} {shorten(repr(name))}" if version is None else f"{verb} {shorten(repr(name))} version {version}"
    )
    words = {
        "names": f"the list of {arguments.get('kind')}",
        "dataset": f"the dataset {arguments.get('id')}" if arguments.get("id") is not None else versioned,
        "dataset-data": f"the data of dataset {arguments.get('id')}",
        "datastore": "the default datastore" if name is None else f"datastore {shorten(repr(name))}",
        "datastore-download": f"the files of {place_words(str(arguments.get('datastore')), str(arguments.get('prefix') or ''))}",
        "models": "the list of models" if name is None else f"the versions of model {shorten(repr(name))}",
        "model-data": f"the files of model {shorten(repr(name))} version {version}",
        "environment": versioned,
    }
    return words[verb]


def _size(files: int, size_bytes: int) -> str:
    return f"{files:,} file{'' if files == 1 else 's'}, {size_bytes:,} bytes"
