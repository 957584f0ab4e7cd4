"""Would the scripts of earlier results be told the same, if they asked now?"""

from __future__ import annotations

import json

from airflow_amlpipe.reuse.result import StepResult
from airflow_amlpipe.reuse.told import Change, Told, find_change
from airflow_amlpipe.workspace.telling import find_again
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

        :raises InfrastructureError: nobody can say now
        """
        changes = (find_change(told, self._ask(told)) for told in result.told)
        return next((change for change in changes if change is not None), None)

    def has_ended(self, result: StepResult) -> bool:
        """Whether the try that computed ``result`` has written down that it ended."""
        return self._workspace.runs.finished_try(result.folder) is not None

    def _ask(self, told: Told) -> Told:
        question = json.dumps([told.verb, told.arguments, told.within], sort_keys=True)
        if question not in self._known:
            self._known[question] = find_again(self._workspace, told)
        return self._known[question]
