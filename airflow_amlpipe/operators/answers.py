"""What is a script told that asks for a dataset, a datastore, a secret, another run, an environment?

One function for each verb of ``runtime/questions.py``, and no other way in. Names go through the registries of the workspace, paths through
``check_relative_path``; what a script sends along is read only where it is a plain file.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_amlpipe.exceptions import UnknownNameError, shorten
from airflow_amlpipe.operators.answering import Answer, Question
from airflow_amlpipe.operators.model_answers import change_model, delete_model, give_model, list_models, register_model
from airflow_amlpipe.operators.sent_files import sent_files
from airflow_amlpipe.runtime.metrics import fold_metrics
from airflow_amlpipe.runtime.values import to_json
from airflow_amlpipe.spec.names import check_relative_path
from airflow_amlpipe.spec.workspace import WorkspaceNames
from airflow_amlpipe.storage.copies import data_files, fetch_file, put_file
from airflow_amlpipe.workspace.asked import AskedThing
from airflow_amlpipe.workspace.datasets import DatasetRecord, SavedDataset
from airflow_amlpipe.workspace.direct import described_part
from airflow_amlpipe.workspace.inputs import ResolvedInput, resolve_dataset
from airflow_amlpipe.workspace.records import StepTry
from airflow_amlpipe.workspace.staging import fetch_input
from airflow_amlpipe.workspace.step_run import StepRun
from airflow_amlpipe.workspace.try_files import logged_by_steps, read_logged

__all__ = ["Answers"]

_KINDS = ("computes", "datasets", "datastores", "environments", "models")


@dataclass(frozen=True)
class Answers:
    """Knows the answers for the script of one try; call it with a question.

    :ivar names: of the workspace
    :ivar experiment: that the run belongs to
    :ivar keyed: identities of the step's inputs, which are in its key however the script comes by them
    :ivar secret: gives the value of a secret; ``None`` if there is none of this name
    """

    run: StepRun
    names: WorkspaceNames
    experiment: str
    say: Callable[[str], None]
    secret: Callable[[str], str | None]
    keyed: Collection[str] = ()

    def __call__(self, question: Question) -> Answer:
        """Return the answer.

        :raises DefinitionError: there is no such thing, or it may not be had
        :raises InfrastructureError: nobody can say now
        """
        verbs: Mapping[str, Callable[[Question], Answer]] = {
            "workspace": self._workspace,
            "names": self._names,
            "dataset": self._dataset,
            "dataset-data": self._dataset_data,
            "datastore": self._datastore,
            "datastore-download": self._download,
            "datastore-upload": self._upload,
            "models": lambda question: list_models(self.run, question),
            "model-data": lambda question: give_model(self.run, question),
            "model-register": lambda question: register_model(self.run, question, self.experiment),
            "model-change": lambda question: change_model(self.run, question),
            "model-delete": lambda question: delete_model(self.run, question),
            "secret": self._secret,
            "run": self._run,
            "environment": self._environment,
        }
        return verbs[question.verb](question)

    def _workspace(self, _: Question) -> Answer:
        store = self.run.workspace
        details = {**self.names.model_dump(), "root": store.store.url, "default_datastore": store.datastores.default_name()}
        return Answer(details)

    def _names(self, question: Question) -> Answer:
        kind = question.arguments["kind"]
        if kind not in _KINDS:
            raise UnknownNameError(f"a workspace has no {shorten(repr(kind))}; it has: {', '.join(_KINDS)}")
        names = getattr(self.run.workspace, kind).names()
        return Answer({"names": names}, AskedThing(verb="names", what=f"the list of {kind}"))

    def _dataset(self, question: Question) -> Answer:
        name, version, dataset_id = (question.arguments[key] for key in ("name", "version", "id"))
        workspace = self.run.workspace
        record = workspace.datasets.find_id(dataset_id) if dataset_id is not None else workspace.datasets.get(name or "", version)
        part = described_part(workspace, record, ResolvedInput("", "", (), record.definition), "")
        latest = ", the latest" if dataset_id is None and version is None else ""
        return Answer({"dataset": part}, AskedThing(verb="dataset", what=f"{_dataset_words(record)}{latest}"))

    def _dataset_data(self, question: Question) -> Answer:
        workspace = self.run.workspace
        record = workspace.datasets.find_id(question.arguments["id"])
        words = _dataset_words(record)
        # Named like a file of the script's: a dataset's name may have spaces.
        resolved = resolve_dataset(workspace, words, "data", record.paths, record.definition)
        path = fetch_input(workspace, resolved, question.place, say=self.say, check=question.check)
        is_keyed = resolved.digest in self.keyed
        thing = AskedThing(verb="dataset-data", what=f"the data of {words}", digest=resolved.digest, is_keyed=is_keyed)
        return Answer({"dataset": described_part(workspace, record, resolved, question.shown(path))}, thing)

    def _datastore(self, question: Question) -> Answer:
        datastores = self.run.workspace.datastores
        record = datastores.get(question.arguments["name"] or datastores.default_name())
        return Answer({"name": record.name, "type": record.sdk_type, "details": dict(record.details)})

    def _download(self, question: Question) -> Answer:
        name = question.arguments["datastore"]
        prefix = _path_below(f"datastore {shorten(repr(name))}: download: prefix", question.arguments["prefix"])
        store = self.run.workspace.datastores.open(name)
        files = [file for file, _ in data_files(store, prefix)]
        question.place.mkdir(parents=True, exist_ok=True)
        for file in files:
            question.check()
            fetch_file(store, file, question.place.joinpath(*file.split("/")), overwrite=True)
        return Answer(
            {"path": question.shown(question.place), "files": files}, AskedThing(verb="datastore-download", what=_place_words(name, prefix))
        )

    def _upload(self, question: Question) -> Answer:
        name, overwrite = question.arguments["datastore"], question.arguments["overwrite"]
        target = _path_below(f"datastore {shorten(repr(name))}: upload: target_path", question.arguments["target"])
        store = self.run.workspace.datastores.open(name)
        left = []
        sent = sent_files(question.files)
        # Before the first of them: should one fail, those before it are there.
        question.record(AskedThing(verb="datastore-upload", what=_place_words(name, target), changes=True))
        for file, below in sent:
            question.check()
            place = check_relative_path("upload", f"{target}/{below}" if target else below)
            if not overwrite and store.exists(place):
                left.append(place)
            else:
                put_file(store, file, place, within=question.root)
        return Answer({"left": left})

    def _secret(self, question: Question) -> Answer:
        name = question.arguments["name"]
        value = self.secret(name)
        if value is None:
            raise UnknownNameError(f"secret {shorten(repr(name))}: there is none of this name that steps may read")
        return Answer({"value": value}, AskedThing(verb="secret", what=f"the secret {shorten(repr(name))}"))

    def _run(self, question: Question) -> Answer:
        run_id = question.arguments["id"]
        workspace, runs = self.run.workspace, self.run.workspace.runs
        try:
            record = runs.get(run_id)
        except UnknownNameError:
            return self._step_run(run_id)
        logged = logged_by_steps(workspace, run_id)
        steps = [_step_details(record.run_id, tries[-1]) for tries in runs.steps(run_id).values()]
        value = {
            "id": run_id,
            "name": record.pipeline,
            "type": "azureml.PipelineRun",
            "experiment": record.experiment,
            "status": runs.status(run_id),
            "tags": runs.tags(run_id),
            "properties": logged.properties,
            "metrics": to_json("metrics", fold_metrics(logged.events)),
            "steps": steps,
        }
        return Answer(value, self._run_thing(run_id, run_id))

    def _step_run(self, step_run_id: str) -> Answer:
        runs = self.run.workspace.runs
        for record in runs.list(experiment=self.experiment):
            for tries in runs.steps(record.run_id).values():
                for item in tries:
                    if item.started.step_run_id == step_run_id:
                        logged = read_logged(self.run.workspace, item.made_in)
                        value = {
                            **_step_details(record.run_id, item),
                            "experiment": record.experiment,
                            "tags": {key: text for key, text in logged.tags.items() if text is not None},
                            "properties": logged.properties,
                            "metrics": to_json("metrics", fold_metrics(logged.events)),
                            "steps": [],
                        }
                        return Answer(value, self._run_thing(step_run_id, record.run_id))
        raise UnknownNameError(f"run {shorten(repr(step_run_id))} is not in experiment {self.experiment!r} of the workspace")

    def _run_thing(self, asked_id: str, run_id: str) -> AskedThing | None:
        # What other steps of the run logged to it is part of how the pipeline was written; another run is not.
        return None if run_id == self.run.run_id else AskedThing(verb="run", what=f"what run {asked_id} logged")

    def _environment(self, question: Question) -> Answer:
        name, version = question.arguments["name"], question.arguments["version"]
        registry = self.run.workspace.environments
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
        thing = AskedThing(verb="environment", what=f"environment {name!r} version {shown}")
        return Answer({"version": shown, "record": record.model_dump(mode="json")}, thing)


def _step_details(run_id: str, item: StepTry) -> dict[str, Any]:
    return {
        "id": item.started.step_run_id,
        "name": item.started.step_name,
        "type": "azureml.StepRun",
        "parent": run_id,
        "status": item.status,
        "number": item.started.try_number,
    }


def _dataset_words(record: DatasetRecord | SavedDataset) -> str:
    if isinstance(record, SavedDataset):
        return f"the dataset without a name {record.id}"
    return f"dataset {record.name!r} version {record.version}"


def _place_words(datastore: str, path: str) -> str:
    return f"{shorten(repr(path)) if path else 'everything'} on datastore {datastore!r}"


def _path_below(what: str, path: str | None) -> str:
    """:raises DefinitionError: it leaves the datastore."""
    clean = (path or "").strip("/")
    return check_relative_path(what, clean) if clean and clean != "." else ""
