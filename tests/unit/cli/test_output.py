"""Is what is printed data, whatever is in it?"""

from __future__ import annotations

import json

import pytest

from airflow_amlpipe.cli.output import print_json, print_table


class Terminal:
    """Standard output as a terminal has it."""

    encoding = "utf-8"

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        self.text += text
        return len(text)

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("cell", ["\x1b]0;title\x07", "\x1b[2J", "a\rb", "\u202egnp.exe", "\x08\x08"])
@pytest.mark.parametrize("is_terminal", [True, False])
def test_escape_sequences_of_others_reach_no_terminal(
    cell: str, is_terminal: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """S21."""
    terminal = Terminal()
    if is_terminal:
        monkeypatch.setattr("sys.stdout", terminal)
    print_table(("name",), [(f"before {cell} after",)])
    printed = terminal.text if is_terminal else capsys.readouterr().out
    assert "before" in printed
    assert "after" in printed
    assert not [character for character in cell if not character.isprintable() and character != "\x1b" and character in printed]
    assert "\x1b]" not in printed
    assert "\x1b[2J" not in printed


def test_markup_of_others_is_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """S21."""
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    print_table(("name",), [("[bold red]x[/bold red] [link=http://host]y[/link]",)])
    assert "[bold red]x[/bold red]" in terminal.text
    assert "[link=http://host]y[/link]" in terminal.text


def test_json_holds_everything_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """S21, S22: there is no export of tables but JSON, in which a formula is text."""
    document = {"name": "=cmd|' /C calc'!A0", "line": "a\nb\x1b[2J"}
    print_json(document)
    printed = capsys.readouterr().out
    assert json.loads(printed) == document
    assert "\x1b" not in printed
