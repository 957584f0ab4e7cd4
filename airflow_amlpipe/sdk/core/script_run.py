"""How did a script that was submitted by itself go?

It is the run of a pipeline of one step; here the two are one run, as in SDK v1: its metrics and files are those of the step.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.sdk._absent import absent
from airflow_amlpipe.sdk._run_records import run_folder_of
from airflow_amlpipe.sdk.core._environment_of_run import environment_of_step
from airflow_amlpipe.sdk.core.run import RUN_HISTORY_WORDS, Run

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.core.environment import Environment
    from airflow_amlpipe.sdk.core.experiment import Experiment
    from airflow_amlpipe.sdk.pipeline.core.step_run import StepRun

__all__ = ["ScriptRun"]


class ScriptRun(Run):
    """One execution of a ScriptRunConfig. Its status words are those of scripts: ``Completed`` where a pipeline's run is ``Finished``.

    :raises UserErrorException: the workspace has no such run
    """

    RUN_TYPE = "azureml.scriptrun"
    type = RUN_TYPE

    def __init__(self, experiment: Experiment, run_id: str, directory: Any = None, _run_config: Any = None, **_kwargs: Any) -> None:
        from airflow_amlpipe.sdk.pipeline.core.run import PipelineRun

        super().__init__(experiment, run_id)
        self._whole = PipelineRun(experiment, run_id)

    @property
    def name(self) -> str:
        return next(iter(self._whole._run_record.step_names.values()), self._whole.name)

    @property
    def number(self) -> int:
        return self._whole.number

    def _described(self) -> str | None:
        return self._whole._described()

    def get_status(self) -> str:
        """Return NotStarted, Running, Completed, Failed or Canceled."""
        word = self._whole.get_status()
        return RUN_HISTORY_WORDS.get(word, word)

    def get_tags(self) -> dict[str, str]:
        step = self._step()
        return {**self._whole.get_tags(), **({} if step is None else step.get_tags())}

    def tag(self, key: str, value: Any = None) -> None:
        """Set a tag."""
        self._whole.tag(key, value)

    def set_tags(self, tags: dict[str, Any]) -> None:
        """Set tags; others stay."""
        self._whole.set_tags(tags)

    def remove_tags(self, tags: Iterable[str]) -> None:
        """Remove tags by name."""
        self._whole.remove_tags(tags)

    def get_properties(self) -> dict[str, str]:
        """Return what does not change about the run."""
        step = self._step()
        return {**self._whole.get_properties(), **({} if step is None else step.get_properties()), "azureml.runsource": self.RUN_TYPE}

    def get_details(self) -> dict[str, Any]:
        """Return id, status, times, properties, outputs and log files of the run."""
        step = self._step()
        details = {} if step is None else step.get_details()
        return {
            **details,
            **{key: value for key, value in self._whole.get_details().items() if key in _OF_THE_WHOLE or key not in details},
        } | {
            "runId": self.id,
            "status": self.get_status(),
            "properties": self.get_properties(),
        }

    def get_details_with_logs(self) -> dict[str, Any]:
        """Return the details with the texts of the logs, by the names of their files."""
        step = self._step()
        if step is None:
            return self.get_details()
        texts = {"stdout": step.get_stdout_log(), "stderr": step.get_stderr_log()}
        details = self.get_details()
        return {**details, "logFiles": {name: texts["stderr" if "stderr" in name else "stdout"] for name in details["logFiles"]}}

    def get_environment(self) -> Environment:
        """Return the environment that the script was submitted with."""
        return environment_of_step(self._workspace, self.id, self._whole._run_record.step_ids[0])

    def get_file_names(self) -> Any:
        """Return the names of the artifacts that the run keeps, and of its logs; none before the script has started."""
        return [] if self._step() is None else super().get_file_names()

    def wait_for_completion(self, show_output: bool = False, wait_post_processing: bool = False, raise_on_error: bool = True) -> Any:
        """Wait until the run has ended and return its details.

        :param show_output: print what the script prints
        :raises ActivityFailedException: the run failed, and ``raise_on_error`` is ``True``
        :raises ExperimentExecutionException: waiting was interrupted by Ctrl-C; the run goes on
        """
        from airflow_amlpipe.sdk.core._script_waiting import wait_for_script

        return wait_for_script(self, show_output=show_output, raise_on_error=raise_on_error)

    def cancel(self) -> None:
        """Ask for the run to be stopped, and return at once."""
        self._whole.cancel()

    get_submitted_run = absent("ScriptRun.get_submitted_run", "use Run.get_context()")

    def _step(self) -> StepRun | None:
        """Return the run of the one step; ``None`` before it has started."""
        return next(self._whole.get_steps(), None)

    def _folder(self) -> str:
        step = self._step()
        return run_folder_of(self.id) if step is None else step._folder()

    def _events(self) -> Iterable[dict[str, Any]]:
        step = self._step()
        return [*self._whole._events(), *(() if step is None else step._events())]


_OF_THE_WHOLE = frozenset({"startTimeUtc", "endTimeUtc"})
