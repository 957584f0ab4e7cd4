"""``amlpipe endpoints``: which names do callers know, which versions are behind them, and which one is run?"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from airflow_amlpipe.cli.command import Command, CommandGroup, add_json_argument, add_workspace_argument
from airflow_amlpipe.cli.file_arguments import parameter_texts
from airflow_amlpipe.cli.output import print_json, print_list, print_table
from airflow_amlpipe.cli.pipelines import add_submission_arguments, experiment_called, finish_submitted
from airflow_amlpipe.cli.status import status_commands
from airflow_amlpipe.cli.workspace_choice import choose_workspace

if TYPE_CHECKING:
    from airflow_amlpipe.workspace.endpoints import PipelineEndpoint
    from airflow_amlpipe.workspace.published import PublishedStatus

__all__ = ["COMMAND"]


def _add_list_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--all", action="store_true", help="also those that are disabled or archived")
    add_workspace_argument(parser)
    add_json_argument(parser)


def _list(given: Namespace) -> int:
    from airflow_amlpipe.services.endpoints import list_endpoints

    chosen = choose_workspace(given.workspace)
    found = list_endpoints(chosen.url, home=chosen.home, active_only=not given.all)
    return print_list(
        given.json,
        [item.model_dump(mode="json") for item in found],
        ("name", "id", "versions", "default", "status"),
        [(item.name, item.id, str(len(item.pipelines)), item.default_version, item.status) for item in found],
        if_empty=f"there is no pipeline endpoint in {chosen.url}; PipelineEndpoint.publish(workspace, name, pipeline) makes one, "
        "and --all also lists those that are disabled",
    )


def _add_endpoint(parser: ArgumentParser) -> None:
    parser.add_argument("endpoint", metavar="NAME", help="name or id of an endpoint")


def _add_one_argument(parser: ArgumentParser) -> None:
    _add_endpoint(parser)
    add_workspace_argument(parser)
    add_json_argument(parser)


def _show(given: Namespace) -> int:
    from airflow_amlpipe.services.endpoints import find_endpoint
    from airflow_amlpipe.services.published import get_published

    chosen = choose_workspace(given.workspace)
    endpoint = find_endpoint(chosen.url, given.endpoint, home=chosen.home)
    if given.json:
        print_json(endpoint.model_dump(mode="json"))
        return 0
    print(f"pipeline endpoint {endpoint.name} ({'archived' if endpoint.is_archived else endpoint.status})")
    print(f"  id: {endpoint.id}")
    if endpoint.description:
        print(f"  description: {endpoint.description}")
    rows = []
    for version, pipeline_id in endpoint.versions.items():
        pipeline = get_published(chosen.url, pipeline_id, home=chosen.home)
        is_default = " (default)" if version == endpoint.default_version else ""
        rows.append((f"{version}{is_default}", pipeline.id, pipeline.name, pipeline.version or "-", pipeline.status))
    print_table(("version", "published pipeline", "name", "its version", "status"), rows)
    return 0


def _add_run_arguments(parser: ArgumentParser) -> None:
    _add_endpoint(parser)
    parser.add_argument("--version", metavar="VERSION", default=None, help="a version of it (default: its default version)")
    add_submission_arguments(parser)


def _run(given: Namespace) -> int:
    from airflow_amlpipe.services.endpoints import find_endpoint, submit_endpoint

    chosen = choose_workspace(given.workspace)
    endpoint = find_endpoint(chosen.url, given.endpoint, home=chosen.home)
    experiment = given.experiment or experiment_called(endpoint.name)
    run_id = submit_endpoint(
        chosen.url,
        endpoint.id,
        experiment,
        home=chosen.home,
        version=given.version,
        parameters=parameter_texts(given.param),
        policy=given.reuse,
    )
    return finish_submitted(given, chosen.url, run_id, experiment)


def _add_default_arguments(parser: ArgumentParser) -> None:
    _add_endpoint(parser)
    parser.add_argument("version", metavar="VERSION", help="the version to run when none is named, such as 1")
    add_workspace_argument(parser)
    add_json_argument(parser)


def _set_default(given: Namespace) -> int:
    from airflow_amlpipe.services.endpoints import find_endpoint, set_endpoint_default

    chosen = choose_workspace(given.workspace)
    endpoint = find_endpoint(chosen.url, given.endpoint, home=chosen.home)
    endpoint = set_endpoint_default(chosen.url, endpoint.id, given.version, home=chosen.home)
    if given.json:
        print_json(endpoint.model_dump(mode="json"))
    else:
        print(f"pipeline endpoint {endpoint.name!r} runs version {endpoint.default_version!r} from now on")
    return 0


def _set_status(given: Namespace, status: PublishedStatus) -> tuple[str, PipelineEndpoint]:
    from airflow_amlpipe.services.endpoints import find_endpoint, set_endpoint_status

    chosen = choose_workspace(given.workspace)
    endpoint = find_endpoint(chosen.url, given.endpoint, home=chosen.home)
    return f"pipeline endpoint {endpoint.name!r}", set_endpoint_status(chosen.url, endpoint.id, status, home=chosen.home)


COMMAND = CommandGroup(
    name="endpoints",
    help="Pipeline endpoints: names behind which versions of published pipelines change.",
    commands=(
        Command("list", "List the pipeline endpoints, newest first.", ("", "--all --json"), _add_list_arguments, _list),
        Command("show", "Show an endpoint: its versions, and which one is the default.", ("score",), _add_one_argument, _show),
        Command(
            "run",
            "Run an endpoint's default version, or another, here and now.",
            ("score", "score --version 0 --param size=20"),
            _add_run_arguments,
            _run,
        ),
        Command("set-default", "Choose the version that is run when none is named.", ("score 1",), _add_default_arguments, _set_default),
        *status_commands("an endpoint", "score", _add_one_argument, _set_status),
    ),
)
