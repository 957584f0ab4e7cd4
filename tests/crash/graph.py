"""What is carried out while it is killed? Three steps with folders, single files, fixed destinations, registered datasets and a linked output.

``prepare`` writes a folder that is registered and a single file at a fixed place, and links an output to files of somebody else; ``train`` reads
the folder and writes another, which replaces one at a fixed place; ``score`` reads both, and what is behind the link, and lays its files over a
folder in which somebody else's lie. What each writes follows from its
version and from every byte it reads, so that a torn or wrong input shows in the output.

A task here is what ``StepOperator.execute`` does, in a process of its own. Of Airflow there is what outlives that process: how often each step
was tried, which are done, and its notes.
"""

from __future__ import annotations

import functools
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from airflow_amlpipe.compute import backend as backends
from airflow_amlpipe.compute.backend import ComputeBackend, JobHandle, JobState, JobStatus, LaunchRequest, LogChunk, LogPosition
from airflow_amlpipe.compute.processes import has_died
from airflow_amlpipe.exceptions import BackendUnavailableError, InfrastructureError
from airflow_amlpipe.operators.execution import StepExecution
from airflow_amlpipe.operators.outline import PipelineOutline
from airflow_amlpipe.operators.run_request import RunRequest
from airflow_amlpipe.operators.single_flight import Waited
from airflow_amlpipe.reuse.policy import ReusePolicy
from airflow_amlpipe.services.clearing import RetentionPolicy, apply_plan, plan_clearing
from airflow_amlpipe.services.endpoints import add_endpoint_version, create_endpoint, list_endpoints
from airflow_amlpipe.services.publish import publish_pipeline
from airflow_amlpipe.services.submit import submit_pipeline
from airflow_amlpipe.settings import Settings
from airflow_amlpipe.spec.data import InputSpec, OutputSpec, RegistrationSpec, StepOutputSource
from airflow_amlpipe.spec.environment import EnvironmentSpec
from airflow_amlpipe.spec.pipeline import PipelineSpec
from airflow_amlpipe.spec.step import InputArgument, LiteralArgument, OutputArgument, PythonScript, SourceSpec, StepSpec
from airflow_amlpipe.storage.crash_points import crash_point
from airflow_amlpipe.workspace import git_state, staging
from airflow_amlpipe.workspace.claims import ClaimLog, ClaimWatch, WaitEnd
from airflow_amlpipe.workspace.records import StepFinished
from airflow_amlpipe.workspace.workspace import WorkspaceStore
from tests.builders import a_link
from tests.faults import Faults, FaultyAccess

__all__ = [
    "DATASTORE",
    "FOREIGN",
    "PIPELINE",
    "STEPS",
    "Carrier",
    "InProcessBackend",
    "Versions",
    "carry_out_run",
    "clear_away",
    "open_workspace",
    "output_files",
    "submit_run",
    "write_sources",
]

DATASTORE = "workspaceblobstore"
SCRIPT = """\
import hashlib, os, sys
from pathlib import Path

here = Path(__file__).resolve().parent
middle = sys.argv.index("--")
read, write = sys.argv[1:middle], sys.argv[middle + 1 :]
seen = hashlib.sha256((here / "version.txt").read_bytes())
for place in map(Path, read):
    for file in sorted(path for path in place.rglob("*") if path.is_file()):
        seen.update(str(file.relative_to(place)).encode() + b" " + file.read_bytes())
print("begun", flush=True)
for name, place in zip(write[::2], map(Path, write[1::2])):
    text = hashlib.sha256(seen.digest() + name.encode()).hexdigest()
    if name == "report":
        place.rmdir()
        place.write_text("report " + text)
    elif name == "chosen":
        (place / "linked-dataset.json").write_bytes((here / "link.json").read_bytes())
    else:
        (place / "sub").mkdir()
        (place / "empty").mkdir()
        (place / "first.txt").write_text("first " + text)
        print("wrote the first of", name, flush=True)
        (place / "sub" / "second.bin").write_bytes(bytes.fromhex(text) * 200)
        (place / "third").write_text("third " + text)
(here / "outputs" / "note.txt").write_text("an artifact")
print("done", flush=True)
"""
FOREIGN = {"readme.txt": b"somebody else's", "first.txt": b"somebody else's, and in the way"}
_LINKED = {"raw/a.csv": b"somebody else's, and linked to", "raw/notes.txt": b"somebody else's, and no part of the link"}


