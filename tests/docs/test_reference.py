"""Do the reference pages say what the code says?"""

from __future__ import annotations

import pytest

from docs.promises import holding_tests, promises
from docs.write_reference import PAGES
from tests.docs.pages import REPOSITORY


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_what_the_code_says(name: str) -> None:
    committed = (REPOSITORY / "docs" / "reference" / name).read_text(encoding="utf-8")
    assert committed == PAGES[name](), f"docs/reference/{name} is out of date; run `make docs`"


def test_every_promise_is_held_by_a_test_or_says_why_nothing_is_there_to_keep_it() -> None:
    kept, held = promises(), holding_tests()
    assert set(held) <= set(kept), "a test names a case that docs/promises.toml does not have"
    assert {case for case, entry in kept.items() if "not_yet" not in entry} == set(held)
