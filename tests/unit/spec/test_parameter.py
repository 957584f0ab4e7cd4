"""Which values does a parameter take?"""

from __future__ import annotations

import pytest

from airflow_amlpipe.exceptions import DefinitionError
from airflow_amlpipe.spec.parameter import ParameterSpec, ParameterType

DEFAULTS: dict[ParameterType, bool | int | float | str] = {"string": "a", "integer": 1, "number": 0.5, "boolean": True}


def parameter(kind: ParameterType) -> ParameterSpec:
    return ParameterSpec(name="p", type=kind, default=DEFAULTS[kind])


@pytest.mark.parametrize(
    "text",
    ["; rm -rf /", "$(id)", "`id`", "a\nb", "'", '"', "--flag=x", "", "{{ conn.x.password }}", "{% for %}", "\x1b[31m", "é", "<script>"],
)
def test_text_is_taken_as_it_is_whatever_a_shell_or_a_template_would_make_of_it(text: str) -> None:
    """S08, S09."""
    assert parameter("string").bind(text) == text


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        ("number", float("nan"), "was given nan, which is no number; use a finite one, or text"),
        ("number", float("inf"), "was given inf, which is no number"),
        ("string", "a\0b", "holds a NUL character; no script can be given that"),
        ("string", "\ud800", "of which character 1 is half of one; leave it out"),
        ("string", 1, "takes a value of type string"),
        ("integer", True, "takes a value of type integer"),
        ("integer", "1", "takes a value of type integer"),
        ("boolean", 1, "takes a value of type boolean"),
        ("string", ["a"], "cannot be of type list"),
        ("string", {"a": 1}, "cannot be of type dict"),
        ("string", None, "cannot be of type NoneType"),
    ],
)
def test_what_is_no_value_or_cannot_be_kept_is_refused_by_the_parameters_name_or_type(
    kind: ParameterType, value: object, words: str
) -> None:
    """S08, S15."""
    with pytest.raises(DefinitionError) as caught:
        parameter(kind).bind(value)
    assert words in str(caught.value)
