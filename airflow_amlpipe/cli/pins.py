"""``amlpipe pins``: what is protected from being cleared away?"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from airflow_amlpipe.cli.command import Command, add_json_argument, add_workspace_argument
from airflow_amlpipe.cli.output import human_time, print_list
from airflow_amlpipe.cli.workspace_choice import choose_workspace

__all__ = ["COMMAND"]


def _add_arguments(parser: ArgumentParser) -> None:
    add_workspace_argument(parser)
    add_json_argument(parser)


def _pins(given: Namespace) -> int:
    from airflow_amlpipe.services.pins import list_pins

    chosen = choose_workspace(given.workspace)
    pinned = list_pins(chosen.url, home=chosen.home)
    return print_list(
        given.json,
        [item.model_dump(mode="json") for item in pinned],
        ("kind", "target", "since", "reason"),
        [(item.kind, item.target, human_time(item.pinned_at), item.reason) for item in pinned],
        if_empty=f"nothing is pinned in {chosen.url}; `amlpipe pin` keeps something from being cleared away",
    )


COMMAND = Command(
    name="pins",
    help="List what is pinned.",
    examples=("", "--json"),
    add_arguments=_add_arguments,
    run=_pins,
)
