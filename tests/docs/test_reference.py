"""Do the reference pages say what the code says?"""

from __future__ import annotations

import pytest

from docs.write_reference import PAGES
from tests.docs.pages import REPOSITORY


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_what_the_code_says(name: str) -> None:
    committed = (REPOSITORY / "docs" / "reference" / name).read_text(encoding="utf-8")
    assert committed == PAGES[name](), f"docs/reference/{name} is out of date; run `make docs`"