@dataclass(frozen=True)
class Versions:
    """The code of the three steps."""

    prepare: int = 1
    train: int = 1
    score: int = 1


def _step(step_id: str, *, reads: tuple[str, ...] = (), outputs: tuple[OutputSpec, ...]) -> StepSpec:
    arguments: list[Any] = []
    for name in reads:
        arguments.append(InputArgument(input=name))
    arguments.append(LiteralArgument(value="--"))
    for output in outputs:
        arguments += [LiteralArgument(value=output.name), OutputArgument(output=output.name)]
    sources = {"data": "prepare", "chosen": "prepare", "model": "train"}
    return StepSpec(
        id=step_id,
        name=step_id,
        command=PythonScript(script="step.py"),
        source=SourceSpec(directory=f"src/{step_id}"),
        arguments=tuple(arguments),
        inputs=tuple(InputSpec(name=name, mode="download", source=StepOutputSource(step=sources[name], output=name)) for name in reads),
        outputs=outputs,
        # The interpreter of the tests as it is: nothing is built.
        environment=EnvironmentSpec(name="given", user_managed=True, interpreter=sys.executable),
    )


def _output(name: str, **fields: Any) -> OutputSpec:
    return OutputSpec(name=name, datastore=DATASTORE, **fields)


STEPS = (
    _step(
        "prepare",
        outputs=(
            _output("data", register_as=RegistrationSpec(name="images")),
            _output("report", destination="reports/latest"),
            _output("chosen", mode="link", links="file"),
        ),
    ),
    _step("train", reads=("data",), outputs=(_output("model", destination="models/current", register_as=RegistrationSpec(name="models")),)),
    _step(
        "score", reads=("data", "model", "chosen"), outputs=(_output("scores", mode="upload", destination="shared/scores", overwrite=True),)
    ),
)
PIPELINE = PipelineSpec(name="nightly", steps=STEPS)


def write_sources(base: Path, versions: Versions) -> None:
    """Write the source folders of the steps below ``base``, and the data to which one of them links an output."""
    data = open_workspace(base).datastores.open(DATASTORE)
    for name, body in _LINKED.items():
        if not data.exists(name):
            data.put(name, body)
    for step in STEPS:
        folder = base / step.source.directory
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "step.py").write_text(SCRIPT)
        (folder / "link.json").write_bytes(a_link("raw/*.csv", datastore=DATASTORE))
        (folder / "version.txt").write_text(f"{step.id} {getattr(versions, step.id)}")


def open_workspace(base: Path, faults: Faults | None = None) -> WorkspaceStore:
    """Return the workspace of a case, as a process finds it that has just started; with ``faults``, over a bad line.

    It is the folder ``ws``, or where the file ``url`` says.
    """
    access = None if faults is None else FaultyAccess(faults=faults)
    elsewhere = base / "url"
    url = elsewhere.read_text() if elsewhere.exists() else str(base / "ws")
    return WorkspaceStore.open(url, home=base / "home", access=access)


def output_files(workspace: WorkspaceStore, finished: StepFinished, target: Path) -> dict[str, dict[str, bytes]]:
    """Return every byte of a step's outputs by output and path, read as the next step would."""
    found = {}
    for name, output in finished.outputs.items():
        place = target / name
        workspace.datastores.open(output.datastore).fetch(output.path, place, workspace.get_manifest(output.digest))
        found[name] = dict(_files(place))
    return found


