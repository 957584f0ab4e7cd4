"""How is a command line understood, and how does a command end?

====  ==================================================================================================
code  meaning
====  ==================================================================================================
0     done; a run that was waited for ended well
1     a run or a step failed or was cancelled, the script of ``amlpipe run`` failed, ``amlpipe fsck`` found damage, or ``amlpipe doctor``
      something that will fail, or ``amlpipe migrate --check`` something to change
2     the command line, or a definition it leads to, has to be changed: a retry cannot help
3     storage, a back end or the engine failed: a retry may help
130   interrupted with Ctrl-C; a run that the command waited for itself is stopped
141   whoever read the output stopped reading
====  ==================================================================================================

Errors are printed as one line; with ``AMLPIPE_DEBUG=1`` with the traceback. An error of ours that ends a person's script has their own lines
before it and the same exit code (``services/script.py``).
"""

from __future__ import annotations

import os
import re
import sys
import traceback
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter, _SubParsersAction
from collections.abc import Callable, Collection, Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import NoReturn

from airflow_amlpipe.cli.command import Command, CommandGroup
from airflow_amlpipe.exceptions import AmlPipeError, exit_code_for

__all__ = ["EXIT_CODES", "all_commands", "build_parser", "exit_code_of", "run_command"]

# Module of each group or command, in the order of the help. Only the one that is called is imported, all for the help.
_MODULES = {
    "run": "run",
    "plan": "plan",
    "explain": "explain",
    "report": "report",
    "doctor": "doctor",
    "migrate": "migrate",
    "runs": "runs",
    "pipelines": "pipelines",
    "endpoints": "endpoints",
    "env": "env",
    "compute": "compute",
    "datastore": "datastore",
    "workspace": "workspace",
    "fsck": "fsck",
    "gc": "gc",
    "pin": "pin",
    "unpin": "unpin",
    "pins": "pins",
}

EXIT_CODES = (
    "exit codes: 0 done; 1 a run, step or script failed, fsck found damage, or doctor what will fail; 2 the command line or a definition has to be changed; "
    "3 storage, back end or engine failed (a retry may help); 130 interrupted"
)


class _Parser(ArgumentParser):
    """Names the command or choice that was probably meant."""

    def error(self, message: str) -> NoReturn:
        given = re.search(r"invalid choice: '([^']*)' \(choose from (.*)\)", message)
        near = get_close_matches(given[1], [each.strip(" '") for each in given[2].split(",")], n=1) if given is not None else []
        super().error(f"{message}; did you mean {near[0]!r}?" if near else message)


def run_command(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser = build_parser(given[0] if given and given[0] in _MODULES else None)
    return exit_code_of(lambda: _run(parser, given))


def exit_code_of(command: Callable[[], int]) -> int:
    """Return the exit code of ``command``. Everything it can end with, but a mistake of ours, becomes one line for people."""
    try:
        code = command()
        sys.stdout.flush()
    except AmlPipeError as error:
        _complain(str(error))
        return exit_code_for(error)
    except KeyboardInterrupt:
        _complain("interrupted")
        return 130
    except BrokenPipeError:
        # Python would complain once more when it flushes on exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return code


def build_parser(only: str | None = None) -> ArgumentParser:
    """Return the parser of the whole command line, or of one of its commands alone."""
    parser = _Parser(
        prog="amlpipe",
        description="Run Azure ML SDK v1 pipelines on Airflow, reuse what did not change, and see why.",
        epilog=f"{EXIT_CODES}\n\nexamples:\n  amlpipe run dags/digits_training.py\n  amlpipe runs show latest\n  amlpipe explain latest train\n",
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(call=None, shown=parser)
    parser.add_argument("--version", action="store_true", dest="print_version", help="print the version")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND")
    for entry in all_commands() if only is None else (_load(only),):
        if isinstance(entry, Command):
            _add(subparsers, entry, "amlpipe")
            continue
        examples = "\n".join(f"  amlpipe {entry.name} {each.name} {each.examples[0]}".rstrip() for each in entry.commands)
        group = _add_parser(subparsers, entry, examples)
        group.set_defaults(shown=group)
        below = group.add_subparsers(title="commands", metavar="COMMAND")
        for command in entry.commands:
            _add(below, command, f"amlpipe {entry.name}")
    return parser


def all_commands(*, but: Collection[str] = ()) -> tuple[Command | CommandGroup, ...]:
    """Return every command, in the order of the help; those named in ``but`` are not even imported."""
    return tuple(_load(name) for name in _MODULES if name not in but)


def _load(name: str) -> Command | CommandGroup:
    entry: Command | CommandGroup = import_module(f"airflow_amlpipe.cli.{_MODULES[name]}").COMMAND
    return entry


def _add(subparsers: _SubParsersAction[_Parser], command: Command, prefix: str) -> None:
    examples = "\n".join(f"  {prefix} {command.name} {example}".rstrip() for example in command.examples)
    parser = _add_parser(subparsers, command, examples)
    command.add_arguments(parser)
    parser.set_defaults(call=command.run)


def _add_parser(subparsers: _SubParsersAction[_Parser], entry: Command | CommandGroup, examples: str) -> _Parser:
    return subparsers.add_parser(
        entry.name,
        help=entry.help,
        description=entry.help,
        epilog=f"examples:\n{examples}\n\n{EXIT_CODES}",
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def _run(parser: ArgumentParser, given: Sequence[str]) -> int:
    try:
        namespace: Namespace = parser.parse_args(given)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 2
    if namespace.print_version:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print(f"airflow-amlpipe {version('airflow-amlpipe')}")
        except PackageNotFoundError:
            print("airflow-amlpipe (not installed, run from its source)")
        return 0
    if namespace.call is None:
        namespace.shown.print_help()
        return 2
    code: int = namespace.call(namespace)
    return code


def _complain(message: str) -> None:
    if os.environ.get("AMLPIPE_DEBUG"):
        traceback.print_exc()
    print(f"amlpipe: {message}", file=sys.stderr)
