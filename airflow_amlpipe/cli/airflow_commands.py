"""What does ``airflow amlpipe ...`` offer? The commands of ``amlpipe``, described to Airflow's own command line.

Named under ``cli`` in the provider's description. Airflow calls :func:`airflow_commands` whenever its command line starts, so nothing but
descriptions is made here. ``run`` and ``plan`` are left out: they choose their own Airflow, and this one has started already.
"""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from typing import Any

from airflow_amlpipe.cli.application import EXIT_CODES, all_commands, exit_code_of
from airflow_amlpipe.cli.command import Command, CommandGroup

__all__ = ["LEFT_OUT", "airflow_commands"]

LEFT_OUT = ("run", "plan")


def airflow_commands() -> list[Any]:
    """Return the group ``amlpipe``, as Airflow's parser takes it."""
    from airflow.cli.cli_config import GroupCommand

    return [
        GroupCommand(
            name="amlpipe",
            help="Runs, plans and environments of Azure ML pipelines (airflow-amlpipe)",
            subcommands=[_described(entry) for entry in all_commands(but=LEFT_OUT)],
        )
    ]


def _described(entry: Command | CommandGroup) -> Any:
    from airflow.cli.cli_config import ActionCommand, GroupCommand

    if isinstance(entry, CommandGroup):
        return GroupCommand(
            name=entry.name,
            help=entry.help,
            subcommands=[_described(command) for command in entry.commands if command.name not in LEFT_OUT],
        )
    arguments: Any = (_AllArguments(entry),)
    return ActionCommand(name=entry.name, help=entry.help, func=_ended_as_ours(entry.run), args=arguments, epilog=EXIT_CODES)


class _AllArguments:
    """All arguments of one command at once, where Airflow expects one of its ``Arg``; the command adds them itself."""

    flags = ("--amlpipe",)  # what Airflow sorts arguments by

    def __init__(self, command: Command) -> None:
        self._command = command

    def add_to_parser(self, parser: ArgumentParser) -> None:
        """Add them."""
        self._command.add_arguments(parser)


def _ended_as_ours(run: Callable[[Namespace], int]) -> Callable[[Namespace], None]:
    def call(given: Namespace) -> None:
        # As `airflow connections` does: only so are connections looked up in Airflow's database too.
        os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")
        code = exit_code_of(lambda: run(given))
        if code:
            raise SystemExit(code)

    return call
