"""What is written down about a run, its steps and their tries?"""

from __future__ import annotations

from typing import Any, Literal

from airflow_amlpipe.reuse.result import StoredOutput
from airflow_amlpipe.reuse.streak import Streak
from airflow_amlpipe.spec.model import Scalar, SpecModel, added_later
from airflow_amlpipe.spec.parameter_value import ParameterValue

__all__ = [
    "DatasetVersion",
    "EndpointVersion",
    "Origin",
    "OutputRecord",
    "RunFinished",
    "RunRecord",
    "RunStatus",
    "StepFinished",
    "StepReusing",
    "StepStarted",
    "StepStatus",
    "StepTry",
    "StepWait",
]

# SDK v1's words for pipeline runs and step runs (``Run.get_status``).
RunStatus = Literal["NotStarted", "Running", "Finished", "Failed", "Canceled"]
StepStatus = Literal["NotStarted", "Running", "Finished", "Failed", "Canceled"]


class RunRecord(SpecModel):
    """One execution of a pipeline, written once when it is submitted or when its first task starts.

    :ivar spec: digest of the pipeline's stored specification; ``None`` for a DAG file, whose definition is Airflow's to keep
    :ivar source: git state of the source folder, by source directory: commit, branch, dirty, remote (without credentials)
    :ivar airflow: the DAG and DAG run that carry it out
    :ivar step_ids: the pipeline's steps in order of execution, so that one that never started can be shown
    :ivar published: id of the published pipeline that was run, if one was
    :ivar kind: ``script`` for one that was submitted by itself, as a pipeline of one step that its author does not see; ``interactive`` for
        work that a script does itself and records (``sdk/core/interactive_run.py``)
    """

    format: Literal["amlpipe/run/v1"] = "amlpipe/run/v1"
    run_id: str
    pipeline: str
    experiment: str
    created_at: str
    spec: str | None = None
    step_ids: tuple[str, ...] = ()
    step_names: dict[str, str] = {}
    parameters: dict[str, ParameterValue] = {}
    policy: str = "auto"
    tags: dict[str, str] = {}
    description: str | None = None
    parent_run_id: str | None = None
    source: dict[str, dict[str, Any]] = {}
    airflow: dict[str, str] | None = None
    host: str | None = None
    continue_on_step_failure: bool = False
    published: str | None = added_later(None)
    endpoint: EndpointVersion | None = added_later(None)
    kind: Literal["pipeline", "script", "interactive"] = added_later("pipeline")


class EndpointVersion(SpecModel):
    """The version of a pipeline endpoint that a run was submitted through, as the endpoint was called then."""

    id: str
    name: str
    version: str


class RunFinished(SpecModel):
    """The end of a run, as whoever carried it out saw it."""

    status: RunStatus
    finished_at: str
    error: str | None = None


class DatasetVersion(SpecModel):
    """A registered dataset that an output became."""

    name: str
    version: int
    id: str


class OutputRecord(StoredOutput):
    """An output of a step run; ``published_to`` is the fixed destination its content was put at, below the datastore's root.

    :ivar pipeline_output: what it is called among the outputs of the whole pipeline
    """

    dataset: DatasetVersion | None = None
    published_to: str | None = None
    pipeline_output: str | None = added_later(None)


class Origin(SpecModel):
    """The step run that produced a reused result."""

    pipeline: str
    run_id: str
    step_id: str
    step_run_id: str
    folder: str
    airflow: dict[str, str] | None = None


class StepStarted(SpecModel):
    """The beginning of a try of a step."""

    format: Literal["amlpipe/step/v1"] = "amlpipe/step/v1"
    run_id: str
    step_id: str
    step_name: str
    step_run_id: str
    try_number: int
    started_at: str
    airflow: dict[str, str] | None = None


class StepReusing(SpecModel):
    """Written before a result is handed on, so that whoever clears results away sees that this one is wanted.

    :ivar key: of the result
    :ivar step_run_id: of the step run that computed it
    """

    key: str
    step_run_id: str
    outputs: dict[str, StoredOutput]


class StepFinished(SpecModel):
    """The end of a try of a step.

    :ivar reason: name of a ``reuse.decision.Reason``; ``None`` when the try ended before the decision
    :ivar explanation: the sentence that people are shown
    :ivar changed: what its script asks for by itself and had changed since an earlier run, if that is the reason
    :ivar source: git state by source folder as in :class:`RunRecord`, if the try ran the code that lay in the folder then (a step of a DAG
        file); what was submitted runs frozen code, whose state the run's record holds
    :ivar volatile: values that this run has and the key does not hold (``reuse/volatile.py``)
    :ivar streak: what alone changed since the run before, if the step ran for that (``workspace/streak.py``)
    :ivar inputs_from: id of the step that wrote an input, by the input's name, where one did
    :ivar lost_race_to: who computed the same step at the same time and stored its result first; this try kept what it wrote for its own run
    """

    format: Literal["amlpipe/step/v1"] = "amlpipe/step/v1"
    run_id: str
    step_id: str
    step_name: str
    step_run_id: str
    try_number: int
    status: StepStatus
    reused: bool = False
    reason: str | None = None
    explanation: str = ""
    changed: str = added_later("")
    key: str | None = None
    key_manifest: dict[str, Any] | None = None
    source: dict[str, dict[str, Any]] = {}
    volatile: dict[str, Scalar] = added_later({})
    streak: Streak | None = added_later(None)
    inputs_from: dict[str, str] = {}
    outputs: dict[str, OutputRecord] = {}
    reused_from: Origin | None = None
    lost_race_to: Origin | None = None
    started_at: str
    finished_at: str
    duration_seconds: float = 0.0
    exit_code: int | None = None
    error: str | None = None
    log_tail: str = ""


class StepWait(SpecModel):
    """An entry of a try's ``waits``: it waits for somebody else who computes the same step, or goes on.

    :ivar sentence: for whom it waits, as people read it; ``None`` once it goes on
    """

    format: Literal["amlpipe/wait/v1"] = "amlpipe/wait/v1"
    sentence: str | None
    at: str


class StepTry(SpecModel):
    """One try of a step: its folder in the workspace store, its beginning, and its end once there is one.

    :ivar waiting: for whom it waits, ``""`` when it does not
    """

    folder: str
    started: StepStarted
    finished: StepFinished | None = None
    waiting: str = ""

    @property
    def made_in(self) -> str:
        """The folder of the try that did the work: of a reused step, the one that produced the result."""
        origin = None if self.finished is None else self.finished.reused_from
        return self.folder if origin is None else origin.folder

    @property
    def status(self) -> StepStatus:
        return self.finished.status if self.finished else "Running"
