"""What can a script say about its run, and ask of it?

``Run`` has the methods of SDK v1's ``azureml.core.Run``. Where they go is decided in its two kinds: ``SubmittedRun`` inside a step
(``submitted.py``), ``OfflineRun`` everywhere else (``offline.py``). Everything is recorded the moment it is said: there is nothing to flush.
"""
# The signatures are SDK v1's, whether or not there is a use for an argument here.
# ruff: noqa: ARG002, ARG003, A002

from __future__ import annotations

import os
import time

from airflow_amlpipe.runtime.absent import AbsentMethods
from airflow_amlpipe.runtime.elsewhere import from_sdk
from airflow_amlpipe.runtime.errors import RunEnvironmentException, UserErrorException
from airflow_amlpipe.runtime.file_methods import FileMethods
from airflow_amlpipe.runtime.metric_methods import MetricMethods
from airflow_amlpipe.runtime.protocol import ENV_RUN_FOLDER, ENV_RUN_ID, SELF, TAG_DESCRIPTION, TAG_DISPLAY_NAME
from airflow_amlpipe.runtime.summary import summarize
from airflow_amlpipe.runtime.values import check_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, Iterator, Optional, Sequence, Union

    from airflow_amlpipe.runtime.protocol import Event
    from airflow_amlpipe.runtime.summary import RunSummary
    from airflow_amlpipe.runtime.surroundings import ExperimentOfRun

__all__ = ["Run"]

_current: Dict[str, Run] = {}


