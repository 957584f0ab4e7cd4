"""``amlpipe doctor``: what of these scripts and notebooks will work here, differ, or fail?"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from airflow_amlpipe.cli.command import Command, add_json_argument
from airflow_amlpipe.cli.counting import ProgressLine
from airflow_amlpipe.cli.output import print_json
from airflow_amlpipe.exceptions import shorten

if TYPE_CHECKING:
    from airflow_amlpipe.migration.findings import Examination, Finding

__all__ = ["COMMAND"]

_MOST_PLACES = 8


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "paths",
        metavar="PATH",
        nargs="+",
        help="scripts (.py), notebooks (.ipynb), lists of packages (requirements*.txt, conda specifications), or folders that hold such files; "
        "hidden folders, virtual environments and installed packages in them are left out",
    )
    parser.add_argument("--strict", action="store_true", help="end with 1 also when something differs, not only when something will fail")
    add_json_argument(parser)


def _doctor(given: Namespace) -> int:
    from airflow_amlpipe.migration.examining import examine
    from airflow_amlpipe.migration.findings import Verdict

    with ProgressLine() as line:
        examination = examine(given.paths, on_file=line.show)
    if given.json:
        print_json(examination.to_json())
    else:
        _print(examination)
    return int(bool(examination.exit_code or (given.strict and examination.of(Verdict.DIFFERS))))


def _print(examination: Examination) -> None:
    from airflow_amlpipe.migration.findings import Verdict

    for verdict in (Verdict.FAILS, Verdict.DIFFERS):
        for same in _grouped(examination.of(verdict)):
            _print_finding(same)
    if examination.works:
        names = ", ".join(f"{name} ({count})" if count > 1 else name for name, count in sorted(examination.works.items()))
        print(f"works: {names}")
    fails, differs = len(examination.of(Verdict.FAILS)), len(examination.of(Verdict.DIFFERS))
    print(
        f"{examination.files} files looked at, {examination.using} of them use azureml: "
        f"{fails} uses will fail, {differs} differ, {examination.works.total()} work as before"
    )
    if not fails and examination.using:
        print("nothing will fail as far as reading can tell; next: amlpipe plan SCRIPT")


def _grouped(findings: list[Finding]) -> list[list[Finding]]:
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.subject, finding.text), []).append(finding)
    return list(groups.values())


def _print_finding(same: list[Finding]) -> None:
    first = same[0]
    head = f"{first.verdict.value}: {first.subject}: {shorten(first.text, 600)}"
    print(f"\x1b[{'31' if first.verdict.value == 'fails' else '33'}m{head}\x1b[0m" if sys.stdout.isatty() else head)
    more = [f"and {len(same) - _MOST_PLACES} more (--json lists all)"] if len(same) > _MOST_PLACES else []
    for place in [shorten(str(finding.place), 400) for finding in same[:_MOST_PLACES]] + more:
        print(f"  {place}")
    if first.remedy:
        print(f"  do: {shorten(first.remedy, 400)}")


COMMAND = Command(
    name="doctor",
    help="Say what of scripts and notebooks of Azure ML SDK v1 will work here, differ or fail, line by line and with a remedy, without running them.",
    examples=(".", "build_pipeline.py notebooks/train.ipynb", "--strict --json src"),
    add_arguments=_add_arguments,
    run=_doctor,
)
