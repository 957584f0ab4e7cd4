"""What does a script or notebook record of work that it does itself, without submitting anything? (``Experiment.start_logging``)

Everything is in the workspace the moment it is said: metrics and tags with the run, files as its artifacts. The run goes on until
``complete()``, ``fail()`` or the end of its ``with`` block.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.runtime.artifacts import artifact_name
from airflow_amlpipe.runtime.file_methods import FileMethods
from airflow_amlpipe.runtime.metric_methods import MetricMethods
from airflow_amlpipe.sdk._arguments import check_tags, check_text
from airflow_amlpipe.sdk._run_records import note_of_run, run_folder_of
from airflow_amlpipe.sdk._workspace_store import open_workspace
from airflow_amlpipe.sdk.core._tags import matches_tags
from airflow_amlpipe.sdk.core.run import RUN_HISTORY_WORDS, Run
from airflow_amlpipe.sdk.exceptions import UserErrorException
from airflow_amlpipe.sdk.pipeline.core.run import PipelineRun

if TYPE_CHECKING:
    from typing import Self

    from airflow_amlpipe.sdk.core.experiment import Experiment

__all__ = ["InteractiveRun", "start_run"]


class InteractiveRun(MetricMethods, FileMethods, PipelineRun):
    """A run that the script which holds it carries out. Its status words are those of scripts: ``Running``, ``Completed``, ``Failed``, ``Canceled``."""

    type = "azureml.interactiverun"
    _outputs: _Outputs | None = None

    # Asked of the workspace, whoever recorded it.
    get_metrics = Run.get_metrics
    get_file_names = Run.get_file_names
    download_file = Run.download_file
    download_files = Run.download_files

    def get_status(self) -> str:
        """Return Running, Completed, Failed or Canceled."""
        word = super().get_status()
        return RUN_HISTORY_WORDS.get(word, word)

    @property
    def parent(self) -> Run | None:
        """The run that this one is a child of, if it is one."""
        above = self._run_record.parent_run_id
        return None if above is None else InteractiveRun(self._experiment, above)

    def get_children(
        self,
        recursive: bool = False,
        tags: Any = None,
        properties: Any = None,
        type: str | None = None,
        status: str | None = None,
        _rehydrate_runs: bool = True,
    ) -> Iterator[Any]:
        """Yield the runs that :meth:`child_run` made, the newest first."""
        for record in open_workspace(self._workspace).runs.list(experiment=self._experiment.name):
            if record.parent_run_id == self.id and record.kind == "interactive":
                child = InteractiveRun(self._experiment, record.run_id)
                is_wanted = status in {None, child.status} and type in {None, child.type}
                if is_wanted and matches_tags(child.get_tags(), tags) and matches_tags(child.get_properties(), properties):
                    yield child
                if recursive:
                    yield from child.get_children(True, tags, properties, type, status)

    def child_run(self, name: str | None = None, run_id: str | None = None, outputs: Any = None) -> InteractiveRun:
        """Start a run below this one."""
        return start_run(self._experiment, name=name, parent=self.id)

    def upload_file(self, name: str, path_or_stream: Any, datastore_name: str | None = None) -> None:
        """Keep a copy of a file, or of what a stream gives, with the run.

        :raises UserErrorException: the name is taken or leaves the run's files, or there is no such file
        """
        clean = artifact_name(name)
        store, place = open_workspace(self._workspace, "Run.upload_file").store, f"{run_folder_of(self.id)}/artifacts/{clean}"
        if store.exists(place):
            raise UserErrorException(f"run {self.id} keeps a file {shorten(repr(clean))} already; upload it under another name")
        if hasattr(path_or_stream, "read"):
            body = path_or_stream.read()
        else:
            try:
                body = Path(path_or_stream).read_bytes()
            except OSError as error:
                raise UserErrorException(
                    f"run {self.id}: upload_file: {shorten(repr(str(path_or_stream)))} cannot be read ({error.strerror})"
                ) from error
        store.put(place, body.encode() if isinstance(body, str) else bytes(body))

    def complete(self, _set_status: bool = True) -> None:
        """Say that the work is done. What has ended stays as it ended.

        :raises DatastoreUnavailableError: what it wrote could not be kept; the run goes on, and can be completed again
        """
        self._keep()
        self._end("Finished", None)

    def fail(self, error_details: Any = None, error_code: Any = None, _set_status: bool = True) -> None:
        """Say that the work failed, and why."""
        self._end("Failed", None if error_details is None else shorten(str(error_details), 2000))
        self._keep()

    def cancel(self) -> None:
        """Say that the work was given up."""
        self._end("Canceled", None)
        self._keep()

    def flush(self, timeout_seconds: float = 300) -> None:
        """Return at once: everything is recorded the moment it is said."""

    def wait_for_completion(  # type: ignore[override]  # SDK v1's own arguments for runs of this kind
        self, show_output: bool = False, wait_post_processing: bool = False, raise_on_error: bool = True
    ) -> Any:
        """Return what describes the run: whoever holds it ends it, so there is nobody to wait for."""
        return self.get_details()

    def _record(self, event: Any) -> None:
        from airflow_amlpipe.workspace.try_files import Logged

        note_of_run(self._workspace, self.id, Logged(events=(event,)))

    def _end(self, status: Any, error: str | None) -> None:
        open_workspace(self._workspace, "ending a run").runs.finish(self.id, status, error)

    def _keep(self) -> None:
        """Keep what the script has written into its folder of outputs since the run began, but for what it uploaded itself.

        What could not be kept is kept when the run is ended again.
        """
        if self._outputs is None:
            return
        kept = set(self.get_file_names())
        for name, file in self._outputs.written():
            if artifact_name(name) not in kept:
                self.upload_file(name, file)
        self._outputs = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None:
            try:
                self.complete()
            except BaseException as trouble:  # nobody holds it any more, so nobody would end it
                self._end("Failed", _in_words(trouble))
                raise
            return
        try:
            if isinstance(error, KeyboardInterrupt):
                self.cancel()
            else:
                self.fail(_in_words(error))
        except Exception as trouble:  # noqa: BLE001  the script's own error goes before it
            warnings.warn(f"run {self.id}: what it wrote could not be kept: {_in_words(trouble)}", UserWarning, stacklevel=2)


class _Outputs:
    """The folder whose new files are kept with the run when it ends, as those of ``outputs`` are of a script that was submitted."""

    def __init__(self, given: str | Path) -> None:
        self._folder = Path(given).absolute()
        self._name = self._folder.name
        self._folder.mkdir(parents=True, exist_ok=True)
        self._before = dict(self._stamps())

    def written(self) -> Iterator[tuple[str, Path]]:
        """Yield what is new or another than it was, by its name among the run's files."""
        for name, stamp in self._stamps():
            if self._before.get(name) != stamp:
                yield f"{self._name}/{name}", self._folder / name

    def _stamps(self) -> Iterator[tuple[str, tuple[int, int]]]:
        for file in sorted(self._folder.rglob("*")):
            if file.is_file():
                said = file.stat()
                yield file.relative_to(self._folder).as_posix(), (said.st_mtime_ns, said.st_size)


