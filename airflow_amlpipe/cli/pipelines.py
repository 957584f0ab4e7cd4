"""``amlpipe pipelines``: what is published, what is in it, and how is it run, disabled and enabled?"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, Any

from airflow_amlpipe.cli.command import Command, CommandGroup, add_json_argument, add_workspace_argument
from airflow_amlpipe.cli.file_arguments import parameter_texts
from airflow_amlpipe.cli.output import human_time, print_json, print_list
from airflow_amlpipe.cli.status import status_commands
from airflow_amlpipe.cli.workspace_choice import choose_workspace

if TYPE_CHECKING:
    from airflow_amlpipe.workspace.published import PublishedPipeline, PublishedStatus

__all__ = ["COMMAND", "add_submission_arguments", "experiment_called", "finish_submitted"]


def _add_list_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--all", action="store_true", help="also those that are disabled")
    add_workspace_argument(parser)
    add_json_argument(parser)


def _list(given: Namespace) -> int:
    from airflow_amlpipe.services.published import list_published

    chosen = choose_workspace(given.workspace)
    found = list_published(chosen.url, home=chosen.home, active_only=not given.all)
    return print_list(
        given.json,
        [item.model_dump(mode="json") for item in found],
        ("id", "name", "version", "status", "published"),
        [(item.id, item.name, item.version or "-", item.status, human_time(item.created_at)) for item in found],
        if_empty=f"no pipeline is published in {chosen.url}; Pipeline.publish(name) in a script publishes one, and --all also lists those that are disabled",
    )


def _add_pipeline(parser: ArgumentParser) -> None:
    parser.add_argument("pipeline", metavar="ID", help="id of a published pipeline, or the beginning of it")


def _add_one_argument(parser: ArgumentParser) -> None:
    _add_pipeline(parser)
    add_workspace_argument(parser)
    add_json_argument(parser)


def _show(given: Namespace) -> int:
    from airflow_amlpipe.services.published import get_published, published_spec

    chosen = choose_workspace(given.workspace)
    pipeline = get_published(chosen.url, given.pipeline, home=chosen.home, may_shorten=True)
    spec = published_spec(chosen.url, pipeline.id, home=chosen.home)
    if given.json:
        print_json({**pipeline.model_dump(mode="json"), "specification": spec.model_dump(mode="json")})
        return 0
    print(f"published pipeline {pipeline.name} ({pipeline.status})")
    print(f"  id: {pipeline.id}")
    if pipeline.version:
        print(f"  version: {pipeline.version}")
    if pipeline.description:
        print(f"  description: {pipeline.description}")
    print(f"  published: {human_time(pipeline.created_at)}{f', from run {pipeline.run_id}' if pipeline.run_id else ''}")
    print(f"  steps: {', '.join(pipeline.step_names.values())}")
    for parameter in spec.parameters:
        print(f"  parameter {parameter.name} ({parameter.type}): {parameter.default!r}")
    return 0


def add_submission_arguments(parser: ArgumentParser) -> None:
    """Add what a run of something published can be given."""
    parser.add_argument("--experiment", metavar="NAME", default=None, help="experiment of the run (default: the pipeline's name)")
    parser.add_argument(
        "--param", metavar="NAME=VALUE", action="append", default=[], help="value of a pipeline parameter; can be given several times"
    )
    parser.add_argument("--reuse", metavar="POLICY", default="auto", help="as for `amlpipe run` (default: auto)")
    parser.add_argument("--quiet", "-q", action="store_true", help="do not show what the steps' scripts write")
    add_workspace_argument(parser)
    add_json_argument(parser)


def _add_run_arguments(parser: ArgumentParser) -> None:
    _add_pipeline(parser)
    add_submission_arguments(parser)


def _run(given: Namespace) -> int:
    from airflow_amlpipe.services.published import get_published, submit_published

    chosen = choose_workspace(given.workspace)
    pipeline = get_published(chosen.url, given.pipeline, home=chosen.home, may_shorten=True)
    experiment = given.experiment or experiment_called(pipeline.name)
    values = parameter_texts(given.param)
    run_id = submit_published(chosen.url, pipeline.id, experiment, home=chosen.home, parameters=values, policy=given.reuse)
    return finish_submitted(given, chosen.url, run_id, experiment)


def experiment_called(name: str) -> str:
    """Return a name that an experiment can have, made of another one."""
    import re

    return re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-_")[:255] or "published"


def finish_submitted(given: Namespace, workspace: str, run_id: str, experiment: str) -> int:
    """Wait for a run that this command submitted, print what it became, and return the exit code."""
    from airflow_amlpipe.cli.finishing import finish_run
    from airflow_amlpipe.cli.run_table import print_run
    from airflow_amlpipe.services.submit import SubmittedRun

    shown: dict[str, Any] = finish_run(SubmittedRun(run_id, workspace, experiment), show_logs=not given.quiet)
    if given.json:
        print_json({"runs": [shown]})
    else:
        print()
        print_run(shown)
    return 0 if shown["status"] == "Finished" else 1


def _set_status(given: Namespace, status: PublishedStatus) -> tuple[str, PublishedPipeline]:
    from airflow_amlpipe.services.published import get_published, set_published_status

    chosen = choose_workspace(given.workspace)
    pipeline = get_published(chosen.url, given.pipeline, home=chosen.home, may_shorten=True)
    return f"published pipeline {pipeline.name!r} ({pipeline.id})", set_published_status(chosen.url, pipeline.id, status, home=chosen.home)


COMMAND = CommandGroup(
    name="pipelines",
    help="Published pipelines: list, show, run, disable, enable.",
    commands=(
        Command("list", "List the published pipelines, newest first.", ("", "--all --json"), _add_list_arguments, _list),
        Command(
            "show", "Show a published pipeline: its steps, and its parameters with their defaults.", ("3f9a1c",), _add_one_argument, _show
        ),
        Command(
            "run",
            "Run a published pipeline here and now, with the sources that were published.",
            ("3f9a1c", "3f9a1c --experiment nights --param size=20"),
            _add_run_arguments,
            _run,
        ),
        *status_commands("a published pipeline", "3f9a1c", _add_one_argument, _set_status),
    ),
)
