"""What does a run belong to: which experiment, in which workspace, with which inputs and outputs?

``run.experiment.workspace`` is how SDK v1's scripts get hold of their workspace (``workspace.py``).
"""

from __future__ import annotations

from airflow_amlpipe.runtime.elsewhere import CompletedBySdk, from_sdk
from airflow_amlpipe.runtime.errors import UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterable, List, Optional, Sequence

    from airflow_amlpipe.runtime.protocol import InputPart, OutputPart

__all__ = ["Experiment", "ExperimentOfRun", "InputDatasets", "OutputPath", "offline_experiment", "output_datasets"]


class ExperimentOfRun(CompletedBySdk):
    """The experiment a run belongs to; what is not here is the SDK's."""

    _NAME = "Experiment"

    def __init__(self, name: str, experiment_id: str, workspace: Callable[[], Any]) -> None:
        self._name = name
        self._id = experiment_id
        self._find_workspace = workspace
        self._workspace: Any = None

    @property
    def name(self) -> str:
        """The experiment's name."""
        return self._name

    @property
    def id(self) -> str:
        """The experiment's id."""
        return self._id

    @property
    def workspace(self) -> Any:
        """The workspace; the same object each time."""
        if self._workspace is None:
            self._workspace = self._find_workspace()
        return self._workspace

    @property
    def workspace_object(self) -> Any:
        """SDK v1's older name for :attr:`workspace`."""
        return self.workspace

    def _load_sdk(self, wanted: str) -> Any:
        return from_sdk("core", "Experiment", wanted)(self.workspace, self._name)

    def __repr__(self) -> str:
        return "Experiment(name=%r)" % self._name


class Experiment(ExperimentOfRun):
    """An experiment of the step's workspace, by its name."""

    def __init__(self, workspace: Any, name: str, *_: Any, **__: Any) -> None:
        super().__init__(name, name, lambda: workspace)


class InputDatasets(dict):  # type: ignore[type-arg]  # a subscript would be evaluated, and Python 3.8 has none for dict
    """``run.input_datasets``: an ordinary dict; the values are local paths, and dataset objects for inputs in direct mode.

    A dataset in direct mode is made when it is first asked for.
    """

    def __init__(self, parts: Iterable[InputPart], workspace: Callable[[], Any]) -> None:
        super().__init__()
        self._workspace = workspace
        for part in parts:
            super().__setitem__(part["name"], _NotLoaded(part) if part["mode"] == "direct" else part["value"])

    def __getitem__(self, name: Any) -> Any:
        value = super().__getitem__(name)
        if isinstance(value, _NotLoaded):
            from airflow_amlpipe.runtime.datasets import dataset_of_input

            value = dataset_of_input(value.part, self._workspace)
            super().__setitem__(name, value)
        return value

    def get(self, name: Any, default: Any = None) -> Any:
        """Return the value of ``name``, else ``default``."""
        return self[name] if name in self else default  # noqa: SIM401  # this is get

    def pop(self, name: Any, *default: Any) -> Any:
        """Remove ``name`` and return its value."""
        if name in self:
            self[name]  # loads it
        return super().pop(name, *default)

    def values(self) -> List[Any]:  # type: ignore[override]
        """Return the values."""
        return [self[name] for name in self]

    def items(self) -> List[Any]:  # type: ignore[override]
        """Return the pairs of name and value."""
        return [(name, self[name]) for name in self]


class OutputPath(str):
    """``run.output_datasets[name]``: the local path to write to."""

    mode = ""

    def link(self, dataset: Any) -> None:
        """Make a Link output another name of ``dataset``.

        :raises UserErrorException: it is no dataset, or the output is one of files to be written
        """
        if self.mode != "link":
            raise UserErrorException(
                "this output is no link: write the data below %s, or announce the output as a LinkFileOutputDatasetConfig or "
                "LinkTabularOutputDatasetConfig" % str(self)
            )
        from airflow_amlpipe.runtime.linking import write_link

        write_link(str(self), dataset)


def output_datasets(parts: Sequence[OutputPart]) -> Dict[str, OutputPath]:
    """Return the outputs by name."""
    found = {part["name"]: OutputPath(part["path"]) for part in parts}
    for part in parts:
        found[part["name"]].mode = part["mode"]
    return found


class _NotLoaded:
    def __init__(self, part: InputPart) -> None:
        self.part = part

    def __repr__(self) -> str:
        return "<dataset %s>" % self.part["value"]


def offline_experiment(name: Optional[str] = None) -> ExperimentOfRun:
    """Return the experiment of a run outside a step; its workspace is the one that a config.json describes."""
    return ExperimentOfRun(name or "offline", "offline", lambda: from_sdk("core", "Workspace", "Workspace").from_config())
