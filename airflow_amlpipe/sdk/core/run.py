"""What can be asked of a run, from outside of it?

Inside a step, ``from azureml.core import Run`` is ``airflow_amlpipe.runtime``'s class; here are the runs that a script finds, submits and
waits for. ``Run.get_context()`` is the runtime's in both places.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.runtime.other_runs import RUN_HISTORY_WORDS
from airflow_amlpipe.runtime.protocol import TAG_DESCRIPTION, TAG_DISPLAY_NAME
from airflow_amlpipe.sdk._absent import refuse
from airflow_amlpipe.sdk._arguments import check_experiment, check_workspace_given
from airflow_amlpipe.sdk.core._inside_alone import INSIDE, InsideAlone
from airflow_amlpipe.sdk.core._run_files import RunFiles
from airflow_amlpipe.sdk.exceptions import UserErrorException

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.core.environment import Environment
    from airflow_amlpipe.sdk.core.experiment import Experiment
    from airflow_amlpipe.sdk.core.workspace import Workspace

__all__ = ["RUN_HISTORY_WORDS", "Run", "get_run"]


class Run(RunFiles, InsideAlone):
    """A run of the workspace. ``Run.get`` finds one by its id."""

    type: Any = None

    def __new__(cls, experiment: Experiment | None = None, run_id: str | None = None, *_args: Any, **_kwargs: Any) -> Any:
        if cls is Run:
            from airflow_amlpipe.sdk.pipeline.core.run import class_of_run

            return object.__new__(class_of_run(experiment, run_id))
        return object.__new__(cls)

    def __init__(self, experiment: Experiment, run_id: str, outputs: Any = None, **_kwargs: Any) -> None:
        check_experiment(type(self).__name__, experiment)
        self._experiment = experiment
        self._id = run_id

    @staticmethod
    def get(workspace: Workspace, run_id: str) -> Run:
        """Return a pipeline run, or a step run, by its id.

        :raises UserErrorException: the workspace has no such run
        """
        check_workspace_given("Run.get", workspace)
        return workspace.get_run(run_id)

    @staticmethod
    def list(
        experiment: Experiment,
        type: str | None = None,
        tags: Any = None,
        properties: Any = None,
        status: str | None = None,
        include_children: bool = False,
        _rehydrate_runs: bool = True,
    ) -> Iterator[Run]:
        """Yield the runs of an experiment, newest first."""
        return _with_status(experiment.get_runs(type, tags, properties, include_children), status)

    @classmethod
    def get_context(cls, allow_offline: bool = True, used_for_context_manager: bool = False, **kwargs: Any) -> Any:
        """Return the run of the step this code runs in; outside of a step, a stand-in that prints what it is asked to log.

        :raises RunEnvironmentException: outside of a step, if ``allow_offline`` is ``False``
        """
        from airflow_amlpipe.runtime.run import Run as RuntimeRun

        return RuntimeRun.get_context(allow_offline, used_for_context_manager, **kwargs)

    @property
    def id(self) -> str:
        return self._id

    @property
    def experiment(self) -> Experiment:
        return self._experiment

    @property
    def _workspace(self) -> Workspace:
        return self._experiment.workspace

    @property
    def name(self) -> str:
        raise NotImplementedError

    @property
    def number(self) -> int:
        raise NotImplementedError

    @property
    def description(self) -> str | None:
        """What was said of it last; set it as text."""
        return self.get_tags().get(TAG_DESCRIPTION) or self._described()

    @description.setter
    def description(self, text: str) -> None:
        self.tag(TAG_DESCRIPTION, text)

    def _described(self) -> str | None:
        """Return what was said of it when it was submitted."""
        return None

    @property
    def display_name(self) -> str:
        """Its name, until it is given another; set it as text."""
        return self.get_tags().get(TAG_DISPLAY_NAME) or self.name

    @display_name.setter
    def display_name(self, name: str) -> None:
        self.tag(TAG_DISPLAY_NAME, name)

    @property
    def status(self) -> str:
        """Like :meth:`get_status`, but a run that ended well is ``Completed``."""
        word = self.get_status()
        return RUN_HISTORY_WORDS.get(word, word)

    def get_status(self) -> str:
        raise NotImplementedError

    @property
    def tags(self) -> dict[str, str]:
        return self.get_tags()

    def get_tags(self) -> dict[str, str]:
        raise NotImplementedError

    def tag(self, key: str, value: Any = None) -> None:
        raise NotImplementedError

    def set_tags(self, tags: dict[str, Any]) -> None:
        raise NotImplementedError

    def remove_tags(self, tags: Iterable[str]) -> None:
        raise NotImplementedError

    @property
    def properties(self) -> dict[str, str]:
        return self.get_properties()

    def get_properties(self) -> dict[str, str]:
        raise NotImplementedError

    @property
    def parent(self) -> Run | None:
        return None

    def get_details(self) -> dict[str, Any]:
        raise NotImplementedError

    def get_details_with_logs(self) -> dict[str, Any]:
        raise NotImplementedError

    def get_metrics(
        self, name: str | None = None, recursive: bool = False, run_type: str | None = None, populate: bool = False
    ) -> dict[str, Any]:
        """Return what the run logged, by name: one value, or a list where one was logged several times.

        :param recursive: of a pipeline run, ``{run id: metrics}`` of its steps
        """
        from airflow_amlpipe.runtime.metrics import fold_metrics

        if recursive:
            return {child.id: child.get_metrics(name) for child in self.get_children()}
        metrics: dict[str, Any] = fold_metrics(list(self._events()))
        return metrics if name is None else {key: value for key, value in metrics.items() if key == name}

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
        yield from ()

    def get_portal_url(self) -> str:
        """Return where the run's records are kept; there is no Azure portal."""
        return f"{self._workspace._url.rstrip('/')}/{self._folder()}"

    def get_secret(self, name: str) -> str:
        """Return the value of a secret, as ``workspace.get_default_keyvault().get_secret(name)``."""
        value: str = self._workspace.get_default_keyvault().get_secret(name)
        return value

    def get_secrets(self, secrets: Iterable[str]) -> dict[str, str]:
        """Return the values of several secrets by name."""
        values: dict[str, str] = self._workspace.get_default_keyvault().get_secrets(secrets)
        return values

    @classmethod
    def get_submitted_run(cls, **kwargs: Any) -> Any:
        """Return the run of the step this code runs in (SDK v1's older name for ``get_context``).

        :raises RunEnvironmentException: outside of a step
        """
        return cls.get_context(allow_offline=False)

    def flush(self, timeout_seconds: int = 300) -> None:
        """Do nothing: everything is recorded when it is said."""

    def clean(self) -> Any:
        """Return the empty list: nothing is left behind on a compute target."""
        return []

    def get_detailed_status(self) -> dict[str, str]:
        """Return the status, and the error if the run failed."""
        error = self.get_details().get("error") or {}
        return {"status": self.status, "details": str(error.get("error", {}).get("message", "")) if isinstance(error, dict) else str(error)}

    def get_snapshot_id(self) -> str | None:
        """Return the digest of the source snapshot that the run ran; ``None`` for a run that has none of its own."""
        return None

    def get_environment(self) -> Environment:
        """:raises UserErrorException: the run has no environment of its own, as those of pipelines have none."""
        raise UserErrorException(
            f"run {self.id} has no environment of its own; ask one of its steps: next(run.get_steps()).get_environment()"
        )

    def cancel(self) -> None:
        raise NotImplementedError

    def add_properties(self, properties: dict[str, Any]) -> None:
        """:raises UnsupportedFeatureError: the run is a step's, which its script alone can give properties."""
        refuse("StepRun.add_properties", INSIDE)

    def child_run(self, name: str | None = None, run_id: str | None = None, outputs: Any = None) -> Any:
        """As in SDK v1, not for runs of a pipeline."""
        raise NotImplementedError("child_run is not for runs of a pipeline; log to the step's own run, Run.get_context()")

    def complete(self, _set_status: bool = True) -> None:
        """As in SDK v1, not for runs of a pipeline."""
        raise NotImplementedError("complete is not for runs of a pipeline; they end with their script")

    def fail(self, error_details: Any = None, error_code: Any = None, _set_status: bool = True) -> None:
        """As in SDK v1, not for runs of a pipeline."""
        raise NotImplementedError("fail is not for runs of a pipeline; raise an exception in the script")

    def wait_for_completion(self, show_output: bool = False, wait_post_processing: bool = False, raise_on_error: bool = True) -> Any:
        raise NotImplementedError

    def _folder(self) -> str:
        """Return the folder of the run's files in the workspace store."""
        raise NotImplementedError

    def _events(self) -> Iterable[dict[str, Any]]:
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Run) and (self.id, self._workspace) == (other.id, other._workspace)

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"Run(Experiment: {self._experiment.name},\nId: {self.id},\nType: {self.type},\nStatus: {self.status})"


def get_run(experiment: Experiment, run_id: str, rehydrate: bool = True, clean_up: bool = True) -> Run:
    """Return a run of the experiment's workspace by its id."""
    return experiment.workspace.get_run(run_id)


def _with_status(runs: Iterable[Run], status: str | None) -> Iterator[Run]:
    return (run for run in runs if status is None or status in {run.status, run.get_status()})


def __getattr__(name: str) -> Any:
    # Scripts ask `isinstance(run, _OfflineRun)`, private as the name is; inside a step the shim has both.
    if name == "_OfflineRun":
        from airflow_amlpipe.runtime.offline import OfflineRun

        return OfflineRun
    if name == "_SubmittedRun":
        from airflow_amlpipe.runtime.submitted import SubmittedRun

        return SubmittedRun
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
