"""What does a person see while they wait for a script? The lines of SDK v1's ``Run.wait_for_completion``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.sdk.pipeline.core._waiting import failure_of, follow

if TYPE_CHECKING:
    from airflow_amlpipe.sdk.core.script_run import ScriptRun
    from airflow_amlpipe.services.follow import RunEvent

__all__ = ["wait_for_script"]

_STREAMED = "user_logs/std_log.txt"


def wait_for_script(run: ScriptRun, *, show_output: bool, raise_on_error: bool) -> dict[str, Any]:
    """Wait for the whole run and return its details."""
    title = f"Streaming {_STREAMED}"
    seen = False

    def show(event: RunEvent) -> None:
        nonlocal seen
        if event.kind == "step_started":
            _say("", title, "=" * len(title), "")
        elif event.kind == "log_line":
            seen = True
            _say(event.line)
        elif event.kind == "step_finished" and event.finished is not None and event.finished.explanation and not seen:
            _say(event.finished.explanation)

    if show_output:
        _say(f"RunId: {run.id}", f"Web View: {run.get_portal_url()}")
    follow(run._whole, show if show_output else _ignore, float("inf"))
    if show_output:
        _say("", "Execution Summary", "=================", f"RunId: {run.id}", f"Web View: {run.get_portal_url()}", "")
    if run.get_status() == "Failed" and raise_on_error:
        raise failure_of(run._whole)
    details: dict[str, Any] = run.get_details()
    return details


def _ignore(_event: RunEvent) -> None:
    """Nothing is shown."""


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()
