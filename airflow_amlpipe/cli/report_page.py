"""What does a report look like to people? One page, with plots, that needs no other file, no script and no network.

Everything in it that somebody typed (names, errors) is escaped, and the page's policy lets a browser load and run nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING, Final

from airflow_amlpipe.cli.output import human_duration, human_time, short_id
from airflow_amlpipe.exceptions import shorten

if TYPE_CHECKING:
    from airflow_amlpipe.services.report.figures import Figures, Report

__all__ = ["report_page"]

_MOST_STEPS: Final = 40
_MOST_CAUSES: Final = 25
_MOST_FAILURES: Final = 20
_WIDTH: Final = 1040
_HEIGHT: Final = 170
_WIDEST: Final = 60
_FEWEST_TO_DRAW: Final = 2
_NUMBERS: Final = frozenset({"times", "alone", "hit rate", "reused", "ran", "failed", "saved", "spent", "in all", "on average", "longest"})
_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1d2733; --soft: #5d6b7a; --line: #dde3ea; --back: #f6f8fa; --card: #fff;
  --reused: #2f9e6e; --ran: #e0a030; --failed: #d0453b; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6ebf0; --soft: #9aa7b4; --line: #323c47; --back: #14191f; --card: #1c232b; } }
body { font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--back); margin: 0 auto; padding: 24px; max-width: 1100px; }
h1 { font-size: 22px; margin: 0 0 4px; } h2 { font-size: 16px; margin: 0 0 10px; } p { margin: 0 0 8px; } .soft { color: var(--soft); }
section { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 16px; margin-top: 16px; overflow-x: auto; }
.tiles { display: flex; flex-wrap: wrap; gap: 16px; margin-top: 16px; }
.tiles section { flex: 1 1 150px; margin: 0; } .tiles b { display: block; font-size: 26px; line-height: 1.2; }
table { border-collapse: collapse; width: 100%; } th { text-align: left; color: var(--soft); font-weight: 500; }
th, td { padding: 5px 14px 5px 0; border-bottom: 1px solid var(--line); vertical-align: middle; overflow-wrap: anywhere; }
tr:last-child td { border-bottom: 0; } .number { text-align: right; white-space: nowrap; } .wide { min-width: 190px; }
svg { display: block; } svg text { fill: var(--soft); font: 12px system-ui, sans-serif; }
.reused { fill: var(--reused); } .ran { fill: var(--ran); } .failed { fill: var(--failed); } .track { fill: var(--line); }
.axis { stroke: var(--line); } .spark { fill: none; stroke: var(--ran); stroke-width: 1.5; }
.key { display: inline-block; width: 10px; height: 10px; border-radius: 2px; margin: 0 5px 0 14px; }
.key.reused { background: var(--reused); } .key.ran { background: var(--ran); } .key.failed { background: var(--failed); }
"""


def report_page(report: Report) -> str:
    """Return the report as one HTML document."""
    total = report.total
    runs = sum(report.statuses.values())
    window = f"since {human_time(report.since.isoformat())}" if report.since else "of all time"
    statuses = ", ".join(f"{count} {status}" for status, count in report.statuses.items())
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>Reuse in {escape(report.workspace)}</title><style>{_STYLE}</style></head><body>",
        "<h1>What was reused, and what ran</h1>",
        (
            f'<p class="soft">{runs} runs {window} in {escape(report.workspace)}'
            f"{f' ({escape(statuses)})' if statuses else ''}; written {human_time(report.until.isoformat())}</p>"
        ),
        _tiles(total),
    ]
    if report.unreadable:
        parts.append(f"<p>{len(report.unreadable)} runs are left out, because this version cannot read them.</p>")
    if total.reused or total.ran:
        parts += [
            _section("Steps over time", _legend(("reused", "ran", "failed")) + _counts(report.periods)),
            _section("Time saved and spent", _legend(("reused", "ran"), ("saved", "spent")) + _times(report.periods)),
            _section("Why steps ran", _components(report) + _causes(report)),
            _section("By step", _steps("step", report.steps)),
            _section("By experiment", _steps("experiment", report.experiments)) if len(report.experiments) > 1 else "",
            _section("By pipeline", _steps("pipeline", report.pipelines)) if len(report.pipelines) > 1 else "",
            _section("Steps that took most time", _slowest(report.slowest)) if report.slowest else "",
            _section("Failures", _failures(report)) if report.failures else "",
        ]
    return "\n".join([*filter(None, parts), "</body></html>", ""])


