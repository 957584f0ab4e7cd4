"""When is a person warned that one thing keeps making a step run, and what are they told to do?"""

from __future__ import annotations

import pytest

from airflow_amlpipe.reuse.streak import Streak, continue_streak
from airflow_amlpipe.reuse.subject import Subject


def streak(component: str, where: str = "x", runs: int = 5) -> Streak:
    return Streak(component=component, where=where, name="the thing", runs=runs)


@pytest.mark.parametrize(("runs", "at_least", "warned"), [(3, 4, False), (4, 4, True), (9, 4, True), (9, 0, False), (1, 1, True)])
def test_a_warning_is_given_from_the_number_of_runs_on_that_the_setting_names(runs: int, at_least: int, warned: bool) -> None:
    assert (streak("arguments", runs=runs).sentence(at_least) is not None) == warned


def test_the_warning_says_what_how_often_and_what_to_do() -> None:
    assert streak("arguments").sentence(5) == (
        "the thing changed in each of the last 5 runs and alone made this step run; "
        "if it does not influence the outputs, declare it volatile: Volatile(...) in arguments=[...]"
    )


@pytest.mark.parametrize(
    ("component", "where", "advice"),
    [
        ("parameters", "build", "PipelineParameter(..., volatile=True)"),
        ("code", "notes.txt", "name it in .amlignore"),
        ("environment", "variables.BUILD", "a volatile argument"),
        ("environment", "image", "leave it as it is"),
        ("outputs", "out.destination", "{run-id}"),
        ("inputs", "data", "seed what is random"),
        ("version", "", "leave it as it is"),
    ],
)
def test_the_advice_fits_what_changed(component: str, where: str, advice: str) -> None:
    assert advice in (streak(component, where).sentence(4) or "")


@pytest.mark.parametrize("where", ["train.py", "below/model.py", ""])
def test_new_code_is_no_mistake(where: str) -> None:
    assert streak("code", where).sentence(1) is None


@pytest.mark.parametrize(
    ("before", "runs"),
    [(None, 1), (streak("arguments", "[1]", 3), 4), (streak("arguments", "[2]", 3), 1), (streak("parameters", "[1]", 3), 1)],
)
def test_a_streak_goes_on_while_it_is_the_same_thing(before: Streak | None, runs: int) -> None:
    assert continue_streak(Subject("arguments", "[1]", "argument 2"), before).runs == runs
