"""``amlpipe compute``: which compute targets does the workspace know?"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from airflow_amlpipe.cli.command import Command, CommandGroup, add_json_argument, add_workspace_argument
from airflow_amlpipe.cli.output import print_json, print_list
from airflow_amlpipe.cli.workspace_choice import choose_workspace

__all__ = ["COMMAND"]


def _add_create_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="name that steps use as compute_target")
    parser.add_argument("--kind", default="local", choices=("local",), help="the back end (default: local, processes on this machine)")
    parser.add_argument("--vm-size", default="", metavar="SIZE", help="the size SDK v1 code asks for; kept, not used by the local back end")
    parser.add_argument(
        "--max-nodes", type=int, default=None, metavar="N", help="how many nodes it has; kept, not used by the local back end"
    )
    parser.add_argument("--description", default=None, metavar="TEXT")
    add_workspace_argument(parser)
    add_json_argument(parser)


def _create(given: Namespace) -> int:
    from airflow_amlpipe.services.compute import create_compute

    chosen = choose_workspace(given.workspace)
    target = create_compute(
        chosen.url,
        given.name,
        home=chosen.home,
        kind=given.kind,
        vm_size=given.vm_size,
        max_nodes=given.max_nodes,
        description=given.description,
    )
    if given.json:
        print_json(target)
    else:
        print(f"compute target {target['name']!r} ({target['kind']}) is registered in {chosen.url}")
    return 0


def _add_list_arguments(parser: ArgumentParser) -> None:
    add_workspace_argument(parser)
    add_json_argument(parser)


def _list(given: Namespace) -> int:
    from airflow_amlpipe.services.compute import list_computes

    chosen = choose_workspace(given.workspace)
    targets = list_computes(chosen.url, home=chosen.home)
    return print_list(
        given.json,
        targets,
        ("name", "kind", "vm size", "max nodes", "description"),
        [
            (target["name"], target["kind"], target["vm_size"] or "-", str(target["max_nodes"] or "-"), target["description"] or "")
            for target in targets
        ],
        if_empty=f"there is no compute target in {chosen.url}; `amlpipe compute create NAME` registers one",
    )


COMMAND = CommandGroup(
    name="compute",
    help="Compute targets: where steps run.",
    commands=(
        Command(
            "create",
            "Register a compute target, or change one.",
            ("cpu-cluster", "gpu-cluster --vm-size STANDARD_NC6 --max-nodes 4"),
            _add_create_arguments,
            _create,
        ),
        Command("list", "List the compute targets.", ("", "--json"), _add_list_arguments, _list),
    ),
)
