"""What is a script told of the things that a workspace has registered, and of its runs?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from airflow_amlpipe.exceptions import DefinitionError, UnknownNameError, shorten
from airflow_amlpipe.fingerprint.canonical import Json, digest
from airflow_amlpipe.reuse.told import Told
from airflow_amlpipe.workspace.asked_words import dataset_words, words_of
from airflow_amlpipe.workspace.datasets import DatasetRecord, SavedDataset
from airflow_amlpipe.workspace.direct import described_part
from airflow_amlpipe.workspace.inputs import ResolvedInput
from airflow_amlpipe.workspace.models import ModelVersion
from airflow_amlpipe.workspace.telling_runs import find_run
from airflow_amlpipe.workspace.workspace import WorkspaceStore

if TYPE_CHECKING:
    from airflow_amlpipe.runtime.protocol import DatasetPart

__all__ = [
    "Found",
    "find_dataset",
    "find_datastore",
    "find_environment",
    "find_models",
    "find_names",
    "find_other_run",
    "model_told",
]

# In what follows, ``without`` is a writer (``StepResult.writer``). A script is told of everything; what identifies the answer leaves out what its
# own step registered and changed: a step that registers what it first looked for is to rest.

_KINDS: Final = ("computes", "datasets", "datastores", "environments", "models")
_WRITTEN: Final = {"datasets", "models"}


@dataclass(frozen=True, slots=True)
class Found:
    """An answer.

    :ivar told: the question, and what identifies the answer
    :ivar value: what the script is told
    """

    told: Told
    value: dict[str, Any] = field(default_factory=dict)


def find_names(workspace: WorkspaceStore, arguments: Mapping[str, Any], *, without: str | None = None) -> Found:
    """Return which things of a kind the workspace has, or whether it has the one of a name."""
    kind, name = arguments["kind"], arguments["name"]
    if kind not in _KINDS:
        raise UnknownNameError(f"a workspace has no {shorten(repr(kind))}; it has: {', '.join(_KINDS)}")
    names = getattr(workspace, kind).names() if name is None else _those_there(workspace, kind, [name])
    of_others = names if without is None or kind not in _WRITTEN else _those_there(workspace, kind, names, without)
    answer = (shorten(", ".join(of_others), 200) or "none") if name is None else "yes" if of_others else "no"
    told = _told("names", arguments, words_of("names", arguments), answer, {"names": of_others})
    return Found(told, {"names": names})


def find_dataset(workspace: WorkspaceStore, arguments: Mapping[str, Any], *, without: str | None = None) -> Found:
    """Return what a registered dataset is; not its data.

    What identifies it is what it stands for, as with an input of a step: registering the same again is no other answer, though it has a new
    id and the next number.

    :raises UnknownNameError: there is none
    """
    name, version, dataset_id = (arguments[key] for key in ("name", "version", "id"))
    record: DatasetRecord | SavedDataset | None
    if dataset_id is not None:
        record = workspace.datasets.find_id(dataset_id)
    elif version is None:
        record = workspace.datasets.find_latest(name or "", without=without)
    else:
        record = workspace.datasets.find(name or "", version)
    if record is None:
        workspace.datasets.get(name or "", version)  # says which there are
        raise UnknownNameError(f"dataset {shorten(repr(name))} was registered by the step itself, and by nobody else")
    part = described_part(workspace, record, ResolvedInput("", "", (), record.definition), "")
    what = words_of("dataset", arguments) if dataset_id is None else dataset_words(record)
    answer = f"version {record.version}" if isinstance(record, DatasetRecord) else "there"
    told = _told("dataset", arguments, what, answer, _meaning_of(record, part)).model_copy(update={"dataset_id": record.id})
    return Found(told, {"dataset": part})


def find_datastore(workspace: WorkspaceStore, arguments: Mapping[str, Any]) -> Found:
    """Return what a datastore is, the default one without a name.

    :raises UnknownNameError: there is none
    """
    record = workspace.datastores.get(arguments["name"] or workspace.datastores.default_name())
    value = {"name": record.name, "type": record.sdk_type, "details": dict(record.details)}
    return _found("datastore", arguments, words_of("datastore", arguments), repr(record.name), value)


def find_models(workspace: WorkspaceStore, arguments: Mapping[str, Any], *, without: str | None = None) -> Found:
    """Return every version of a model, or one, or those of all models."""
    name, version = arguments["name"], arguments["version"]

    def find(without: str | None) -> list[ModelVersion]:
        known = workspace.models.all(without=without) if name is None else workspace.models.versions(name, without=without)
        return [model for model in known if version in {None, model.version}]

    found = find(None)
    of_others = found if without is None else find(without)
    if version is None:
        answer = shorten(", ".join(model.id if name is None else str(model.version) for model in of_others), 200) or "none"
    else:
        answer = "registered" if of_others else "not registered"
    meaning = {"models": [model_told(model) for model in of_others]}
    told = _told("models", arguments, words_of("models", arguments), answer, meaning)
    return Found(told, {"models": [model_told(model) for model in found]})


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
    return _found("environment", arguments, words_of("environment", arguments), f"version {shown}", value)


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


def model_told(model: ModelVersion) -> dict[str, Any]:
    """Return what a script is told of a version of a model."""
    return model.model_dump(mode="json", exclude={"token", "asked"})


def _those_there(workspace: WorkspaceStore, kind: str, names: Sequence[str], without: str | None = None) -> list[str]:
    there = []
    for name in names:
        with suppress(DefinitionError):  # what cannot be a name is none
            if kind == "models":
                is_there = bool(workspace.models.versions(name, without=without))
            elif kind == "datasets":
                is_there = workspace.datasets.find_latest(name, without=without) is not None
            else:
                is_there = getattr(workspace, kind).find(name) is not None
            there += [name] if is_there else []
    return there


def _meaning_of(record: DatasetRecord | SavedDataset, part: DatasetPart) -> Json:
    content = record.digest if isinstance(record, DatasetRecord) else None
    # Columns that are made of paths are other ones elsewhere.
    has_paths = content is None or (record.definition is not None and record.definition.needs_paths)
    return {
        "name": part["name"],
        "description": part["description"],
        "tags": part["tags"],
        "definition": None if record.definition is None else record.definition.model_dump(mode="json"),
        "content": content,
        "paths": [path.model_dump(mode="json") for path in record.paths] if has_paths else None,
    }


def _found(verb: str, arguments: Mapping[str, Any], what: str, answer: str, value: dict[str, Any], *, within: str | None = None) -> Found:
    return Found(_told(verb, arguments, what, answer, value, within=within), value)


def _told(verb: str, arguments: Mapping[str, Any], what: str, answer: str, meaning: Json, *, within: str | None = None) -> Told:
    """Return the question, and what identifies the answer: what ``meaning`` says."""
    return Told(verb=verb, arguments=dict(arguments), what=what, answer=answer, digest=digest("amlpipe/answer/v1", meaning), within=within)
