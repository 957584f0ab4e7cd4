"""``amlpipe workspace``: which workspace is this, and what is in it?"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from airflow_amlpipe.cli.command import Command, CommandGroup, add_json_argument, add_workspace_argument
from airflow_amlpipe.cli.output import print_json
from airflow_amlpipe.cli.workspace_choice import choose_workspace

__all__ = ["COMMAND"]


def _add_show_arguments(parser: ArgumentParser) -> None:
    add_workspace_argument(parser)
    add_json_argument(parser)


def _show(given: Namespace) -> int:
    from airflow_amlpipe.services.workspace import show_workspace

    chosen = choose_workspace(given.workspace)
    shown = {**show_workspace(chosen.url, home=chosen.home), "chosen_by": chosen.chosen_by}
    if given.json:
        print_json(shown)
        return 0
    print(f"workspace {shown['url']} (chosen by {shown['chosen_by']})")
    print(f"  home: {shown['home']}")
    print(
        "  datastores: " + ", ".join(f"{name}{' (default)' if name == shown['default_datastore'] else ''}" for name in shown["datastores"])
    )
    for kind in ("computes", "environments", "datasets"):
        print(f"  {kind}: {', '.join(shown[kind]) or 'none'}")
    print(f"  runs: {shown['runs']}" + (f", the latest is {shown['latest_run']}" if shown["latest_run"] else ""))
    return 0


COMMAND = CommandGroup(
    name="workspace",
    help="The workspace a command works on.",
    commands=(Command("show", "Show which workspace this is, and what is registered in it.", ("", "--json"), _add_show_arguments, _show),),
)
