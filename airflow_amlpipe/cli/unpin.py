"""``amlpipe unpin``: how does something stop being protected?"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from airflow_amlpipe.cli.command import Command, add_json_argument, add_workspace_argument
from airflow_amlpipe.cli.output import print_json
from airflow_amlpipe.cli.pin import TARGET_HELP
from airflow_amlpipe.cli.workspace_choice import choose_workspace

__all__ = ["COMMAND"]


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("target", metavar="TARGET", help=f"{TARGET_HELP}; or the beginning of what `amlpipe pins` shows")
    add_workspace_argument(parser)
    add_json_argument(parser)


def _unpin(given: Namespace) -> int:
    from airflow_amlpipe.services.pins import unpin

    chosen = choose_workspace(given.workspace)
    pinned = unpin(chosen.url, given.target, home=chosen.home)
    if given.json:
        print_json(pinned.model_dump(mode="json"))
    else:
        print(f"{pinned.kind} {pinned.target} is not pinned any more")
    return 0


COMMAND = Command(
    name="unpin",
    help="Take a pin out again.",
    examples=("latest", "model:3"),
    add_arguments=_add_arguments,
    run=_unpin,
)
