"""Where is the engine of a run, and does it still live?

The engine is a process of its own, in its own session, so that it outlives the script that submitted the run::

    <home>/engines/<run id>/engine.json     process id, when that process started, host, workspace
    <home>/engines/<run id>/engine.log      everything it wrote
    <home>/engines/<run id>/airflow/        its private Airflow home, deleted when the run ends well
    <home>/engines/<run id>/recorder.json   like engine.json, of the process that submits a run whose every step is reused: such a run has no
                                            engine, and the folder is deleted when all of it is recorded
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from airflow_amlpipe.compute.processes import ProcessMark
from airflow_amlpipe.exceptions import BackendUnavailableError, shorten
from airflow_amlpipe.hooks.opening import workspace_connection
from airflow_amlpipe.services.airflow_home import airflow_environment, airflow_version
from airflow_amlpipe.services.handed_logins import pack_logins

__all__ = [
    "GO",
    "EngineFacts",
    "StartedEngine",
    "engine_folder",
    "engine_log_tail",
    "find_engine",
    "find_recorder",
    "prune_engines",
    "recording",
]

# What the engine is told when its run is recorded.
GO = b"go\n"

_MOST_KEPT = 20
_TAIL_BYTES = 8192
# An engine is a child of the process that submitted the run; these are kept so that Python does not warn about children nobody waited for.
_children: list[subprocess.Popen[bytes]] = []


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What ``engine.json`` says: the mark of the process, its run and the run's workspace."""

    run_id: str
    workspace: str
    host: str
    boot: str
    pid: int
    start: str

    @property
    def mark(self) -> ProcessMark:
        return ProcessMark(self.host, self.boot, self.pid, self.start)

    @property
    def is_here(self) -> bool:
        """Whether it can be known from here if it lives."""
        return self.mark.is_here

    @property
    def is_alive(self) -> bool:
        """Whether it runs; only known for one that :attr:`is_here`."""
        return self.mark.is_alive

    def cancel(self) -> None:
        """Ask the engine to stop its run; one that has ended is left alone."""
        if self.is_alive:
            os.kill(self.pid, signal.SIGTERM)


class StartedEngine:
    """An engine that has begun to import Airflow and waits for the word to go: what is written down meanwhile costs no time."""

    def __init__(self, process: subprocess.Popen[bytes], workspace: str) -> None:
        self._process = process
        self._workspace = workspace

    @classmethod
    def start(cls, run_id: str, *, workspace: str, home: Path) -> Self:
        """Start the engine of ``run_id``.

        :raises BackendUnavailableError: no Airflow is installed, its folder cannot be written, or the process could not be started
        """
        airflow_version()
        folder = engine_folder(home, run_id)
        _reap()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            log = (folder / "engine.log").open("ab")
        except OSError as error:
            raise _unwritable(folder, home, error) from error
        try:
            with log:
                process = subprocess.Popen(
                    # -P: the folder a script is submitted from may hold a module that is called like one of Airflow's.
                    [
                        sys.executable,
                        "-P",
                        "-m",
                        "airflow_amlpipe.services.engine",
                        "--run",
                        run_id,
                        "--workspace",
                        workspace,
                        "--home",
                        str(home),
                    ],
                    env={**airflow_environment(folder / "airflow", home, os.environ), **workspace_connection(workspace)},
                    cwd=folder,
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        except OSError as error:
            raise BackendUnavailableError(
                f"the engine of run {run_id} could not be started: {error.strerror or error}; submit again"
            ) from error
        _children.append(process)
        started = cls(process, workspace)
        try:
            _write_facts(folder / "engine.json", run_id, workspace, process.pid)
        except OSError as error:
            started.dismiss()
            raise _unwritable(folder, home, error) from error
        return started

    def go(self) -> None:
        """Let the engine carry out the run, which must be recorded by now. If it has died already, whoever follows the run finds out.

        The logins that the script gave go along; nothing else holds them.
        """
        self._tell(GO + pack_logins(self._workspace))

    def dismiss(self) -> None:
        """Let the engine end without having done anything."""
        self._tell(b"")

    def _tell(self, word: bytes) -> None:
        pipe = self._process.stdin
        if pipe is not None:
            try:
                pipe.write(word)
                pipe.close()
            except BrokenPipeError:
                return


def engine_folder(home: Path, run_id: str) -> Path:
    """Return the folder of a run's engine."""
    return home / "engines" / run_id


def find_engine(home: Path, run_id: str) -> EngineFacts | None:
    """Return what is known of a run's engine; ``None`` when it never had one here, or its folder was deleted after it ended well."""
    return _read_facts(engine_folder(home, run_id) / "engine.json")


def find_recorder(home: Path, run_id: str) -> EngineFacts | None:
    """Return what is known of the process that records a run without an engine; ``None`` when it is done, or there never was one here."""
    return _read_facts(engine_folder(home, run_id) / "recorder.json")


@contextmanager
def recording(home: Path, run_id: str, workspace: str) -> Iterator[None]:
    """Let it be known during the block that this process carries the run out, so that its death is noticed as an engine's is.

    Where nothing can be written that is left out: the run needs nothing else there.
    """
    folder = engine_folder(home, run_id)
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        _write_facts(folder / "recorder.json", run_id, workspace, os.getpid())
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def engine_log_tail(home: Path, run_id: str) -> str:
    """Return the last lines the engine wrote, ``""`` if there are none."""
    try:
        with (engine_folder(home, run_id) / "engine.log").open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - _TAIL_BYTES))
            return log.read().decode(errors="replace").strip()
    except FileNotFoundError:
        return ""


def prune_engines(home: Path, *, keep: int = _MOST_KEPT) -> None:
    """Delete the folders of all but the newest ``keep`` engines; those that still run, or are just being started, are left alone."""
    folders = sorted((home / "engines").iterdir(), reverse=True)
    for folder in folders[keep:]:
        facts = find_engine(home, folder.name) or find_recorder(home, folder.name)
        if facts is not None and facts.is_here and not facts.is_alive:
            shutil.rmtree(folder, ignore_errors=True)


def _unwritable(folder: Path, home: Path, error: OSError) -> BackendUnavailableError:
    return BackendUnavailableError(
        f"the engine of a run could not be started: its folder {shorten(str(folder))} could not be written ({error.strerror or error}); "
        f"make {shorten(str(home))} writable and see that it has room, or set AMLPIPE_HOME to another folder, and submit again"
    )


def _write_facts(file: Path, run_id: str, workspace: str, pid: int) -> None:
    facts = EngineFacts(run_id, workspace, **asdict(ProcessMark.of(pid)))
    temporary = file.with_name(f".{file.stem}-{pid}.json")
    temporary.write_text(json.dumps(asdict(facts), sort_keys=True))
    temporary.replace(file)


def _read_facts(file: Path) -> EngineFacts | None:
    try:
        return EngineFacts(**json.loads(file.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _reap() -> None:
    _children[:] = [child for child in _children if child.poll() is None]
