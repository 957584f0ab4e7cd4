"""Which names may parameters and steps have, and what do they become in a script's environment and in Airflow?"""

from __future__ import annotations

import pytest

from airflow_amlpipe.exceptions import DefinitionError
from airflow_amlpipe.spec.names import (
    check_binding_name,
    check_parameter_name,
    check_relative_path,
    check_step_id,
    check_variable_name,
    parameter_variable,
    task_id_for,
)


@pytest.mark.parametrize("name", ["rate", "learning-rate", "learning rate", "model.depth", "2nd", "_x", "a-", "élève", "学習率", "x" * 255])
def test_names_that_sdk_v1_took_can_be_used(name: str) -> None:
    assert check_parameter_name("pipeline parameter", name) == name


@pytest.mark.parametrize("name", ["", " a", "-a", ".a", "a\n", "a\tb", "a=b", "a{b}", "a/b", "a'b", "\ud800", "x" * 256, 3, None])
def test_a_name_that_a_shell_or_a_form_would_misread_is_refused(name: object) -> None:
    with pytest.raises(DefinitionError, match="pipeline parameter: the name .* cannot be used; use letters, digits"):
        check_parameter_name("pipeline parameter", name)


def test_the_key_of_the_runs_own_options_is_reserved_for_them() -> None:
    with pytest.raises(DefinitionError, match="pipeline parameter: the name 'amlpipe' is reserved: .* rename the parameter"):
        check_parameter_name("pipeline parameter", "amlpipe")
    assert check_variable_name("params", "amlpipe") == "amlpipe", "what only a script sees is in no conf"


@pytest.mark.parametrize(("name", "variable"), [("learning-rate", "learning_rate"), ("a b.c", "a_b_c"), ("é a", "é_a"), ("Rate", "Rate")])
def test_the_variable_is_sdk_v1s(name: str, variable: str) -> None:
    assert parameter_variable(name) == f"AML_PARAMETER_{variable}"


@pytest.mark.parametrize("name", ["data", "2024_data", "_", "donnés", "é" * 127])
def test_a_port_may_have_any_letters_and_begin_with_a_digit_as_in_sdk_v1(name: str) -> None:
    assert check_binding_name("input", name) == name


@pytest.mark.parametrize("name", ["", "a b", "a-b", "a.b", "a/b", "..", "a\n", "\ud800", "é" * 128, 3, None])
def test_a_port_whose_name_can_be_no_folder_or_variable_is_refused(name: object) -> None:
    with pytest.raises(DefinitionError, match="input: the name .* cannot be used; use letters, digits and '_', at most 255 bytes of them"):
        check_binding_name("input", name)


@pytest.mark.parametrize("name", ["train", "train the model", ".", "..", "...", "", "é", "../x", "a" * 300, "_", "a\nb"])
def test_every_name_of_a_step_gives_an_id_that_can_be_used(name: str) -> None:
    assert check_step_id("step", task_id_for(name))


@pytest.mark.parametrize(
    ("given", "path"),
    [("", ""), (".", ""), ("./", ""), ("./.", ""), ("a/./b/", "a/b"), ("a//b", "a/b"), ("a\\b", "a/b"), ("**/*.csv", "**/*.csv")],
)
def test_a_relative_path_has_one_form(given: str, path: str) -> None:
    assert check_relative_path("x", given) == path


@pytest.mark.parametrize(
    "path",
    [
        "../x",
        "a/../../x",
        "a\\..\\..\\x",
        "/etc/passwd",
        "\\\\host\\share",
        "~/x",
        "C:\\x",
        "c:x",
        "s3://other/x",
        "file:///etc",
        "zip://x::https://host/y",
        "a\0b",
        "a\nb",
        "a\u202eb",
        "x" * 100_000,
        "x/" * 50_000,
    ],
    ids=lambda path: repr(path)[:20],
)
def test_a_path_that_leaves_its_datastore_or_is_none_is_refused_in_one_line(path: str) -> None:
    """S07."""
    with pytest.raises(DefinitionError) as caught:
        check_relative_path("step 'train': input 'raw'", path)
    assert str(caught.value).startswith("step 'train': input 'raw': the path ")
    assert len(str(caught.value)) < 500
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("path", ["\uff0e\uff0e/x", "\u2025/x", "..%2fx", "%2e%2e/x", "...", "a..b"])
def test_what_only_looks_like_the_folder_above_is_a_name(path: str) -> None:
    """S07."""
    assert check_relative_path("x", path) == path