def _in_words(error: BaseException) -> str:
    return shorten(f"{type(error).__name__}: {error}", 2000)


def start_run(
    experiment: Experiment, *, name: Any = None, parent: str | None = None, tags: Any = None, outputs: str | Path | None = None
) -> InteractiveRun:
    """Record that a run has begun, and return it.

    :param outputs: the folder whose new files are kept when it ends; it is made
    :raises UserErrorException: the name is no text, or the tags are no dictionary
    """
    from airflow_amlpipe.compute.processes import host_name
    from airflow_amlpipe.workspace.ids import new_run_id, now_text
    from airflow_amlpipe.workspace.records import RunRecord

    given = {str(key): str(value) for key, value in check_tags("Experiment.start_logging: tags", tags).items()}
    record = RunRecord(
        run_id=new_run_id(),
        pipeline=experiment.name if name is None else check_text("the name of a run", name),
        experiment=experiment.name,
        created_at=now_text(),
        tags=given,
        parent_run_id=parent,
        host=host_name(),
        kind="interactive",
    )
    open_workspace(experiment.workspace, "Experiment.start_logging").runs.create(record)
    run = InteractiveRun(experiment, record.run_id)
    if outputs is not None:
        with suppress(OSError):  # a script that cannot write there has none to keep
            run._outputs = _Outputs(outputs)
    return run
