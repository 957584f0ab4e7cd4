"""What can be asked, from outside of it, of a run that a step's script made below its own?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn

from airflow_amlpipe.sdk.core._tags import matches_tags
from airflow_amlpipe.sdk.core.run import Run
from airflow_amlpipe.sdk.exceptions import UserErrorException

if TYPE_CHECKING:
    from airflow_amlpipe.workspace.try_files import Logged, LoggedChild

__all__ = ["StepChildRun", "children_of"]


class StepChildRun(Run):
    """A run below a step's run; it is as its script left it."""

    type = "azureml.ChildRun"

    def __init__(self, parent: Run, told: LoggedChild, folder: str) -> None:
        super().__init__(parent.experiment, told.id)
        self._parent = parent
        self._told = told
        self._of_step = folder

    @property
    def name(self) -> str:
        return self._told.name

    @property
    def number(self) -> int:
        return 1

    @property
    def parent(self) -> Run | None:
        return self._parent

    def get_status(self) -> str:
        return self._told.status

    def get_tags(self) -> dict[str, str]:
        return {key: value for key, value in self._told.tags.items() if value is not None}

    def get_properties(self) -> dict[str, str]:
        return dict(self._told.properties)

    def get_details(self) -> dict[str, Any]:
        details = {"runId": self.id, "status": self.status, "tags": self.get_tags(), "properties": self.get_properties()}
        return {**details, "error": {"error": {"message": self._told.error}}} if self._told.error else details

    def get_children(
        self,
        recursive: bool = False,
        tags: Any = None,
        properties: Any = None,
        type: str | None = None,
        status: str | None = None,
        _rehydrate_runs: bool = True,
    ) -> Iterator[Run]:
        """Yield the runs below this one."""
        return children_of(self, self._told, self._of_step, recursive, tags, properties, status)

    def tag(self, key: str, value: Any = None) -> NoReturn:
        self._refuse("tag")

    def set_tags(self, tags: dict[str, Any]) -> NoReturn:
        self._refuse("set_tags")

    def remove_tags(self, tags: Iterable[str]) -> NoReturn:
        self._refuse("remove_tags")

    def cancel(self) -> NoReturn:
        self._refuse("cancel")

    def _refuse(self, method: str) -> NoReturn:
        raise UserErrorException(f"run {self.id}: {method} is for its script: a run below a step's is as that script left it")

    def _folder(self) -> str:
        return f"{self._of_step}/artifacts/children/{self.id}"

    def get_file_names(self) -> Any:
        """Return the names of the files that were uploaded to the run."""
        prefix = f"children/{self.id}/"
        return [name.removeprefix(prefix) for name in self._step().get_file_names() if name.startswith(prefix)]

    def download_file(self, name: str, output_file_path: str | None = None, _validate_checksum: bool = False) -> None:
        """Copy a file of the run to this machine."""
        self._step().download_file(f"children/{self.id}/{name}", output_file_path)

    def _step(self) -> Run:
        return self._parent._step() if isinstance(self._parent, StepChildRun) else self._parent

    def _events(self) -> Iterable[dict[str, Any]]:
        return self._told.events


def children_of(
    parent: Run, told: Logged, folder: str, recursive: bool, tags: Any = None, properties: Any = None, status: str | None = None
) -> Iterator[Run]:
    """Yield the runs that a script made below ``parent``, the first one first.

    :param folder: of the step's try in the workspace store
    """
    for item in told.children:
        child = StepChildRun(parent, item, folder)
        if matches_tags(child.get_tags(), tags) and matches_tags(child.get_properties(), properties) and status in {None, child.status}:
            yield child
        if recursive:
            yield from children_of(child, item, folder, True, tags, properties, status)
