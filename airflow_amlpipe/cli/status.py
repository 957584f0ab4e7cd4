"""How is something that is published disabled and enabled?"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from airflow_amlpipe.cli.command import Command
from airflow_amlpipe.cli.output import print_json

if TYPE_CHECKING:
    from airflow_amlpipe.workspace.endpoints import PipelineEndpoint
    from airflow_amlpipe.workspace.published import PublishedPipeline, PublishedStatus

__all__ = ["status_commands"]


def status_commands(
    noun: str,
    example: str,
    add_arguments: Callable[[ArgumentParser], None],
    change: Callable[[Namespace, PublishedStatus], tuple[str, PublishedPipeline | PipelineEndpoint]],
) -> tuple[Command, Command]:
    """Return the commands that disable and enable things of a kind.

    :param change: gives the thing that was named a status, and returns what it is called and what it is then
    """
    run = partial(_run, change)
    return (
        Command("disable", f"Keep {noun} from being listed and run.", (example,), add_arguments, partial(run, "Disabled")),
        Command("enable", f"Let {noun} be listed and run again.", (example,), add_arguments, partial(run, "Active")),
    )


def _run(
    change: Callable[[Namespace, PublishedStatus], tuple[str, PublishedPipeline | PipelineEndpoint]],
    status: PublishedStatus,
    given: Namespace,
) -> int:
    called, changed = change(given, status)
    if given.json:
        print_json(changed.model_dump(mode="json"))
    else:
        print(f"{called} is {'enabled' if changed.status == 'Active' else 'disabled'}")
    return 0
