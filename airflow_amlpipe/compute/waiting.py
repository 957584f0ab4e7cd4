"""How is a job followed to its end, and what becomes of what it prints?"""

from __future__ import annotations

from collections.abc import Callable

from airflow_amlpipe.compute.backend import ComputeBackend, JobHandle, JobStatus

__all__ = ["OnLine", "follow_job"]

OnLine = Callable[[str, str], None]
"""Called with the stream (``stdout`` or ``stderr``) and one line without its end."""


def follow_job(
    backend: ComputeBackend,
    handle: JobHandle,
    *,
    on_line: OnLine,
    what: str = "step",
    timeout_seconds: float | None = None,
    poll_interval_seconds: float = 0.2,
    terminate_grace_seconds: float = 10.0,
) -> JobStatus:
    """Hand every line of a job to ``on_line`` as it comes, and return how it ended once nothing of it runs."""
    raise NotImplementedError