def _tiles(total: Figures) -> str:
    tiles = (
        (_percent(total.hit_rate), "hit rate", f"{total.reused} of {total.reused + total.ran} steps were reused"),
        (human_duration(total.saved_seconds), "saved", "what the reused results took to compute"),
        (human_duration(total.spent_seconds), "spent", f"by {total.ran} steps that ran"),
        (str(total.failed), "failed", "tries of steps"),
    )
    cards = "".join(f'<section><b>{value}</b>{name}<br><span class="soft">{more}</span></section>' for value, name, more in tiles)
    return f'<div class="tiles">{cards}</div>'


def _section(title: str, body: str) -> str:
    return f"<section><h2>{title}</h2>{body}</section>"


def _legend(kinds: Sequence[str], words: Sequence[str] = ()) -> str:
    return "<p>" + "".join(f'<span class="key {kind}"></span>{word}' for kind, word in zip(kinds, words or kinds, strict=True)) + "</p>"


def _counts(periods: Sequence[Figures]) -> str:
    # A try that failed ran as well; it is shown once.
    stacks = [(("reused", item.reused), ("ran", max(0, item.ran - item.failed)), ("failed", item.failed)) for item in periods]
    return _columns(periods, stacks, lambda count: f"{count:.0f}")


def _times(periods: Sequence[Figures]) -> str:
    return _columns(periods, [(("reused", item.saved_seconds), ("ran", item.spent_seconds)) for item in periods], human_duration)


def _columns(periods: Sequence[Figures], stacks: Sequence[Sequence[tuple[str, float]]], say: Callable[[float], str]) -> str:
    """Return stacked columns, one for each period."""
    highest = max((sum(value for _, value in stack) for stack in stacks), default=0) or 1
    wide = _WIDTH / max(1, len(periods))
    every = -(-len(periods) // 8)
    marks = [f'<line class="axis" x1="0" x2="{_WIDTH}" y1="{_HEIGHT}" y2="{_HEIGHT}"/><text x="0" y="12">{escape(say(highest))}</text>']
    for index, (period, stack) in enumerate(zip(periods, stacks, strict=True)):
        left, top, bars = index * wide + wide * 0.1, float(_HEIGHT), []
        for kind, value in stack:
            tall = value / highest * (_HEIGHT - 20)
            top -= tall
            if tall:
                bars.append(
                    f'<rect class="{kind}" x="{left:.1f}" y="{top:.1f}" width="{min(wide * 0.8, _WIDEST):.1f}" height="{tall:.1f}"/>'
                )
        told = f"{_when(period)}: {', '.join(say(value) for _, value in stack)}"
        marks.append(f"<g><title>{escape(told)}</title>{''.join(bars)}</g>")
        if index % every == 0:
            marks.append(f'<text x="{left:.1f}" y="{_HEIGHT + 16}">{_when(period)}</text>')
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT + 20}" width="100%" role="img">{"".join(marks)}</svg>'


def _when(period: Figures) -> str:
    """Return the beginning of a period, of a day or week without the hour."""
    date, _, hour = period.names[0].partition("T")
    return date[5:] if hour.startswith("00:00") else f"{date[5:]} {hour[:5]}"


def _components(report: Report) -> str:
    highest = max(report.components.values(), default=0)
    rows = "".join(
        f'<tr><td>{escape(name.replace("_", " "))}</td><td class="number">{count}</td><td class="wide">{_bar("ran", count / highest)}</td></tr>'
        for name, count in report.components.items()
    )
    head = '<tr><th>component of the key</th><th class="number">times</th><th></th></tr>'
    return f"<table>{head}{rows}</table><p></p>" if rows else ""


