"""What can a script learn of other runs of its workspace?

They are read, not changed: ``Run.get(ws, run_id)``, ``ws.get_run(run_id)``, ``run.parent.get_children()``.
"""

# SDK v1's signatures.
# ruff: noqa: ARG002

from __future__ import annotations

from airflow_amlpipe.runtime.asking import ask
from airflow_amlpipe.runtime.elsewhere import CompletedBySdk, from_sdk
from airflow_amlpipe.runtime.values import from_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterator, Optional

__all__ = ["RUN_HISTORY_WORDS", "OtherRun", "find_run"]

# SDK v1 said Finished in get_status() of a pipeline's runs and Completed everywhere else (``Run.get_status``).
RUN_HISTORY_WORDS = {"Finished": "Completed"}


def find_run(workspace: Any, run_id: str) -> OtherRun:
    """Return a run of the workspace by its id.

    :raises UserErrorException: there is none
    """
    return OtherRun(workspace, ask("run", {"id": run_id}))


class OtherRun(CompletedBySdk):
    """A run as it was when it was asked for."""

    _NAME = "Run"

    def __init__(self, workspace: Any, told: Dict[str, Any]) -> None:
        self._workspace = workspace
        self._told = told
        self.id: str = told["id"]
        self.name: str = told["name"]
        self.type: str = told["type"]
        self.number: int = told.get("number", 1)

    @property
    def experiment(self) -> Any:
        """The experiment it belongs to."""
        from airflow_amlpipe.runtime.surroundings import ExperimentOfRun

        name = self._asked()["experiment"]
        return ExperimentOfRun(name, name, lambda: self._workspace)

    @property
    def parent(self) -> Optional[OtherRun]:
        """The pipeline's run, of a step's."""
        parent = self._told.get("parent")
        return None if parent is None else find_run(self._workspace, parent)

    def get_status(self) -> str:
        """Return the word for how it is."""
        status: str = self._told["status"]
        return status

    @property
    def status(self) -> str:
        """Like :meth:`get_status`, but a run that ended well is ``Completed``."""
        return RUN_HISTORY_WORDS.get(self.get_status(), self.get_status())

    def get_metrics(
        self, name: Optional[str] = None, recursive: bool = False, run_type: Any = None, populate: bool = False
    ) -> Dict[str, Any]:
        """Return what it logged; with ``recursive``, what the runs below it logged, by their ids."""
        if recursive:
            return {child.id: child.get_metrics(name) for child in self.get_children()}
        metrics: Dict[str, Any] = from_json(self._asked()["metrics"])
        return metrics if name is None else {key: value for key, value in metrics.items() if key == name}

    def get_tags(self) -> Dict[str, str]:
        """Return its tags."""
        return dict(self._asked()["tags"])

    @property
    def tags(self) -> Dict[str, str]:
        """Its tags."""
        return self.get_tags()

    def get_properties(self) -> Dict[str, str]:
        """Return its properties."""
        return dict(self._asked()["properties"])

    @property
    def properties(self) -> Dict[str, str]:
        """Its properties."""
        return self.get_properties()

    def get_children(self, *_: Any, **__: Any) -> Iterator[OtherRun]:
        """Yield the runs of its steps that have started."""
        for told in self._asked()["steps"]:
            yield OtherRun(self._workspace, told)

    def get_steps(self) -> Iterator[OtherRun]:
        """Yield the runs of its steps that have started."""
        return self.get_children()

    def get_details(self) -> Dict[str, Any]:
        """Return what is known of it, under SDK v1's keys."""
        return {"runId": self.id, "status": self.status, "properties": self.get_properties(), "tags": self.get_tags()}

    def _asked(self) -> Dict[str, Any]:
        """Return everything; a step that its pipeline's run names is known by name and status alone."""
        if "metrics" not in self._told:
            self._told = ask("run", {"id": self.id})
        return self._told

    def _load_sdk(self, wanted: str) -> Any:
        return from_sdk("core", "Run", wanted).get(self._workspace, self.id)

    def __repr__(self) -> str:
        return "Run(Id: %s,\nType: %s,\nStatus: %s)" % (self.id, self.type, self.status)
