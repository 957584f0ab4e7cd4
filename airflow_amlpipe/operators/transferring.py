"""How does the worker itself copy data from one datastore to another?

Fetched into a folder of this machine and compared with what was identified, then stored and published as the output of any step is: at a place of
its own first, committed, and put at the destination afterwards. So nobody sees a half of it, and what was there and is not ours stays.

What has arrived when a worker is killed, or when a store cannot be reached, stays as well: the next try of the same copy on this machine goes on with it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from airflow_amlpipe.compute.folder import StepFolder, create_step_folder
from airflow_amlpipe.compute.old_tries import sweep_old_tries
from airflow_amlpipe.exceptions import DefinitionError, InfrastructureError, shorten
from airflow_amlpipe.fingerprint.scan import UNFINISHED
from airflow_amlpipe.spec.data import OutputSpec
from airflow_amlpipe.spec.step import DataTransfer, StepSpec
from airflow_amlpipe.spec.template import resolve_destination
from airflow_amlpipe.storage.crash_points import crash_point
from airflow_amlpipe.workspace.assessment import Assessment
from airflow_amlpipe.workspace.inputs import ResolvedInput
from airflow_amlpipe.workspace.records import StepFinished
from airflow_amlpipe.workspace.rows_text import write_csv
from airflow_amlpipe.workspace.spool import Spool
from airflow_amlpipe.workspace.staging import fetch_input
from airflow_amlpipe.workspace.step_run import StepRun
from airflow_amlpipe.workspace.try_files import keep_logs
from airflow_amlpipe.workspace.workspace import WorkspaceStore

__all__ = ["carry_out_transfer"]


def carry_out_transfer(
    workspace: WorkspaceStore,
    assessment: Assessment,
    run: StepRun,
    folder: StepFolder,
    *,
    say: Callable[[str], None],
    go_on: Callable[[], None],
) -> StepFinished:
    """Copy, commit the copy and put it at its destination.

    :param folder: the private folder of the try; not there yet
    :param say: takes sentences for the step's log
    :param go_on: raises when the task was stopped
    :raises DefinitionError: the source is no file, or no directory, as its author said it is; or a directory would become a file
    :raises SourceChangedError: the data changed since it was identified
    :raises InfrastructureError: something could not be read or written; a retry goes on where this stopped
    """
    step = assessment.step
    command: DataTransfer = step.command  # type: ignore[assignment]  # the caller's choice
    where = f"step {shorten(repr(step.name))}"
    source, output = assessment.inputs[command.source], next(item for item in step.outputs if item.name == command.destination)
    becomes_file = _becomes_file(workspace, where, step, source, output)
    create_step_folder(folder.root)
    sweep_old_tries(folder.root.parent)
    with _arrivals(workspace, assessment.key, folder) as place:
        if source.rows is None:
            fetched = fetch_input(workspace, source, place / "data", say=say, keeps=True)
        else:
            fetched = _rows_as_text(source.rows, place)
        crash_point("transfer-fetched")
        go_on()
        files, size = sum(part.file_count for part in source.parts), sum(part.size_bytes for part in source.parts)
        produced = fetched if becomes_file else place / "data"
        stores = " and ".join(dict.fromkeys(repr(part.datastore) for part in source.parts))
        if source.rows is not None:
            sql = source.definition.sql if source.definition is not None else None
            files, size, stores = 1, fetched.stat().st_size, repr(sql.datastore if sql is not None else "")
        say(f"{where}: {files} file(s), {size} bytes, from datastore {stores} to {output.destination!r} on datastore {output.datastore!r}")
        keep_logs(workspace, run.folder, folder.logs)
        return run.finish_ran(assessment, {output.name: produced}, say=say)


def _rows_as_text(rows: Spool, place: Path) -> Path:
    """Write the rows of a query as a CSV file; what an earlier try left of it is written anew, since the query was asked anew."""
    for name in ("data", "asked"):
        shutil.rmtree(place / name, ignore_errors=True)
    asked = rows.put(place / "asked" / "rows")
    (place / "data").mkdir()
    written = write_csv(asked, place / "data" / "rows.csv")
    shutil.rmtree(place / "asked", ignore_errors=True)
    return written


def _becomes_file(workspace: WorkspaceStore, where: str, step: StepSpec, source: ResolvedInput, output: OutputSpec) -> bool:
    """Return whether the destination is the copied file itself, rather than the folder that the copy is put into."""
    command: DataTransfer = step.command  # type: ignore[assignment]
    if command.source_type is not None and source.is_file != (command.source_type == "file"):
        there = "one file" if source.is_file else "a directory"
        raise DefinitionError(
            f"{where}: source_reference_type is {command.source_type!r}, and what lies at the source is {there}; correct one of the two"
        )
    if command.destination_type == "file" and not source.is_file:
        raise DefinitionError(f"{where}: a directory cannot become the one file that destination_reference_type='file' asks for")
    if not source.is_file:
        return False
    if command.destination_type is not None:
        return command.destination_type == "file"
    path = resolve_destination(f"{where}: output {output.name!r}", output.destination, run_id="run", output_name=output.name)
    try:
        there_already = workspace.datastores.open(output.datastore).identify(path, workspace.memo)
    except FileNotFoundError:
        return True
    return there_already.file_count == 1 and there_already.manifest().is_file


@contextmanager
def _arrivals(workspace: WorkspaceStore, key: str, folder: StepFolder) -> Iterator[Path]:
    """Give a folder for what arrives: the one that an earlier try of the same copy filled in part, unless another process works in it."""
    shared = StepFolder(workspace.home / "tries" / f"transfer-{key[:40]}")
    try:
        shared.inputs.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(shared.root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise InfrastructureError(
            f"the folder {shorten(str(shared.root))} of a copy could not be made: {error.strerror}; set AMLPIPE_HOME to a folder that can be written to"
        ) from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield folder.inputs
            return
        _remove_unfinished(shared.inputs)
        yield shared.inputs
        shutil.rmtree(shared.root, ignore_errors=True)
    finally:
        os.close(lock)


def _remove_unfinished(place: Path) -> None:
    for parent, _, files in os.walk(place):
        for name in files:
            if name.startswith(UNFINISHED):
                (Path(parent) / name).unlink(missing_ok=True)
