"""``amlpipe datastore``: which datastores does the workspace know, and can they be reached?"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from airflow_amlpipe.cli.command import Command, CommandGroup, add_json_argument, add_workspace_argument
from airflow_amlpipe.cli.output import print_json, print_list
from airflow_amlpipe.cli.workspace_choice import choose_workspace

__all__ = ["COMMAND"]


def _add_list_arguments(parser: ArgumentParser) -> None:
    add_workspace_argument(parser)
    add_json_argument(parser)


def _list(given: Namespace) -> int:
    from airflow_amlpipe.services.datastores import list_datastores

    chosen = choose_workspace(given.workspace)
    datastores = list_datastores(chosen.url, home=chosen.home)
    return print_list(
        given.json,
        datastores,
        ("name", "url", "connection"),
        [(item["name"] + (" (default)" if item["is_default"] else ""), item["url"], item["conn_id"] or "-") for item in datastores],
        if_empty=f"there is no datastore in {chosen.url}; `amlpipe datastore register NAME FOLDER` registers one",
    )


def _add_register_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="name that scripts use")
    parser.add_argument(
        "url",
        metavar="FOLDER|URL",
        help="its root: a folder, or s3://, abfss://, gs://, sftp:// or https://; never with a key or password in it",
    )
    parser.add_argument("--conn-id", default=None, metavar="ID", help="Airflow connection to log in with (default: the environment)")
    parser.add_argument("--overwrite", action="store_true", help="replace what is registered under this name")
    parser.add_argument("--default", action="store_true", help="make it the workspace's default datastore")
    add_workspace_argument(parser)
    add_json_argument(parser)


def _register(given: Namespace) -> int:
    from airflow_amlpipe.services.datastores import register_datastore

    chosen = choose_workspace(given.workspace)
    datastore = register_datastore(
        chosen.url, given.name, given.url, home=chosen.home, conn_id=given.conn_id, overwrite=given.overwrite, default=given.default
    )
    if given.json:
        print_json(datastore)
    else:
        print(f"datastore {datastore['name']!r} ({datastore['url']}) is registered in {chosen.url}")
    return 0


def _add_one_argument(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="name of the datastore")
    add_workspace_argument(parser)
    add_json_argument(parser)


def _show(given: Namespace) -> int:
    from airflow_amlpipe.services.datastores import show_datastore

    chosen = choose_workspace(given.workspace)
    datastore = show_datastore(chosen.url, given.name, home=chosen.home)
    if given.json:
        print_json(datastore)
        return 0
    print(f"datastore {datastore['name']}{' (default)' if datastore['is_default'] else ''}")
    print(f"  url: {datastore['url']}")
    print(f"  connection: {datastore['conn_id'] or 'none; the environment of the process says how to log in'}")
    print(f"  type: {datastore['sdk_type']}")
    for name, value in datastore["details"].items():
        print(f"  {name}: {value}")
    return 0


def _test(given: Namespace) -> int:
    from airflow_amlpipe.services.datastores import test_datastore

    chosen = choose_workspace(given.workspace)
    answer = test_datastore(chosen.url, given.name, home=chosen.home)
    if given.json:
        print_json(answer)
    else:
        print(f"datastore {answer['name']} ({answer['url']}): {answer['message']}")
    return 0 if answer["reached"] else 3


COMMAND = CommandGroup(
    name="datastore",
    help="Datastores: named places that data is read from and written to.",
    commands=(
        Command("list", "List the datastores.", ("", "--json"), _add_list_arguments, _list),
        Command(
            "register",
            "Register a folder or URL as a datastore, or change one.",
            ("lake /mnt/lake", "lake s3://bucket/lake --conn-id my_aws", "lake abfss://container@account.dfs.core.windows.net --overwrite"),
            _add_register_arguments,
            _register,
        ),
        Command("show", "Show what is known of a datastore.", ("lake", "lake --json"), _add_one_argument, _show),
        Command("test", "Find out whether a datastore can be reached from here; nothing is written.", ("lake",), _add_one_argument, _test),
    ),
)
