"""What is a command, independently of who offers it? (``amlpipe ...`` offers all, ``airflow amlpipe ...`` most of them)"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Command", "CommandGroup", "add_json_argument", "add_run_argument", "add_workspace_argument"]


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    :ivar examples: lines of the help's last part
    :ivar run: returns the exit code
    """

    name: str
    help: str
    examples: tuple[str, ...]
    add_arguments: Callable[[ArgumentParser], None]
    run: Callable[[Namespace], int]


@dataclass(frozen=True, slots=True)
class CommandGroup:
    """Commands about one kind of thing."""

    name: str
    help: str
    commands: tuple[Command, ...]


def add_workspace_argument(parser: ArgumentParser) -> None:
    """Add ``--workspace``."""
    parser.add_argument(
        "--workspace",
        metavar="NAME|URL",
        help="the workspace: its name below $AMLPIPE_HOME/workspaces, a folder or a URL (default: $AMLPIPE_WORKSPACE, "
        "the config.json found from the current folder, or the only workspace there is)",
    )


def add_json_argument(parser: ArgumentParser) -> None:
    """Add ``--json``."""
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")


def add_run_argument(parser: ArgumentParser) -> None:
    """Add the run that a command is about."""
    parser.add_argument("run", metavar="RUN", help="a run: 'latest', its id, or the beginning of its id")
