"""A back end whose jobs do what the test says; they go on when the object that launched them is gone, as real ones do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from airflow_amlpipe.compute.backend import ComputeBackend, JobHandle, JobState, JobStatus, LaunchRequest, LogChunk, LogPosition
from airflow_amlpipe.exceptions import BackendUnavailableError

__all__ = ["ScriptedBackend"]

Script = Callable[[LaunchRequest], JobStatus]

RUNNING = JobStatus(JobState.RUNNING)
SUCCEEDED = JobStatus(JobState.SUCCEEDED, 0)


@dataclass
class ScriptedBackend(ComputeBackend):
    """Runs ``script`` when a job is launched; what it returns is the job's state.

    :ivar on_wait: called when somebody waits for a job that runs
    """

    kind = "local"

    script: Script = lambda _: SUCCEEDED
    on_wait: Callable[[ScriptedBackend, str], None] = lambda _, __: None
    is_reachable: bool = True
    jobs: dict[str, JobStatus] = field(default_factory=dict)
    launched: list[LaunchRequest] = field(default_factory=list)
    terminated: list[str] = field(default_factory=list)

    def launch(self, request: LaunchRequest) -> JobHandle:
        self.launched.append(request)
        self.jobs[request.job_name] = self.script(request)
        return JobHandle("local", {"job": request.job_name})

    def status(self, handle: JobHandle) -> JobStatus:
        if not self.is_reachable:
            raise BackendUnavailableError("the engine does not answer")
        return self.jobs.get(str(handle.payload["job"]), JobStatus(JobState.GONE))

    def logs(self, handle: JobHandle, position: LogPosition) -> LogChunk:
        told = bool(position)
        return LogChunk(b"" if told else b"a line\n", b"" if told else b"a warning\n", {"told": 1})

    def terminate(self, handle: JobHandle, grace_seconds: float = 10.0) -> None:
        job = str(handle.payload["job"])
        if self.jobs.get(job, SUCCEEDED).state in {JobState.PENDING, JobState.RUNNING}:
            self.jobs[job] = JobStatus(JobState.FAILED, -15)
            self.terminated.append(job)

    def wait(self, handle: JobHandle, seconds: float) -> None:
        self.on_wait(self, str(handle.payload["job"]))
