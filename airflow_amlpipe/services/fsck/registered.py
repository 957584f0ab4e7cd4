"""Is every registered thing readable, and its log without holes? (I2; also kinds that this version does not know)"""

from __future__ import annotations

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.services.fsck.findings import Check, Repair
from airflow_amlpipe.services.fsck.published import check_published
from airflow_amlpipe.services.fsck.survey import Survey, Unreadable, entry_number, read_json
from airflow_amlpipe.spec.compute import ComputeTargetSpec
from airflow_amlpipe.spec.environment import EnvironmentLabels, EnvironmentSpec
from airflow_amlpipe.spec.model import SpecModel
from airflow_amlpipe.workspace.datasets import DatasetLabels, DatasetRecord, SavedDataset
from airflow_amlpipe.workspace.datastores import DatastoreRecord
from airflow_amlpipe.workspace.drafts import DraftRecord
from airflow_amlpipe.workspace.endpoints import EndpointEntry, EndpointNameEntry
from airflow_amlpipe.workspace.experiments import ExperimentEntry
from airflow_amlpipe.workspace.layout import dataset_id_path, dataset_ids_folder, log_folder, model_file_path, records_root
from airflow_amlpipe.workspace.models import ModelEntry
from airflow_amlpipe.workspace.modules import ModuleEntry
from airflow_amlpipe.workspace.pins import PinRecord
from airflow_amlpipe.workspace.published import PublishedEntry
from airflow_amlpipe.workspace.registry import is_removal

__all__ = ["check_registered"]

_MODELS: dict[str, type[SpecModel]] = {
    "datastores": DatastoreRecord,
    "datasets": DatasetRecord,
    "saved-datasets": SavedDataset,
    "dataset-labels": DatasetLabels,
    "environments": EnvironmentSpec,
    "environment-labels": EnvironmentLabels,
    "computes": ComputeTargetSpec,
    "pins": PinRecord,
    "modules": ModuleEntry,
    "published": PublishedEntry,
    "endpoints": EndpointEntry,
    "endpoint-names": EndpointNameEntry,
    "drafts": DraftRecord,
    "experiments": ExperimentEntry,
    "models": ModelEntry,
}
# Looked at by modules of their own.
_OTHERS = {"snapshots", "specs", "manifests", "keys", "runs", "dataset-ids", "model-files"}
_DEEPEST = 6


def check_registered(survey: Survey) -> None:
    """Look at every log of every kind, and at the ids of datasets."""
    above, _, current = records_root().rpartition("/")

    def look() -> None:
        for name in survey.names(above):
            if name != current:
                survey.report(Check.NEWER, f"{above}/{name}", f"this version keeps its records below {records_root()}")
        for kind in survey.names(records_root()):
            if kind not in _OTHERS:
                survey.guarded(log_folder(kind), lambda kind=kind: _check_kind(survey, kind))  # type: ignore[misc]

    survey.guarded(records_root(), look)
    survey.guarded(dataset_ids_folder(), lambda: _check_ids(survey))


def _check_kind(survey: Survey, kind: str) -> None:
    places = [(log_folder(kind, name), name) for name in survey.names(log_folder(kind))]
    model = _MODELS.get(kind)
    if model is None:
        survey.each(lambda name: _check_anything(survey, log_folder(kind, name)), places, kind)
    else:
        known = model  # in the function below it can be nothing else
        survey.each(lambda name: _check_log(survey, kind, name, known), places, kind)


def _check_log(survey: Survey, kind: str, name: str, model: type[SpecModel]) -> None:
    folder = log_folder(kind, name)
    survey.count(kind)
    for number in survey.log(folder):
        path = f"{folder}/{number:08d}.json"
        body = survey.workspace.store.read(path)
        if is_removal(body):
            continue
        record = survey.record(model, path, Check.RECORD_UNREADABLE)
        if isinstance(record, DatasetRecord):
            _check_dataset(survey, record, name, number, path)
        elif isinstance(record, ModelEntry):
            _check_model(survey, record, name, path)
        elif record is not None:
            check_published(survey, name, number, path, record)


def _check_dataset(survey: Survey, record: DatasetRecord, name: str, number: int, path: str) -> None:
    if (record.name, record.version) != (name, number):
        survey.report(Check.DATASET_ELSEWHERE, path, f"it says that it is version {record.version} of {shorten(repr(record.name))}")
        return
    if not survey.workspace.store.exists(dataset_id_path(record.id)):
        repair = Repair("dataset_id", number, name=name)
        survey.report(
            Check.DATASET_ID_MISSING, dataset_id_path(record.id), f"version {number} of dataset {name!r} has no entry by id", repair
        )
    if record.digest is not None:
        for place in record.paths:
            known = survey.workspace.datastores.find(place.datastore)
            if known is None or not survey.workspace.datastores.open(place.datastore).exists(place.path):
                shown = f"version {number} of dataset {name!r}: nothing is at {shorten(repr(place.path))} on datastore {place.datastore!r}"
                survey.report(Check.DATASET_DATA_GONE, path, shown)


def _check_model(survey: Survey, entry: ModelEntry, name: str, path: str) -> None:
    model = entry.model
    if model is None:
        return
    if (model.name, model.version) != (name, entry.version):
        survey.report(Check.MODEL_ELSEWHERE, path, f"it says that it is version {model.version} of {shorten(repr(model.name))}")
    elif any(known.version == model.version for known in survey.workspace.models.versions(name)):
        for below, sha256 in model.files.items():
            if not survey.workspace.store.exists(model_file_path(sha256)):
                survey.report(Check.MODEL_GONE, path, f"model {model.id}: its file {shorten(repr(below))} is not there")


def _check_ids(survey: Survey) -> None:
    def look(name: str) -> None:
        path = f"{dataset_ids_folder()}/{name}"
        body = survey.read(path)
        place = None if body is None else read_json(body)
        if place is None:
            return
        if isinstance(place, Unreadable) or not isinstance(place, dict) or not isinstance(place.get("version"), int):
            survey.report(Check.DATASET_ID_LOST, path, place.problem if isinstance(place, Unreadable) else "it names no dataset")
            return
        number = place["version"]
        entry = f"{log_folder('datasets', str(place.get('name')))}/{number:08d}.json"
        if not survey.workspace.store.exists(entry):
            survey.report(
                Check.DATASET_ID_LOST, path, f"it names version {number} of {shorten(repr(place.get('name')))}, which is not there"
            )

    survey.each(look, [(f"{dataset_ids_folder()}/{name}", name) for name in survey.names(dataset_ids_folder())], "dataset ids")


def _check_anything(survey: Survey, path: str, depth: int = 0) -> None:
    """Look at a file or folder of a kind that has no model here: JSON is readable, and what is numbered has no holes."""
    if path.endswith(".json"):
        body = survey.read(path)
        found = None if body is None else read_json(body)
        if isinstance(found, Unreadable):
            survey.report_unreadable(found, path, Check.RECORD_UNREADABLE)
        if body is not None:
            return
    names = survey.names(path)
    if any(entry_number(name) is not None for name in names):
        survey.log(path)
    for name in names if depth < _DEEPEST else ():
        _check_anything(survey, f"{path}/{name}", depth + 1)
