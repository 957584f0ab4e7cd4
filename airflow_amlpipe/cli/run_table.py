"""What does a person want to see of a run? Its steps: reused or ran, why, for how long, and where the outputs are."""

from __future__ import annotations

import os
from typing import Any

from airflow_amlpipe.cli.output import human_duration, human_size, human_time, print_table, reuse_word, status_style
from airflow_amlpipe.exceptions import shorten

__all__ = ["print_run"]

_LONGEST_REASON = 240


def print_run(run: dict[str, Any]) -> None:
    """Print a run as ``services.runs.show_run`` describes it; a step with ``root_causes`` shows them in place of the bare reason."""
    took = f" in {human_duration(run['duration_seconds'])}" if run["duration_seconds"] is not None else ""
    print(f"run {run['run_id']}: {run['status']}{took}")
    print(
        f"  pipeline {run['pipeline']!r}, experiment {run['experiment']!r}, started {human_time(run['created_at'])}, reuse policy {run['reuse']}"
    )
    if run["published"]:
        endpoint = run["endpoint"]
        through = f", version {endpoint['version']!r} of endpoint {shorten(repr(endpoint['name']))}" if endpoint else ""
        print(f"  published pipeline {run['published']}{through}")
    if run["parameters"]:
        print("  parameters: " + ", ".join(f"{name}={value}" for name, value in run["parameters_shown"].items()))
    for directory, git in run["source"].items():
        print(f"  source {directory!r}: {_git(git)}")
    for step in run["steps"]:
        for directory, git in step["source"].items():
            if git != run["source"].get(directory):
                print(f"  source {directory!r} of step {step['name']!r}: {_git(git)}")
    if run["error"]:
        print(f"  {run['error']}")
    print()
    rows = [
        (step["name"], step["status"], reuse_word(step), human_duration(step.get("duration_seconds")), _why(step)) for step in run["steps"]
    ]
    print_table(("step", "status", "reuse", "duration", "reason"), rows, styles=[status_style(step["status"]) for step in run["steps"]])
    for step in run["steps"]:
        if step.get("warning"):
            print(f"warning: step {step['name']!r}: {step['warning']}")
    asked = [(step["name"], thing) for step in run["steps"] for thing in step["asked"] if not thing["is_keyed"]]
    if asked:
        print()
        print_table(("asked by", "what", "in the key"), [_asked(name, thing) for name, thing in asked])
    outputs = [(step["name"], output) for step in run["steps"] for output in step["outputs"].values()]
    if outputs:
        print()
        print_table(("output", "of step", "files", "size", "where"), [_output(name, output) for name, output in outputs])


def _git(state: dict[str, Any]) -> str:
    changes = ", with changes" if state.get("dirty") else ""
    return f"{(state.get('commit') or 'no commit')[:12]} on {state.get('branch') or 'no branch'}{changes}"


def _why(step: dict[str, Any]) -> str:
    if step.get("error"):
        return shorten(step["error"], 400)
    causes = step.get("root_causes")
    if causes:
        more = f" (and {len(causes) - 1} more)" if len(causes) > 1 else ""
        own = f"step {step['name']!r}: "
        return shorten(causes[0].removeprefix(own), _LONGEST_REASON) + more
    # "reused: ..." and "ran: ..." say in words what the column before says already.
    sentence = step["explanation"]
    return shorten(sentence.partition(": ")[2] or sentence, _LONGEST_REASON)


def _asked(step: str, thing: dict[str, Any]) -> tuple[str, ...]:
    in_key = "changed by the script" if thing["changes"] else "no, asked again before reuse" if thing.get("told") else "no"
    return (step, thing["what"], in_key)


def _output(step: str, output: dict[str, Any]) -> tuple[str, ...]:
    dataset = output.get("dataset")
    name = f"{output['name']} (dataset {dataset['name']}:{dataset['version']})" if dataset else output["name"]
    where = output["location"]
    relative = os.path.relpath(where) if os.path.isabs(where) else where
    return (name, step, str(output["file_count"]), human_size(output["size_bytes"]), relative if len(relative) < len(where) else where)
