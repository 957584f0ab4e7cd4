"""``amlpipe fsck``: is everything in the workspace whole?"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections import Counter
from typing import TYPE_CHECKING

from airflow_amlpipe.cli.command import Command, add_json_argument, add_workspace_argument
from airflow_amlpipe.cli.counting import ProgressLine
from airflow_amlpipe.cli.output import print_json
from airflow_amlpipe.cli.workspace_choice import choose_workspace
from airflow_amlpipe.exceptions import shorten

if TYPE_CHECKING:
    from airflow_amlpipe.services.fsck import Finding, Findings

__all__ = ["COMMAND"]

_STYLES = {"breach": "31", "trouble": "33", "note": "2"}
_MOST_NOTES = 20


def _add_arguments(parser: ArgumentParser) -> None:
    depth = parser.add_mutually_exclusive_group()
    depth.add_argument(
        "--quick", dest="depth", action="store_const", const="quick", help="compare sizes and versions, without reading what outputs hold"
    )
    depth.add_argument(
        "--full", dest="depth", action="store_const", const="full", help="read every byte again, also of files that seem unwritten since"
    )
    parser.add_argument(
        "--repair", action="store_true", help="set damaged results aside, so that their steps run again, and write missing ids of datasets"
    )
    parser.add_argument(
        "--canary",
        action="append",
        default=[],
        metavar="TEXT",
        help="a text that must be nowhere in the workspace; can be given several times",
    )
    add_workspace_argument(parser)
    add_json_argument(parser)


def _fsck(given: Namespace) -> int:
    from airflow_amlpipe.services.fsck import check_workspace, repair_workspace
    from airflow_amlpipe.services.workspace import open_used_workspace

    chosen = choose_workspace(given.workspace)
    workspace = open_used_workspace(chosen.url, home=chosen.home)
    with ProgressLine() as line:
        findings = check_workspace(workspace, depth=given.depth or "usual", canaries=given.canary, on_progress=line.show)
    repaired = repair_workspace(workspace, findings) if given.repair else []
    if given.json:
        done = [{"check": finding.check.name, "where": finding.where, "done": sentence} for finding, sentence in repaired]
        print_json({"workspace": workspace.store.url, **findings.to_json(), "repaired": done})
    else:
        _print(findings)
        for finding, sentence in repaired:
            print(f"repaired {finding.where}: {sentence}")
        if repaired:
            print("look again to see what is left: amlpipe fsck")
        else:
            print(_summary(findings, workspace.store.url, repair=given.repair))
    return findings.exit_code


def _print(findings: Findings) -> None:
    for finding in (*findings.breaches, *findings.troubles, *findings.notes[:_MOST_NOTES]):
        _print_finding(finding)
    if len(findings.notes) > _MOST_NOTES:
        kinds = Counter(finding.check.name for finding in findings.notes)
        print(
            f"and {len(findings.notes) - _MOST_NOTES} more notes, in all: {', '.join(f'{n} {name}' for name, n in kinds.items())} (--json shows all)"
        )


def _print_finding(finding: Finding) -> None:
    rule = finding.check.value
    word = f"{rule.severity} of {rule.invariant}" if rule.invariant else rule.severity
    head = f"{word}: {shorten(finding.where, 400)}"
    print(f"\x1b[{_STYLES[rule.severity]}m{head}\x1b[0m" if sys.stdout.isatty() else head)
    print(f"  {finding.check.name}: {shorten(finding.problem, 600)}")
    print(f"  means: {rule.meaning}")
    print(f"  do: {rule.advice}")


def _summary(findings: Findings, url: str, *, repair: bool) -> str:
    looked = ", ".join(f"{number} {what}" for what, number in findings.looked_at.items()) or "nothing"
    counts = f"{len(findings.breaches)} breaches, {len(findings.troubles)} troubles, {len(findings.notes)} notes"
    mendable = sum(finding.repair is not None for finding in findings.found)
    offer = f"; --repair mends {mendable} of them" if mendable and not repair else ""
    verdict = {0: "clean", 1: "damaged", 3: "not everything could be looked at"}[findings.exit_code]
    return f"{verdict}: {counts}{offer}\nlooked at {looked} of {shorten(url)}"


COMMAND = Command(
    name="fsck",
    help="Check that everything in the workspace is whole, and name every breach: results, numbered logs, runs, data, secrets.",
    examples=("", "--quick --json", "--repair"),
    add_arguments=_add_arguments,
    run=_fsck,
)
