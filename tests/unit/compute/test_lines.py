"""Which lines come out of a stream of bytes?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_amlpipe.compute.lines import LONGEST_LINE, LineSplitter


def lines_of(*chunks: bytes) -> list[str]:
    splitter = LineSplitter()
    return [line for chunk in chunks for line in splitter.feed(chunk)] + splitter.finish()


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        ([], []),
        ([b""], []),
        ([b"a\nb\n"], ["a", "b"]),
        ([b"a\nb"], ["a", "b"]),
        ([b"a", b"b\n"], ["ab"]),
        ([b"\n\n"], ["", ""]),
        ([b"a\r\nb\r\n"], ["a", "b"]),
        ([b"a\r", b"\nb"], ["a", "b"]),
        (["é€".encode()[:1], "é€".encode()[1:3], "é€".encode()[3:] + b"\n"], ["é€"]),
        ([b"\xff\xfe\n"], ["\ufffd\ufffd"]),
        ([b"cut \xe2\x82"], ["cut \ufffd"]),
        ([b"10%\r20%\r30%\ndone\n"], ["30%", "done"]),
        ([b"\r10%", b"\r20%", b"\r30%"], ["30%"]),
        ([b"10%\r", b"20%\r", b"30%\r"], ["30%"]),
        ([b"\x00\x01\n"], ["\x00\x01"]),
    ],
)
def test_lines(chunks: list[bytes], expected: list[str]) -> None:
    assert lines_of(*chunks) == expected


def test_a_line_that_never_ends_comes_in_pieces_and_is_not_kept() -> None:
    splitter = LineSplitter()
    found = [line for _ in range(100) for line in splitter.feed(b"x" * 10_000)]
    assert len(splitter._pending) <= LONGEST_LINE
    assert "".join([*found, *splitter.finish()]) == "x" * 1_000_000
    assert max(map(len, found)) == LONGEST_LINE


def test_a_progress_bar_keeps_only_what_it_shows() -> None:
    splitter = LineSplitter()
    assert splitter.glimpse() is None
    for percent in range(1000):
        assert splitter.feed(b"\r%d of 1000 |####|" % percent) == []
        assert len(splitter._pending) < 50
    assert splitter.glimpse() == "999 of 1000 |####|"
    assert splitter.glimpse() is None


@given(st.lists(st.text(st.characters(blacklist_characters="\r\n", blacklist_categories=["Cs"]), max_size=20), max_size=8), st.data())
def test_where_the_bytes_are_cut_does_not_matter(lines: list[str], data: st.DataObject) -> None:
    content = "".join(line + "\n" for line in lines).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=6)))
    chunks = [content[start:end] for start, end in zip([0, *cuts], [*cuts, len(content)], strict=True)]
    assert lines_of(*chunks) == lines
