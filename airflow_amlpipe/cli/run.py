"""``amlpipe run``: what becomes of every step when a script that submits a pipeline, or the pipeline of a DAG file, is run?"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from pathlib import Path

from airflow_amlpipe.cli.command import Command
from airflow_amlpipe.cli.file_arguments import add_file_arguments, read_file
from airflow_amlpipe.cli.finishing import GOING_ON, finish_run
from airflow_amlpipe.cli.output import print_json
from airflow_amlpipe.cli.run_table import print_run
from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.services.collect import Collector
from airflow_amlpipe.services.submit import SubmittedRun, submit_pipeline, submitted_runs
from airflow_amlpipe.settings import Settings

__all__ = ["COMMAND"]


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--quiet", "-q", action="store_true", help="do not show what the steps' scripts write")
    add_file_arguments(parser)


def _run(given: Namespace) -> int:
    home = Settings.load().home
    earlier = len(submitted_runs())  # this command may have been called in this process before
    try:
        collector, outcome = read_file(given, only_plan=False)
        if _was_interrupted(outcome.error):
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        # As in SDK v1, a script that is interrupted leaves its runs alone; only what this command itself waits for goes with it.
        _tell_of_runs_that_go_on(submitted_runs()[earlier:], home)
        raise
    runs = list(submitted_runs()[earlier:])
    if not runs and outcome.exit_code == 0:
        for pipeline in collector.pipelines:
            run_id = submit_pipeline(
                pipeline.spec,
                workspace=pipeline.workspace,
                experiment=pipeline.experiment,
                parameters=pipeline.parameters,
                policy=pipeline.policy,
                source_base=pipeline.source_base,
                home=home,
                dag_id=pipeline.dag_id,
            )
            runs.append(SubmittedRun(run_id, pipeline.workspace, pipeline.experiment))
    shown = [finish_run(run, show_logs=not given.quiet) for run in runs]
    if given.json:
        print_json({"runs": shown})
    else:
        for run in shown:
            print()
            print_run(run)
        if not shown and outcome.exit_code == 0:
            print(f"amlpipe: {given.file} {_done_instead(collector)}", file=sys.stderr)
    return outcome.exit_code or (0 if all(run["status"] == "Finished" for run in shown) else 1)


def _was_interrupted(error: BaseException | None) -> bool:
    """Whether Ctrl-C is what ended the script, also where the SDK made an exception of its own of it, as SDK v1 did."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__cause__
    return False


def _tell_of_runs_that_go_on(runs: Iterable[SubmittedRun], home: Path) -> None:
    from airflow_amlpipe.services.runs import show_run

    for run in runs:
        if show_run(run.workspace, run.run_id, home=home)["status"] in GOING_ON:
            print(f"amlpipe: run {run.run_id} goes on; `amlpipe runs cancel {run.run_id}` stops it", file=sys.stderr)


def _done_instead(collector: Collector) -> str:
    """Return what a file that submitted nothing did."""
    if not collector.published:
        return "submitted no pipeline and made no DAG of one"
    published = shorten(", ".join(f"{item.name!r} ({item.id})" for item in collector.published), 600)
    return f"published {published} and submitted nothing; `amlpipe pipelines run {collector.published[-1].id}` runs what it published last"


COMMAND = Command(
    name="run",
    help="Run a script or notebook that submits a pipeline, or the pipeline of a DAG file, here and now. What is written for azureml runs unchanged.",
    examples=(
        "examples/submit_digits.py --strong 0.1",
        "-m my_package.build_pipeline --env test",
        "notebooks/training.ipynb",
        "dags/digits_training.py",
        "--reuse refresh-from:compare --param c_weak=5.0 dags/digits_training.py",
    ),
    add_arguments=_add_arguments,
    run=_run,
)
