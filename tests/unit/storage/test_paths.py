"""Which paths may be given to a store?"""

from __future__ import annotations

import pytest

from airflow_amlpipe.exceptions import DefinitionError
from airflow_amlpipe.storage.paths import apart, below_root, exactly_one, inside


@pytest.mark.parametrize(("path", "expected"), [("", ""), (".", ""), ("./", ""), ("a//b/./c/", "a/b/c"), ("[ab]", "[ab]"), (" a ", " a ")])
def test_a_path_is_taken_literally_without_empty_parts(path: str, expected: str) -> None:
    assert inside("file:///s", path) == expected


@pytest.mark.parametrize("path", ["/etc/passwd", "..", "a/..", "a/../../b", "a\0b"])
def test_a_path_out_of_the_store_is_refused(path: str) -> None:
    """S01."""
    for check in (inside, below_root, exactly_one):
        with pytest.raises(DefinitionError, match="must be relative and stay below the root"):
            check("file:///s", path)
    for pair in ((path, "x"), ("x", path)):
        with pytest.raises(DefinitionError, match="must be relative and stay below the root"):
            apart("file:///s", *pair)


@pytest.mark.parametrize("path", ["", ".", "./"])
def test_what_deletes_or_replaces_refuses_the_root(path: str) -> None:
    """S34."""
    for check in (below_root, exactly_one):
        with pytest.raises(DefinitionError, match="is the root of the datastore"):
            check("file:///s", path)


@pytest.mark.parametrize("path", ["*", "a/?", "a*b/c"])
def test_what_is_deleted_is_named_exactly(path: str) -> None:
    """S34."""
    with pytest.raises(DefinitionError, match="will not be deleted"):
        exactly_one("file:///s", path)


@pytest.mark.parametrize(("source", "path"), [("a", "a"), ("a", "a/b"), ("a/b", "a")])
def test_nothing_is_copied_into_itself(source: str, path: str) -> None:
    with pytest.raises(DefinitionError, match="lie within each other"):
        apart("file:///s", source, path)


def test_names_that_begin_alike_are_apart() -> None:
    assert apart("file:///s", "a", "ab/") == ("a", "ab")
