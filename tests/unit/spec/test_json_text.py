"""Which JSON is refused, although some reader would take it?"""

from __future__ import annotations

import pytest

from airflow_amlpipe.exceptions import DefinitionError, ProtocolError
from airflow_amlpipe.spec.document import load_pipeline, parse_model
from airflow_amlpipe.spec.json_text import read_json, read_note
from airflow_amlpipe.spec.parameter import ParameterSpec

DEEP = 1_000_000


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1, column 1: this is not JSON"),
        ('{"a": 1,}', "line 1, column 9: this is not JSON"),
        ('{"a": 1, "a": 2}', "the key 'a' is there more than once"),
        ('[{"b": {"a": 1, "a": 1}}]', "the key 'a' is there more than once"),
        ("[NaN]", "NaN is no number in JSON"),
        ("[Infinity]", "Infinity is no number in JSON"),
        ('{"a": -Infinity}', "-Infinity is no number in JSON"),
        (f"[{'9' * 5000}]", "digits"),
        ("[" * DEEP + "]" * DEEP, "nested too deep"),
        ('{"a":' * DEEP + "1" + "}" * DEEP, "nested too deep"),
        (r'["\ud800"]', "half a character"),
        (r'{"\udfff": 1}', "half a character"),
        (b'["\xff"]', "not UTF-8"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_readers_would_understand_differently_is_refused_in_one_line(text: str | bytes, words: str) -> None:
    """S15."""
    for read in (lambda: read_json(text, "the file"), lambda: load_pipeline(text)):
        with pytest.raises(DefinitionError) as caught:
            read()
        assert words in str(caught.value)
        assert len(str(caught.value)) < 400
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ['{"a": [1, 1.0, "1", true, null, 1e300]}', r'"😀 é"', b'{"a": {"a": 1}}'])
def test_what_every_reader_understands_is_taken(text: str | bytes) -> None:
    assert read_json(text, "the file") is not None


@pytest.mark.parametrize("value", ["NaN", "1e999", "9" * 5000, "[" * DEEP + "]" * DEEP, r'"\ud800"'], ids=lambda value: value[:10])
def test_a_record_with_a_value_that_no_json_has_is_refused_in_one_line(value: str) -> None:
    """S15."""
    with pytest.raises(DefinitionError, match="the record: ") as caught:
        parse_model(ParameterSpec, f'{{"name": "p", "type": "number", "default": {value}}}', "the record")
    assert len(str(caught.value)) < 1000
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b"\x80\x04.", b'{"name": "a", "name": "b"}', b'{"other": 1}', b"[" * DEEP])
def test_a_damaged_note_of_our_own_is_told_and_never_half_believed(body: bytes) -> None:
    """R31."""
    with pytest.raises(ProtocolError, match="a record in the workspace cannot be read: the default datastore"):
        read_note(body, "default datastore", "name")
