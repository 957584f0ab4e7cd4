"""Does rewriting imports leave everything else alone, whatever a script or notebook looks like?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_amlpipe.migration.files import decode_script
from airflow_amlpipe.migration.imports import find_imports
from airflow_amlpipe.migration.json_strings import json_strings, raw_offset
from airflow_amlpipe.migration.rewriting import rewrite_below

OURS = sorted(Path(__file__).parents[1].glob("unit/sdk/**/*.py"))
LINE_ENDS = st.sampled_from(["\n", "\r\n", "\r"])
# Lines of Python that can stand one below the other, none of which is an import of SDK v1.
LINES = st.sampled_from(
    [
        "x = 1",
        "y = 'azureml.core'  # azureml",
        "def f(azureml): return azureml.core",
        "\t",
        "",
        "\x0c",
        "class azureml_like: azureml = 1",
        "print(azureml_like.azureml, f'{x!r} azureml')",
        "é = '✓'",
        '"""',
        "z = [\\",
        "]",
        "from . import azureml as mine",
        "# azureml \\",
    ]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(LINES, LINE_ENDS), max_size=12))
def test_a_script_without_imports_of_sdk_v1_comes_back_as_it_is(lines: list[tuple[str, str]]) -> None:
    text = "".join(line + end for line, end in lines)
    try:
        found = find_imports(text)
    except ValueError:  # no Python: nothing is changed either
        return
    assert found.spots == ()


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=60), end=LINE_ENDS, encoding=st.sampled_from(["utf-8", "utf-8-sig", "latin-1"]))
def test_what_stands_around_an_import_stays_byte_by_byte(tmp_path: Path, text: str, end: str, encoding: str) -> None:
    comment = "".join(character for character in text if character.isprintable()).encode(encoding.removesuffix("-sig"), errors="ignore")
    head = b"\xef\xbb\xbf" if encoding == "utf-8-sig" else b"# coding: latin-1\n" if encoding == "latin-1" else b""
    before = [head, b"# " + comment, end.encode(), b"import ", b"azureml", b".core  #" + comment, end.encode()]
    (tmp_path / "script.py").write_bytes(b"".join(before))
    (rewritten,) = rewrite_below([str(tmp_path / "script.py")])
    before[4] = b"airflow_amlpipe.sdk"
    assert rewritten.problem == ""
    assert rewritten.after.encode(rewritten.encoding) == b"".join(before)


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
        lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=4), below, max_size=3),
        max_leaves=8,
    ),
    st.sampled_from([None, 1, 3]),
    st.booleans(),
)
def test_every_character_of_every_string_of_a_document_is_found(document: object, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(document, indent=indent, ensure_ascii=ascii_only)
    for string in json_strings(text):
        value = document
        for key in string.path:
            value = value[key]  # type: ignore[index]
        assert value == string.text
        for offset in range(len(string.text)):
            start, stop = raw_offset(text, string, offset), raw_offset(text, string, offset + 1)
            assert json.loads(f'"{text[start:stop]}"') == string.text[offset]


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_our_own_scripts_of_sdk_v1_stay_programs_and_change_nowhere_else(path: Path) -> None:
    text, _ = decode_script(path.read_bytes())
    (rewritten,) = rewrite_below([str(path)], steps_too=True)
    if rewritten.problem or not rewritten.changed:
        return
    assert len(rewritten.after) == len(text) + rewritten.changed * (len("airflow_amlpipe.sdk") - len("azureml"))
    compile(rewritten.after, str(path), "exec")
