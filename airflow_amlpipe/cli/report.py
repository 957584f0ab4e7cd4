"""``amlpipe report``: how well does reuse work, what did it save, and what stands in its way?"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_amlpipe.cli.command import Command, add_json_argument, add_workspace_argument
from airflow_amlpipe.cli.output import human_duration, human_time, print_json, print_table, short_id
from airflow_amlpipe.cli.workspace_choice import choose_workspace
from airflow_amlpipe.exceptions import DefinitionError, shorten
from airflow_amlpipe.spec.duration import DURATION_FORMS, parse_duration

if TYPE_CHECKING:
    from airflow_amlpipe.services.report import Report
    from airflow_amlpipe.services.report.figures import Figures

__all__ = ["COMMAND"]

_MOST_ROWS = 15
_BAR = 10


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--last", metavar="AGE", type=_age, help=f"only runs of this time, such as {DURATION_FORMS} (default: all)")
    parser.add_argument("--runs", metavar="N", type=_count, help="only the newest N runs")
    parser.add_argument("--experiment", metavar="NAME", help="only runs of this experiment")
    parser.add_argument("--pipeline", metavar="NAME", help="only runs of this pipeline")
    parser.add_argument("--html", metavar="FILE", help="write a page with plots to this file; it needs no other file and no network")
    add_workspace_argument(parser)
    add_json_argument(parser)


def _age(text: str) -> int:
    try:
        return parse_duration("--last", text)
    except DefinitionError as error:
        raise ArgumentTypeError(str(error)) from error


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise ArgumentTypeError(f"{count} is no number of runs; give 1 or more")
    return count


def _report(given: Namespace) -> int:
    from airflow_amlpipe.services.report import report_on

    chosen = choose_workspace(given.workspace)
    progress = _progress()
    report = report_on(
        chosen.url,
        home=chosen.home,
        last_seconds=given.last,
        most_runs=given.runs,
        experiment=given.experiment,
        pipeline=given.pipeline,
        on_progress=progress,
    )
    progress(0, 0)
    if given.html:
        _write_page(report, Path(given.html))
    if given.json:
        print_json(report.to_json())
    elif given.html:
        print(f"wrote {given.html}")
    else:
        _print(report)
    if report.unreadable:
        left_out = shorten(", ".join(report.unreadable), 300)
        print(f"amlpipe: {len(report.unreadable)} runs are left out, because this version cannot read them: {left_out}", file=sys.stderr)
    return 0


def _progress() -> Callable[[int, int], None]:
    """Return what shows on a terminal how far reading is; 0 of 0 takes it away again."""
    is_terminal = sys.stderr.isatty()
    shown = -1

    def show(done: int, of: int) -> None:
        nonlocal shown
        percent = 100 * done // of if of else 100
        if is_terminal and (percent != shown or not of):
            shown = percent
            print(f"\rreading runs: {percent} %" if of else "\r\x1b[K", end="", file=sys.stderr, flush=True)

    return show


def _write_page(report: Report, file: Path) -> None:
    from airflow_amlpipe.cli.report_page import report_page

    try:
        file.write_text(report_page(report), encoding="utf-8")
    except OSError as error:
        raise DefinitionError(
            f"--html {shorten(repr(str(file)))}: the page cannot be written ({shorten(str(error))}); name a file in a folder that is there"
        ) from error


def _print(report: Report) -> None:
    runs = sum(report.statuses.values())
    window = f"since {human_time(report.since.isoformat())}" if report.since else "of all time"
    print(
        f"{runs} runs {window} in {report.workspace}: {', '.join(f'{count} {word}' for word, count in report.statuses.items()) or 'none'}"
    )
    total = report.total
    if not total.reused and not total.ran:
        print("no step has been decided in them yet")
        return
    print(
        f"{total.reused + total.ran} steps: {total.reused} reused, {total.ran} ran, {total.failed} failed; hit rate {_percent(total.hit_rate)}; "
        f"{human_duration(total.saved_seconds)} saved, {human_duration(total.spent_seconds)} spent"
    )
    _print_figures("by step", ("pipeline", "step"), report.steps)
    if len(report.pipelines) > 1:
        _print_figures("by pipeline", ("pipeline",), report.pipelines)
    if len(report.experiments) > 1:
        _print_figures("by experiment", ("experiment",), report.experiments)
    if report.causes:
        rows = [
            (str(cause.count), str(cause.alone), cause.component.replace("_", " ") or "-", cause.what, f"{cause.pipeline}: {cause.step}")
            for cause in report.causes[:_MOST_ROWS]
        ]
        print()
        print_table(("times", "alone", "component", "what made it run", "step"), rows, title="why steps ran")
        _say_more(report.causes)
    if report.failures:
        failed = [
            (human_time(item.at), short_id(item.run_id), f"{item.pipeline}: {item.step}", shorten(item.error, 160))
            for item in report.failures[:_MOST_ROWS]
        ]
        print()
        print_table(("when", "run", "step", "error"), failed, title="failures")
        _say_more(report.failures)


def _print_figures(title: str, names: tuple[str, ...], rows: Sequence[Figures]) -> None:
    print()
    columns = (*names, "reused", "ran", "failed", "hit rate", "saved", "spent", "mean", "longest")
    cells = [
        (
            *row.names,
            str(row.reused),
            str(row.ran),
            str(row.failed),
            f"{_bar(row.hit_rate)}{_percent(row.hit_rate)}",
            human_duration(row.saved_seconds),
            human_duration(row.spent_seconds),
            human_duration(row.mean_seconds),
            human_duration(row.longest_seconds) if row.longest_seconds else "-",
        )
        for row in rows[:_MOST_ROWS]
    ]
    print_table(columns, cells, title=title)
    _say_more(rows)


def _say_more(rows: Sequence[object]) -> None:
    if len(rows) > _MOST_ROWS:
        print(f"and {len(rows) - _MOST_ROWS} more (--json and --html show more)")


def _bar(part: float | None) -> str:
    """Return a small plot, where people look and their terminal can show it."""
    if part is None or not sys.stdout.isatty() or "utf" not in (sys.stdout.encoding or "").lower():
        return ""
    full = round(part * _BAR)
    return "\u2588" * full + "\u2591" * (_BAR - full) + " "


def _percent(part: float | None) -> str:
    return "-" if part is None else f"{100 * part:.0f} %"


COMMAND = Command(
    name="report",
    help="Say how well reuse works: hit rate, time saved and spent, what made steps run, slow steps, failures; as a table, JSON, or a page with plots.",
    examples=("", "--last 30d", "--runs 100 --pipeline digits_training --html report.html", "--experiment nightly --json"),
    add_arguments=_add_arguments,
    run=_report,
)
