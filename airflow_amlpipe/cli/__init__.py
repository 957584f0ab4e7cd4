"""What does the command ``amlpipe`` do? Each group of commands has a module of its own; this is only the door.

It imports nothing, so that Ctrl-C is understood from the first moment: what a command needs takes a while to import.
"""

from __future__ import annotations

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code, see ``application.py``."""
    try:
        from airflow_amlpipe.cli.application import run_command

        return run_command(arguments)
    except KeyboardInterrupt:
        import sys

        sys.stderr.write("amlpipe: interrupted\n")
        return 130
