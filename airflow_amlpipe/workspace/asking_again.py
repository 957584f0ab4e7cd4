"""Would the scripts of earlier results be told the same, if they asked now?"""

from __future__ import annotations

import json
from collections.abc import Mapping

from airflow_amlpipe.reuse.result import StepResult
from airflow_amlpipe.reuse.told import Change, Told, find_change
from airflow_amlpipe.workspace.telling import find_again, may_be_own
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["AskingAgain"]


class AskingAgain:
    """Asks for one assessment, each question once, however many results hang on it; satisfies ``reuse.decision.AnswerFinder``."""

    def __init__(self, workspace: WorkspaceStore) -> None:
        self._workspace = workspace
        self._known: dict[str, Told] = {}

    def find_change(self, result: StepResult) -> Change | None:
        """Return the first thing that is answered otherwise now.

        Questions are asked in the order of the script: what it asked later may hang on what it was told before, and is not looked at then.
        What its own step registered is no change: a script that registers what it first looked for is not run again and again.

        :raises InfrastructureError: nobody can say now
        """
        renamed: dict[str | int | None, str | None] = {}
        for told in result.told:
            question = _renamed(told, renamed)
            now = self._ask(question)
            if find_change(told, now) is not None and may_be_own(told):
                now = self._ask(question, without=result.writer)
            change = find_change(told, now)
            if change is not None:
                return change
            if told.dataset_id is not None:
                renamed[told.dataset_id] = now.dataset_id
        # A link is an answer too, which the script gave: where the data lies.
        return self._workspace.results.find_changed_link(result)

    def has_ended(self, result: StepResult) -> bool:
        """Whether the try that computed ``result`` has written down that it ended."""
        return self._workspace.runs.finished_try(result.folder) is not None

    def _ask(self, told: Told, *, without: str | None = None) -> Told:
        question = json.dumps([told.verb, told.arguments, told.within, without], sort_keys=True)
        if question not in self._known:
            self._known[question] = find_again(self._workspace, told, without=without)
        return self._known[question]


def _renamed(told: Told, renamed: Mapping[str | int | None, str | None]) -> Told:
    """Return a question as the script would put it now: for the data of the dataset that it would have found by now."""
    dataset_id = told.arguments.get("id")
    if told.verb != "dataset-data" or dataset_id not in renamed:
        return told
    return told.model_copy(update={"arguments": {**told.arguments, "id": renamed[dataset_id]}})
