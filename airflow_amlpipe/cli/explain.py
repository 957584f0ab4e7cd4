"""``amlpipe explain``: why was this step reused, or not?"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from airflow_amlpipe.cli.command import Command, add_json_argument, add_run_argument, add_workspace_argument
from airflow_amlpipe.cli.output import print_json
from airflow_amlpipe.cli.workspace_choice import choose_workspace
from airflow_amlpipe.exceptions import shorten

if TYPE_CHECKING:
    from airflow_amlpipe.services.explain import StepExplanation

__all__ = ["COMMAND", "explanation_lines"]

_MOST_DIFFERENCES = 20


def _add_arguments(parser: ArgumentParser) -> None:
    add_run_argument(parser)
    parser.add_argument("step", metavar="STEP", help="the step, by name or id")
    add_workspace_argument(parser)
    add_json_argument(parser)


def _explain(given: Namespace) -> int:
    from airflow_amlpipe.services.explain import explain_step
    from airflow_amlpipe.services.runs import find_run

    chosen = choose_workspace(given.workspace)
    run_id = find_run(chosen.url, given.run, home=chosen.home)
    explanation = explain_step(chosen.url, run_id, given.step, home=chosen.home)
    if given.json:
        print_json(explanation.to_json())
    else:
        print("\n".join(explanation_lines(explanation)))
    return 0


def explanation_lines(explanation: StepExplanation) -> list[str]:
    """Return the explanation as people read it: the answer, what changed, and what that goes back to."""
    lines = [f"step {explanation.step_name!r} of run {explanation.run_id}: {explanation.status}", f"  {explanation.sentence}"]
    if explanation.produced_by_run:
        lines.append(f"  produced by run {explanation.produced_by_run}")
    if explanation.differences:
        other = f" of pipeline {shorten(repr(explanation.compared_pipeline))}" if explanation.compared_pipeline else ""
        lines.append(f"changed since run {explanation.compared_with}{other}, the nearest earlier one:")
        lines += [f"  {difference.sentence}" for difference in explanation.differences[:_MOST_DIFFERENCES]]
        more = len(explanation.differences) - _MOST_DIFFERENCES
        lines += [f"  and {more} more (--json shows all)"] if more > 0 else []
    if explanation.volatile:
        lines.append("volatile, and therefore no reason to run:")
        lines += [f"  {change}" for change in explanation.volatile[:_MOST_DIFFERENCES]]
    asked = [thing for thing in explanation.asked if not thing.is_keyed]
    for title, things in (
        (
            "asked for by the script when it ran; not in the key, but asked again before a result is reused:",
            [thing for thing in asked if thing.told],
        ),
        (
            "asked for by the script when it ran, and neither in the key nor asked again:",
            [thing for thing in asked if not (thing.told or thing.changes)],
        ),
        ("changed by the script when it ran:", [thing for thing in asked if thing.changes]),
    ):
        lines += [title, *(f"  {thing.what}" for thing in things)] if things else []
    if explanation.causes:
        lines.append("which goes back to:")
        lines += [f"  {cause}" for cause in explanation.root_causes[:_MOST_DIFFERENCES]]
    if explanation.warning:
        lines.append(f"warning: {explanation.warning}")
    return lines


COMMAND = Command(
    name="explain",
    help="Say why a step was reused or ran: what changed, down to the file or argument, and what that goes back to.",
    examples=("latest train", "latest train --json"),
    add_arguments=_add_arguments,
    run=_explain,
)
