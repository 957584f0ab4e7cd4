"""How does the engine carry out its run, from an empty Airflow home to the record of how the run ended?

One Airflow home, one DAG, ``dag.test()``. The steps run one after another: that is how ``dag.test()`` works, and its way to run tasks at the
same time needs a server. Whatever happens, the run's record says how it ended; only a kill without warning leaves that to ``settle.py``.

Airflow reads its settings when it is first imported, so nothing here imports it before the home is ready.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import traceback
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import AmlPipeError, DefinitionError, UnknownNameError, shorten
from airflow_amlpipe.hooks.opening import open_workspace
from airflow_amlpipe.services.airflow_home import create_airflow_home
from airflow_amlpipe.services.engine_cancel import Cancellation
from airflow_amlpipe.services.engine_process import engine_folder, prune_engines
from airflow_amlpipe.services.engine_startup import import_airflow
from airflow_amlpipe.services.settle import end_running_tries
from airflow_amlpipe.settings import Settings
from airflow_amlpipe.spec.parameter_value import as_json
from airflow_amlpipe.workspace.records import RunRecord, RunStatus, StepFinished

if TYPE_CHECKING:
    from airflow.sdk import DAG
    from airflow.sdk.definitions.context import Context

__all__ = ["EngineRun", "engine_dag"]

# What the end of a cancelled run may take: the job's own grace, and the time to write things down.
_SECONDS_TO_RECORD = 10.0

# Airflow takes a file for a DAG file if it contains the words airflow and dag.
_DAG_FILE = '''\
"""The DAG that airflow runs for one submitted run; it holds no name, value or path that a user wrote."""
from airflow_amlpipe.services.engine_run import engine_dag

dag = engine_dag({run_id!r})
'''

_runs: dict[str, EngineRun] = {}


def engine_dag(run_id: str) -> DAG:
    """Return the DAG of the run that this process carries out; called by the generated DAG file.

    :raises DefinitionError: this process is no engine of that run
    """
    if run_id not in _runs:
        raise DefinitionError(f"run {shorten(repr(run_id))} is not carried out by this process; its DAG file belongs to another engine")
    return _runs[run_id].build_dag()


class EngineRun:
    """One run, carried out by this process."""

    def __init__(self, run_id: str, workspace: str, home: Path) -> None:
        self.run_id = run_id
        self.folder = engine_folder(home, run_id)
        self._home = home
        self._airflow_home = self.folder / "airflow"
        self._workspace = open_workspace(workspace, home=home)
        self._cancellation = Cancellation(
            is_requested=lambda: self._workspace.runs.cancel_requested(run_id),
            on_deadline=self._end_now,
            deadline_seconds=Settings.load().terminate_grace_seconds + _SECONDS_TO_RECORD,
        )
        self._has_failed = False
        _runs[run_id] = self

    def prepare(self) -> BaseException | None:
        """Do everything that needs no record of the run; what goes wrong is returned, to be recorded once there is one."""
        self._cancellation.watch()
        try:
            create_airflow_home(self._airflow_home, self._home)
            import_airflow()
        except Exception as error:  # noqa: BLE001  # whatever it is, it is the reason that the run's record names
            traceback.print_exc()
            return error
        finally:
            # Meant for this process, not for the steps it starts.
            os.environ.pop("PYTHONPYCACHEPREFIX", None)
        return None

    def abandon(self) -> None:
        """Leave nothing behind: the submission failed. If it got as far as a record, that says so."""
        self._cancellation.close()
        with suppress(UnknownNameError):
            self._workspace.runs.get(self.run_id)
            self._workspace.runs.finish(
                self.run_id, "Failed", "the process that submitted the run ended before the submission was complete; submit again"
            )
        shutil.rmtree(self.folder, ignore_errors=True)

    def carry_out(self, failure: BaseException | None) -> int:
        """Run the DAG and record how the run ended."""
        succeeded = False
        if failure is None and not self._cancellation.is_requested:
            try:
                succeeded = self._run_dag()
            except BaseException as error:  # noqa: BLE001  # also what Airflow ends a process with: the run's record has to say it
                traceback.print_exc()
                failure = error
        if self._cancellation.look():
            self._finish("Canceled", "the run was cancelled")
            return 0
        if failure is not None:
            said = str(failure) if isinstance(failure, AmlPipeError) else f"{type(failure).__name__}: {shorten(str(failure), 1000)}"
            self._finish("Failed", f"the engine failed: {said}; see {self.folder / 'engine.log'}")
            return 1
        self._finish("Finished" if succeeded else "Failed", None if succeeded else self._reason_of_failure())
        return 0 if succeeded else 1

    def build_dag(self) -> DAG:
        """Return the DAG of the run's stored specification."""
        from airflow_amlpipe.compiler.dag_builder import build_dag
        from airflow_amlpipe.compiler.plan import submitted_dag_id

        record = self._record
        digest = record.spec or ""
        spec = self._workspace.get_spec(digest)
        return build_dag(
            spec,
            dag_id=(record.airflow or {}).get("dag_id") or submitted_dag_id(spec, digest),
            workspace=self._workspace.url,
            digest=digest,
            default_args={"pre_execute": self._guard, "on_failure_callback": self._note_failure},
        )

    def _guard(self, context: Context) -> None:  # noqa: ARG002  # the signature of a pre_execute hook
        """Refuse to start a step that is not wanted any more."""
        from airflow_amlpipe.version_compat import AirflowFailException

        if self._cancellation.look():
            raise AirflowFailException("the run was cancelled before this step started")
        # SDK v1: one failed step stops the pipeline unless it was submitted with continue_on_step_failure (``Pipeline.submit``).
        # Airflow's own fail_fast marks the other tasks as skipped, and a run whose last task was skipped as a success.
        if self._has_failed and not self._record.continue_on_step_failure:
            raise AirflowFailException("another step failed before this one started")

    def _note_failure(self, context: Context) -> None:  # noqa: ARG002  # the signature of a callback
        self._has_failed = True

    @cached_property
    def _record(self) -> RunRecord:
        return self._workspace.runs.get(self.run_id)

    def _run_dag(self) -> bool:
        record = self._record
        dag_file = self._airflow_home / "dags" / "submitted_run.py"
        dag_file.write_text(_DAG_FILE.format(run_id=self.run_id))
        request: dict[str, Any] = {"run_id": self.run_id, "experiment": record.experiment, "reuse": record.policy, "tags": record.tags}
        dag_run = _load(dag_file).test(run_conf={**{name: as_json(value) for name, value in record.parameters.items()}, "amlpipe": request})
        return dag_run.state == "success" and self._has_every_step(record)

    def _has_every_step(self, record: RunRecord) -> bool:
        # A task can end in success without its step having run: marked by hand, or skipped.
        last = {step_id: tries[-1].status for step_id, tries in self._workspace.runs.steps(self.run_id).items()}
        return all(last.get(step_id) == "Finished" for step_id in record.step_ids)

    def _reason_of_failure(self) -> str:
        for tries in self._workspace.runs.steps(self.run_id).values():
            finished = tries[-1].finished
            if finished is not None and finished.status == "Failed":
                return _reason_of(finished)
        return f"a step failed before it could be recorded; see {self.folder / 'engine.log'}"

    def _finish(self, status: RunStatus, reason: str | None) -> None:
        self._cancellation.close()
        end_running_tries(
            self._workspace,
            self.run_id,
            self._home,
            status="Canceled" if status == "Canceled" else "Failed",
            error=reason or "the run ended before this step did",
        )
        sys.stdout.flush()
        if status == "Failed":
            shutil.rmtree(self._airflow_home / "logs", ignore_errors=True)
        else:
            shutil.rmtree(self._airflow_home, ignore_errors=True)
        self._workspace.runs.finish(self.run_id, status, reason)
        if status == "Finished":
            shutil.rmtree(self.folder, ignore_errors=True)
        prune_engines(self._home)

    def _end_now(self) -> None:
        """The run was cancelled, and what the main thread is doing does not end."""
        self._finish("Canceled", "the run was cancelled")
        os._exit(1)


def _reason_of(finished: StepFinished) -> str:
    step, said = f"step {shorten(repr(finished.step_name))}", shorten(finished.error or "no reason was recorded", 1500)
    return said if said.startswith((f"{step} ", f"{step}: ")) else f"{step} failed: {said}"


def _load(dag_file: Path) -> DAG:
    spec = importlib.util.spec_from_file_location(dag_file.stem, dag_file)
    if spec is None or spec.loader is None:
        raise DefinitionError(f"the DAG file {dag_file} could not be loaded")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    dag: DAG = module.dag
    return dag
