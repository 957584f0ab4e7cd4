"""What is shown of a run: what is recorded of it, and for each step that had to run what that goes back to?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

__all__ = ["shown_run"]

_NOT_FOUND = "NO_RECORD"


def shown_run(workspace: str, run_id: str, *, home: Path) -> dict[str, Any]:
    """Return the run as ``services.runs.show_run`` does; a step that ran because something changed has ``root_causes``, and a ``warning`` if there is one."""
    from airflow_amlpipe.services.runs import show_run

    run = show_run(workspace, run_id, home=home)
    if any(step["reason"] == _NOT_FOUND for step in run["steps"]):
        from airflow_amlpipe.services.explain import explain_run

        explained = explain_run(workspace, run_id, home=home)
        for step in run["steps"]:
            if step["reason"] == _NOT_FOUND and step["id"] in explained:
                step["warning"] = explained[step["id"]].warning
                if explained[step["id"]].differences:
                    step["root_causes"] = list(explained[step["id"]].root_causes)
    return run