def _files(place: Path) -> Iterator[tuple[str, bytes]]:
    if place.is_file():
        yield "", place.read_bytes()
    for path in sorted(place.rglob("*")):
        yield path.relative_to(place).as_posix(), path.read_bytes() if path.is_file() else b"(folder)"


_SETTINGS = Settings(
    poll_interval_seconds=0.05,
    terminate_grace_seconds=1.0,
    # A frozen process is believed dead soon; how long that takes says nothing here.
    claim_ttl_seconds=0.4,
    claim_beat_seconds=0.1,
    claim_max_wait_seconds=20.0,
)


class InProcessBackend(ComputeBackend):
    """Runs the script while it is launched, in the process that launches it; what remains of a job is in its folder.

    For the cases in which the processes of a script are not the point: they cost more than all the rest.
    """

    kind = "local"

    def launch(self, request: LaunchRequest) -> JobHandle:
        name = "step.py"
        with (request.log_folder / "stdout.txt").open("w") as stdout, redirect_stdout(stdout):
            code = (request.working_folder / name).read_text()
            given, sys.argv = sys.argv, [str(request.working_folder / name), *request.argv[request.argv.index(name) + 1 :]]
            try:
                exec(compile(code, name, "exec"), {"__name__": "__main__", "__file__": sys.argv[0]})
            finally:
                sys.argv = given
        (request.folder / "exit_code").write_text("0\n")
        return JobHandle("local", {"folder": str(request.folder)})

    def status(self, handle: JobHandle) -> JobStatus:
        has_ended = (Path(str(handle.payload["folder"])) / "exit_code").exists()
        return JobStatus(JobState.SUCCEEDED, 0) if has_ended else JobStatus(JobState.GONE)

    def logs(self, handle: JobHandle, position: LogPosition) -> LogChunk:
        told = int(position.get("told", 0))
        try:
            body = (Path(str(handle.payload["folder"])) / "logs" / "stdout.txt").read_bytes()
        except OSError as error:
            raise BackendUnavailableError("the log of the job could not be read") from error
        return LogChunk(body[told:], b"", {"told": len(body)})

    def terminate(self, handle: JobHandle, grace_seconds: float = 10.0) -> None:
        """End nothing: it has ended."""


@dataclass
class Carrier:
    """What Airflow knows of one DAG run, in files of ``folder``: it is told before a task starts, and when one has ended well."""

    folder: Path

    def begin_try(self, step_id: str, *, again: bool = False) -> int:
        """Return the number of the try that starts now; ``again``: that of the last one, delivered a second time."""
        place = self.folder / f"{step_id}.tries"
        number = max(1, int(place.read_text()) if place.exists() else 0) if again else 1 + (int(place.read_text()) if place.exists() else 0)
        self._write(place, str(number))
        return number

    def is_done(self, step_id: str) -> bool:
        return (self.folder / f"{step_id}.done").exists()

    def mark_done(self, step_id: str) -> None:
        self._write(self.folder / f"{step_id}.done", "")

    def notes(self, step_id: str) -> _Notes:
        return _Notes(self.folder / f"{step_id}.notes")

    @staticmethod
    def _write(place: Path, text: str) -> None:
        place.parent.mkdir(parents=True, exist_ok=True)
        aside = place.with_suffix(f".{os.getpid()}")
        aside.write_text(text)
        aside.replace(place)


@dataclass
class _Notes:
    """A task state store that outlives the task's process."""

    place: Path
    _write: Any = field(default=Carrier._write, repr=False)

    def get(self, key: str, default: Any = None) -> Any:
        return json.loads(self.place.read_text()).get(key, default) if self.place.exists() else default

    def set(self, key: str, value: Any) -> None:
        known = json.loads(self.place.read_text()) if self.place.exists() else {}
        self._write(self.place, json.dumps({**known, key: value}))


