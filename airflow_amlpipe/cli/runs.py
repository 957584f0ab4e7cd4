"""``amlpipe runs``: what has run, how did it go, what did it write, and how is it stopped?"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import Any

from airflow_amlpipe.cli.command import Command, CommandGroup, add_json_argument, add_run_argument, add_workspace_argument
from airflow_amlpipe.cli.output import human_duration, human_time, print_json, print_list, short_id, status_style
from airflow_amlpipe.cli.run_table import print_run
from airflow_amlpipe.cli.shown_run import shown_run
from airflow_amlpipe.cli.workspace_choice import ChosenWorkspace, choose_workspace
from airflow_amlpipe.exceptions import shorten

__all__ = ["COMMAND"]

_DEFAULT_LIMIT = 20


def _add_list_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--experiment", metavar="NAME", help="only runs of this experiment")
    parser.add_argument(
        "--limit", type=_limit, default=_DEFAULT_LIMIT, metavar="N", help=f"how many, newest first (default {_DEFAULT_LIMIT}, 0 for all)"
    )
    add_workspace_argument(parser)
    add_json_argument(parser)


def _limit(text: str) -> int:
    limit = int(text)
    if limit < 0:
        raise ArgumentTypeError(f"{limit} is less than nothing; give a number of runs, or 0 for all")
    return limit


def _list(given: Namespace) -> int:
    from airflow_amlpipe.services.runs import list_runs

    chosen = choose_workspace(given.workspace)
    runs = list(list_runs(chosen.url, home=chosen.home, experiment=given.experiment, limit=given.limit or None))
    rows = [
        (
            _run_id(run),
            run["experiment"],
            run["pipeline"],
            run["status"],
            human_time(run["created_at"]),
            human_duration(run["duration_seconds"]),
        )
        for run in runs
    ]
    styles = [status_style(run["status"]) for run in runs]
    columns = ("run", "experiment", "pipeline", "status", "created", "duration")
    nothing = "" if runs or given.json else _nothing_listed(chosen, given.experiment)
    return print_list(given.json, runs, columns, rows, if_empty=nothing, styles=styles)


def _nothing_listed(chosen: ChosenWorkspace, experiment: str | None) -> str:
    from airflow_amlpipe.services.runs import list_experiments

    known = list_experiments(chosen.url, home=chosen.home) if experiment is not None else []
    if not known:
        return f"no runs in {chosen.url} yet; `amlpipe run SCRIPT` runs the pipeline that a script submits"
    return f"no runs of experiment {shorten(repr(experiment))} in {chosen.url}; its experiments are: {shorten(', '.join(known), 600)}"


def _run_id(run: dict[str, Any]) -> str:
    return short_id(run["run_id"]) if sys.stdout.isatty() else str(run["run_id"])


def _add_show_arguments(parser: ArgumentParser) -> None:
    add_run_argument(parser)
    add_workspace_argument(parser)
    add_json_argument(parser)


def _show(given: Namespace) -> int:
    from airflow_amlpipe.services.runs import find_run

    chosen = choose_workspace(given.workspace)
    run = shown_run(chosen.url, find_run(chosen.url, given.run, home=chosen.home), home=chosen.home)
    if given.json:
        print_json(run)
    else:
        print_run(run)
    return 0


def _add_logs_arguments(parser: ArgumentParser) -> None:
    add_run_argument(parser)
    parser.add_argument("step", metavar="STEP", help="the step, by name or id")
    parser.add_argument("--try", dest="try_number", type=int, default=None, metavar="N", help="an earlier try (default: the newest)")
    parser.add_argument("--follow", "-f", action="store_true", help="go on until the run ends")
    add_workspace_argument(parser)


def _logs(given: Namespace) -> int:
    from airflow_amlpipe.services.runs import find_run, step_error, step_log

    chosen = choose_workspace(given.workspace)
    run_id = find_run(chosen.url, given.run, home=chosen.home)
    if given.follow:
        return _follow(given, chosen, run_id)
    is_empty = True
    for line in step_log(chosen.url, run_id, given.step, home=chosen.home, try_number=given.try_number):
        print(line)
        is_empty = False
    error = step_error(chosen.url, run_id, given.step, home=chosen.home, try_number=given.try_number) if is_empty else None
    return _tell_without_log(given.step, error)


def _follow(given: Namespace, chosen: ChosenWorkspace, run_id: str) -> int:
    from airflow_amlpipe.services.follow import RunEvent, follow_run
    from airflow_amlpipe.services.runs import find_step_of

    step_id = find_step_of(chosen.url, run_id, given.step, home=chosen.home)
    is_empty, error = True, None

    def show(event: RunEvent) -> None:
        nonlocal is_empty, error
        if event.started is None or event.started.step_id != step_id:
            return
        if event.kind == "log_line":
            is_empty = False
            print(event.line, flush=True)
        elif event.finished is not None:
            error = event.finished.error

    follow_run(chosen.url, run_id, home=chosen.home, on_event=show)
    return _tell_without_log(given.step, error if is_empty else None)


def _tell_without_log(step: str, error: str | None) -> int:
    """Say why there is nothing to print of a step that failed before its script wrote anything, and return the exit code."""
    if error is None:
        return 0
    print(f"amlpipe: step {shorten(repr(step))} has no log, because nothing was written before it failed: {error}", file=sys.stderr)
    return 1


def _cancel(given: Namespace) -> int:
    from airflow_amlpipe.services.cancel import cancel_run
    from airflow_amlpipe.services.runs import find_run

    chosen = choose_workspace(given.workspace)
    run_id = find_run(chosen.url, given.run, home=chosen.home)
    ended = cancel_run(chosen.url, run_id, home=chosen.home)
    if given.json:
        print_json({"run_id": run_id, "status": ended.status if ended else "CancelRequested"})
    elif ended is None:
        print(f"run {run_id} is asked to stop; its running step is ended and no other starts")
    else:
        print(f"run {run_id} has ended: {ended.status}")
    return 0


COMMAND = CommandGroup(
    name="runs",
    help="Runs: list, show, read logs, cancel.",
    commands=(
        Command("list", "List the runs of the workspace, newest first.", ("", "--experiment digits --json"), _add_list_arguments, _list),
        Command(
            "show",
            "Show a run and its steps: what ran, what was reused and why, and where the outputs are.",
            ("latest", "latest --json"),
            _add_show_arguments,
            _show,
        ),
        Command(
            "logs",
            "Print what a step's script wrote; of a reused step, what it wrote when it ran.",
            ("latest train", "latest train --follow"),
            _add_logs_arguments,
            _logs,
        ),
        Command("cancel", "Stop a run: its running step is ended, no other starts.", ("latest",), _add_show_arguments, _cancel),
    ),
)
