"""What is the answer to a question that a script asks of its workspace, and what identifies it?

The one place where that is said (here and in ``telling_things.py``, ``telling_data.py`` and ``telling_runs.py``): the host looks here when it
answers a script, and the decision about reuse looks here again, so that what is compared is made in one way. Nothing is copied; files that
are asked for are named, and identified. Secrets have no identity: nothing of them is written down.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from airflow_amlpipe.exceptions import DefinitionError, NoDataError, UnknownConnectionError, UnknownNameError, shorten
from airflow_amlpipe.reuse.told import NOTHING, Told
from airflow_amlpipe.runtime.questions import find_fault
from airflow_amlpipe.workspace.asked_words import words_of
from airflow_amlpipe.workspace.telling_data import find_data, find_files, find_model
from airflow_amlpipe.workspace.telling_things import (
    Found,
    find_dataset,
    find_datastore,
    find_environment,
    find_models,
    find_names,
    find_other_run,
)
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["find_again", "may_be_own", "nothing_found"]


class _FindWithout(Protocol):
    def __call__(self, workspace: WorkspaceStore, arguments: Mapping[str, Any], /, *, without: str | None = None) -> Found: ...


# What steps register, change and remove.
_WRITTEN: Final[Mapping[str, _FindWithout]] = {
    "names": find_names,
    "dataset": find_dataset,
    "models": find_models,
    "model-data": find_model,
}
_FINDERS: Final[Mapping[str, Callable[[WorkspaceStore, Mapping[str, Any]], Found]]] = {
    **_WRITTEN,
    "dataset-data": find_data,
    "datastore": find_datastore,
    "datastore-download": find_files,
    "environment": find_environment,
}


def find_again(workspace: WorkspaceStore, told: Told, *, without: str | None = None) -> Told:
    """Return what the question of ``told`` is answered now.

    :param without: as if this step of a run (``StepResult.writer``) had registered, changed and removed nothing
    :raises InfrastructureError: nobody can say now
    :raises DefinitionError: nobody can say here: a datastore cannot be opened, what lies there cannot be data, a query is wrong
    """
    # The journal of a try lies where its script can write, and another version may have known other questions.
    fault = find_fault(told.verb, told.arguments)
    if fault or told.verb not in {*_FINDERS, "run"}:
        return told.model_copy(update={"answer": f"{NOTHING} ({shorten(fault or told.verb, 200)} cannot be asked again)", "digest": ""})
    try:
        if told.verb == "run":
            return find_other_run(workspace, told.arguments, within=told.within).told
        if without is not None and told.verb in _WRITTEN:
            return _WRITTEN[told.verb](workspace, told.arguments, without=without).told
        return _FINDERS[told.verb](workspace, told.arguments).told
    except DefinitionError as error:
        # Who may not look cannot say that there is none. An error that the script was told then is the same one now.
        if not (_is_absence(error) or (told.digest == "" and not isinstance(error, UnknownConnectionError))):
            raise
        return told.model_copy(update={"answer": f"{NOTHING} ({shorten(str(error), 300)})", "digest": ""})


def may_be_own(told: Told) -> bool:
    """Whether the step that asked may have registered, changed or removed something of what it asked for."""
    return told.verb in _WRITTEN


def nothing_found(verb: str, arguments: Mapping[str, Any], error: DefinitionError) -> Told | None:
    """Return what identifies the answer that there is no such thing; ``None`` of a question that is not compared, or where nobody could look.

    A run that is not there will not be: nobody chooses the id of one.
    """
    if verb not in _FINDERS or isinstance(error, UnknownConnectionError):
        return None
    return Told(verb=verb, arguments=dict(arguments), what=words_of(verb, arguments), answer=NOTHING, digest="")


def _is_absence(error: DefinitionError) -> bool:
    """Whether it says that nothing of this name is registered, or that nothing lies there."""
    return isinstance(error, (NoDataError, UnknownNameError)) and not isinstance(error, UnknownConnectionError)
