"""``amlpipe env``: which environments have been built for steps on this machine?"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from airflow_amlpipe.cli.command import Command, CommandGroup, add_json_argument, add_workspace_argument
from airflow_amlpipe.cli.output import human_size, human_time, print_json, print_list
from airflow_amlpipe.settings import Settings

__all__ = ["COMMAND"]


def _add_list_arguments(parser: ArgumentParser) -> None:
    add_json_argument(parser)


def _list(given: Namespace) -> int:
    from airflow_amlpipe.services.environments import list_environments

    built = list_environments(Settings.load().home)
    return print_list(
        given.json,
        built,
        ("name", "digest", "size", "last used", "path"),
        [
            (item["name"], item["digest"][:12], human_size(item["size_bytes"]), human_time(item["last_used_at"]), item["path"])
            for item in built
        ],
        if_empty=f"no environment is built below {Settings.load().home / 'environments'}; the first step that needs one builds it, "
        "and `amlpipe env prepare NAME` builds a registered one ahead",
    )


def _add_prepare_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="a registered environment")
    parser.add_argument("--version", default=None, type=int, metavar="N", help="its version (default: the latest)")
    add_workspace_argument(parser)
    add_json_argument(parser)


def _prepare(given: Namespace) -> int:
    import sys

    from airflow_amlpipe.cli.workspace_choice import choose_workspace
    from airflow_amlpipe.services.environments import prepare_registered

    chosen = choose_workspace(given.workspace)
    python = prepare_registered(
        chosen.url, given.name, home=chosen.home, version=given.version, say=lambda line: print(line, file=sys.stderr, flush=True)
    )
    if given.json:
        print_json({"name": given.name, "python": python})
    else:
        print(f"environment {given.name!r} is ready: {python}")
    return 0


def _add_remove_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("digests", metavar="DIGEST", nargs="*", help="digest, or the beginning of it, as `amlpipe env list` shows it")
    parser.add_argument("--all", action="store_true", help="remove every built environment")
    add_json_argument(parser)


def _remove(given: Namespace) -> int:
    from airflow_amlpipe.exceptions import DefinitionError
    from airflow_amlpipe.services.environments import remove_environments

    if bool(given.digests) == given.all:
        raise DefinitionError("name the environments to remove by their digests, or say --all; `amlpipe env list` shows them")
    removed = remove_environments(Settings.load().home, None if given.all else given.digests)
    if given.json:
        print_json(removed)
    else:
        freed = human_size(sum(item["size_bytes"] for item in removed))
        print(f"removed {len(removed)} environment{'' if len(removed) == 1 else 's'}, {freed}; a step that needs one builds it again")
    return 0


COMMAND = CommandGroup(
    name="env",
    help="Environments built for steps on this machine.",
    commands=(
        Command("list", "List the built environments.", ("", "--json"), _add_list_arguments, _list),
        Command(
            "prepare",
            "Build a registered environment now, so that no step has to wait for it.",
            ("sklearn", "sklearn --version 2"),
            _add_prepare_arguments,
            _prepare,
        ),
        Command(
            "remove",
            "Delete built environments; they are built again when a step needs them.",
            ("3f9a", "--all"),
            _add_remove_arguments,
            _remove,
        ),
    ),
)
