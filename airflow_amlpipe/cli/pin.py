"""``amlpipe pin``: how is something protected from being cleared away?"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from airflow_amlpipe.cli.command import Command, add_json_argument, add_workspace_argument
from airflow_amlpipe.cli.output import print_json
from airflow_amlpipe.cli.workspace_choice import choose_workspace

__all__ = ["COMMAND", "TARGET_HELP"]

TARGET_HELP = "a run ('latest', its id, or the beginning of its id), RUN/STEP, DATASET:VERSION, or the name of a pipeline"


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("target", metavar="TARGET", help=TARGET_HELP)
    parser.add_argument("--reason", default="", metavar="TEXT", help="why, for whoever wonders later")
    add_workspace_argument(parser)
    add_json_argument(parser)


def _pin(given: Namespace) -> int:
    from airflow_amlpipe.services.pins import pin

    chosen = choose_workspace(given.workspace)
    pinned = pin(chosen.url, given.target, home=chosen.home, reason=given.reason)
    if given.json:
        print_json(pinned.model_dump(mode="json"))
    else:
        print(f"pinned {pinned.kind} {pinned.target}: `amlpipe gc` leaves it, and everything reached from it")
    return 0


COMMAND = Command(
    name="pin",
    help="Protect a run, a step's outputs, a version of a dataset or all runs of a pipeline from `amlpipe gc`.",
    examples=("latest", 'latest/train --reason "in production"', "model:3", "nightly"),
    add_arguments=_add_arguments,
    run=_pin,
)