def carry_out_run(
    base: Path,
    run_id: str,
    *,
    policy: str = "auto",
    in_process: bool = True,
    again: bool = False,
    faults: Faults | None = None,
    say: Any = lambda _: None,
) -> Mapping[str, StepFinished]:
    """Carry out every step of the run that is not done yet, as their tasks would; the sources lie below ``base``.

    :param again: the first of them is delivered a second time under the same number
    """
    if in_process:
        backends.register_backend("local", InProcessBackend)
    git_state.git_state = lambda _: None  # two processes a step, for nothing that is looked at here
    staging._PAUSES_SECONDS = (0.0, 0.0)
    carrier = Carrier(base / "airflow" / run_id)
    finished = {}
    for step in STEPS:
        if carrier.is_done(step.id):
            continue
        number = carrier.begin_try(step.id, again=again)
        again = False
        task = functools.partial(
            StepExecution,
            workspace=open_workspace(base, faults),
            settings=_SETTINGS,
            outline=PipelineOutline.of(PIPELINE, {item.id: item.name for item in STEPS}),
            request=RunRequest(run_id=run_id, experiment="digits", policy=ReusePolicy.parse(policy), tags={}, parameters={}),
            step=step,
            source_base=base,
            ancestors=tuple,
            airflow={"dag_id": "nightly", "dag_run_id": run_id, "task_id": step.id},
            try_number=number,
            is_last_try=False,
            notes=carrier.notes(step.id),
            say=say,
        )
        finished[step.id] = _carry_out(task)
        crash_point("task-unreported")
        carrier.mark_done(step.id)
    return finished


def submit_run(base: Path) -> str:
    """Submit the pipeline as a script does; every step of it can be reused."""
    return submit_pipeline(PIPELINE, workspace=str(base / "ws"), experiment="digits", source_base=base, home=base / "home")


def publish_version(base: Path) -> None:
    """Publish the pipeline with the sources as they are, and make it the default of the one endpoint."""
    workspace, home = str(base / "ws"), base / "home"
    made = publish_pipeline(PIPELINE, workspace=workspace, source_base=base, home=home)
    known = list_endpoints(workspace, home=home)
    if known:
        add_endpoint_version(workspace, known[0].id, made.id, home=home, is_default=True)
    else:
        create_endpoint(workspace, "digits", made.id, home=home)


def clear_away(base: Path) -> None:
    """Plan and carry out what ``amlpipe gc`` does with no run or result kept, a year later."""
    workspace = open_workspace(base)
    later = datetime.now(UTC) + timedelta(days=365)
    plan = plan_clearing(workspace, RetentionPolicy(older_than_seconds=0, keep_last=0), now=later)
    apply_plan(workspace, plan, now=later)


def _carry_out(begin: Callable[..., StepExecution]) -> StepFinished:
    """Do what ``StepOperator.execute`` does, and, where it defers, what its trigger does and ``go_on`` after it."""
    waited = None
    while True:
        task = begin(waited=waited)
        with task.bad_end_recorded():
            task.identify()
            result = task.decide().decision.result
            if task.obstacle is not None:
                task.pause()
            elif result is not None:
                return task.reuse(result)
            else:
                task.wait(task.launch())
                return task.record()
        waited = _wait_for_claim(task)


def _wait_for_claim(task: StepExecution) -> Waited:
    key, newest_seen, workspace = task.assessment.key, task.assessment.decision.newest_seen, task.workspace
    watch = ClaimWatch(
        ClaimLog(workspace.store, key),
        has_result=lambda: workspace.results.find_newer(key, after=newest_seen) is not None,
        ttl_seconds=task.settings.claim_ttl_seconds,
        is_dead=has_died,
    )
    began = time.monotonic()
    while (spent := time.monotonic() - began) < task.flight.seconds_left:
        with suppress(InfrastructureError):
            end = watch.look()
            if end is not None:
                return Waited(end, spent)
        time.sleep(0.02)
    return Waited(WaitEnd("gave-up"), spent)
