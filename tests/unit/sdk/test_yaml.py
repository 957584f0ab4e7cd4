"""Which YAML of authors is refused, although a reader would take it?"""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_amlpipe.sdk._yaml import parse_yaml, read_yaml
from airflow_amlpipe.sdk.exceptions import UserErrorException

LAUGHS = "a0: &a0 [x, x]\n" + "".join(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 10))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: !!python/object/apply:os.system ['touch planted']", "line 1: this is not YAML"),
        ("a: 1\nb: !!python/name:os.system", "line 2: this is not YAML"),
        (LAUGHS, "with its aliases written out it is more than 100000 values"),
        ("a: &a [*a]", "line 1: an alias stands for something that it is part of"),
        ("name: one\ndependencies: []\nname: two\n", "line 3: the key 'name' is there more than once"),
        ("a:\n  b: 1\n  c: 2\n  b: 3\n", "line 4: the key 'b' is there more than once"),
        ("a: [1, 2\nb: 3\n", "line 2: this is not YAML"),
        ("a: 1\n---\nb: 2\n", "line 2: this is not YAML"),
        ("[" * 20_000, "this is not YAML"),
        ("- a\n- b\n", "must hold a mapping"),
        ("", "must hold a mapping"),
        ("a: 2026-13-45\n", "this is not YAML"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_is_no_plain_data_is_refused_with_its_line(text: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """S14."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserErrorException) as caught:
        parse_yaml(text, "conda specification 'env.yml'")
    assert words in str(caught.value)
    assert str(caught.value).startswith("conda specification 'env.yml'")
    assert len(str(caught.value)) < 500
    assert list(tmp_path.iterdir()) == []


def test_a_file_larger_than_any_specification_is_not_even_read(tmp_path: Path) -> None:
    """S14."""
    (tmp_path / "env.yml").write_bytes(b"#" * (1024 * 1024 + 1))
    with pytest.raises(UserErrorException, match="is larger than 1048576 bytes; that is no conda specification"):
        read_yaml(tmp_path / "env.yml", "conda specification")


def test_a_few_aliases_and_merged_keys_are_fine() -> None:
    text = "base: &base {channels: [conda-forge]}\none: {<<: *base, name: x}\ntwo: *base\n"
    assert parse_yaml(text, "file")["one"] == {"channels": ["conda-forge"], "name": "x"}
