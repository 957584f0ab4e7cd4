"""How does a command line name a script or DAG file, and how is that file read?"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path

from airflow_amlpipe.cli.command import add_json_argument
from airflow_amlpipe.exceptions import DefinitionError, shorten
from airflow_amlpipe.services.collect import Collector, OnlyPlannedError, OptionRefusedError, collecting
from airflow_amlpipe.services.script import ScriptOutcome, run_module, run_script
from airflow_amlpipe.settings import Settings

__all__ = ["add_file_arguments", "parameter_texts", "read_file"]

_OWN_OPTIONS = {"--json", "--param", "--quiet", "--reuse", "--workspace", "-q"}


def add_file_arguments(parser: ArgumentParser) -> None:
    """Add the file, its own arguments, and what goes before them."""
    parser.add_argument(
        "--reuse",
        metavar="POLICY",
        default=None,
        help="auto: reuse what can be reused; refresh: run every step; refresh-from:STEP: run that step and what follows from it; "
        "require: fail rather than compute; max-age:7d: reuse no result that is older (also 90s, 30m, 12h, 2w), alone or after one of the "
        "others, as in require,max-age:12h (default: what the file says)",
    )
    parser.add_argument(
        "--param", metavar="NAME=VALUE", action="append", default=[], help="value of a pipeline parameter; can be given several times"
    )
    parser.add_argument(
        "--workspace",
        metavar="NAME|URL",
        help="workspace for a pipeline whose file names none, and for a DAG file in place of the one it names",
    )
    add_json_argument(parser)
    parser.add_argument(
        "-m", dest="is_module", action="store_true", help="FILE is the name of a module or package, as in python -m MODULE ARGS"
    )
    parser.add_argument(
        "file", metavar="FILE", help="a script or notebook that submits a pipeline, or a DAG file; options for it come after it"
    )
    parser.add_argument("arguments", metavar="ARGS", nargs=argparse.REMAINDER, help="the file's own arguments, handed on as they are")


def read_file(given: Namespace, *, only_plan: bool) -> tuple[Collector, ScriptOutcome]:
    """Run the file as the person would, and return what it defined and how it ended.

    :raises DefinitionError: the file is not there, or an option cannot be used
    """
    collector = Collector(parameter_texts=parameter_texts(given.param), policy=given.reuse, only_plan=only_plan)
    if given.workspace:
        from airflow_amlpipe.sdk._workspace_choice import workspace_root

        collector.workspace = os.environ["AMLPIPE_WORKSPACE"] = workspace_root(given.workspace, Settings.load().home)
    if home := os.environ.get("AMLPIPE_HOME"):
        os.environ["AMLPIPE_HOME"] = os.path.abspath(os.path.expanduser(home))  # the file may go to another folder
    # Makes `azureml` importable for the file; nothing is installed under that name.
    import airflow_amlpipe.azureml  # noqa: F401

    with collecting(collector), _out_of_the_way(given.json):
        try:
            outcome = _run(given)
        except OnlyPlannedError:
            outcome = ScriptOutcome(0)
        except OptionRefusedError as refused:
            raise refused.error from None
    if any(pipeline.dag_id is not None for pipeline in collector.pipelines):
        _refuse_misplaced_options(given)
    return collector, outcome


def _run(given: Namespace) -> ScriptOutcome:
    if given.is_module:
        return run_module(given.file, given.arguments)
    if given.file.lower().endswith(".ipynb"):
        from airflow_amlpipe.services.notebook import run_notebook

        return run_notebook(Path(given.file), given.arguments)
    return run_script(Path(given.file), given.arguments)


def _refuse_misplaced_options(given: Namespace) -> None:
    """A script may have options called like ours; a DAG file has none, so one that stands after it was meant for us and did nothing."""
    for argument in given.arguments:
        name = argument.partition("=")[0]
        if name in _OWN_OPTIONS:
            raise DefinitionError(
                f"option {name} stands after {shorten(repr(given.file))}, which is a DAG file and takes no options; put it before the file"
            )


@contextlib.contextmanager
def _out_of_the_way(answers_in_json: bool) -> Iterator[None]:
    """Leave standard output to the answer when another program reads it."""
    if not answers_in_json:
        yield
        return
    with contextlib.redirect_stdout(sys.stderr):
        yield


def parameter_texts(given: list[str]) -> dict[str, str]:
    """Return what was given with ``--param``, by name.

    :raises DefinitionError: one is not written NAME=VALUE
    """
    values: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise DefinitionError(f"--param {shorten(repr(text))} cannot be used; write --param NAME=VALUE")
        values[name] = value
    return values
