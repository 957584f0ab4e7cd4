"""What does the command ``amlpipe`` do? Each group of commands has a module of its own; this is only the door."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code, see ``application.py``."""
    from airflow_amlpipe.cli.application import run_command

    return run_command(arguments)
