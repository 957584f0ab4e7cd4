"""What do docs/reference/cli.md, coverage.md, settings.md and reliability.md say? What the code and its tests say: they are written from them.

python -m docs.write_reference      (make docs)
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import MISSING, fields
from pathlib import Path

from airflow_amlpipe.cli.airflow_commands import LEFT_OUT
from airflow_amlpipe.cli.application import EXIT_CODES, all_commands
from airflow_amlpipe.cli.command import Command
from airflow_amlpipe.sdk.coverage import CONSTRUCTOR, Kind, coverage
from airflow_amlpipe.settings import Settings
from docs.promises import promise_table

__all__ = ["PAGES", "cli_page", "coverage_page", "reliability_page", "settings_page"]

PROMISES = "<!-- promises: written by docs/write_reference.py -->", "<!-- end of promises -->"
CLASSES = "<!-- classes: written by docs/write_reference.py from airflow_amlpipe/sdk/coverage -->", "<!-- end of classes -->"
REFERENCE = Path(__file__).resolve().parent / "reference"


def cli_page() -> str:
    """Return the reference of the command line."""
    left_out = " and ".join(f"`{name}`" for name in LEFT_OUT)
    lines = [
        "# Command line",
        "",
        f"`airflow amlpipe ...` offers these commands beside Airflow's own, but not {left_out}: those choose their own Airflow.",
        "`--json` prints an answer for programs: one JSON document, nothing else on standard output; messages and progress go to standard error.",
        "",
        f"{EXIT_CODES[0].upper()}{EXIT_CODES[1:]}.",
    ]
    for entry in all_commands():
        if isinstance(entry, Command):
            lines += _command("amlpipe", entry)
            continue
        for command in entry.commands:
            lines += _command(f"amlpipe {entry.name}", command)
    return "\n".join(lines) + "\n"


def settings_page() -> str:
    """Return the reference of the settings."""
    lines = [
        "# Settings",
        "",
        "Every option can be given in three ways; the first that is given counts:",
        "",
        "1. the environment variable `AMLPIPE_<OPTION>`,",
        "2. Airflow's configuration, section `[amlpipe]` (or its variable `AIRFLOW__AMLPIPE__<OPTION>`), where Airflow is running,",
        "3. the default.",
        "",
        "A value that cannot be read is refused with the place where it was written; nothing falls back silently.",
    ]
    for option in fields(Settings):
        default = (
            "~/.amlpipe" if option.default is MISSING else option.default or None if isinstance(option.default, tuple) else option.default
        )
        lines += ["", f"## `{option.name}`", "", option.metadata["describes"].replace("``", "`"), "", f"- default: `{default}`"]
        lines.append(f"- example: `AMLPIPE_{option.name.upper()}={option.metadata['example']}`")
    return "\n".join(lines) + "\n"


def reliability_page() -> str:
    """Return the page of promises: its text as it is, its table from ``promises.toml`` and the docstrings of the tests."""
    return _with_table("reliability.md", PROMISES, promise_table())


def coverage_page() -> str:
    """Return the page of SDK v1's members: its text as it is, its tables from the rows of ``airflow_amlpipe/sdk/coverage``."""
    lines: list[str] = []
    for place, rows in coverage().items():
        lines += [f"## `{place}`", "", "| member | here |", "|---|---|"]
        lines += ["| `{}` | {} |".format(member, row.text.replace("|", "\\|")) for member, row in rows.items()]
        if [row.kind for row in rows.values()] == [Kind.ABSENT] and CONSTRUCTOR in rows:
            lines.append("| every other member | absent, with its class |")
        lines.append("")
    return _with_table("coverage.md", CLASSES, "\n".join(lines))


PAGES = {"cli.md": cli_page, "coverage.md": coverage_page, "reliability.md": reliability_page, "settings.md": settings_page}


def _with_table(name: str, marks: tuple[str, str], table: str) -> str:
    begins, ends = marks
    head, _, rest = (REFERENCE / name).read_text(encoding="utf-8").partition(begins)
    _, _, tail = rest.partition(ends)
    return f"{head}{begins}\n\n{table}\n{ends}{tail}"


def _command(prefix: str, command: Command) -> Iterator[str]:
    parser = argparse.ArgumentParser(prog=f"{prefix} {command.name}", add_help=False)
    command.add_arguments(parser)
    yield from ("", f"## `{prefix} {command.name}`", "", f"{command.help[0].upper()}{command.help[1:].rstrip('.')}.", "")
    arguments = list(parser._actions)
    if arguments:
        yield from ("| argument | meaning |", "|---|---|")
        for action in arguments:
            yield f"| {_spelling(action)} | {_meaning(action)} |"
        yield ""
    yield "```sh"
    for example in command.examples:
        yield f"{prefix} {command.name} {example}".rstrip()
    yield "```"


def _spelling(action: argparse.Action) -> str:
    shown = action.metavar or (action.dest.upper() if not action.choices else "|".join(str(choice) for choice in action.choices))
    value = "" if action.nargs == 0 else str(shown)
    names = [f"{name} {value}".rstrip() for name in action.option_strings] or [value]
    return ", ".join(f"`{name}`" for name in names).replace("|", "\\|")


def _meaning(action: argparse.Action) -> str:
    text = (action.help or "") % {"default": action.default, "prog": "amlpipe"} if "%(" in (action.help or "") else action.help or ""
    return text.replace("|", "\\|").replace("%%", "%")


if __name__ == "__main__":
    for name, page in PAGES.items():
        (REFERENCE / name).write_text(page(), encoding="utf-8")
