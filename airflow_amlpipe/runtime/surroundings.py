"""What does a run belong to: which experiment, in which workspace, with which inputs and outputs?

``run.experiment.workspace`` is how SDK v1's scripts get hold of their workspace. Its name and ids are here; for datasets, datastores
and the rest it becomes the SDK's ``Workspace`` when they are asked for.
"""

from __future__ import annotations

from airflow_amlpipe.runtime.elsewhere import from_sdk
from airflow_amlpipe.runtime.errors import UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterable, List, Optional

    from airflow_amlpipe.runtime.protocol import InputPart, OutputPart, WorkspacePart

__all__ = ["ExperimentOfRun", "InputDatasets", "OutputPath", "WorkspaceOfRun", "offline_experiment", "output_datasets"]


class _CompletedBySdk:
    """Has what the context tells; anything else is asked of the SDK's object of the same kind, which is made when it is first needed."""

    _sdk: Any = None

    def _load_sdk(self, wanted: str) -> Any:
        raise NotImplementedError

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if self._sdk is None:
            try:
                self._sdk = self._load_sdk("%s.%s" % (type(self).__name__[: -len("OfRun")], name))
            except ImportError as error:
                if name.startswith("_"):  # probed for, not asked for: notebooks look for _repr_html_
                    raise AttributeError(name) from error
                raise
        return getattr(self._sdk, name)


class WorkspaceOfRun(_CompletedBySdk):
    """The workspace, as far as the run's context tells; everything else is the SDK's."""

    def __init__(self, part: WorkspacePart) -> None:
        self._part = part

    @property
    def name(self) -> str:
        """The workspace's name."""
        return self._part["name"]

    @property
    def subscription_id(self) -> str:
        """As config.json has it; nothing depends on it."""
        return self._part["subscription_id"]

    @property
    def resource_group(self) -> str:
        """As config.json has it; nothing depends on it."""
        return self._part["resource_group"]

    @property
    def location(self) -> str:
        """Where it is."""
        return self._part["location"]

    def _load_sdk(self, wanted: str) -> Any:
        part = self._part
        workspace = from_sdk("core", "Workspace", wanted)
        return workspace(
            part["subscription_id"], part["resource_group"], part["name"], _location=part["location"], _root=part["url"] or None
        )

    def __repr__(self) -> str:
        return "Workspace(name=%r, subscription_id=%r, resource_group=%r)" % (self.name, self.subscription_id, self.resource_group)


class ExperimentOfRun(_CompletedBySdk):
    """The experiment a run belongs to; what is not here is the SDK's."""

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


class InputDatasets(dict):  # type: ignore[type-arg]  # a subscript would be evaluated, and Python 3.8 has none for dict
    """``run.input_datasets``: an ordinary dict; the values are local paths, and dataset objects for inputs in direct mode.

    A dataset in direct mode is loaded when it is first asked for, because only that needs the SDK.
    """

    def __init__(self, parts: Iterable[InputPart], workspace: Callable[[], Any]) -> None:
        super().__init__()
        self._workspace = workspace
        for part in parts:
            super().__setitem__(part["name"], _NotLoaded(part["value"]) if part["mode"] == "direct" else part["value"])

    def __getitem__(self, name: Any) -> Any:
        value = super().__getitem__(name)
        if isinstance(value, _NotLoaded):
            dataset = from_sdk("core", "Dataset", "run.input_datasets[%r], an input in direct mode," % name)
            value = dataset.get_by_id(self._workspace(), id=value.id)
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

    def link(self, *_: Any, **__: Any) -> None:
        """:raises UserErrorException: outputs that link to a dataset are not supported."""
        raise UserErrorException("an output cannot be linked to a dataset with airflow-amlpipe; write the data below %s" % str(self))


def output_datasets(parts: Iterable[OutputPart]) -> Dict[str, OutputPath]:
    """Return the outputs by name."""
    return {part["name"]: OutputPath(part["path"]) for part in parts}


class _NotLoaded:
    def __init__(self, dataset_id: str) -> None:
        self.id = dataset_id

    def __repr__(self) -> str:
        return "<dataset %s>" % self.id


def offline_experiment(name: Optional[str] = None) -> ExperimentOfRun:
    """Return the experiment of a run outside a step; its workspace is the one that a config.json describes."""
    return ExperimentOfRun(name or "offline", "offline", lambda: from_sdk("core", "Workspace", "Workspace").from_config())
