"""What is a script told that registers a model, or asks for one?"""

from __future__ import annotations

from airflow_amlpipe.exceptions import DefinitionError, shorten
from airflow_amlpipe.operators.answering import Answer, Question
from airflow_amlpipe.operators.noting import finding, handing_over
from airflow_amlpipe.operators.sent_files import sent_files
from airflow_amlpipe.spec.names import check_relative_path
from airflow_amlpipe.workspace.asked import AskedThing
from airflow_amlpipe.workspace.models import ModelVersion
from airflow_amlpipe.workspace.step_run import StepRun
from airflow_amlpipe.workspace.telling_data import find_model
from airflow_amlpipe.workspace.telling_things import find_models, model_told

__all__ = ["change_model", "delete_model", "give_model", "list_models", "register_model"]

_KEPT = ("description", "tags", "properties")


def list_models(run: StepRun, question: Question) -> Answer:
    """Return every version of a model, or one, or those of all models."""
    with finding(question):
        found = find_models(run.workspace, question.arguments, without=run.writer)
    return Answer(found.value, AskedThing(verb=question.verb, what=found.told.what, told=found.told))


def give_model(run: StepRun, question: Question) -> Answer:
    """Put a model's files in place."""
    with finding(question):
        found = find_model(run.workspace, question.arguments)
    thing = AskedThing(verb=question.verb, what=_words(found.model), digest=found.model.digest, told=found.told)
    with handing_over(question, thing):
        question.place.mkdir(parents=True, exist_ok=True)
        run.workspace.models.fetch(found.model, question.place, check=question.check)
    return Answer({"path": question.shown(question.place)}, thing)


def register_model(run: StepRun, question: Question, experiment: str) -> Answer:
    """Register what the script sent as a new version; see ``ModelRegistry.register`` about trying a step again."""
    arguments = question.arguments
    top = check_relative_path("model: path", arguments["top"])
    if not top or "/" in top or not sent_files(question.files):
        raise DefinitionError(f"model {shorten(repr(arguments['name']))}: there are no files called {shorten(repr(arguments['top']))}")
    workspace = run.workspace
    tries = workspace.runs.tries(run.run_id, run.step.id)
    bad = {item.started.step_run_id for item in tries if item.finished is not None and item.finished.status != "Finished"}
    model = workspace.models.register(
        arguments["name"],
        question.files / top,
        token=f"{run.writer}/{arguments['call']}",
        writer=run.writer,
        asked=question.id,
        failed=bad,
        within=question.root,
        run_id=run.step_run_id,
        experiment=experiment,
        framework=arguments["framework"],
        framework_version=arguments["framework_version"],
        **_said(question),
    )
    thing = AskedThing(verb="model-register", what=_words(model), digest=model.digest, changes=True)
    return Answer({"model": model_told(model)}, thing)


def change_model(run: StepRun, question: Question) -> Answer:
    """Say something else of a version."""
    said = dict(question.arguments)
    model = run.workspace.models.change(said.pop("name"), said.pop("version"), **{**said, "datasets": _pairs(question)}, writer=run.writer)
    return Answer({"model": model_told(model)}, AskedThing(verb="model-change", what=f"what is said of {_words(model)}", changes=True))


def delete_model(run: StepRun, question: Question) -> Answer:
    """Remove a version."""
    name, version = question.arguments["name"], question.arguments["version"]
    model = run.workspace.models.get(name, version)
    run.workspace.models.remove(name, version, writer=run.writer)
    return Answer({}, AskedThing(verb="model-delete", what=f"{_words(model)}, which is removed", changes=True))


def _said(question: Question) -> dict[str, object]:
    return {**{name: question.arguments[name] for name in _KEPT}, "datasets": _pairs(question)}


def _pairs(question: Question) -> tuple[tuple[str, str], ...]:
    return tuple((what, dataset_id) for what, dataset_id in question.arguments["datasets"])


def _words(model: ModelVersion) -> str:
    return f"model {model.name!r} version {model.version}"
