"""How is a run shown while it works? One line when a step starts and when it ends, and what is said in between: by its script, and by us about it."""

from __future__ import annotations

import sys
from typing import TextIO

from airflow_amlpipe.cli.output import human_duration
from airflow_amlpipe.exceptions import shorten
from airflow_amlpipe.services.follow import RunEvent

__all__ = ["ProgressLines"]

_STYLES = {"Finished": "32", "Failed": "31", "Canceled": "33"}


class ProgressLines:
    """Prints the events of a run as lines, coloured on a terminal.

    :param show_logs: print the scripts' own lines too
    """

    def __init__(self, stream: TextIO | None = None, *, show_logs: bool = True) -> None:
        self._stream = stream or sys.stderr
        self._is_terminal = self._stream.isatty()
        self._show_logs = show_logs

    def __call__(self, event: RunEvent) -> None:
        """Print ``event``."""
        name = shorten(event.started.step_name, 60) if event.started else ""
        if event.kind == "step_started":
            self._print("36", f"> {name}")
        elif event.kind == "notice":
            self._print("2", f"    {name}: {_printable(event.line)}")
        elif event.kind == "log_line" and self._show_logs:
            self._print("2", f"    {name} | {_printable(event.line)}")
        elif event.kind == "step_finished" and event.finished is not None:
            done = event.finished
            said = shorten(done.error or done.explanation, 400)
            self._print(
                _STYLES.get(done.status, ""),
                f"{'=' if done.reused else '+' if done.status == 'Finished' else '!'} {name}: {done.status} in {human_duration(done.duration_seconds)}, {said}",
            )
        elif event.kind == "run_finished" and event.run is not None:
            self._print(_STYLES.get(event.run.status, ""), f"run {event.run_id}: {event.run.status}")

    def _print(self, style: str, line: str) -> None:
        print(f"\x1b[{style}m{line}\x1b[0m" if self._is_terminal and style else line, file=self._stream, flush=True)


def _printable(line: str) -> str:
    # A script's control characters are its own business on its own terminal, not on ours.
    return "".join(character if character.isprintable() or character == "\t" else " " for character in line)
