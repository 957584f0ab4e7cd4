"""``amlpipe migrate``: how do scripts and notebooks come to import ``airflow_amlpipe.sdk`` instead of ``azureml``?"""

from __future__ import annotations

import difflib
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING

from airflow_amlpipe.cli.command import Command
from airflow_amlpipe.exceptions import DefinitionError

if TYPE_CHECKING:
    from airflow_amlpipe.migration.rewriting import Rewritten

__all__ = ["COMMAND"]


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("paths", metavar="PATH", nargs="+", help="scripts (.py), notebooks (.ipynb), or folders that hold them")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--diff", action="store_true", help="show what would be changed, and change nothing (the default)")
    what.add_argument("--check", action="store_true", help="name the files that would be changed, and end with 1 if there are any")
    what.add_argument("--write", action="store_true", help="change the files")
    parser.add_argument(
        "--steps",
        action="store_true",
        help="also change scripts that ask for their run (Run.get_context()); where such a step has an environment of its own, "
        "that needs the requirement airflow-amlpipe then",
    )


def _migrate(given: Namespace) -> int:
    from airflow_amlpipe.migration.rewriting import rewrite_below, write_file

    files = changed = 0
    troubled = False
    for rewritten in rewrite_below(given.paths, steps_too=given.steps):
        files += 1
        problem = rewritten.problem
        if rewritten.changed and not problem:
            if given.write:
                problem = _written(rewritten, write_file)
            elif not given.check:
                _print_difference(rewritten)
            if not problem and (given.write or given.check):
                print(f"{'changed' if given.write else 'would change'} {rewritten.path}: {rewritten.changed} times")
            changed += not problem
        for note in rewritten.notes:
            print(f"{rewritten.path}: {note}", file=sys.stderr)
        if problem:
            troubled = True
            print(f"{rewritten.path}: not changed: {problem}", file=sys.stderr)
    print(f"{files} files looked at, {changed} {'changed' if given.write else 'to change'}", file=sys.stderr)
    return int(troubled or (given.check and changed > 0))


def _written(rewritten: Rewritten, write_file: Callable[[Rewritten], None]) -> str:
    try:
        write_file(rewritten)
    except (OSError, DefinitionError) as error:
        return f"it cannot be written: {getattr(error, 'strerror', None) or error}"
    return ""


def _print_difference(rewritten: Rewritten) -> None:
    before, after = rewritten.before.splitlines(keepends=True), rewritten.after.splitlines(keepends=True)
    for line in difflib.unified_diff(before, after, f"{rewritten.path} (before)", f"{rewritten.path} (after)"):
        print(line.rstrip("\r\n"))


COMMAND = Command(
    name="migrate",
    help="Let scripts and notebooks import airflow_amlpipe.sdk instead of azureml, and leave every other byte of them alone. "
    "`amlpipe run SCRIPT` needs none of this.",
    examples=("build_pipeline.py", "--check .", "--write src notebooks"),
    add_arguments=_add_arguments,
    run=_migrate,
)
