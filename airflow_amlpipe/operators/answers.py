"""What is a script told that asks for a dataset, a datastore, a secret, another run, an environment?

One function for each verb of ``runtime/questions.py``, and no other way in. What the answer is, and what identifies it, ``workspace/telling.py``
knows; here it is handed over. Names go through the registries of the workspace, paths through ``check_relative_path``; what a script sends
along is read only where it is a plain file.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from airflow_amlpipe.exceptions import UnknownNameError, shorten
from airflow_amlpipe.hooks.secrets import find_secret
from airflow_amlpipe.operators.answering import Answer, Question
from airflow_amlpipe.operators.model_answers import change_model, delete_model, give_model, list_models, register_model
from airflow_amlpipe.operators.noting import finding, handing_over
from airflow_amlpipe.operators.preparing import workspace_names
from airflow_amlpipe.operators.sent_files import sent_files
from airflow_amlpipe.spec.names import check_relative_path
from airflow_amlpipe.spec.workspace import WorkspaceNames
from airflow_amlpipe.storage.copies import data_files, fetch_file, put_file
from airflow_amlpipe.workspace.asked import AskedThing
from airflow_amlpipe.workspace.asked_words import place_words
from airflow_amlpipe.workspace.assessment import Assessment
from airflow_amlpipe.workspace.direct import described_part
from airflow_amlpipe.workspace.staging import fetch_input
from airflow_amlpipe.workspace.step_run import StepRun
from airflow_amlpipe.workspace.telling_data import FoundData, find_data, find_files, path_below
from airflow_amlpipe.workspace.telling_things import (
    Found,
    find_dataset,
    find_datastore,
    find_environment,
    find_names,
    find_other_run,
)

__all__ = ["Answers", "answers_for"]


def answers_for(
    run: StepRun, assessment: Assessment, names: WorkspaceNames | None, experiment: str, *, say: Callable[[str], None]
) -> Answers:
    """Return the answers for the script of a try.

    :param names: of the workspace, as its config.json has them
    :param experiment: that the run belongs to
    :param say: takes a sentence for the step's log
    """
    keyed = {item.digest for item in assessment.inputs.values()}
    return Answers(run, workspace_names(run.workspace, names), experiment, say, find_secret, keyed)


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
            "dataset-read": self._dataset_read,
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
        with finding(question):
            return _answer(find_names(self.run.workspace, question.arguments, without=self.run.writer))

    def _dataset(self, question: Question) -> Answer:
        with finding(question):
            found = find_dataset(self.run.workspace, question.arguments)
        part = found.value["dataset"]
        words = f"dataset {part['name']!r} version {part['version']}" if part["name"] is not None else found.told.what
        return _answer(found, f"{words}, the latest" if found.told.is_of_latest_dataset else words)

    def _dataset_data(self, question: Question) -> Answer:
        workspace = self.run.workspace
        found, thing = self._find_data(question)
        with handing_over(question, thing):
            path = fetch_input(workspace, found.resolved, question.place, say=self.say, check=question.check)
        return Answer({"dataset": described_part(workspace, found.record, found.resolved, question.shown(path))}, thing)

    def _dataset_read(self, question: Question) -> Answer:
        # The SDK reads it by itself, in the script's process: what is asked again is which data that was.
        _, thing = self._find_data(replace(question, verb="dataset-data"))
        return Answer({}, thing)

    def _find_data(self, question: Question) -> tuple[FoundData, AskedThing]:
        with finding(question):
            found = find_data(self.run.workspace, question.arguments)
        digest = found.resolved.digest
        return found, AskedThing(verb=question.verb, what=found.told.what, digest=digest, is_keyed=digest in self.keyed, told=found.told)

    def _datastore(self, question: Question) -> Answer:
        with finding(question):
            return _answer(find_datastore(self.run.workspace, question.arguments))

    def _download(self, question: Question) -> Answer:
        # Identified first: what is written there meanwhile is another answer the next time.
        with finding(question):
            found = find_files(self.run.workspace, question.arguments)
        thing = AskedThing(verb=question.verb, what=place_words(question.arguments["datastore"], found.prefix), told=found.told)
        with handing_over(question, thing):
            files = [file for file, _ in data_files(found.store, found.prefix)]
            question.place.mkdir(parents=True, exist_ok=True)
            for file in files:
                question.check()
                fetch_file(found.store, file, question.place.joinpath(*file.split("/")), overwrite=True, check=question.check)
        return Answer({"path": question.shown(question.place), "files": files}, thing)

    def _upload(self, question: Question) -> Answer:
        name, overwrite = question.arguments["datastore"], question.arguments["overwrite"]
        target = path_below(f"datastore {shorten(repr(name))}: upload: target_path", question.arguments["target"])
        store = self.run.workspace.datastores.open(name)
        left = []
        sent = sent_files(question.files)
        # Before the first of them: should one fail, those before it are there.
        question.record(AskedThing(verb="datastore-upload", what=place_words(name, target), changes=True))
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
        found = find_other_run(self.run.workspace, question.arguments, experiment=self.experiment)
        # What other steps of the run logged to it is part of how the pipeline was written; another run is not.
        is_own = self.run.run_id in {found.value["id"], found.told.within}
        return Answer(found.value) if is_own else _answer(found)

    def _environment(self, question: Question) -> Answer:
        with finding(question):
            found = find_environment(self.run.workspace, question.arguments)
        return _answer(found, f"environment {question.arguments['name']!r} version {found.value['version']}")


def _answer(found: Found, words: str = "") -> Answer:
    told = found.told
    return Answer(found.value, AskedThing(verb=told.verb, what=words or told.what, told=told))