def _causes(report: Report) -> str:
    rows = [
        (
            _number(cause.count),
            _number(cause.alone),
            _cell(cause.component.replace("_", " ") or "-"),
            _cell(cause.what),
            _cell(f"{cause.pipeline}: {cause.step}"),
        )
        for cause in report.causes[:_MOST_CAUSES]
    ]
    return _table(("times", "alone", "component", "what made it run", "step"), rows) + _more(report.causes, _MOST_CAUSES)


def _steps(last: str, figures: Sequence[Figures]) -> str:
    names = ("pipeline", "step") if last == "step" else (last,)
    rows = [
        (
            *(_cell(name) for name in item.names),
            f'<td class="wide">{_bar("reused", item.hit_rate or 0)}</td>',
            _number(_percent(item.hit_rate)),
            _number(item.reused),
            _number(item.ran),
            _number(item.failed),
            _number(human_duration(item.saved_seconds)),
            _number(human_duration(item.spent_seconds)),
        )
        for item in figures[:_MOST_STEPS]
    ]
    return _table((*names, "", "hit rate", "reused", "ran", "failed", "saved", "spent"), rows) + _more(figures, _MOST_STEPS)


def _slowest(figures: Sequence[Figures]) -> str:
    rows = [
        (
            _cell(": ".join(item.names)),
            _number(human_duration(item.spent_seconds)),
            _number(human_duration(item.mean_seconds)),
            _number(human_duration(item.longest_seconds)),
            f"<td>{_spark(item.durations)}</td>",
        )
        for item in figures[:_MOST_FAILURES]
    ]
    return _table(("step", "in all", "on average", "longest", "the last tries, oldest first"), rows) + _more(figures, _MOST_FAILURES)


def _failures(report: Report) -> str:
    rows = [
        (
            f'<td class="number">{human_time(item.at)}</td>',
            _cell(short_id(item.run_id)),
            _cell(f"{item.pipeline}: {item.step}"),
            _cell(shorten(item.error, 400)),
        )
        for item in report.failures[:_MOST_FAILURES]
    ]
    return _table(("when", "run", "step", "error"), rows) + _more(report.failures, _MOST_FAILURES)


def _table(columns: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f'<th class="number">{column}</th>' if column in _NUMBERS else f"<th>{column}</th>" for column in columns)
    body = "".join("<tr>" + "".join(row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def _cell(text: str) -> str:
    return f"<td>{escape(shorten(text, 400))}</td>"


def _number(text: object) -> str:
    return f'<td class="number">{text}</td>'


def _more(rows: Sequence[object], shown: int) -> str:
    return f'<p class="soft">and {len(rows) - shown} more (amlpipe report --json has them all)</p>' if len(rows) > shown else ""


def _bar(kind: str, part: float) -> str:
    return (
        f'<svg width="180" height="12" role="img"><rect class="track" width="180" height="12" rx="2"/>'
        f'<rect class="{kind}" width="{180 * part:.1f}" height="12" rx="2"/></svg>'
    )


def _spark(durations: Sequence[float]) -> str:
    """Return a line through the durations, from 0 to the longest."""
    if len(durations) < _FEWEST_TO_DRAW:
        return '<span class="soft">-</span>'
    highest = max(durations) or 1
    points = " ".join(
        f"{2 + 176 * index / (len(durations) - 1):.1f},{22 - 20 * seconds / highest:.1f}" for index, seconds in enumerate(durations)
    )
    told = ", ".join(human_duration(seconds) for seconds in durations)
    return f'<svg width="180" height="24" role="img"><title>{escape(told)}</title><polyline class="spark" points="{points}"/></svg>'


def _percent(part: float | None) -> str:
    return "-" if part is None else f"{100 * part:.0f} %"
