"""``amlpipe plan``: which steps would run, which would be reused, and why?"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

from airflow_amlpipe.cli.command import Command
from airflow_amlpipe.cli.file_arguments import add_file_arguments, read_file
from airflow_amlpipe.cli.output import print_json, print_table
from airflow_amlpipe.services.plan import PipelinePlan, StepPlan, plan_pipeline
from airflow_amlpipe.settings import Settings

__all__ = ["COMMAND"]

_STYLES = {"reuse": "green", "run": "yellow", "depends": "cyan"}
_MOST_DIFFERENCES = 10


def _plan(given: Namespace) -> int:
    collector, outcome = read_file(given, only_plan=True)
    if outcome.exit_code:
        return outcome.exit_code
    home = Settings.load().home
    plans = [
        plan_pipeline(
            pipeline.spec,
            workspace=pipeline.workspace,
            home=home,
            source_base=pipeline.source_base,
            parameters=pipeline.parameters,
            policy=pipeline.policy,
        )
        for pipeline in collector.pipelines
    ]
    if given.json:
        print_json({"pipelines": [plan.to_json() for plan in plans]})
    for plan in plans if not given.json else ():
        _print(plan)
    if not plans:
        print(f"amlpipe: {given.file} submitted no pipeline and made no DAG of one", file=sys.stderr)
    return 0


def _print(plan: PipelinePlan) -> None:
    rows = [(step.name, step.answer, _why(step)) for step in plan.steps]
    print_table(("step", "would", "why"), rows, title=f"pipeline {plan.pipeline}", styles=[_STYLES[step.answer] for step in plan.steps])
    counts = {answer: sum(step.answer == answer for step in plan.steps) for answer in _STYLES}
    print(f"{counts['reuse']} reused, {counts['run']} to run, {counts['depends']} depending on what those write; nothing was submitted")


def _why(step: StepPlan) -> str:
    # The reasons are written for what has happened; here nothing has.
    sentence = step.explanation.removeprefix("reused: ").removeprefix("ran: ")
    changed = [difference.sentence for difference in step.differences]
    more = [f"and {len(changed) - _MOST_DIFFERENCES} more"] if len(changed) > _MOST_DIFFERENCES else []
    return "\n".join([sentence, *(f"  {line}" for line in [*changed[:_MOST_DIFFERENCES], *more])])


def _add_arguments(parser: ArgumentParser) -> None:
    add_file_arguments(parser)


COMMAND = Command(
    name="plan",
    help="Say what running a script or DAG file would do, step by step, without running anything. A script is stopped at its first submission or publication.",
    examples=("dags/digits_training.py", "--reuse refresh-from:compare examples/submit_digits.py"),
    add_arguments=_add_arguments,
    run=_plan,
)