class Run(MetricMethods, FileMethods, AbsentMethods):
    """The run a script belongs to. ``Run.get_context()`` finds it."""

    id: str
    name: str
    number: int
    experiment: ExperimentOfRun
    parent: Optional[Run]
    input_datasets: Dict[str, Any]
    output_datasets: Dict[str, Any]
    type = "azureml.StepRun"

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """``Run(experiment, run_id)`` is another run of the workspace, to be read."""
        return object.__new__(cls) if cls is not Run else _open(*args, **kwargs)

    # -- finding it --

    @classmethod
    def get_context(cls, allow_offline: bool = True, used_for_context_manager: bool = False, **_: Any) -> Run:
        """Return the run of the step this script runs in; the same object each time.

        :param allow_offline: outside a step, return an :class:`OfflineRun`, which prints what it is asked to log
        :raises RunEnvironmentException: outside a step without ``allow_offline``, or the step's context cannot be read
        """
        folder = os.environ.get(ENV_RUN_FOLDER, "")
        if folder not in _current:
            if folder:
                from airflow_amlpipe.runtime.submitted import open_submitted_run

                _current[folder] = open_submitted_run(folder)
            else:
                _refuse_foreign_service()
                if not allow_offline:
                    raise RunEnvironmentException(
                        "this script does not run inside a pipeline's step, and Run.get_context(allow_offline=False) was called; "
                        "submit it as a step, or allow offline runs"
                    )
                from airflow_amlpipe.runtime.offline import OfflineRun

                _current[folder] = OfflineRun()
        elif not folder and not allow_offline:
            raise RunEnvironmentException("this script does not run inside a pipeline's step; submit it as a step, or allow offline runs")
        return _current[folder]

    @classmethod
    def get_submitted_run(cls, **kwargs: Any) -> Run:
        """Return the run of the step this script runs in (SDK v1's older name)."""
        return cls.get_context(allow_offline=False)

    @staticmethod
    def get(workspace: Any, run_id: str) -> Any:
        """Return another run of the workspace, to be read.

        :raises UserErrorException: there is none of this id
        """
        return workspace.get_run(run_id)

    @staticmethod
    def list(experiment: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the runs of an experiment, as the SDK knows them.

        :raises ImportError: airflow-amlpipe is not installed in this step's environment
        """
        return from_sdk("core", "Run", "Run.list").list(experiment, *args, **kwargs)

    def __enter__(self) -> Run:  # noqa: PYI034  # typing.Self is younger than Python 3.8
        return self

    def __exit__(self, *_: object) -> None:
        self.flush()

    # -- what the kinds settle --

    def _record(self, event: Event) -> None:
        raise NotImplementedError

    def _events(self) -> Iterable[Event]:
        raise NotImplementedError

    def _summary(self) -> RunSummary:
        return summarize(self._events(), self._target())

    def _target(self) -> str:
        return SELF

    def _base_tags(self) -> Dict[str, str]:
        return {}

    def _base_properties(self) -> Dict[str, str]:
        return {}

    # -- tags and properties --

    def tag(self, key: str, value: Any = None) -> None:
        """Set one tag; a tag without a value is the empty text."""
        self._record({"kind": "tag", "key": check_name("tag", key), "value": "" if value is None else str(value), "at": time.time()})

    def set_tags(self, tags: Dict[str, Any]) -> None:
        """Set several tags; the others stay."""
        for key, value in dict(tags).items():
            self.tag(key, value)

    def remove_tags(self, tags: Union[str, Sequence[str]]) -> None:
        """Take tags away; those that are not set are passed over."""
        for key in [tags] if isinstance(tags, str) else tags:
            self._record({"kind": "untag", "key": check_name("tag", key), "at": time.time()})

    def get_tags(self) -> Dict[str, str]:
        """Return the tags."""
        found: Dict[str, str] = dict(self._base_tags())
        for key, value in self._summary().tags.items():
            if value is None:
                found.pop(key, None)
            else:
                found[key] = value
        return found

    @property
    def tags(self) -> Dict[str, str]:
        """The tags; change them with :meth:`tag`."""
        return self.get_tags()

    def add_properties(self, properties: Dict[str, Any]) -> None:
        """Set properties; each only once.

        :raises UserErrorException: one has another value already
        """
        present = self.get_properties()
        for key, value in dict(properties).items():
            text = str(value)
            if present.get(check_name("property", key), text) != text:
                raise UserErrorException(
                    "property %r is %r already; properties are set once, use a tag for what changes" % (key, present[key])
                )
            self._record({"kind": "property", "key": key, "value": text, "at": time.time()})

    def get_properties(self) -> Dict[str, str]:
        """Return the properties."""
        return {**self._summary().properties, **self._base_properties()}

    @property
    def properties(self) -> Dict[str, str]:
        """The properties; add to them with :meth:`add_properties`."""
        return self.get_properties()

    # -- models and secrets --

    def register_model(
        self,
        model_name: str,
        model_path: Optional[str] = None,
        tags: Optional[Dict[str, Any]] = None,
        properties: Optional[Dict[str, Any]] = None,
        model_framework: Optional[str] = None,
        model_framework_version: Optional[str] = None,
        description: Optional[str] = None,
        datasets: Optional[Iterable[Any]] = None,
        sample_input_dataset: Any = None,
        sample_output_dataset: Any = None,
        resource_configuration: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Register files of this run as a new version of a model: what lies in ``outputs/`` and ``logs/``, and what was uploaded.

        :param model_path: a file of the run, or a folder of such; ``model_name`` without it
        :raises ModelPathNotFoundException: the run has no such file
        """
        raise NotImplementedError

    def get_secret(self, name: str) -> str:
        """Return the value of a secret of the workspace: of Airflow's variable ``amlpipe_secret_<name>``.

        :raises UserErrorException: there is none of this name
        """
        value: str = self.experiment.workspace.get_default_keyvault().get_secret(name)
        return value

    def get_secrets(self, secrets: Iterable[str]) -> Dict[str, str]:
        """Return the values of several secrets by name."""
        return {name: self.get_secret(name) for name in secrets}

    # -- its end --

    def flush(self, timeout_seconds: int = 300) -> None:
        """Do nothing: everything was recorded when it was said."""

    def start(self) -> None:
        """Do nothing: the run has started."""

    def complete(self, _set_status: bool = True) -> None:
        """Do nothing more than :meth:`flush`: the step ends when the script does, well if its exit code is 0 (SDK v1: ``Run.complete``)."""
        self.flush()

    def fail(self, error_details: Any = None, error_code: Any = None, _set_status: bool = True) -> None:
        """Say on stderr what failed. As in SDK v1 the step's status is the script's exit code: raise, or ``sys.exit(1)``."""
        import sys

        details = ": %s" % (error_details,) if error_details else ""
        sys.stderr.write("run.fail() was called%s. To fail the step, end the script with an exception or sys.exit(1).\n" % details)
        self.flush()

    def cancel(self) -> None:
        """Do nothing, as in SDK v1: a script ends itself. ``run.parent.cancel()`` stops the pipeline."""

    @property
    def status(self) -> str:
        """``Running``: whoever asks is part of it."""
        return "Running"

    def get_status(self) -> str:
        """Return :attr:`status`."""
        return self.status

    def get_detailed_status(self) -> Dict[str, str]:
        """Return :attr:`status` with details."""
        return {"status": self.status, "details": ""}

    def get_details(self) -> Dict[str, Any]:
        """Return what is known of the run as a mapping with SDK v1's keys."""
        return {
            "runId": self.id,
            "target": "local",
            "status": self.status,
            "properties": self.get_properties(),
            "tags": self.get_tags(),
            "inputDatasets": [],
            "outputDatasets": [],
            "logFiles": {},
        }

    @property
    def display_name(self) -> str:
        """The run's name, until it is given another."""
        return self.get_tags().get(TAG_DISPLAY_NAME) or self.name

    @display_name.setter
    def display_name(self, name: str) -> None:
        self.tag(TAG_DISPLAY_NAME, name)

    @property
    def description(self) -> str:
        """Empty, until it is given one."""
        return self.get_tags().get(TAG_DESCRIPTION, "")

    @description.setter
    def description(self, text: str) -> None:
        self.tag(TAG_DESCRIPTION, text)

    def child_run(self, name: Optional[str] = None, run_id: Optional[str] = None, outputs: Any = None) -> Run:
        """Return a new run below this one."""
        raise NotImplementedError

    def create_children(
        self, count: Optional[int] = None, tag_key: Optional[str] = None, tag_values: Optional[Sequence[Any]] = None
    ) -> Any:
        """Return several new runs below this one."""
        raise NotImplementedError

    def get_children(
        self, recursive: bool = False, tags: Any = None, properties: Any = None, type: Any = None, status: Any = None, **_: Any
    ) -> Iterator[Run]:
        """Return an iterator over the runs below this one."""
        return iter(())

    def get_portal_url(self) -> str:
        """Return where the run can be looked at, or the empty text."""
        return ""

    def __repr__(self) -> str:
        return "Run(Experiment: %s,\nId: %s,\nType: %s,\nStatus: %s)" % (self.experiment.name, self.id, self.type, self.status)


def _open(experiment: Any, run_id: str, *_: Any, **__: Any) -> Any:
    return experiment.workspace.get_run(run_id)


def _refuse_foreign_service() -> None:
    """A run of the real service would be taken for an offline one, and its metrics would vanish: say so."""
    if os.environ.get(ENV_RUN_ID):
        import sys

        sys.stderr.write("%s is set but %s is not: this run is taken as offline, nothing is recorded.\n" % (ENV_RUN_ID, ENV_RUN_FOLDER))
