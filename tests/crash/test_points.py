"""Is every crash point of the source in the one table, and can none be armed where nobody tests?"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from airflow_amlpipe.exceptions import DefinitionError
from airflow_amlpipe.storage import crash_points
from tests.architecture.source_tree import package_modules
from tests.crash.points import POINTS


def named_points() -> list[str]:
    trees = [module.tree for module in package_modules()]
    trees.append(ast.parse((Path(__file__).parent / "graph.py").read_text()))
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    arguments = [call.args[0] for call in calls if isinstance(call.func, ast.Name) and call.func.id == "crash_point"]
    return [name for argument in arguments for name in names_of(argument)]


def names_of(argument: ast.expr) -> list[str]:
    """The name that is passed; of one with a part that varies, all of the table that it can be."""
    if not isinstance(argument, ast.JoinedStr):
        return [str(ast.literal_eval(argument))]
    parts = [re.escape(str(part.value)) if isinstance(part, ast.Constant) else "[a-z]+" for part in argument.values]
    return [name for name in POINTS if re.fullmatch("".join(parts), name)]


def test_every_point_of_the_source_is_in_the_table_and_stands_in_one_place() -> None:
    assert Counter(named_points()) == dict.fromkeys(POINTS, 1)


def test_a_point_costs_a_call_of_an_empty_function_where_nobody_tests() -> None:
    assert crash_points.crash_point is crash_points._unarmed


def test_no_point_can_be_armed_where_nobody_tests() -> None:
    with pytest.raises(DefinitionError, match="this process was not started with AMLPIPE_TEST_CRASH=ask"):
        crash_points.at_crash_points(print)


@pytest.mark.parametrize(
    ("armed", "passed"), [("second", "first\n"), ("first:2", "first\nsecond\n"), ("third", "first\nsecond\nfirst\nend\n")]
)
def test_a_process_kills_itself_at_the_point_that_the_variable_names(armed: str, passed: str) -> None:
    script = (
        "from airflow_amlpipe.storage.crash_points import crash_point\n"
        "for name in ('first', 'second', 'first'):\n"
        "    crash_point(name)\n"
        "    print(name, flush=True)\n"
        "print('end')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], env={**os.environ, "AMLPIPE_TEST_CRASH": armed}, capture_output=True, text=True)
    assert done.stdout == passed
    assert done.returncode == (0 if armed == "third" else -9)
